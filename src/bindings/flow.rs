//! Flows as Arrow tables.

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, DictionaryArray, FixedSizeBinaryArray,
    Int32Array, PrimitiveArray, StringArray, StringViewArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::{ArrowTable, Column as Port, STREAM, refuse};
use super::error::guard;
use super::run::run;
use crate::error::Error;
use crate::flow::field;
use crate::flow::labels::Labels;
use crate::flow::layout::Kind;
use crate::flow::ports;
use crate::flow::reader::{self, Options, Reader};
use crate::flow::table::{Addresses, Field as Column, Table, Values};
use crate::flow::text::ReadError;
use crate::parallel::{Monitor, threads};

impl From<ReadError> for PyErr {
    fn from(error: ReadError) -> PyErr {
        match error {
            ReadError::Io(error) => error.into(),
            ReadError::Kernel(error) => error.into(),
        }
    }
}

/// A file, a line and a reason.
type BadRow = (usize, u64, String);

/// Files of flows: batch by batch, or as an Arrow stream, any number of times.
#[pyclass(frozen, module = "linewatch._core")]
pub struct FlowFiles {
    paths: Vec<PathBuf>,
    options: Options,
    columns: Vec<(String, Kind)>,
}

#[pymethods]
impl FlowFiles {
    /// Looks at the headers.
    #[new]
    #[pyo3(signature = (paths, columns, addresses, *, skip, batch_rows, n_jobs = None))]
    fn new(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        columns: Option<Vec<String>>,
        addresses: &str,
        skip: bool,
        batch_rows: usize,
        n_jobs: Option<isize>,
    ) -> PyResult<Self> {
        let addresses = match addresses {
            "text" => Addresses::Text,
            "category" => Addresses::Category,
            "integer" => Addresses::Integer,
            "bytes" => Addresses::Bytes,
            other => {
                let expected = "\"text\", \"category\", \"integer\" or \"bytes\"";
                return Err(Error::argument("addresses", expected, format!("{other:?}")).into());
            }
        };
        let options = Options {
            columns,
            addresses,
            skip,
            rows: batch_rows,
            threads: threads(n_jobs)?,
        };
        let files = paths.clone();
        let copy = options.clone();
        let reader = py.detach(|| guard(|| Reader::new(files, copy)))?;
        Ok(FlowFiles {
            paths,
            options,
            columns: reader.columns().to_vec(),
        })
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A table of no flows, for its columns.
    fn empty(&self, views: bool) -> PyResult<ArrowTable> {
        let kinds: Vec<Kind> = self.columns.iter().map(|&(_, kind)| kind).collect();
        let table = Table::new(&kinds, self.options.addresses);
        let batch = batch(&self.columns, table, views).map_err(refuse)?;
        Ok(ArrowTable(batch))
    }

    /// A pass over the files. With `views`, texts are laid out as Polars keeps them.
    fn reader(&self, py: Python<'_>, views: bool) -> PyResult<FlowReader> {
        let (paths, options) = (self.paths.clone(), self.options.clone());
        let reader = py.detach(|| guard(|| Reader::new(paths, options)))?;
        Ok(FlowReader {
            reader: Mutex::new(reader),
            views,
        })
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let schema = self.empty(false)?.0.schema();
        let (paths, options) = (self.paths.clone(), self.options.clone());
        let reader = py.detach(|| guard(|| Reader::new(paths, options)))?;
        let batches = Batches {
            reader: Some(reader),
            rest: None,
            rows: self.options.rows,
            paths: self.paths.clone(),
            first_bad: None,
        };
        let stream = RecordBatchIterator::new(batches, schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(stream)), STREAM)
    }
}

/// One pass over files of flows.
#[pyclass(frozen, module = "linewatch._core")]
pub struct FlowReader {
    reader: Mutex<Reader>,
    views: bool,
}

#[pymethods]
impl FlowReader {
    /// The next table; None at the end.
    fn next_batch(&self, py: Python<'_>) -> PyResult<Option<ArrowTable>> {
        let read = |monitor: &Monitor| {
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let table = match reader.next_table(monitor) {
                Ok(table) => table,
                Err(ReadError::Io(error)) => return Ok(Err(error)),
                Err(ReadError::Kernel(error)) => return Err(error),
            };
            let table = table.map(|table| batch(reader.columns(), table, self.views));
            Ok(Ok(table))
        };
        let table = run(py, u64::MAX, 0, None, read)??;
        let table = table.transpose().map_err(refuse)?;
        Ok(table.map(ArrowTable))
    }

    /// The rows left out since the last call: number of the file, line, reason.
    fn take_bad_rows(&self) -> Vec<BadRow> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = reader.take_bad_rows().into_iter();
        rows.map(|row| (row.file, row.line, row.reason)).collect()
    }
}

/// The batches of one pass, of at most so many rows each.
struct Batches {
    reader: Option<Reader>,
    rest: Option<RecordBatch>,
    rows: usize,
    paths: Vec<PathBuf>,
    /// The first row that was left out.
    first_bad: Option<reader::BadRow>,
}

impl Batches {
    /// Nobody can ask a stream for the rows that were left out, so a warning tells of them.
    fn warn(&self, count: u64) -> PyResult<()> {
        let Some(bad) = &self.first_bad else {
            return Ok(());
        };
        let text = format!(
            "{count} row{} left out, the first: {}, line {}: {}",
            if count == 1 { "" } else { "s" },
            self.paths[bad.file].display(),
            bad.line,
            bad.reason
        );
        let text = CString::new(text.replace('\0', " "))?;
        let warned =
            Python::try_attach(|py| PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1));
        warned.unwrap_or(Ok(()))
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let reader = self.reader.as_mut()?;
                let read = guard(|| {
                    let table = reader.next_table(&Monitor::default())?;
                    let bad_rows = reader.take_bad_rows();
                    self.first_bad = self.first_bad.take().or(bad_rows.into_iter().next());
                    let table = table.map(|table| batch(reader.columns(), table, false));
                    Ok::<_, ReadError>(table)
                });
                match read {
                    Ok(Some(Ok(batch))) => batch,
                    Ok(None) => {
                        let count = reader.bad_count();
                        self.reader = None;
                        let failed = |error| ArrowError::ExternalError(Box::new(error));
                        return self.warn(count).err().map(|error| Err(failed(error)));
                    }
                    Ok(Some(Err(error))) => {
                        self.reader = None;
                        return Some(Err(error));
                    }
                    Err(error) => {
                        self.reader = None;
                        return Some(Err(ArrowError::ExternalError(Box::new(error))));
                    }
                }
            }
        };
        let rows = self.rows.min(whole.num_rows());
        if rows < whole.num_rows() {
            self.rest = Some(whole.slice(rows, whole.num_rows() - rows));
        }
        Some(Ok(whole.slice(0, rows)))
    }
}

/// Columns as Arrow has them.
fn batch(columns: &[(String, Kind)], table: Table, views: bool) -> Result<RecordBatch, ArrowError> {
    let rows = table.rows;
    let arrays = columns.iter().zip(table.fields).map(|((name, _), column)| {
        let array = array(column, rows, views)?;
        Ok((name, array, true))
    });
    let arrays = arrays.collect::<Result<Vec<_>, ArrowError>>()?;
    RecordBatch::try_from_iter_with_nullable(arrays)
}

fn array(column: Column, rows: usize, views: bool) -> Result<ArrayRef, ArrowError> {
    fn numbers<P: ArrowPrimitiveType>(
        values: Vec<P::Native>,
        nulls: Option<NullBuffer>,
    ) -> ArrayRef {
        Arc::new(PrimitiveArray::<P>::new(ScalarBuffer::from(values), nulls))
    }
    let nulls = nulls(&column.missing, rows);
    Ok(match column.values {
        Values::Times(values) => numbers::<TimestampMicrosecondType>(values, nulls),
        Values::Seconds(values) => numbers::<Float64Type>(values, nulls),
        Values::Counts(values) => numbers::<Int64Type>(values, nulls),
        Values::Smalls(values) => numbers::<Int32Type>(values, nulls),
        Values::Numbers(values) => numbers::<UInt32Type>(values, nulls),
        Values::Bytes(values) => {
            let bytes = Buffer::from_vec(values.into_flattened());
            Arc::new(FixedSizeBinaryArray::try_new(16, bytes, nulls)?)
        }
        Values::Views { views: all, texts } if views => {
            let texts = vec![Buffer::from_vec(texts)];
            // SAFETY: each view was made of a text that stands where it says, and which was read
            // as an address, so it is UTF-8. Rows without one view the empty text.
            Arc::new(unsafe { StringViewArray::new_unchecked(all.into(), texts.into(), nulls) })
        }
        Values::Views { views: all, texts } => Arc::new(unviewed(&all, &texts, nulls)?),
        Values::Labels {
            mut codes,
            mut labels,
        } => {
            if labels.is_empty() {
                // All rows are missing, and their codes must name a text all the same.
                labels.code(b"", 0, 0);
                codes.fill(0);
            }
            let keys = PrimitiveArray::<UInt32Type>::new(codes.into(), nulls);
            let values = label_array(&labels)?;
            Arc::new(DictionaryArray::try_new(keys, Arc::new(values))?)
        }
    })
}

/// Views as texts one after another.
fn unviewed(
    views: &[u128],
    texts: &[u8],
    nulls: Option<NullBuffer>,
) -> Result<StringArray, ArrowError> {
    let mut offsets = Vec::with_capacity(views.len() + 1);
    let mut bytes = Vec::with_capacity(texts.len() + 12 * views.len());
    offsets.push(0);
    for view in views {
        bytes.extend_from_slice(field::viewed(&view.to_le_bytes(), texts));
        offsets.push(bytes.len() as i32);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)
}

fn nulls(missing: &[u32], rows: usize) -> Option<NullBuffer> {
    if missing.is_empty() {
        return None;
    }
    let mut valid = vec![0xff; rows.div_ceil(8)];
    for &row in missing {
        valid[row as usize / 8] &= !(1 << (row % 8));
    }
    let buffer = BooleanBuffer::new(Buffer::from_vec(valid), 0, rows);
    Some(NullBuffer::new(buffer))
}

fn label_array(labels: &Labels) -> Result<StringArray, ArrowError> {
    let ends = std::iter::once(0).chain(labels.ends.iter().map(|&end| end as i32));
    let offsets = OffsetBuffer::new(ends.collect());
    StringArray::try_new(offsets, Buffer::from_vec(labels.bytes.clone()), None)
}

/// The text of each row.
fn texts(
    codes: &[u32],
    labels: &Labels,
    nulls: Option<NullBuffer>,
) -> Result<StringArray, ArrowError> {
    let mut offsets = Vec::with_capacity(codes.len() + 1);
    let mut bytes = Vec::with_capacity(16 * codes.len());
    offsets.push(0);
    for &code in codes {
        bytes.extend_from_slice(labels.text(code));
        offsets.push(bytes.len() as i32);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)
}

/// The text of each row as a view of the one place where it stands.
fn text_views(
    codes: &[u32],
    labels: &Labels,
    nulls: Option<NullBuffer>,
) -> Result<StringViewArray, ArrowError> {
    let views: Vec<u128> = (0..labels.len() as u32)
        .map(|code| {
            let text = labels.text(code);
            let offset = labels.ends[code as usize] as usize - text.len();
            arrow::array::make_view(text, 0, offset as u32)
        })
        .collect();
    let views: Vec<u128> = codes.iter().map(|&code| views[code as usize]).collect();
    let buffers = vec![Buffer::from_vec(labels.bytes.clone())];
    // SAFETY: the views were made of texts that stand where they say, and each was checked to be
    // UTF-8 (an address is ASCII) when it was read.
    Ok(unsafe { StringViewArray::new_unchecked(views.into(), buffers.into(), nulls) })
}

/// A port of each row, where there is one.
fn ports(column: &Port) -> PyResult<Vec<Option<u16>>> {
    fn read<P: ArrowPrimitiveType<Native: TryInto<u16>>>(column: &Port) -> Vec<Option<u16>> {
        column.copy::<P, Option<u16>>(None, |value| value.try_into().ok())
    }
    use DataType::*;
    Ok(match column.data_type {
        Int8 => read::<Int8Type>(column),
        Int16 => read::<Int16Type>(column),
        Int32 => read::<Int32Type>(column),
        Int64 => read::<Int64Type>(column),
        UInt8 => read::<UInt8Type>(column),
        UInt16 => read::<UInt16Type>(column),
        UInt32 => read::<UInt32Type>(column),
        UInt64 => read::<UInt64Type>(column),
        Null => vec![None; column.len()],
        _ => {
            let title = format!("column {:?}", column.name);
            return Err(column.refuse(&title, "ports as whole numbers"));
        }
    })
}

/// The transport protocol of each row.
fn transports(column: &Port) -> PyResult<Vec<u8>> {
    fn numbers<P: ArrowPrimitiveType<Native: TryInto<i64>>>(column: &Port) -> Vec<u8> {
        column.copy::<P, u8>(ports::OTHER, |value| {
            value.try_into().map_or(ports::OTHER, ports::transport)
        })
    }
    fn texts(chunk: &dyn Array) -> Option<Vec<u8>> {
        let of = |text: Option<&str>| text.map_or(ports::OTHER, |t| named(t.as_bytes()));
        Some(match chunk.data_type() {
            DataType::Utf8 => chunk.as_string::<i32>().iter().map(of).collect(),
            DataType::LargeUtf8 => chunk.as_string::<i64>().iter().map(of).collect(),
            DataType::Utf8View => chunk.as_string_view().iter().map(of).collect(),
            DataType::Null => vec![ports::OTHER; chunk.len()],
            DataType::Dictionary(..) => {
                let any = chunk.as_any_dictionary();
                let values = texts(any.values())?;
                let nulls = any.keys().nulls();
                let code = |(row, key): (usize, usize)| match nulls {
                    Some(nulls) if nulls.is_null(row) => ports::OTHER,
                    _ => values.get(key).copied().unwrap_or(ports::OTHER),
                };
                // Keys of missing rows may be anything, but there is a value for each of the rest.
                match values.is_empty() {
                    true => vec![ports::OTHER; chunk.len()],
                    false => any
                        .normalized_keys()
                        .into_iter()
                        .enumerate()
                        .map(code)
                        .collect(),
                }
            }
            _ => return None,
        })
    }
    use DataType::*;
    Ok(match column.data_type {
        Int8 => numbers::<Int8Type>(column),
        Int16 => numbers::<Int16Type>(column),
        Int32 => numbers::<Int32Type>(column),
        Int64 => numbers::<Int64Type>(column),
        UInt8 => numbers::<UInt8Type>(column),
        UInt16 => numbers::<UInt16Type>(column),
        UInt32 => numbers::<UInt32Type>(column),
        UInt64 => numbers::<UInt64Type>(column),
        _ => {
            let mut all = Vec::with_capacity(column.len());
            for chunk in &column.chunks {
                let title = format!("column {:?}", column.name);
                let expected = "protocols as text or as whole numbers";
                all.extend(texts(chunk).ok_or_else(|| column.refuse(&title, expected))?);
            }
            all
        }
    })
}

/// The transport of a name, quickly for the two that nearly every flow has.
#[inline(always)]
fn named(text: &[u8]) -> u8 {
    match text {
        b"TCP" => 0,
        b"UDP" => 1,
        _ => ports::named_transport(text),
    }
}

fn mode(literal: bool) -> ports::Mode {
    match literal {
        true => ports::Mode::Literal,
        false => ports::Mode::Full,
    }
}

/// Names as texts that rows look at.
struct Names {
    labels: Labels,
}

impl Names {
    /// The first one is empty and stands for none.
    fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut labels = Labels::default();
        for (number, name) in names.enumerate() {
            let (code, _) = labels.code(name.as_bytes(), 0, name.len());
            assert_eq!(code as usize, number, "names differ");
        }
        Names { labels }
    }

    /// The name of each row; missing where the number is 0.
    fn array(&self, codes: Vec<u32>, form: &str) -> Result<ArrayRef, ArrowError> {
        let missing = |row: usize| codes[row] == 0;
        let valid = BooleanBuffer::collect_bool(codes.len(), |row| !missing(row));
        let nulls = Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0);
        Ok(match form {
            "views" => Arc::new(text_views(&codes, &self.labels, nulls)?),
            "codes" => {
                let keys = PrimitiveArray::<UInt32Type>::new(codes.into(), nulls);
                Arc::new(DictionaryArray::try_new(
                    keys,
                    Arc::new(label_array(&self.labels)?),
                )?)
            }
            _ => Arc::new(texts(&codes, &self.labels, nulls)?),
        })
    }
}

/// What is known of the ports of flows, as columns with the names that are `wanted`.
///
/// `table` has the columns sp, dp and pr, as far as they are needed. Texts come as "views" (as
/// Polars keeps them), as "codes" (a dictionary) or plainly.
#[pyfunction]
pub fn classify_ports(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    wanted: Vec<String>,
    literal: bool,
    form: &str,
) -> PyResult<ArrowTable> {
    let (_, columns) = super::arrow::read(table)?;
    let find = |name: &str| columns.iter().find(|column| column.name == name);
    let work = || {
        let registry = ports::registry();
        let entries = registry.entries(mode(literal));
        let transports = find("pr").map(transports).transpose()?;
        let look = |name: &str| -> PyResult<_> {
            let Some(column) = find(name) else {
                return Ok(None);
            };
            let numbers = ports(column)?;
            let place = |(row, port): (usize, &Option<u16>)| match (port, &transports) {
                (Some(port), Some(transports)) => entries[ports::place(*port, transports[row])],
                _ => entries[ports::NOWHERE],
            };
            let found: Vec<ports::Entry> = numbers.iter().enumerate().map(place).collect();
            Ok(Some((numbers, found)))
        };
        let (source, destination) = (look("sp")?, look("dp")?);
        let services = Names::new(registry.services.iter().map(String::as_str));
        let categories = Names::new(registry.categories.iter().copied());
        let classes = Names::new(ports::CLASSES.into_iter());
        let sides = Names::new(ports::SIDES.into_iter());
        let sides_of_rows = match (&source, &destination) {
            (Some(source), Some(destination)) => {
                let ends = |row: usize| {
                    let (from, to) = (source.0[row], destination.0[row]);
                    match from.zip(to) {
                        Some((from, to)) => {
                            ports::side((from, source.1[row]), (to, destination.1[row])) as u32
                        }
                        None => 0,
                    }
                };
                (0..source.0.len()).map(ends).collect()
            }
            _ => Vec::new(),
        };
        // The entry of the side that serves.
        let serving = |row: usize| match (sides_of_rows[row], &source, &destination) {
            (1, Some(source), _) => source.1[row],
            (2, _, Some(destination)) => destination.1[row],
            _ => ports::Entry::default(),
        };
        let arrays = wanted.iter().map(|name| {
            let end = match name.as_str() {
                _ if name.starts_with("sp_") => &source,
                _ => &destination,
            };
            let entries = |what: fn(ports::Entry) -> usize| -> Vec<u32> {
                let found = end.iter().flat_map(|(_, found)| found);
                found.map(|&entry| what(entry) as u32).collect()
            };
            let array = match name.as_str() {
                "sp_service" | "dp_service" => services.array(entries(ports::Entry::service), form),
                "sp_category" | "dp_category" => {
                    categories.array(entries(ports::Entry::category), form)
                }
                "sp_class" | "dp_class" => {
                    let class = |port: &Option<u16>| port.map_or(0, |p| ports::class(p) as u32);
                    let numbers = end.iter().flat_map(|(numbers, _)| numbers);
                    classes.array(numbers.map(class).collect(), form)
                }
                "service_side" => sides.array(sides_of_rows.clone(), form),
                "service" | "category" => {
                    let rows = 0..sides_of_rows.len();
                    if name == "service" {
                        services.array(rows.map(|r| serving(r).service() as u32).collect(), form)
                    } else {
                        let codes = rows.map(|r| serving(r).category() as u32).collect();
                        categories.array(codes, form)
                    }
                }
                _ => {
                    return Err(ArrowError::InvalidArgumentError(format!(
                        "no column {name}"
                    )));
                }
            };
            Ok((name.as_str(), array?, true))
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>().map_err(refuse)?;
        RecordBatch::try_from_iter_with_nullable(arrays).map_err(refuse)
    };
    py.detach(|| guard(work)).map(ArrowTable)
}

/// Every port of the registry or with a category: port, protocol, its number, service, category
/// and rank.
#[pyfunction]
pub fn port_table(literal: bool) -> PyResult<ArrowTable> {
    let registry = ports::registry();
    let entries = registry.entries(mode(literal));
    let services = Names::new(registry.services.iter().map(String::as_str));
    let categories = Names::new(registry.categories.iter().copied());
    let (mut numbers, mut names, mut protocols) = (Vec::new(), Vec::new(), Vec::new());
    let (mut service, mut category, mut rank) = (Vec::new(), Vec::new(), Vec::new());
    for (transport, (name, number)) in ports::TRANSPORTS.into_iter().enumerate() {
        for port in 0..=u16::MAX {
            let entry = entries[ports::place(port, transport as u8)];
            if entry.service() + entry.category() > 0 {
                numbers.push(i32::from(port));
                names.push(name);
                protocols.push(i32::from(number));
                service.push(entry.service() as u32);
                category.push(entry.category() as u32);
                rank.push(i32::from(entry.rank()));
            }
        }
    }
    let integers = |values: Vec<i32>| Arc::new(Int32Array::from(values)) as ArrayRef;
    let columns = [
        ("port", integers(numbers)),
        ("protocol", Arc::new(StringArray::from(names)) as ArrayRef),
        ("protocol_number", integers(protocols)),
        ("service", services.array(service, "plain").map_err(refuse)?),
        (
            "category",
            categories.array(category, "plain").map_err(refuse)?,
        ),
        ("rank", integers(rank)),
    ];
    let table = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true)));
    Ok(ArrowTable(table.map_err(refuse)?))
}

/// Date of the registry of services, and numbers and keywords of IP protocols.
#[pyfunction]
pub fn port_registry() -> (String, Vec<(u8, String)>) {
    let protocols = ports::protocols().map(|(number, keyword)| (number, keyword.to_owned()));
    (ports::registry().date.clone(), protocols.collect())
}
