//! Captures as Arrow tables, and what a packet's source did in a trailing window.

use std::borrow::Cow;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use super::arrow::{ArrowTable, Column, STREAM, read, refuse};
use super::error::guard;
use super::run::run;
use crate::error::Error;
use crate::packets::columns::{Bits, Columns, Texts};
use crate::packets::keys::{self, NONE, Numbers, TextNumbers};
use crate::packets::reader::{ReadError, Reader};
use crate::packets::trailing::{self, Feature, Rows};
use crate::packets::write;
use crate::parallel::threads;

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

/// The column called `name`.
fn column<'a>(table: &'a [Column], name: &str) -> Option<&'a Column> {
    table.iter().find(|column| column.name == name)
}

/// A column of whole numbers from 0 to 2^32 - 2, `missing` for null.
fn whole<'a>(column: &'a Column, missing: Option<u32>) -> PyResult<Cow<'a, [u32]>> {
    let title = format!("column {:?}", column.name);
    if column.data_type == DataType::UInt32
        && let Some(array) = column.in_one_piece()
    {
        return Ok(Cow::Borrowed(array.as_primitive::<UInt32Type>().values()));
    }
    if missing.is_none()
        && let Some(row) = column.first_null()
    {
        let text = format!("{title} is missing in row {row}; every packet needs one");
        return Err(PyValueError::new_err(text));
    }
    fn read<P: ArrowPrimitiveType<Native: TryInto<u32> + std::fmt::Display>>(
        column: &Column,
        title: &str,
        missing: Option<u32>,
    ) -> PyResult<Vec<u32>> {
        let bad = |value: P::Native| value.try_into().map_or(true, |v: u32| v == NONE);
        if let Some((row, value)) = column.first::<P>(bad) {
            let text = format!("{title} must be from 0 to 2**32 - 2, got {value} in row {row}");
            return Err(PyValueError::new_err(text));
        }
        let convert = |value: P::Native| value.try_into().unwrap_or(NONE);
        Ok(column.copy::<P, u32>(missing.unwrap_or(NONE), convert))
    }
    use DataType::*;
    let values = match column.data_type {
        Int8 => read::<Int8Type>(column, &title, missing),
        Int16 => read::<Int16Type>(column, &title, missing),
        Int32 => read::<Int32Type>(column, &title, missing),
        Int64 => read::<Int64Type>(column, &title, missing),
        UInt8 => read::<UInt8Type>(column, &title, missing),
        UInt16 => read::<UInt16Type>(column, &title, missing),
        UInt32 => read::<UInt32Type>(column, &title, missing),
        UInt64 => read::<UInt64Type>(column, &title, missing),
        Null => Ok(vec![missing.unwrap_or(NONE); column.len()]),
        _ => Err(column.refuse(&title, "whole numbers")),
    };
    values.map(Cow::Owned)
}

/// The number of each row's key, and a bound of the numbers.
fn number(column: &Column) -> PyResult<(Cow<'_, [u32]>, usize)> {
    use DataType::*;
    let n = column.len();
    /// Numbers that are few enough are their own numbers.
    fn dense<P: ArrowPrimitiveType<Native: TryInto<u32>>>(column: &Column) -> Option<usize> {
        let limit = (2 * column.len() + 1024).min(NONE as usize);
        let (mut most, mut fits) = (0u32, true);
        for chunk in &column.chunks {
            for &value in chunk.as_primitive::<P>().values() {
                match value.try_into() {
                    Ok(value) => most = most.max(value),
                    Err(_) => fits = false,
                }
            }
        }
        (fits && (most as usize) < limit).then_some(most as usize + 1)
    }
    fn hashed<P: ArrowPrimitiveType, K: keys::Key>(
        column: &Column,
        key: impl Fn(P::Native) -> K,
    ) -> (Cow<'_, [u32]>, usize) {
        let mut numbers = Numbers::<K>::default();
        let mut ids = Vec::with_capacity(column.len());
        for chunk in &column.chunks {
            let values = chunk.as_primitive::<P>().values();
            match chunk.nulls() {
                None => ids.extend(values.iter().map(|&value| numbers.number(key(value)))),
                Some(nulls) => ids.extend(values.iter().zip(nulls).map(|(&value, is_valid)| {
                    if is_valid {
                        numbers.number(key(value))
                    } else {
                        NONE
                    }
                })),
            }
        }
        (Cow::Owned(ids), numbers.len())
    }
    macro_rules! integer {
        ($($kind:ident => $type:ty, $key:ty;)*) => {
            match &column.data_type {
                $($kind => Some(match dense::<$type>(column) {
                    Some(bound) => (whole(column, Some(NONE))?, bound),
                    None => hashed::<$type, $key>(column, |value| value as $key),
                }),)*
                _ => None,
            }
        };
    }
    let found = integer! {
        Int8 => Int8Type, u32;
        Int16 => Int16Type, u32;
        Int32 => Int32Type, u32;
        Int64 => Int64Type, u64;
        UInt8 => UInt8Type, u32;
        UInt16 => UInt16Type, u32;
        UInt32 => UInt32Type, u32;
        UInt64 => UInt64Type, u64;
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let mut numbers = TextNumbers::default();
    let mut ids = Vec::with_capacity(n);
    for chunk in &column.chunks {
        let keys = texts(chunk).ok_or_else(|| {
            column.refuse(
                &format!("column {:?}", column.name),
                "addresses: text, whole numbers or 16 bytes each",
            )
        })?;
        keys.number(&mut numbers, &mut ids);
    }
    Ok((Cow::Owned(ids), numbers.len()))
}

/// A chunk of texts or bytes, in one of the ways in which Arrow lays them out.
enum Keys<'a> {
    Each(Box<dyn Iterator<Item = Option<&'a [u8]>> + 'a>),
    /// Values, and which of them each row has.
    Dictionary(Box<Keys<'a>>, Box<dyn Iterator<Item = Option<usize>> + 'a>),
    None(usize),
}

impl Keys<'_> {
    fn number(self, numbers: &mut TextNumbers, ids: &mut Vec<u32>) {
        match self {
            Keys::Each(texts) => {
                ids.extend(texts.map(|text| text.map_or(NONE, |text| numbers.number(text))));
            }
            Keys::Dictionary(values, rows) => {
                let mut of_value = Vec::new();
                values.number(numbers, &mut of_value);
                ids.extend(rows.map(|row| row.map_or(NONE, |row| of_value[row])));
            }
            Keys::None(rows) => ids.resize(ids.len() + rows, NONE),
        }
    }
}

fn texts(chunk: &ArrayRef) -> Option<Keys<'_>> {
    use DataType::*;
    Some(match chunk.data_type() {
        Utf8 => Keys::Each(Box::new(
            chunk
                .as_string::<i32>()
                .iter()
                .map(|t| t.map(str::as_bytes)),
        )),
        LargeUtf8 => Keys::Each(Box::new(
            chunk
                .as_string::<i64>()
                .iter()
                .map(|t| t.map(str::as_bytes)),
        )),
        Utf8View => Keys::Each(Box::new(
            chunk.as_string_view().iter().map(|t| t.map(str::as_bytes)),
        )),
        Binary => Keys::Each(Box::new(chunk.as_binary::<i32>().iter())),
        LargeBinary => Keys::Each(Box::new(chunk.as_binary::<i64>().iter())),
        BinaryView => Keys::Each(Box::new(chunk.as_binary_view().iter())),
        FixedSizeBinary(_) => Keys::Each(Box::new(chunk.as_fixed_size_binary().iter())),
        Dictionary(kind, _) => {
            macro_rules! dictionary {
                ($($key:ident => $type:ty;)*) => {
                    match kind.as_ref() {
                        $($key => {
                            let array = chunk.as_dictionary::<$type>();
                            let rows = array.keys().iter().map(|k| k.map(|k| k as usize));
                            Keys::Dictionary(Box::new(texts(array.values())?), Box::new(rows))
                        })*
                        _ => return None,
                    }
                };
            }
            dictionary! {
                Int8 => Int8Type;
                Int16 => Int16Type;
                Int32 => Int32Type;
                Int64 => Int64Type;
                UInt8 => UInt8Type;
                UInt16 => UInt16Type;
                UInt32 => UInt32Type;
                UInt64 => UInt64Type;
            }
        }
        Null => Keys::None(chunk.len()),
        _ => return None,
    })
}

/// Features of the rows of a table with the columns `key`, `length`, `tcp_flags`,
/// `destination_address`, `destination_port` and `source_port`, as far as they are asked for.
///
/// They are written to `outs`: NumPy asks the system for large pages, which spares a third of the
/// time of a count.
#[pyfunction]
#[pyo3(signature = (table, times, features, outs, window, *, n_jobs = None, progress = None))]
#[allow(clippy::too_many_arguments)] // the signature of the Python function
pub fn packet_features<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    times: PyReadonlyArray1<'py, i64>,
    features: Vec<String>,
    mut outs: Vec<PyReadwriteArray1<'py, f64>>,
    window: i64,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let asked = features
        .iter()
        .map(|name| {
            Feature::parse(name).ok_or_else(|| Error::argument("features", "known names", name))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let threads = threads(n_jobs)?;
    let (_, columns) = read(table)?;
    let times = times.as_slice()?;
    let total = (times.len() * asked.len()) as u64;
    let mut slices = Vec::with_capacity(outs.len());
    for out in &mut outs {
        slices.push(out.as_slice_mut()?);
    }
    run(py, total.saturating_mul(8), total, progress, |monitor| {
        prepare(&columns, times, |rows| {
            trailing::fill(&rows, &asked, window, threads, monitor, slices)
        })
    })?
}

/// Calls `kernel` with the columns as it reads them. What Python refuses is inside.
fn prepare<R>(
    columns: &[Column],
    times: &[i64],
    kernel: impl FnOnce(Rows) -> Result<R, Error>,
) -> Result<PyResult<R>, Error> {
    let numbers = |name: &str, missing: Option<u32>| match column(columns, name) {
        Some(column) => whole(column, missing),
        None => Ok(Cow::Borrowed(&[][..])),
    };
    let numbered = |name: &str| match column(columns, name) {
        Some(column) => number(column),
        None => Ok((Cow::Borrowed(&[][..]), 0)),
    };
    let prepared = (|| {
        Ok((
            numbered("key")?,
            numbered("destination_address")?.0,
            numbers("length", None)?,
            numbers("tcp_flags", Some(0))?,
            numbers("destination_port", Some(NONE))?,
            numbers("source_port", Some(NONE))?,
        ))
    })();
    let ((keys, n_keys), destinations, lengths, flags, destination_ports, source_ports) =
        match prepared {
            Ok(columns) => columns,
            Err(error) => return Ok(Err(error)),
        };
    kernel(Rows {
        keys: &keys,
        n_keys,
        times,
        lengths: &lengths,
        flags: &flags,
        destinations: &destinations,
        destination_ports: &destination_ports,
        source_ports: &source_ports,
    })
    .map(Ok)
}

/// Writes a table with the columns of a packet table as a pcap.
#[pyfunction]
pub fn write_packets(
    table: &Bound<'_, PyAny>,
    times: PyReadonlyArray1<'_, i64>,
    path: PathBuf,
    snap_length: u32,
) -> PyResult<()> {
    let (_, columns) = read(table)?;
    let times = times.as_slice()?;
    let numbers = |name: &str, missing: u32| match column(&columns, name) {
        Some(column) => whole(column, Some(missing)).map(Cow::into_owned),
        None => Ok(vec![missing; times.len()]),
    };
    let addresses = |name: &str| {
        let column = column(&columns, name).ok_or_else(|| {
            PyValueError::new_err(format!("column {name:?} is missing; a packet needs one"))
        })?;
        addresses(column)
    };
    let (source, destination) = (
        addresses("source_address")?,
        addresses("destination_address")?,
    );
    let lengths = numbers("length", NONE)?;
    let (source_port, destination_port) =
        (numbers("source_port", 0)?, numbers("destination_port", 0)?);
    let (protocol, flags) = (numbers("protocol", 59)?, numbers("tcp_flags", 0)?);
    let (vlan, ttl) = (numbers("vlan", NONE)?, numbers("ttl", 64)?);
    let file = File::create(&path)?;
    let work = || -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 18, file);
        write::header(&mut out, snap_length)?;
        for row in 0..times.len() {
            let packet = write::Packet {
                time: times[row],
                length: lengths[row],
                addresses: source[row].zip(destination[row]),
                ports: (source_port[row] as u16, destination_port[row] as u16),
                protocol: protocol[row] as u8,
                tcp_flags: flags[row] as u16,
                vlan: (vlan[row] != NONE).then_some(vlan[row] as u16),
                ttl: ttl[row] as u8,
            };
            write::packet(&mut out, &packet, snap_length)?;
        }
        out.flush()
    };
    table.py().detach(|| guard(work))
}

/// A column of texts as addresses.
fn addresses(column: &Column) -> PyResult<Vec<Option<IpAddr>>> {
    let (ids, _) = number(column)?;
    let mut known: Vec<Option<IpAddr>> = Vec::new();
    let mut row = 0;
    let mut out = Vec::with_capacity(ids.len());
    for chunk in &column.chunks {
        let Some(Keys::Each(texts)) = texts(chunk) else {
            let expected = "addresses as text, such as \"192.0.2.1\"";
            return Err(column.refuse(&format!("column {:?}", column.name), expected));
        };
        for text in texts {
            let id = ids[row] as usize;
            if let Some(text) = text
                && id == known.len()
            {
                let text = std::str::from_utf8(text).unwrap_or_default();
                let address = text.parse().map_err(|_| {
                    PyValueError::new_err(format!(
                        "column {:?} must hold IPv4 or IPv6 addresses, got {text:?} in row {row}",
                        column.name
                    ))
                })?;
                known.push(Some(address));
            }
            out.push(text.and_then(|_| known[id]));
            row += 1;
        }
    }
    Ok(out)
}
