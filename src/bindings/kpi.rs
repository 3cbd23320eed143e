//! Cells that face each other.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use super::run::run;
use crate::error::Error;
use crate::kpi::{Sites, facing};
use crate::parallel::threads;

type Columns<'py> = (
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Estimated work of a cell, in nanoseconds.
const NS: u64 = 5_000;

/// Rows of cells, of those that face them, their distances in km and bearings in degrees.
#[pyfunction]
#[pyo3(signature = (
    latitude, longitude, azimuth, radius_km, site, cells, *, half_width_deg, n_jobs=None,
    progress=None
))]
#[allow(clippy::too_many_arguments)] // the columns of a table of sites
pub fn facing_cells<'py>(
    py: Python<'py>,
    latitude: PyReadonlyArray1<'py, f64>,
    longitude: PyReadonlyArray1<'py, f64>,
    azimuth: PyReadonlyArray1<'py, f64>,
    radius_km: PyReadonlyArray1<'py, f64>,
    site: PyReadonlyArray1<'py, i64>,
    cells: PyReadonlyArray1<'py, u32>,
    half_width_deg: f64,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Columns<'py>> {
    let sites = Sites {
        latitude: latitude.as_slice()?,
        longitude: longitude.as_slice()?,
        azimuth: azimuth.as_slice()?,
        radius_km: radius_km.as_slice()?,
        site: site.as_slice()?,
    };
    let n = sites.site.len();
    let columns = [
        ("latitude", sites.latitude),
        ("longitude", sites.longitude),
        ("azimuth", sites.azimuth),
        ("radius_km", sites.radius_km),
    ];
    for (name, column) in columns {
        if column.len() != n {
            let found = column.len();
            return Err(Error::Length {
                name,
                expected: n,
                found,
            }
            .into());
        }
    }
    let cells = cells.as_slice()?;
    if let Some(row) = cells.iter().find(|&&row| row as usize >= n) {
        return Err(Error::argument("cells", format!("rows below {n}"), row).into());
    }
    let threads = threads(n_jobs)?;
    let total = cells.len() as u64;
    let found = run(py, total * NS, total, progress, |monitor| {
        facing(sites, cells, half_width_deg, threads, monitor)
    })?;
    Ok((
        found.cell.into_pyarray(py),
        found.neighbor.into_pyarray(py),
        found.distance_km.into_pyarray(py),
        found.bearing_deg.into_pyarray(py),
    ))
}
