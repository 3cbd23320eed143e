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
pub(super) const STREAM: &CStr = c"arrow_array_stream";

/// The whole numbers that `f64` tells apart end here.
const EXACT: u64 = 1 << 53;

/// NumPy arrays with the names of their columns.
type NamedArrays = Vec<(String, Py<PyAny>)>;

/// A column as it came, in chunks.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: DataType,
    pub(super) chunks: Vec<ArrayRef>,
}

/// The columns of `object` as float arrays, and whether it was a table.
///
/// `title` is what errors call the object.
#[pyfunction]
pub fn arrow_numbers(object: &Bound<'_, PyAny>, title: &str) -> PyResult<(bool, NamedArrays)> {
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
pub(super) fn read(object: &Bound<'_, PyAny>) -> PyResult<(bool, Vec<Column>)> {
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

pub(super) fn refuse(error: ArrowError) -> PyErr {
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
        match self.data_type {
            Float64 => self.floats::<Float64Type>(py),
            Float32 => self.floats::<Float32Type>(py),
            Float16 => Ok(self.convert::<Float16Type, f32>(py, |v| v.to_f32())),
            Int8 => Ok(self.convert::<Int8Type, f64>(py, f64::from)),
            Int16 => Ok(self.convert::<Int16Type, f64>(py, f64::from)),
            Int32 => Ok(self.convert::<Int32Type, f64>(py, f64::from)),
            UInt8 => Ok(self.convert::<UInt8Type, f64>(py, f64::from)),
            UInt16 => Ok(self.convert::<UInt16Type, f64>(py, f64::from)),
            UInt32 => Ok(self.convert::<UInt32Type, f64>(py, f64::from)),
            Int64 => {
                self.must_be_exact::<Int64Type>(title, i64::unsigned_abs)?;
                Ok(self.convert::<Int64Type, f64>(py, |v| v as f64))
            }
            UInt64 => {
                self.must_be_exact::<UInt64Type>(title, |v| v)?;
                Ok(self.convert::<UInt64Type, f64>(py, |v| v as f64))
            }
            Decimal128(_, scale) => {
                let unit = 10f64.powi(scale.into());
                Ok(self.convert::<Decimal128Type, f64>(py, |v| v as f64 / unit))
            }
            Boolean => {
                let mut values = Vec::with_capacity(self.len());
                for chunk in &self.chunks {
                    values.extend(
                        chunk
                            .as_boolean()
                            .iter()
                            .map(|v| v.map_or(f64::NAN, f64::from)),
                    );
                }
                Ok(give(py, values))
            }
            Null => Ok(give(py, vec![f64::NAN; self.len()])),
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

    pub(super) fn refuse(&self, title: &str, expected: &str) -> PyErr {
        PyTypeError::new_err(format!(
            "{title} has Arrow type {}; expected {expected}",
            self.data_type
        ))
    }

    /// Floats where they lie, or copied with NaN for null.
    fn floats<P>(&self, py: Python<'_>) -> PyResult<Py<PyAny>>
    where
        P: ArrowPrimitiveType<Native: Float + Element>,
    {
        match self.in_one_piece() {
            Some(array) => view::<P>(py, array),
            None => Ok(self.convert::<P, P::Native>(py, |v| v)),
        }
    }

    /// Copied, with NaN for null.
    fn convert<P: ArrowPrimitiveType, T: Float + Element>(
        &self,
        py: Python<'_>,
        f: impl Fn(P::Native) -> T + Send,
    ) -> Py<PyAny> {
        give(py, py.detach(|| self.copy::<P, T>(T::NAN, f)))
    }

    /// Whole numbers times `factor`, where they lie if that changes nothing. Null is an error.
    fn integers<P>(&self, py: Python<'_>, title: &str, factor: i64) -> PyResult<Py<PyAny>>
    where
        P: ArrowPrimitiveType<Native: Into<i64>>,
    {
        if let Some(array) = self.in_one_piece()
            && factor == 1
            && size_of::<P::Native>() == 8
        {
            // Timestamps in nanoseconds and int64 share their layout.
            let data = array.to_data().into_builder().data_type(DataType::Int64);
            return view::<Int64Type>(py, &make_array(data.build().map_err(refuse)?));
        }
        if let Some(row) = self.first_null() {
            let text = format!("{title}[{row}] is missing; every row needs a time");
            return Err(PyValueError::new_err(text));
        }
        let beyond = |v: P::Native| Into::<i64>::into(v).checked_mul(factor).is_none();
        if let Some((row, _)) = self.first::<P>(beyond) {
            return Err(PyValueError::new_err(format!(
                "{title}[{row}] is outside the years 1678 to 2262 that int64 nanoseconds reach"
            )));
        }
        Ok(give(
            py,
            py.detach(|| self.copy::<P, i64>(0, |v| v.into() * factor)),
        ))
    }

    fn must_be_exact<P: ArrowPrimitiveType<Native: std::fmt::Display>>(
        &self,
        title: &str,
        size: impl Fn(P::Native) -> u64,
    ) -> PyResult<()> {
        match self.first::<P>(|v| size(v) > EXACT) {
            None => Ok(()),
            Some((row, value)) => Err(PyValueError::new_err(format!(
                "{title}[{row}] is {value}; whole numbers beyond 2**53 are not exact as float64 (cast to float64 first to accept rounding)"
            ))),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// The chunk that holds the whole column, if there is one and it has no nulls.
    pub(super) fn in_one_piece(&self) -> Option<&ArrayRef> {
        let mut filled = self.chunks.iter().filter(|chunk| !chunk.is_empty());
        match (filled.next(), filled.next()) {
            (Some(array), None) if array.null_count() == 0 => Some(array),
            _ => None,
        }
    }

    /// All values through `f`, and `missing` for null.
    pub(super) fn copy<P: ArrowPrimitiveType, T: Copy>(
        &self,
        missing: T,
        f: impl Fn(P::Native) -> T,
    ) -> Vec<T> {
        let mut out = Vec::with_capacity(self.len());
        for chunk in &self.chunks {
            let start = out.len();
            out.extend(chunk.as_primitive::<P>().values().iter().map(|&v| f(v)));
            if let Some(nulls) = chunk.nulls().filter(|nulls| nulls.null_count() > 0) {
                for (value, is_valid) in out[start..].iter_mut().zip(nulls) {
                    if !is_valid {
                        *value = missing;
                    }
                }
            }
        }
        out
    }

    /// The first value that is not null and `is_bad`, with its row.
    pub(super) fn first<P: ArrowPrimitiveType>(
        &self,
        is_bad: impl Fn(P::Native) -> bool,
    ) -> Option<(usize, P::Native)> {
        let mut row = 0;
        for chunk in &self.chunks {
            let array = chunk.as_primitive::<P>();
            // All at once, in vector registers; where they are only if there are any.
            if array.values().iter().fold(false, |any, &v| any | is_bad(v)) {
                let bad = |&i: &usize| array.is_valid(i) && is_bad(array.value(i));
                if let Some(i) = (0..array.len()).find(bad) {
                    return Some((row + i, array.value(i)));
                }
            }
            row += array.len();
        }
        None
    }

    pub(super) fn first_null(&self) -> Option<usize> {
        let mut row = 0;
        for chunk in &self.chunks {
            if chunk.null_count() > 0 {
                return (0..chunk.len())
                    .find(|&i| chunk.is_null(i))
                    .map(|i| row + i);
            }
            row += chunk.len();
        }
        None
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
pub struct ArrowTable(pub(super) RecordBatch);

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
