//! The extension module `linewatch._core`: converts, releases the interpreter lock, calls.

use pyo3::prelude::*;

pub mod error;
pub mod run;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
