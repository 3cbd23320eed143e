//! Captures as Arrow tables and streams of them.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use pyo3::exceptions::{PyTypeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use crate::bindings::arrow::{ArrowTable, STREAM, refuse};
use crate::bindings::error::guard;
use crate::packets::columns::{Bits, Columns, Texts};
use crate::packets::reader::{ReadError, Reader};

impl From<ReadError> for PyErr {
    fn from(error: ReadError) -> PyErr {
        match error {
            ReadError::Io(error) => error.into(),
            ReadError::Kernel(error) => error.into(),
        }
    }
}

/// A binary file object of Python.
struct PyFile(Py<PyAny>);

impl Read for PyFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let bytes = self.0.call1(py, (out.len(),))?;
            let Ok(bytes) = bytes.cast_bound::<PyBytes>(py) else {
                let text = "path must give bytes when it is read (open it in mode \"rb\")";
                return Err(PyTypeError::new_err(text));
            };
            let bytes = bytes.as_bytes();
            let n = bytes.len().min(out.len());
            out[..n].copy_from_slice(&bytes[..n]);
            Ok(n)
        })
        .map_err(io::Error::other)
    }
}

/// Reads a capture table by table.
#[pyclass(frozen, module = "linewatch._core")]
pub struct PacketReader {
    reader: Mutex<Reader>,
    rows: usize,
    live: bool,
}

#[pymethods]
impl PacketReader {
    /// `source` is a path, or a function that gives at most so many bytes.
    #[new]
    #[pyo3(signature = (source, batch_rows, *, live = false))]
    fn new(source: &Bound<'_, PyAny>, batch_rows: usize, live: bool) -> PyResult<Self> {
        let py = source.py();
        let source: Box<dyn Read + Send> = if source.is_callable() {
            Box::new(PyFile(source.clone().unbind()))
        } else {
            Box::new(File::open(source.extract::<PathBuf>()?)?)
        };
        let reader = py.detach(|| guard(|| Reader::new(source)))?;
        Ok(PacketReader {
            reader: Mutex::new(reader),
            rows: batch_rows,
            live,
        })
    }

    /// A table of no packets, for its columns.
    #[staticmethod]
    fn empty() -> PyResult<ArrowTable> {
        let columns = Columns::with_capacity(0);
        Ok(ArrowTable(batch(columns).map_err(refuse)?))
    }

    /// The next table; None at the end.
    fn next_batch(&self, py: Python<'_>) -> PyResult<Option<ArrowTable>> {
        let columns = py.detach(|| {
            guard(|| {
                let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
                reader.batch(self.rows, self.live)
            })
        })?;
        let table = |columns| Ok(ArrowTable(batch(columns).map_err(refuse)?));
        columns.map(table).transpose()
    }

    /// What the caller should know of the capture so far.
    fn notes(&self) -> Vec<String> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.notes().to_vec()
    }

    /// Bytes read so far, unpacked.
    fn bytes(&self) -> u64 {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.bytes()
    }
}

/// A capture in a file, offered to readers of Arrow as a stream, any number of times.
#[pyclass(frozen, module = "linewatch._core")]
pub struct PacketFile {
    path: PathBuf,
    rows: usize,
}

#[pymethods]
impl PacketFile {
    #[new]
    fn new(path: PathBuf, batch_rows: usize) -> Self {
        PacketFile {
            path,
            rows: batch_rows,
        }
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let file = File::open(&self.path)?;
        let reader = py.detach(|| guard(|| Reader::new(Box::new(file))))?;
        let schema = batch(Columns::with_capacity(0)).map_err(refuse)?.schema();
        let batches = Batches {
            reader: Some(reader),
            rows: self.rows,
            name: self.path.display().to_string(),
        };
        let stream = RecordBatchIterator::new(batches, schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(stream)), STREAM)
    }
}

/// The tables of a capture, and a warning at the end if something was left out.
struct Batches {
    reader: Option<Reader>,
    rows: usize,
    name: String,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let failed = |error: PyErr| Some(Err(ArrowError::ExternalError(Box::new(error))));
        match guard(|| reader.batch(self.rows, false)) {
            Ok(Some(columns)) => Some(batch(columns)),
            Ok(None) => {
                let notes = self.reader.take()?.notes().to_vec();
                let warned = Python::try_attach(|py| warn(py, &self.name, &notes));
                warned.and_then(Result::err).and_then(failed)
            }
            Err(error) => {
                self.reader = None;
                failed(error)
            }
        }
    }
}

fn warn(py: Python<'_>, name: &str, notes: &[String]) -> PyResult<()> {
    for note in notes {
        let text = CString::new(format!("{name}: {note}"))?;
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)?;
    }
    Ok(())
}

/// Columns of a packet table as Arrow has them, without a copy.
fn batch(columns: Columns) -> Result<RecordBatch, ArrowError> {
    fn nulls(valid: &Bits) -> Option<NullBuffer> {
        let buffer = Buffer::from_vec(valid.bytes.clone());
        let nulls = NullBuffer::new(BooleanBuffer::new(buffer, 0, valid.len));
        (nulls.null_count() > 0).then_some(nulls)
    }
    fn numbers<P: ArrowPrimitiveType>(values: Vec<P::Native>, valid: Option<&Bits>) -> ArrayRef {
        let values = ScalarBuffer::from(values);
        Arc::new(PrimitiveArray::<P>::new(values, valid.and_then(nulls)))
    }
    fn texts(texts: Texts, valid: &Bits) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(texts.offsets));
        let bytes = Buffer::from_vec(texts.bytes);
        Ok(Arc::new(StringArray::try_new(
            offsets,
            bytes,
            nulls(valid),
        )?))
    }
    let c = columns;
    let malformed = BooleanBuffer::new(Buffer::from_vec(c.malformed.bytes), 0, c.malformed.len);
    let arrays: Vec<(&str, ArrayRef)> = vec![
        (
            "time",
            numbers::<TimestampNanosecondType>(c.time, Some(&c.has_time)),
        ),
        ("length", numbers::<UInt32Type>(c.length, None)),
        (
            "captured_length",
            numbers::<UInt32Type>(c.captured_length, None),
        ),
        ("source_address", texts(c.source_address, &c.has_ip)?),
        (
            "destination_address",
            texts(c.destination_address, &c.has_ip)?,
        ),
        (
            "source_port",
            numbers::<UInt16Type>(c.source_port, Some(&c.has_ports)),
        ),
        (
            "destination_port",
            numbers::<UInt16Type>(c.destination_port, Some(&c.has_ports)),
        ),
        (
            "protocol",
            numbers::<UInt8Type>(c.protocol, Some(&c.has_ip)),
        ),
        (
            "tcp_flags",
            numbers::<UInt16Type>(c.tcp_flags, Some(&c.has_flags)),
        ),
        ("vlan", numbers::<UInt16Type>(c.vlan, Some(&c.has_vlan))),
        ("ttl", numbers::<UInt8Type>(c.ttl, Some(&c.has_ip))),
        ("malformed", Arc::new(BooleanArray::new(malformed, None))),
    ];
    RecordBatch::try_from_iter_with_nullable(arrays.into_iter().map(|(name, array)| {
        (
            name,
            array,
            !matches!(name, "length" | "captured_length" | "malformed"),
        )
    }))
}
