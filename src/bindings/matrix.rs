//! A matrix of samples by features from Python: f32 or f64, any strides, never copied.

use ndarray::ArrayView2;
use numpy::{PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::float::Float;

/// A borrowed 2-D array of one of the two floating-point types.
pub enum Matrix<'py> {
    /// Single precision.
    F32(PyReadonlyArray2<'py, f32>),
    /// Double precision.
    F64(PyReadonlyArray2<'py, f64>),
}

impl<'py> Matrix<'py> {
    /// Borrows `x`; the Python module has made it a 2-D float array before.
    ///
    /// # Errors
    ///
    /// `TypeError` if `x` is anything else.
    pub fn extract(x: &Bound<'py, PyAny>, name: &str) -> PyResult<Self> {
        if let Ok(array) = x.extract() {
            return Ok(Matrix::F64(array));
        }
        if let Ok(array) = x.extract() {
            return Ok(Matrix::F32(array));
        }
        let found = match x.cast::<PyUntypedArray>() {
            Ok(array) => format!("{} dimensions of {}", array.ndim(), array.dtype()),
            Err(_) => x.get_type().name()?.to_string(),
        };
        Err(PyTypeError::new_err(format!(
            "{name} must be a 2-D array of float32 or float64, got {found}"
        )))
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Matrix::F32(x) => x.as_array().dim(),
            Matrix::F64(x) => x.as_array().dim(),
        }
    }
}

/// What a kernel does with a matrix of either type; matched once, by [`Matrix::with`].
pub trait MatrixKernel {
    /// What it gives.
    type Output;
    /// The kernel itself, generic over the type.
    fn call<T: Float>(self, x: ArrayView2<'_, T>) -> Self::Output;
}

impl Matrix<'_> {
    /// Calls `kernel` with the matrix in its own type.
    pub fn with<K: MatrixKernel>(&self, kernel: K) -> K::Output {
        match self {
            Matrix::F32(x) => kernel.call(x.as_array()),
            Matrix::F64(x) => kernel.call(x.as_array()),
        }
    }
}
