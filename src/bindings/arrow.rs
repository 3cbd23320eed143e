//! Columns in and out through the Arrow PyCapsule interface, with no copy where none is needed.
//!
//! In: anything with `__arrow_c_stream__` or `__arrow_c_array__` (pandas, Polars, pyarrow, DuckDB)
//! becomes NumPy arrays. A column of floats in one chunk without nulls is looked at where it
//! lies; nulls, chunks and whole numbers cost one copy.
//!
//! Out: [`ArrowArray`] and [`ArrowTable`] lend NumPy results to whoever reads Arrow.
//!
//! The interface: <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StructArray, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray1, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use super::error::guard;
use crate::float::Float;

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";
const STREAM: &CStr = c"arrow_array_stream";

/// The whole numbers that `f64` tells apart end here.
const EXACT: u64 = 1 << 53;

/// A column as it came, in chunks.
struct Column {
    name: String,
    data_type: DataType,
    chunks: Vec<ArrayRef>,
}

/// The columns of `object` as float arrays, and whether it was a table.
///
/// `title` is what errors call the object.
#[pyfunction]
pub fn arrow_numbers(
    object: &Bound<'_, PyAny>,
    title: &str,
) -> PyResult<(bool, Vec<(String, Py<PyAny>)>)> {
    let py = object.py();
    let (is_table, columns) = read(object)?;
    let mut arrays = Vec::with_capacity(columns.len());
    for column in columns {
        let title = column.title(title, is_table);
        arrays.push((column.name.clone(), column.numbers(py, &title)?));
    }
    Ok((is_table, arrays))
}

/// A column of timestamps or dates as int64 nanoseconds, or of whole numbers as they are; and
/// whether it held times.
#[pyfunction]
pub fn arrow_times(object: &Bound<'_, PyAny>, title: &str) -> PyResult<(Py<PyAny>, bool)> {
    match read(object)? {
        (false, columns) => columns[0].times(object.py(), title),
        (true, columns) => Err(PyTypeError::new_err(format!(
            "{title} is a table of {} columns; expected one column of times",
            columns.len()
        ))),
    }
}

/// Reads all that `object` exports.
fn read(object: &Bound<'_, PyAny>) -> PyResult<(bool, Vec<Column>)> {
    let (field, chunks) = if object.hasattr("__arrow_c_stream__")? {
        read_stream(object)?
    } else {
        read_array(object)?
    };
    let DataType::Struct(fields) = field.data_type() else {
        let column = Column {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            chunks,
        };
        return Ok((false, vec![column]));
    };
    let tables: Vec<&StructArray> = chunks.iter().map(|chunk| chunk.as_struct()).collect();
    if tables.iter().any(|table| table.null_count() > 0) {
        let text = "a struct array with null rows is not a table (flatten it first)";
        return Err(PyValueError::new_err(text));
    }
    let column = |(i, field): (usize, &FieldRef)| Column {
        name: field.name().clone(),
        data_type: field.data_type().clone(),
        chunks: tables
            .iter()
            .map(|table| Arc::clone(table.column(i)))
            .collect(),
    };
    Ok((true, fields.iter().enumerate().map(column).collect()))
}

fn read_stream(object: &Bound<'_, PyAny>) -> PyResult<(FieldRef, Vec<ArrayRef>)> {
    let capsule = object.call_method0("__arrow_c_stream__")?;
    let stream = capsule.cast::<PyCapsule>()?.pointer_checked(Some(STREAM))?;
    // SAFETY: a capsule of this name holds an initialized ArrowArrayStream by the PyCapsule
    // interface. Moving out of it marks it as released, so that its destructor does nothing.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr().cast()) };
    // A stream may run a query, on threads that need the interpreter.
    object.py().detach(|| {
        guard(|| {
            use arrow::array::ArrayReader;
            let reader = ArrayStreamReader::try_new(stream).map_err(refuse)?;
            let field = Arc::clone(reader.field());
            let chunks: Result<_, _> = reader.collect();
            Ok::<_, PyErr>((field, chunks.map_err(refuse)?))
        })
    })
}

fn read_array(object: &Bound<'_, PyAny>) -> PyResult<(FieldRef, Vec<ArrayRef>)> {
    let capsules = object.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<PyAny>, Bound<PyAny>) = capsules.extract()?;
    let schema = schema.cast::<PyCapsule>()?.pointer_checked(Some(SCHEMA))?;
    let array = array.cast::<PyCapsule>()?.pointer_checked(Some(ARRAY))?;
    // SAFETY: capsules of these names hold an initialized ArrowSchema and ArrowArray by the
    // PyCapsule interface. Moving out of them marks them as released.
    let (schema, array) = unsafe {
        (
            FFI_ArrowSchema::from_raw(schema.as_ptr().cast()),
            FFI_ArrowArray::from_raw(array.as_ptr().cast()),
        )
    };
    guard(|| {
        let field = Field::try_from(&schema).map_err(refuse)?;
        // SAFETY: array and schema were exported together and describe each other.
        let data = unsafe { from_ffi(array, &schema) }.map_err(refuse)?;
        Ok::<_, PyErr>((Arc::new(field), vec![make_array(data)]))
    })
}

fn refuse(error: ArrowError) -> PyErr {
    PyValueError::new_err(format!("the Arrow data could not be read: {error}"))
}

impl Column {
    fn title(&self, title: &str, is_table: bool) -> String {
        if is_table {
            format!("column {:?} of {title}", self.name)
        } else {
            title.to_owned()
        }
    }

    fn numbers(&self, py: Python<'_>, title: &str) -> PyResult<Py<PyAny>> {
        use DataType::*;
        let whole = |size: u64, value: f64, text: &dyn std::fmt::Display| match size <= EXACT {
            true => Ok(value),
            false => Err(format!(
                "{text}; whole numbers beyond 2**53 are not exact as float64 (cast to float64 first to accept rounding)"
            )),
        };
        match self.data_type {
            Float64 => self.floats::<Float64Type>(py, title),
            Float32 => self.floats::<Float32Type>(py, title),
            Float16 => self.convert::<Float16Type, f32>(py, title, |v| Ok(v.to_f32())),
            Int8 => self.convert::<Int8Type, f64>(py, title, |v| Ok(v.into())),
            Int16 => self.convert::<Int16Type, f64>(py, title, |v| Ok(v.into())),
            Int32 => self.convert::<Int32Type, f64>(py, title, |v| Ok(v.into())),
            UInt8 => self.convert::<UInt8Type, f64>(py, title, |v| Ok(v.into())),
            UInt16 => self.convert::<UInt16Type, f64>(py, title, |v| Ok(v.into())),
            UInt32 => self.convert::<UInt32Type, f64>(py, title, |v| Ok(v.into())),
            Int64 => {
                self.convert::<Int64Type, f64>(py, title, |v| whole(v.unsigned_abs(), v as f64, &v))
            }
            UInt64 => self.convert::<UInt64Type, f64>(py, title, |v| whole(v, v as f64, &v)),
            Decimal128(_, scale) => {
                let unit = 10f64.powi(scale.into());
                self.convert::<Decimal128Type, f64>(py, title, |v| Ok(v as f64 / unit))
            }
            Boolean => {
                let values = self.chunks.iter().flat_map(|chunk| chunk.as_boolean());
                let values = values.map(|v| v.map_or(f64::NAN, f64::from));
                Ok(give(py, values.collect()))
            }
            Null => {
                let n = self.chunks.iter().map(|chunk| chunk.len()).sum();
                Ok(give(py, vec![f64::NAN; n]))
            }
            _ => Err(self.refuse(title, "numbers (try casting it to float64)")),
        }
    }

    fn times(&self, py: Python<'_>, title: &str) -> PyResult<(Py<PyAny>, bool)> {
        use DataType::*;
        let times = match self.data_type {
            Timestamp(TimeUnit::Nanosecond, _) => {
                self.integers::<TimestampNanosecondType>(py, title, 1)
            }
            Timestamp(TimeUnit::Microsecond, _) => {
                self.integers::<TimestampMicrosecondType>(py, title, 1_000)
            }
            Timestamp(TimeUnit::Millisecond, _) => {
                self.integers::<TimestampMillisecondType>(py, title, 1_000_000)
            }
            Timestamp(TimeUnit::Second, _) => {
                self.integers::<TimestampSecondType>(py, title, 1_000_000_000)
            }
            Date32 => self.integers::<Date32Type>(py, title, 86_400_000_000_000),
            Date64 => self.integers::<Date64Type>(py, title, 1_000_000),
            Int64 => return Ok((self.integers::<Int64Type>(py, title, 1)?, false)),
            Int32 => return Ok((self.integers::<Int32Type>(py, title, 1)?, false)),
            UInt32 => return Ok((self.integers::<UInt32Type>(py, title, 1)?, false)),
            _ => Err(self.refuse(title, "timestamps, dates or 64-bit integers")),
        };
        Ok((times?, true))
    }

    fn refuse(&self, title: &str, expected: &str) -> PyErr {
        PyTypeError::new_err(format!(
            "{title} has Arrow type {}; expected {expected}",
            self.data_type
        ))
    }

    /// Floats where they lie, or copied with NaN for null.
    fn floats<P>(&self, py: Python<'_>, title: &str) -> PyResult<Py<PyAny>>
    where
        P: ArrowPrimitiveType<Native: Float + Element>,
    {
        match self.whole() {
            Some(array) => view::<P>(py, array),
            None => self.convert::<P, P::Native>(py, title, Ok),
        }
    }

    /// Copied with NaN for null; a value that `f` refuses is an error that names its row.
    fn convert<P: ArrowPrimitiveType, T: Float + Element>(
        &self,
        py: Python<'_>,
        title: &str,
        f: impl Fn(P::Native) -> Result<T, String> + Sync,
    ) -> PyResult<Py<PyAny>> {
        let values = py.detach(|| {
            self.collect::<P, T>(|value| match value {
                Some(value) => f(value),
                None => Ok(T::NAN),
            })
        });
        let values = values
            .map_err(|(row, why)| PyValueError::new_err(format!("{title}[{row}] is {why}")))?;
        Ok(give(py, values))
    }

    /// Whole numbers times `factor`, where they lie if that changes nothing. Null is an error.
    fn integers<P>(&self, py: Python<'_>, title: &str, factor: i64) -> PyResult<Py<PyAny>>
    where
        P: ArrowPrimitiveType<Native: Into<i64>>,
    {
        if let Some(array) = self.whole()
            && factor == 1
            && size_of::<P::Native>() == 8
        {
            // Timestamps in nanoseconds and int64 share their layout.
            let data = array
                .to_data()
                .into_builder()
                .data_type(DataType::Int64)
                .build();
            return view::<Int64Type>(py, &make_array(data.map_err(refuse)?));
        }
        let values = py.detach(|| {
            self.collect::<P, i64>(|value| {
                let value: i64 = value.ok_or("missing; every row needs a time")?.into();
                value.checked_mul(factor).ok_or_else(|| {
                    "outside the years 1678 to 2262 that int64 nanoseconds reach".to_owned()
                })
            })
        });
        let values = values
            .map_err(|(row, why)| PyValueError::new_err(format!("{title}[{row}] is {why}")))?;
        Ok(PyArray1::from_vec(py, values).into_any().unbind())
    }

    /// The column if it is one chunk without nulls.
    fn whole(&self) -> Option<&ArrayRef> {
        let mut filled = self.chunks.iter().filter(|chunk| !chunk.is_empty());
        match (filled.next(), filled.next()) {
            (Some(array), None) if array.null_count() == 0 => Some(array),
            _ => None,
        }
    }

    /// All values through `f`; the row and the reason of the first that it refuses.
    fn collect<P: ArrowPrimitiveType, T>(
        &self,
        f: impl Fn(Option<P::Native>) -> Result<T, String>,
    ) -> Result<Vec<T>, (usize, String)> {
        let mut out = Vec::with_capacity(self.chunks.iter().map(|chunk| chunk.len()).sum());
        for chunk in &self.chunks {
            let array = chunk.as_primitive::<P>();
            for i in 0..array.len() {
                let value = array.is_valid(i).then(|| array.value(i));
                out.push(f(value).map_err(|why| (out.len(), why))?);
            }
        }
        Ok(out)
    }
}

fn give<T: Element>(py: Python<'_>, values: Vec<T>) -> Py<PyAny> {
    PyArray1::from_vec(py, values).into_any().unbind()
}

/// Keeps Arrow memory alive for the NumPy array that looks at it.
#[pyclass(frozen)]
struct ArrowMemory(#[allow(dead_code, reason = "held, never read")] ArrayRef);

/// A read-only NumPy array over the values of `array`.
fn view<P: ArrowPrimitiveType<Native: Element>>(
    py: Python<'_>,
    array: &ArrayRef,
) -> PyResult<Py<PyAny>> {
    let memory = Bound::new(py, ArrowMemory(Arc::clone(array)))?;
    let values: &[P::Native] = array.as_primitive::<P>().values();
    // SAFETY: the values live as long as `array`, which `memory`, the base of the view, holds.
    // Arrow memory does not change, and the view is made read-only before anyone sees it.
    let view = unsafe { PyArray1::borrow_from_array(&ArrayView1::from(values), memory.into_any()) };
    let view = view.readwrite().make_nonwriteable();
    Ok(view.as_any().clone().unbind())
}

/// A one-dimensional NumPy array of floats, offered to readers of Arrow without a copy.
///
/// The array becomes read-only. With `nan_is_null`, NaN is null for the reader.
#[pyclass(frozen, module = "linewatch._core")]
pub struct ArrowArray(ArrayRef);

#[pymethods]
impl ArrowArray {
    #[new]
    #[pyo3(signature = (values, *, nan_is_null = true))]
    fn new(values: &Bound<'_, PyAny>, nan_is_null: bool) -> PyResult<Self> {
        Ok(Self(lend(values, nan_is_null)?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        // The interface lets a producer ignore what it cannot serve.
        let _ = requested_schema;
        let (array, schema) = to_ffi(&self.0.to_data()).map_err(refuse)?;
        let schema = PyCapsule::new_with_value(py, schema, SCHEMA)?;
        let array = PyCapsule::new_with_value(py, array, ARRAY)?;
        PyTuple::new(py, [schema, array])
    }
}

/// Named one-dimensional NumPy arrays of floats, offered to readers of Arrow without a copy.
///
/// `polars.DataFrame(table)`, `pyarrow.table(table)`, `pandas.DataFrame.from_arrow(table)` and a
/// DuckDB query that names the variable all read it, any number of times.
#[pyclass(frozen, module = "linewatch._core")]
pub struct ArrowTable(RecordBatch);

#[pymethods]
impl ArrowTable {
    #[new]
    #[pyo3(signature = (columns, *, nan_is_null = true))]
    fn new(columns: Vec<(String, Bound<'_, PyAny>)>, nan_is_null: bool) -> PyResult<Self> {
        let mut lent = Vec::with_capacity(columns.len());
        for (name, values) in columns {
            lent.push((name, lend(&values, nan_is_null)?, true));
        }
        let batch = RecordBatch::try_from_iter_with_nullable(lent);
        let refuse = |error: ArrowError| PyValueError::new_err(error.to_string());
        Ok(Self(batch.map_err(refuse)?))
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        let fields = self.0.schema_ref().fields();
        fields.iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __repr__(&self) -> String {
        format!(
            "<linewatch ArrowTable: {} rows, columns {:?}; read it with polars.DataFrame, pyarrow.table or DuckDB>",
            self.0.num_rows(),
            self.column_names()
        )
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = RecordBatchIterator::new([Ok(self.0.clone())], self.0.schema());
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(batches)), STREAM)
    }
}

/// A NumPy array that readers of Arrow look at.
struct Lent(Option<Py<PyAny>>);

impl Drop for Lent {
    /// Frees the memory at once. A reader may drop it with the interpreter lock released, and
    /// PyO3 would then keep it until somebody calls linewatch again.
    fn drop(&mut self) {
        if let Some(array) = self.0.take() {
            Python::try_attach(|_| drop(array));
        }
    }
}

fn lend(values: &Bound<'_, PyAny>, nan_is_null: bool) -> PyResult<ArrayRef> {
    if let Ok(values) = values.cast::<PyArray1<f64>>() {
        return lend_floats::<Float64Type>(values, nan_is_null);
    }
    if let Ok(values) = values.cast::<PyArray1<f32>>() {
        return lend_floats::<Float32Type>(values, nan_is_null);
    }
    let text = "expected a one-dimensional NumPy array of float32 or float64";
    Err(PyTypeError::new_err(text))
}

fn lend_floats<P>(values: &Bound<'_, PyArray1<P::Native>>, nan_is_null: bool) -> PyResult<ArrayRef>
where
    P: ArrowPrimitiveType<Native: Float + Element>,
{
    let n = values.len();
    let start = values.data();
    if !values.is_contiguous() || !start.is_aligned() {
        let text = "expected a contiguous array (try numpy.ascontiguousarray)";
        return Err(PyValueError::new_err(text));
    }
    values.getattr("flags")?.set_item("WRITEABLE", false)?;
    let owner = Lent(Some(values.clone().into_any().unbind()));
    let owner = Arc::new(AssertUnwindSafe(owner));
    let Some(start) = NonNull::new(start.cast()).filter(|_| n > 0) else {
        return Ok(Arc::new(PrimitiveArray::<P>::from_iter_values([])));
    };
    // SAFETY: `start` points to `n` contiguous, aligned values (just checked), which live as long
    // as the NumPy array that `owner` holds. The array is read-only from here on.
    let buffer =
        unsafe { Buffer::from_custom_allocation(start, n * size_of::<P::Native>(), owner) };
    let data = ScalarBuffer::<P::Native>::new(buffer, 0, n);
    let nulls = values.py().detach(|| {
        let valid = |i: usize| !data[i].to_f64().is_nan();
        let nulls = nan_is_null.then(|| NullBuffer::new(BooleanBuffer::collect_bool(n, valid)));
        nulls.filter(|nulls| nulls.null_count() > 0)
    });
    Ok(Arc::new(PrimitiveArray::<P>::new(data, nulls)))
}
