//! Kernels of linewatch.
#[cfg(feature="python")]
use pyo3::prelude::*;
#[cfg(feature="python")]
#[pymodule]
fn _core(_m: &Bound<'_, PyModule>) -> PyResult<()> { Ok(()) }
