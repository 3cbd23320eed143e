//! Flows as Arrow tables.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray,
    StringArray, StringViewArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::{ArrowTable, STREAM, refuse};
use super::error::guard;
use super::run::run;
use crate::error::Error;
use crate::flow::labels::Labels;
use crate::flow::layout::Kind;
use crate::flow::reader::{Options, Reader};
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
                    // Nobody can ask a stream for them.
                    reader.take_bad_rows();
                    let table = table.map(|table| batch(reader.columns(), table, false));
                    Ok::<_, ReadError>(table)
                });
                match read {
                    Ok(Some(Ok(batch))) => batch,
                    Ok(None) => {
                        self.reader = None;
                        return None;
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
        Values::Texts {
            mut codes,
            mut labels,
            plain,
        } => {
            if labels.is_empty() {
                // All rows are missing, and their codes must name a text all the same.
                labels.code(b"", 0, 0);
                codes.fill(0);
            }
            match (plain, views) {
                (true, true) => Arc::new(text_views(&codes, *labels, nulls)?),
                (true, false) => Arc::new(texts(&codes, &labels, nulls)?),
                (false, _) => {
                    let keys = PrimitiveArray::<UInt32Type>::new(codes.into(), nulls);
                    let values = label_array(*labels)?;
                    Arc::new(DictionaryArray::try_new(keys, Arc::new(values))?)
                }
            }
        }
    })
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

fn label_array(labels: Labels) -> Result<StringArray, ArrowError> {
    let ends = std::iter::once(0).chain(labels.ends.iter().map(|&end| end as i32));
    let offsets = OffsetBuffer::new(ends.collect());
    StringArray::try_new(offsets, Buffer::from_vec(labels.bytes), None)
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
    labels: Labels,
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
    let buffers = vec![Buffer::from_vec(labels.bytes)];
    // SAFETY: the views were made of texts that stand where they say, and each was checked to be
    // UTF-8 (an address is ASCII) when it was read.
    Ok(unsafe { StringViewArray::new_unchecked(views.into(), buffers.into(), nulls) })
}
