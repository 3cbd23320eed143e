//! Baselines and rules for the KPIs of cells, and cells that face each other.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::run::run;
use crate::error::Error;
use crate::kpi::baseline::{self as baseline_kernel, Center, Method, Season, Settings};
use crate::kpi::detect::{Columns as Rows, Combination, detect};
use crate::kpi::rules::{
    DropOut, EwmaError, FlatRun, Hysteresis, NewExtreme, Rule, SeasonalBreak, Side, Sums,
    VarianceShift,
};
use crate::kpi::shape::{Stretch, shapes};
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

/// Baseline and scale of each row, into `baseline` and `scale`, which a method "given" also reads.
#[pyfunction]
#[pyo3(signature = (
    time, value, starts, baseline, scale, *, method, median, window, min_periods, include_current,
    floor, min_scale, n_jobs=None, progress=None
))]
#[allow(clippy::too_many_arguments)] // the settings of the Python function
pub fn kpi_baseline<'py>(
    py: Python<'py>,
    time: PyReadonlyArray1<'py, i64>,
    value: PyReadonlyArray1<'py, f64>,
    starts: PyReadonlyArray1<'py, i64>,
    mut baseline: PyReadwriteArray1<'py, f64>,
    mut scale: PyReadwriteArray1<'py, f64>,
    method: &str,
    median: bool,
    window: usize,
    min_periods: usize,
    include_current: bool,
    floor: f64,
    min_scale: f64,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let center = if median { Center::Median } else { Center::Mean };
    let seasonal = |season| Method::Seasonal { season, center };
    let settings = Settings {
        method: match method {
            "hour of week" => seasonal(Season::Week),
            "time of day" => seasonal(Season::Day),
            "ewma" => Method::Ewma,
            "given" => Method::Given,
            other => {
                let expected = "hour of week, time of day, ewma or given";
                return Err(Error::argument("method", expected, other).into());
            }
        },
        window,
        min_periods,
        include_current,
        floor,
        min_scale,
    };
    let threads = threads(n_jobs)?;
    let (time, value, starts) = (time.as_slice()?, value.as_slice()?, starts.as_slice()?);
    let (baseline, scale) = (baseline.as_slice_mut()?, scale.as_slice_mut()?);
    let total = value.len() as u64;
    run(
        py,
        total * (30 + window as u64),
        total,
        progress,
        |monitor| {
            baseline_kernel::baseline(
                time, value, starts, &settings, baseline, scale, threads, monitor,
            )
        },
    )
}

/// A number that a rule is set to.
fn number(given: &Bound<PyDict>, name: &str) -> PyResult<f64> {
    match given.get_item(name)? {
        Some(value) => value.extract(),
        None => Err(PyTypeError::new_err(format!("a rule lacks {name:?}"))),
    }
}

/// A rule by name, with its parameters.
pub(super) fn rule(name: &str, given: &Bound<PyDict>) -> PyResult<Rule> {
    let f = |name| number(given, name);
    let count = |name| Ok::<_, PyErr>(number(given, name)? as u64);
    Ok(match name {
        "z" => Rule::Z {
            threshold: f("threshold")?,
        },
        "given" => Rule::Given {
            place: count("place")? as usize,
            threshold: f("threshold")?,
            signed: f("signed")? != 0.0,
        },
        "threshold" => {
            let of_value = f("of_value")? != 0.0;
            Rule::Hysteresis(Hysteresis::new(f("on")?, f("off")?, of_value))
        }
        "new_extreme" => Rule::NewExtreme(NewExtreme::new(f("threshold")?, count("warm_up")?)),
        "ewma_error" => Rule::EwmaError(EwmaError::new(
            f("threshold")?,
            f("span")?,
            f("scale_span")?,
            count("warm_up")?,
        )),
        "flat_run" => Rule::FlatRun(FlatRun::new(
            f("min_length")?,
            f("tolerance")?,
            count("warm_up")?,
            f("factor")?,
        )),
        "drop_out" => Rule::DropOut(DropOut::new(f("min_length")?, f("margin")?)),
        "level_shift" => Rule::LevelShift(Sums::new(
            f("k")?,
            f("h")?,
            f("clip")?,
            f("cap")?,
            f("span")?,
            count("warm_up")?,
        )),
        "drift" => Rule::Drift(Sums::new(
            f("delta")?,
            f("threshold")?,
            f("clip")?,
            f("cap")?,
            f("span")?,
            count("warm_up")?,
        )),
        "variance_shift" => Rule::VarianceShift(VarianceShift::new(
            f("threshold")?,
            f("span")?,
            f("clip")?,
            count("warm_up")?,
        )),
        "seasonal_break" => Rule::SeasonalBreak(SeasonalBreak::new(
            f("threshold")?,
            f("span")?,
            count("warm_up")?,
            f("margin")?,
        )),
        other => {
            let text = format!("there is no rule {other:?}");
            return Err(PyTypeError::new_err(text));
        }
    })
}

/// A side by its name.
pub(super) fn side(name: &str) -> PyResult<Side> {
    match name {
        "high" => Ok(Side::High),
        "low" => Ok(Side::Low),
        "both" => Ok(Side::Both),
        other => Err(Error::argument("polarity", "high, low or both", other).into()),
    }
}

type VerdictColumns<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<i8>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<u16>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<i32>>,
);

/// Score, direction, strongest rule, mask of rules, anomaly, alarm and event of each row.
#[pyfunction]
#[pyo3(signature = (
    time, value, baseline, scale, starts, rules, given, *, polarity, need, persistence,
    min_duration, merge_gap, refractory, n_jobs=None, progress=None
))]
#[allow(clippy::too_many_arguments)] // the settings of the Python function
pub fn kpi_detect<'py>(
    py: Python<'py>,
    time: PyReadonlyArray1<'py, i64>,
    value: PyReadonlyArray1<'py, f64>,
    baseline: PyReadonlyArray1<'py, f64>,
    scale: PyReadonlyArray1<'py, f64>,
    starts: PyReadonlyArray1<'py, i64>,
    rules: Vec<(String, Bound<'py, PyDict>)>,
    given: Vec<PyReadonlyArray1<'py, f64>>,
    polarity: &str,
    need: usize,
    persistence: (u32, u32),
    min_duration: u32,
    merge_gap: i64,
    refractory: i64,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<VerdictColumns<'py>> {
    let rules = rules
        .iter()
        .map(|(name, given)| rule(name, given))
        .collect::<PyResult<Vec<_>>>()?;
    let places = given.len();
    if let Some(place) = rules.iter().find_map(|rule| match rule {
        Rule::Given { place, .. } if *place >= places => Some(*place),
        _ => None,
    }) {
        return Err(Error::argument("place", format!("below {places}"), place).into());
    }
    let side = side(polarity)?;
    let combination = Combination {
        need,
        rows: persistence.0,
        of_rows: persistence.1,
        min_duration,
        merge_gap,
        refractory,
    };
    let threads = threads(n_jobs)?;
    let given = given
        .iter()
        .map(|column| column.as_slice())
        .collect::<Result<Vec<_>, _>>()?;
    let rows = Rows {
        time: time.as_slice()?,
        value: value.as_slice()?,
        baseline: baseline.as_slice()?,
        scale: scale.as_slice()?,
        given: &given,
        starts: starts.as_slice()?,
    };
    let total = rows.value.len() as u64;
    let work = total * 20 * rules.len() as u64;
    let out = run(py, work, total, progress, |monitor| {
        detect(rows, &rules, side, combination, threads, monitor)
    })?;
    Ok((
        out.score.into_pyarray(py),
        out.direction.into_pyarray(py),
        out.rule.into_pyarray(py),
        out.rules.into_pyarray(py),
        out.is_anomaly.into_pyarray(py),
        out.is_alarm.into_pyarray(py),
        out.event.into_pyarray(py),
    ))
}

type ShapeColumns<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Row in which each event began, and the squared errors of its best step and its best ramp.
#[pyfunction]
pub fn kpi_shapes<'py>(
    py: Python<'py>,
    z: PyReadonlyArray1<'py, f64>,
    series: PyReadonlyArray1<'py, i64>,
    first: PyReadonlyArray1<'py, i64>,
    last: PyReadonlyArray1<'py, i64>,
) -> PyResult<ShapeColumns<'py>> {
    let z = z.as_slice()?;
    let stretches: Vec<Stretch> = series
        .as_slice()?
        .iter()
        .zip(first.as_slice()?)
        .zip(last.as_slice()?)
        .map(|((&series, &first), &last)| Stretch {
            series: series as usize,
            first: first as usize,
            last: last as usize,
        })
        .collect();
    let work = stretches.len() as u64 * 10_000;
    let found = run(py, work, 0, None, |monitor| {
        monitor.watch(|| shapes(z, &stretches))
    })?;
    let onset: Vec<i64> = found.iter().map(|shape| shape.onset as i64).collect();
    let step: Vec<f64> = found.iter().map(|shape| shape.step).collect();
    let ramp: Vec<f64> = found.iter().map(|shape| shape.ramp).collect();
    Ok((
        onset.into_pyarray(py),
        step.into_pyarray(py),
        ramp.into_pyarray(py),
    ))
}
