//! Model files with NumPy arrays.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{ArrayView, ArrayViewD, IxDyn};
use numpy::{Element, PyArrayDyn, PyReadonlyArrayDyn, PyUntypedArray};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::model::{self, Array, Dtype, Model, ModelError};

/// The exception for a model that was not written or read; `what` names it.
pub fn refusal(error: ModelError, what: &str) -> PyErr {
    match error {
        ModelError::Io(error) => {
            let message = error.to_string();
            match error.raw_os_error() {
                // With number and name, `OSError` chooses the fitting class by itself.
                Some(number) => pyo3::exceptions::PyOSError::new_err((
                    number,
                    message.split(" (os error").next().unwrap_or("").to_owned(),
                    what.to_owned(),
                )),
                None => error.into(),
            }
        }
        ModelError::Refused(message) => PyValueError::new_err(format!("{what} {message}")),
    }
}

/// Arrays on their way into a file.
#[derive(Default)]
pub struct Written(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Written {
    /// Takes the arrays of a dict.
    ///
    /// # Errors
    ///
    /// `TypeError` for a value that is no array of numbers.
    pub fn extract(arrays: &Bound<PyDict>) -> PyResult<Self> {
        let one = |(name, array): (Bound<PyAny>, Bound<PyAny>)| {
            let name: String = name.extract()?;
            let (dtype, shape, bytes) = take(&name, &array)?;
            Ok((name, dtype, shape, bytes))
        };
        arrays.iter().map(one).collect::<PyResult<_>>().map(Written)
    }

    /// The arrays with their names.
    pub fn arrays(&self) -> Vec<(&str, Array<'_>)> {
        self.0
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                let array = Array {
                    dtype: *dtype,
                    shape: shape.clone(),
                    bytes: bytes.as_slice().into(),
                };
                (name.as_str(), array)
            })
            .collect()
    }
}

/// Type, shape and bytes of a NumPy array.
fn take(name: &str, array: &Bound<PyAny>) -> PyResult<(Dtype, Vec<usize>, Vec<u8>)> {
    fn of<T: Element + model::Element>(
        array: &Bound<PyAny>,
    ) -> Option<(Dtype, Vec<usize>, Vec<u8>)> {
        let array: PyReadonlyArrayDyn<T> = array.extract().ok()?;
        let view = array.as_array();
        let values = view.as_standard_layout();
        let slice = values.as_slice().expect("in standard layout");
        let bytes = Array::of(slice).bytes.into_owned();
        Some((T::DTYPE, view.shape().to_vec(), bytes))
    }
    let taken = of::<f32>(array)
        .or_else(|| of::<f64>(array))
        .or_else(|| of::<i8>(array))
        .or_else(|| of::<i16>(array))
        .or_else(|| of::<i32>(array))
        .or_else(|| of::<i64>(array))
        .or_else(|| of::<u8>(array))
        .or_else(|| of::<u16>(array))
        .or_else(|| of::<u32>(array))
        .or_else(|| of::<u64>(array));
    match taken {
        Some((_, shape, _)) if shape.len() > 8 => {
            let n = shape.len();
            let text = format!("array {name:?} has {n} dimensions, more than 8");
            Err(PyValueError::new_err(text))
        }
        Some(taken) => Ok(taken),
        None => {
            let found = match array.cast::<PyUntypedArray>() {
                Ok(array) => {
                    use numpy::PyUntypedArrayMethods;
                    format!("an array of {}", array.dtype())
                }
                Err(_) => array.get_type().name()?.to_string(),
            };
            Err(PyTypeError::new_err(format!(
                "array {name:?} must be a NumPy array of integers or of float32 or float64, \
                 got {found}"
            )))
        }
    }
}

/// A copy of `array`.
pub fn to_numpy<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Element + model::Element>(
        py: Python<'py>,
        array: &Array,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values: Vec<T> = array.to_vec().expect("matched by its type");
        let values = ndarray::ArrayD::from_shape_vec(array.shape.clone(), values)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(PyArrayDyn::from_owned_array(py, values).into_any())
    }
    match array.dtype {
        Dtype::F32 => of::<f32>(py, array),
        Dtype::F64 => of::<f64>(py, array),
        Dtype::I8 => of::<i8>(py, array),
        Dtype::I16 => of::<i16>(py, array),
        Dtype::I32 => of::<i32>(py, array),
        Dtype::I64 => of::<i64>(py, array),
        Dtype::U8 => of::<u8>(py, array),
        Dtype::U16 => of::<u16>(py, array),
        Dtype::U32 => of::<u32>(py, array),
        Dtype::U64 => of::<u64>(py, array),
    }
}

/// Keeps a file mapped while an array of it is in use.
#[pyclass(frozen, module = "linewatch._core")]
struct Mapping(Arc<Model>);

/// Read-only views of the arrays of a mapped model whose names `keep` keeps.
pub fn arrays<'py>(
    py: Python<'py>,
    model: Model,
    keep: impl Fn(&str) -> bool,
) -> PyResult<Bound<'py, PyDict>> {
    fn of<'py, T: Element>(
        owner: &Bound<'py, Mapping>,
        array: &Array,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pointer = array.bytes.as_ptr().cast::<T>();
        let count: usize = array.shape.iter().product();
        if count == 0 || !pointer.is_aligned() {
            return to_numpy(owner.py(), array);
        }
        // SAFETY: the bytes hold `count` aligned numbers of a type without invalid values, in
        // memory that the model keeps mapped as long as `owner` lives.
        let view: ArrayViewD<T> =
            unsafe { ArrayView::from_shape_ptr(IxDyn(&array.shape), pointer) };
        // SAFETY: the array holds a reference to `owner`, and is made read-only at once.
        let view = unsafe { PyArrayDyn::borrow_from_array(&view, owner.clone().into_any()) };
        view.call_method1("setflags", (false,))?;
        Ok(view.into_any())
    }
    let model = Arc::new(model);
    let owner = Bound::new(py, Mapping(Arc::clone(&model)))?;
    debug_assert!(Arc::ptr_eq(&owner.get().0, &model));
    let out = PyDict::new(py);
    for (name, array) in model.arrays().filter(|(name, _)| keep(name)) {
        let array = match array.dtype {
            Dtype::F32 => of::<f32>(&owner, &array),
            Dtype::F64 => of::<f64>(&owner, &array),
            Dtype::I8 => of::<i8>(&owner, &array),
            Dtype::I16 => of::<i16>(&owner, &array),
            Dtype::I32 => of::<i32>(&owner, &array),
            Dtype::I64 => of::<i64>(&owner, &array),
            Dtype::U8 => of::<u8>(&owner, &array),
            Dtype::U16 => of::<u16>(&owner, &array),
            Dtype::U32 => of::<u32>(&owner, &array),
            Dtype::U64 => of::<u64>(&owner, &array),
        }?;
        out.set_item(name, array)?;
    }
    Ok(out)
}

/// Writes a model file.
#[pyfunction]
pub fn write_model(
    py: Python<'_>,
    path: PathBuf,
    kind: &str,
    metadata_json: &str,
    arrays: &Bound<'_, PyDict>,
) -> PyResult<()> {
    let arrays = Written::extract(arrays)?;
    py.detach(|| model::write(&path, kind, metadata_json, &arrays.arrays()))
        .map_err(|error| refusal(error, &path.to_string_lossy()))
}

/// Reads a model file: its kind, text and arrays, which are read-only views of the mapped file.
#[pyfunction]
#[pyo3(signature = (path, kind=None))]
pub fn read_model<'py>(
    py: Python<'py>,
    path: PathBuf,
    kind: Option<&str>,
) -> PyResult<(String, String, Bound<'py, PyDict>)> {
    let name = path.to_string_lossy();
    let model = py
        .detach(|| Model::open(&path))
        .map_err(|error| refusal(error, &name))?;
    if let Some(kind) = kind
        && kind != model.kind()
    {
        let found = model.kind();
        let text = format!("{name} holds a model of kind {found:?}, not {kind:?}");
        return Err(PyValueError::new_err(text));
    }
    let (kind, metadata) = (model.kind().to_owned(), model.metadata().to_owned());
    Ok((kind, metadata, arrays(py, model, |_| true)?))
}

/// The bytes of a model file.
#[pyfunction]
pub fn model_to_bytes<'py>(
    py: Python<'py>,
    kind: &str,
    metadata_json: &str,
    arrays: &Bound<'_, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let arrays = Written::extract(arrays)?;
    let bytes = py
        .detach(|| model::to_bytes(kind, metadata_json, &arrays.arrays()))
        .map_err(|error| refusal(error, "the model"))?;
    Ok(PyBytes::new(py, &bytes))
}

/// What such bytes hold: kind, text and arrays; `what` names them in errors.
#[pyfunction]
pub fn model_from_bytes<'py>(
    py: Python<'py>,
    bytes: &[u8],
    what: &str,
) -> PyResult<(String, String, Bound<'py, PyDict>)> {
    let bytes = bytes.to_vec();
    let model = py
        .detach(|| Model::from_bytes(bytes))
        .map_err(|error| refusal(error, what))?;
    let (kind, metadata) = (model.kind().to_owned(), model.metadata().to_owned());
    Ok((kind, metadata, arrays(py, model, |_| true)?))
}
