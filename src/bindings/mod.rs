//! The extension module `linewatch._core`: converts, releases the interpreter lock, calls.

#[cfg(feature = "polars")]
mod polars;

use pyo3::prelude::*;

#[pymodule]
fn _core(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
