//! Rows that draw the same line.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use super::run::run;

/// The rows of `y` to draw, in order.
#[pyfunction]
#[pyo3(signature = (y, x, keep, points))]
pub fn downsample<'py>(
    py: Python<'py>,
    y: PyReadonlyArray1<'py, f64>,
    x: Option<PyReadonlyArray1<'py, f64>>,
    keep: Option<PyReadonlyArray1<'py, bool>>,
    points: usize,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    // The Python module hands over contiguous arrays.
    let y = y.as_slice()?;
    let x = x.as_ref().map(|x| x.as_slice()).transpose()?;
    let keep = keep.as_ref().map(|keep| keep.as_slice()).transpose()?;
    let rows = run(py, 2 * y.len() as u64, y.len() as u64, None, |monitor| {
        crate::downsample::downsample(y, x, keep, points, monitor)
    })?;
    let rows: Vec<i64> = rows.into_iter().map(|row| row as i64).collect();
    Ok(rows.into_pyarray(py))
}
