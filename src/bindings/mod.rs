//! The extension module `linewatch._core`: converts, releases the interpreter lock, calls.

#[cfg(feature = "polars")]
mod polars;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

pub mod arrow;
pub mod error;
pub mod kpi;
pub mod matrix;
pub mod privacy;
pub mod rolling;
pub mod run;
pub mod spectral;
pub mod wavelet;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<arrow::ArrowArray>()?;
    m.add_class::<arrow::ArrowTable>()?;
    m.add_function(wrap_pyfunction!(arrow::arrow_numbers, m)?)?;
    m.add_function(wrap_pyfunction!(arrow::arrow_times, m)?)?;
    m.add(
        "STATISTICS",
        PyTuple::new(m.py(), crate::rolling::Statistic::NAMES)?,
    )?;
    m.add_function(wrap_pyfunction!(kpi::facing_cells, m)?)?;
    m.add_class::<privacy::CryptoPan>()?;
    m.add_function(wrap_pyfunction!(rolling::rolling, m)?)?;
    m.add_function(wrap_pyfunction!(rolling::ewm, m)?)?;
    m.add_function(wrap_pyfunction!(rolling::cusum, m)?)?;
    m.add_function(wrap_pyfunction!(spectral::group_runs, m)?)?;
    m.add_function(wrap_pyfunction!(spectral::window_features, m)?)?;
    m.add_class::<wavelet::FilterBank>()?;
    m.add_function(wrap_pyfunction!(wavelet::wavelet_cwt, m)?)?;
    m.add_function(wrap_pyfunction!(wavelet::wavelet_names, m)?)?;
    Ok(())
}
