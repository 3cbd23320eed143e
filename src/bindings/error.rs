//! Kernel errors as Python exceptions, in one place.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::error::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        match error {
            // `run` replaces this by the exception that made it cancel.
            Error::Cancelled => PyKeyboardInterrupt::new_err(error.to_string()),
            _ => PyValueError::new_err(error.to_string()),
        }
    }
}

/// Calls a kernel; a panic in it becomes a `RuntimeError` that asks for a report.
///
/// PyO3's own `PanicException` is no `Exception`, so a service would not survive it.
pub fn guard<R, E: Into<PyErr>>(kernel: impl FnOnce() -> Result<R, E>) -> PyResult<R> {
    // What the kernel was writing to is dropped by the unwinding and seen by nobody.
    match catch_unwind(AssertUnwindSafe(kernel)) {
        Ok(result) => result.map_err(Into::into),
        Err(payload) => Err(PyRuntimeError::new_err(format!(
            "this is a bug in linewatch, please report it: {}",
            message(payload.as_ref())
        ))),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a kernel panicked")
}
