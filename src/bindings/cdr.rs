//! Call records from Python: settings in, Arrow batches and files out.

use std::ffi::CStr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::RecordBatchReader;
use pyo3::exceptions::{PyKeyError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use super::error::guard;
use super::run::run;
use crate::cdr::block;
use crate::cdr::columns::{self, Column, Field as Described, Kind, Names, Text};
use crate::cdr::day::Maker;
use crate::cdr::files::{self, Failure};
use crate::cdr::hourly::{self, Record};
use crate::cdr::identity::{Digits, Room};
use crate::cdr::messages::Message;
use crate::cdr::rhythm::Rhythm;
use crate::cdr::sessions::Session;
use crate::cdr::settings::{Area, Community, Data, Duration, Settings, Shape, Sms};
use crate::cdr::stream::Rows;
use crate::cdr::world::World;
use crate::cdr::{self};
use crate::error::Error;
use crate::parallel::threads;

const STREAM: &CStr = c"arrow_array_stream";

/// A field of the settings by its name.
fn field<'py, T>(settings: &Bound<'py, PyDict>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    match settings.get_item(name)? {
        Some(value) => value.extract(),
        None => Err(PyKeyError::new_err(format!("setting {name} is missing"))),
    }
}

/// Share, latitudes, longitudes, homes, work places.
type AreaFields = (f64, [f64; 2], [f64; 2], f64, f64);

/// The settings that `linewatch.cdr.Config` has checked and laid out.
fn settings(d: &Bound<'_, PyDict>) -> PyResult<Settings> {
    let areas: Vec<AreaFields> = field(d, "areas")?;
    let areas = areas
        .into_iter()
        .map(|(share, latitude, longitude, home, work)| Area {
            share,
            latitude,
            longitude,
            home,
            work,
        });
    let durations: Vec<(f64, f64, u32)> = field(d, "durations")?;
    let durations = durations
        .into_iter()
        .map(|(center_s, spread, least_s)| Duration {
            center_s,
            spread,
            least_s,
        });
    let communities: Vec<(f64, Vec<(u32, f64)>)> = field(d, "communities")?;
    let communities = communities
        .into_iter()
        .map(|(share, sizes)| Community { share, sizes });
    let shape: String = field(d, "duration_shape")?;
    Ok(Settings {
        seed: field(d, "seed")?,
        users: field(d, "users")?,
        days: field(d, "days")?,
        first_day: field(d, "first_day")?,
        towers: field(d, "towers")?,
        tower_spacing_m: field(d, "tower_spacing_m")?,
        small_cell_share: field(d, "small_cell_share")?,
        tower_popularity: field(d, "tower_popularity")?,
        areas: exactly("areas", areas)?,
        calls_per_user_day: field(d, "calls_per_user_day")?,
        anomaly_ratio: field(d, "anomaly_ratio")?,
        anomaly_mix: field(d, "anomaly_mix")?,
        user_type_shares: field(d, "user_type_shares")?,
        business_pattern: field(d, "business_pattern")?,
        user_type_activity: field(d, "user_type_activity")?,
        activity_spread: field(d, "activity_spread")?,
        account_age_days: field(d, "account_age_days")?,
        rhythm: field(d, "rhythm")?,
        weekend_volume: field(d, "weekend_volume")?,
        chronotype_share: field(d, "chronotype_share")?,
        volume_noise: field(d, "volume_noise")?,
        user_day_spread: field(d, "user_day_spread")?,
        user_hour_spread: field(d, "user_hour_spread")?,
        follow_up: field(d, "follow_up")?,
        follow_up_gap_s: field(d, "follow_up_gap_s")?,
        duration_shape: match shape.as_str() {
            "log-normal" => Shape::LogNormal,
            "log-logistic" => Shape::LogLogistic,
            _ => Shape::Normal,
        },
        durations: exactly("durations", durations)?,
        talker_spread: field(d, "talker_spread")?,
        communities: exactly("communities", communities)?,
        one_community: field(d, "one_community")?,
        contact_shares: field(d, "contact_shares")?,
        tie_spread: field(d, "tie_spread")?,
        acquaintances: field(d, "acquaintances")?,
        acquaintances_spread: field(d, "acquaintances_spread")?,
        stranger_share: field(d, "stranger_share")?,
        at_home: field(d, "at_home")?,
        at_work: field(d, "at_work")?,
        day_place_share: field(d, "day_place_share")?,
        other_places: field(d, "other_places")?,
        handover_base: field(d, "handover_base")?,
        handover_half_s: field(d, "handover_half_s")?,
        handover_most: field(d, "handover_most")?,
        handover_to_neighbor: field(d, "handover_to_neighbor")?,
        columns: field(d, "columns")?,
        drop_share: field(d, "drop_share")?,
        forwarded_share: field(d, "forwarded_share")?,
        utc_time_offset: field(d, "utc_time_offset")?,
        sms: Sms {
            volume: (field(d, "sms_per_user_day")?, field(d, "sms_rhythm_power")?),
            follow_up: field(d, "sms_follow_up")?,
            gap_s: field(d, "sms_gap_s")?,
        },
        data: Data {
            volume: (
                field(d, "data_sessions_per_user_day")?,
                field(d, "data_rhythm_power")?,
            ),
            length: (field(d, "data_center_s")?, field(d, "data_spread")?),
            rate: (
                field(d, "data_rate_kbit_per_s")?,
                field(d, "data_rate_spread")?,
            ),
            most_bytes: field(d, "data_most_bytes")?,
            rats: field(d, "data_rat_shares")?,
        },
    })
}

fn exactly<T, const N: usize>(
    name: &'static str,
    values: impl Iterator<Item = T>,
) -> Result<[T; N], Error> {
    let values: Vec<T> = values.collect();
    let found = values.len();
    let refuse = |_| Error::Length {
        name,
        expected: N,
        found,
    };
    values.try_into().map_err(refuse)
}

/// Rows by hour, by kind and by class of duration.
type Counts = (Vec<u64>, Vec<u64>, Vec<u64>);

/// A world and its names, shared by all streams.
struct Shared {
    world: Arc<World>,
    names: Names,
}

/// A table of many rows.
#[derive(Clone, Copy)]
enum Table {
    Calls,
    Sms,
    Data,
}

impl Table {
    fn of(name: &str) -> PyResult<Self> {
        match name {
            "calls" => Ok(Table::Calls),
            "sms" => Ok(Table::Sms),
            "data" => Ok(Table::Data),
            _ => Err(PyValueError::new_err(format!(
                "table must be \"calls\", \"sms\" or \"data\", got {name:?}"
            ))),
        }
    }

    fn rhythm(self, world: &World) -> &Rhythm {
        match self {
            Table::Calls => &world.rhythm,
            Table::Sms => Message::rhythm(world),
            Table::Data => Session::rhythm(world),
        }
    }

    fn schema(self, world: &World) -> SchemaRef {
        match self {
            Table::Calls => schema(&columns::calls(&world.settings)),
            Table::Sms => schema(Message::FIELDS),
            Table::Data => schema(Session::FIELDS),
        }
    }
}

/// A data set that can be made at any time, whole or by days.
#[pyclass(frozen, module = "linewatch._core")]
pub struct CdrDataset(Arc<Shared>);

#[pymethods]
impl CdrDataset {
    #[new]
    fn new(py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let settings = self::settings(settings)?;
        let users = u64::from(settings.users);
        let shared = run(py, users * 1000, users, None, move |_| {
            let world = World::new(settings)?;
            Ok(Shared {
                names: Names::new(&world),
                world: Arc::new(world),
            })
        })?;
        Ok(CdrDataset(Arc::new(shared)))
    }

    /// Rows of each day and how many of them are anomalies.
    #[getter]
    fn quotas(&self) -> Vec<(u64, u64)> {
        let quotas = self.0.world.rhythm.quotas().iter();
        quotas.map(|quota| (quota.rows, quota.anomalies)).collect()
    }

    /// Rows of each day of a table.
    fn rows_by_day(&self, table: &str) -> PyResult<Vec<u64>> {
        let quotas = Table::of(table)?.rhythm(&self.0.world).quotas().iter();
        Ok(quotas.map(|quota| quota.rows).collect())
    }

    /// The rows of days `first..last` of a table as a stream that begins when it is read.
    #[pyo3(signature = (first, last, size, n_jobs, table = "calls"))]
    fn calls(
        &self,
        first: u32,
        last: u32,
        size: usize,
        n_jobs: Option<isize>,
        table: &str,
    ) -> PyResult<CdrCalls> {
        Ok(CdrCalls {
            shared: Arc::clone(&self.0),
            table: Table::of(table)?,
            days: first..last,
            size,
            threads: threads(n_jobs)?,
        })
    }

    /// Towers, from 0, at which users of these numbers, from 0, are at seconds of the data.
    fn whereabouts(&self, users: Vec<u32>, seconds: Vec<u64>) -> Vec<u16> {
        let world = &self.0.world;
        let at = |(user, second): (u32, u64)| {
            let (day, second) = ((second / 86_400) as u32, (second % 86_400) as u32);
            block::whereabouts(world, world.identities.place(user), day, second)
        };
        users.into_iter().zip(seconds).map(at).collect()
    }

    /// Writes the calls of days from the first to before the second as one CSV file, or those of the
    /// first as Parquet.
    #[pyo3(signature = (path, format, days, *, n_jobs = None, progress = None))]
    fn write(
        &self,
        py: Python<'_>,
        path: PathBuf,
        format: &str,
        days: (u32, u32),
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Counts> {
        let (first, last) = days;
        let threads = threads(n_jobs)?;
        let (world, names) = (&self.0.world, &self.0.names);
        let is_csv = format == "csv";
        let quotas = &world.rhythm.quotas()[first as usize..last as usize];
        let rows: u64 = quotas.iter().map(|quota| quota.rows).sum();
        let written = run(py, rows * 500, rows, progress, |monitor| {
            let written = if is_csv {
                files::csv(world, names, first..last, &path, threads, monitor)
            } else {
                files::parquet(world, names, first, &path, threads, monitor)
            };
            match written {
                Ok(summary) => Ok(Ok(summary)),
                Err(Failure::System(error)) => Ok(Err(error)),
                Err(Failure::Kernel(error)) => Err(error),
            }
        })?;
        let summary = written.map_err(system)?;
        Ok((
            summary.hours.into(),
            summary.kinds.into(),
            summary.durations.into(),
        ))
    }

    /// Writes another table's rows of days from the first to before the second as one CSV file, or
    /// those of the first as Parquet.
    #[pyo3(signature = (table, path, format, days, *, n_jobs = None, progress = None))]
    #[allow(clippy::too_many_arguments)]
    fn write_table(
        &self,
        py: Python<'_>,
        table: &str,
        path: PathBuf,
        format: &str,
        days: (u32, u32),
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let table = Table::of(table)?;
        let threads = threads(n_jobs)?;
        let (world, names) = (&self.0.world, &self.0.names);
        let (is_csv, first) = (format == "csv", days.0);
        let days = first..days.1;
        let quotas = &table.rhythm(world).quotas()[first as usize..days.end as usize];
        let rows: u64 = quotas.iter().map(|quota| quota.rows).sum();
        let written = run(py, rows * 500, rows, progress, |monitor| {
            let written = match (table, is_csv) {
                (Table::Data, true) => {
                    files::table_csv::<Session>(world, names, days, &path, threads, monitor)
                }
                (Table::Data, false) => {
                    files::table_parquet::<Session>(world, names, first, &path, threads, monitor)
                }
                (_, true) => {
                    files::table_csv::<Message>(world, names, days, &path, threads, monitor)
                }
                (_, false) => {
                    files::table_parquet::<Message>(world, names, first, &path, threads, monitor)
                }
            };
            match written {
                Ok(()) => Ok(Ok(())),
                Err(Failure::System(error)) => Ok(Err(error)),
                Err(Failure::Kernel(error)) => Err(error),
            }
        })?;
        written.map_err(system)
    }

    /// Those who are there for a scenario: name, label of their rows, role.
    fn actors(&self, py: Python<'_>) -> PyResult<CdrTable> {
        let shared = &self.0;
        py.detach(|| guard(|| actors(shared))).map(CdrTable)
    }

    /// The users in the order of their names.
    fn users(&self, py: Python<'_>) -> PyResult<CdrTable> {
        let shared = &self.0;
        py.detach(|| guard(|| users(shared))).map(CdrTable)
    }

    /// The towers in the order of their names.
    fn towers(&self, py: Python<'_>) -> PyResult<CdrTable> {
        let shared = &self.0;
        py.detach(|| guard(|| towers(shared))).map(CdrTable)
    }

    /// What the papers of users say whose numbers, from 0, may lie beyond the users of the world.
    fn papers(&self, py: Python<'_>, first: u32, last: u32) -> PyResult<CdrTable> {
        let shared = &self.0;
        py.detach(|| guard(|| papers(shared, first..last)))
            .map(CdrTable)
    }

    /// The members of communities, kind by kind.
    fn communities(&self, py: Python<'_>) -> PyResult<CdrTable> {
        let shared = &self.0;
        py.detach(|| guard(|| communities(shared))).map(CdrTable)
    }
}

fn system(error: std::io::Error) -> PyErr {
    match error.raw_os_error() {
        // Python chooses the class and the words by the number.
        Some(number) => PyOSError::new_err((number, error.to_string())),
        None => PyErr::from(error),
    }
}

/// Rows to come: every reader gets them from the beginning.
#[pyclass(frozen, module = "linewatch._core")]
pub struct CdrCalls {
    shared: Arc<Shared>,
    table: Table,
    days: Range<u32>,
    size: usize,
    threads: usize,
}

#[pymethods]
impl CdrCalls {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let reader = Box::new(self.reader());
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), STREAM)
    }

    /// Batch after batch.
    fn __iter__(&self) -> CdrBatches {
        CdrBatches(std::sync::Mutex::new(self.reader()))
    }
}

impl CdrCalls {
    fn reader(&self) -> Reader {
        Reader {
            source: None,
            schema: self.table.schema(&self.shared.world),
            shared: Arc::clone(&self.shared),
            table: self.table,
            days: self.days.clone(),
            size: self.size,
            threads: self.threads,
        }
    }
}

/// The batches of one pass.
#[pyclass(frozen, module = "linewatch._core")]
pub struct CdrBatches(std::sync::Mutex<Reader>);

#[pymethods]
impl CdrBatches {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<CdrTable>> {
        py.check_signals()?;
        let batch = py.detach(|| {
            guard(|| {
                let mut reader = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
                reader.next_batch()
            })
        })?;
        Ok(batch.map(CdrTable))
    }
}

/// One record batch, for readers of Arrow.
#[pyclass(frozen, module = "linewatch._core")]
pub struct CdrTable(RecordBatch);

#[pymethods]
impl CdrTable {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batch = self.0.clone();
        let schema = batch.schema();
        let batches = arrow::record_batch::RecordBatchIterator::new([Ok(batch)], schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(batches)), STREAM)
    }
}

/// Rows of a table, as they are made.
enum Source {
    Calls(Box<Rows<Maker>>),
    Sms(Rows<hourly::Maker<Message>>),
    Data(Rows<hourly::Maker<Session>>),
}

/// Makes batches as they are asked for.
struct Reader {
    source: Option<Source>,
    shared: Arc<Shared>,
    schema: SchemaRef,
    table: Table,
    days: Range<u32>,
    size: usize,
    threads: usize,
}

impl Reader {
    fn begin(&self) -> Result<Source, Error> {
        let world = Arc::clone(&self.shared.world);
        let (days, threads) = (self.days.clone(), self.threads);
        Ok(match self.table {
            Table::Calls => {
                let maker = Maker::new(world, threads);
                Source::Calls(Box::new(Rows::new(maker, days, threads)?))
            }
            Table::Sms => Source::Sms(Rows::new(
                hourly::Maker::new(world, threads),
                days,
                threads,
            )?),
            Table::Data => Source::Data(Rows::new(
                hourly::Maker::new(world, threads),
                days,
                threads,
            )?),
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.source.is_none() {
            self.source = Some(self.begin()?);
        }
        let (shared, size, threads) = (&*self.shared, self.size, self.threads);
        let columns = match &mut self.source {
            Some(Source::Calls(rows)) => {
                let Some(batch) = rows.next(size)? else {
                    return Ok(None);
                };
                let (world, names) = (&shared.world, &shared.names);
                columns::columns(
                    world,
                    names,
                    batch.day,
                    batch.first_row,
                    batch.rows,
                    threads,
                )?
            }
            Some(Source::Sms(rows)) => match records(shared, rows, size, threads)? {
                Some(columns) => columns,
                None => return Ok(None),
            },
            Some(Source::Data(rows)) => match records(shared, rows, size, threads)? {
                Some(columns) => columns,
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        let arrays = columns.into_iter().map(array).collect();
        Ok(Some(record_batch(&self.schema, arrays)))
    }
}

fn records<R: Record>(
    shared: &Shared,
    rows: &mut Rows<hourly::Maker<R>>,
    size: usize,
    threads: usize,
) -> Result<Option<Vec<Column>>, Error> {
    let Some(batch) = rows.next(size)? else {
        return Ok(None);
    };
    let (world, names) = (&shared.world, &shared.names);
    R::columns(
        world,
        names,
        batch.day,
        batch.first_row,
        batch.rows,
        threads,
    )
    .map(Some)
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = guard(|| self.next_batch());
        let refuse = |error: PyErr| ArrowError::ExternalError(error.to_string().into());
        batch.map_err(refuse).transpose()
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

fn schema(fields: &[Described]) -> SchemaRef {
    let fields = fields.iter().map(|&(name, kind)| {
        let data_type = match kind {
            Kind::Text => DataType::Utf8,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::Whole => DataType::Int32,
            Kind::Long => DataType::Int64,
            Kind::Flag => DataType::Boolean,
        };
        Field::new(name, data_type, false)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn record_batch(schema: &SchemaRef, arrays: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(schema), arrays).expect("columns are made after the schema")
}

fn array(column: Column) -> ArrayRef {
    match column {
        Column::Text(text) => Arc::new(strings(text)),
        Column::Times(times) => Arc::new(TimestampMicrosecondArray::from(times)),
        Column::Whole(numbers) => Arc::new(Int32Array::from(numbers)),
        Column::Long(numbers) => Arc::new(Int64Array::from(numbers)),
        Column::Flags(flags) => Arc::new(BooleanArray::from(flags)),
    }
}

fn strings(Text { data, offsets }: Text) -> StringArray {
    debug_assert!(data.is_ascii() && offsets.is_sorted());
    // SAFETY: `Text` only grows by whole values, so its offsets rise from 0 to the length of the
    // data, and every byte written is ASCII: letters, digits, underscores, signs.
    unsafe {
        let offsets = OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets));
        StringArray::new_unchecked(offsets, Buffer::from_vec(data), None)
    }
}

/// A table from names and columns.
fn table(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let field =
        |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), false);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(record_batch(&Arc::new(schema), arrays))
}

fn texts(rows: usize, write: impl Fn(usize, &mut Vec<u8>)) -> ArrayRef {
    let mut text = Text::with_capacity(rows, 12);
    for row in 0..rows {
        text.push(|out| write(row, out));
    }
    Arc::new(strings(text))
}

fn names(digits: &Digits, numbers: impl ExactSizeIterator<Item = u32>) -> ArrayRef {
    Arc::new(strings(Text::of(numbers, 12, |n, out| {
        columns::user(digits, n, out)
    })))
}

fn values(rows: usize, write: impl Fn(u32, &mut Room) -> usize) -> ArrayRef {
    Arc::new(strings(Text::of(0..rows, 15, |i, out| {
        write(i as u32, out)
    })))
}

fn users(shared: &Shared) -> Result<RecordBatch, Error> {
    let (world, n) = (&shared.world, shared.world.users.len());
    let (digits, identities) = (&world.digits, &world.identities);
    let of = |number: usize| &world.users[identities.place(number as u32) as usize];
    let created = |number: usize| cdr::users::created(world, identities.place(number as u32));
    table(vec![
        ("user_id", names(digits, 0..n as u32)),
        (
            "phone_number",
            texts(n, |i, out| {
                digits.numbered(out, b"+91", identities.phone(i as u32), 10)
            }),
        ),
        (
            "imei",
            values(n, |i, out| digits.imei(identities.imei(i), out)),
        ),
        (
            "imsi",
            values(n, |i, out| digits.imsi(identities.imsi(i), out)),
        ),
        (
            "home_cell_id",
            texts(n, |i, out| {
                out.extend(shared.names.cell(usize::from(of(i).home)))
            }),
        ),
        (
            "user_type",
            texts(n, |i, out| {
                out.extend(cdr::settings::USER_TYPES[usize::from(of(i).kind)].bytes());
            }),
        ),
        (
            "creation_date",
            Arc::new(arrow::array::Date32Array::from_iter_values(
                (0..n).map(created),
            )),
        ),
        (
            "call_pattern",
            texts(n, |i, out| {
                out.extend(cdr::settings::PATTERNS[usize::from(of(i).class / 3)].bytes());
            }),
        ),
    ])
}

fn papers(shared: &Shared, numbers: Range<u32>) -> Result<RecordBatch, Error> {
    let (identities, digits) = (&shared.world.identities, &shared.world.digits);
    let (first, n) = (numbers.start, numbers.len());
    table(vec![
        ("user_id", names(digits, numbers)),
        (
            "phone_number",
            texts(n, |i, out| {
                digits.numbered(out, b"+91", identities.phone(first + i as u32), 10)
            }),
        ),
        (
            "imei",
            values(n, |i, out| digits.imei(identities.imei(first + i), out)),
        ),
        (
            "imsi",
            values(n, |i, out| digits.imsi(identities.imsi(first + i), out)),
        ),
    ])
}

fn actors(shared: &Shared) -> Result<RecordBatch, Error> {
    let world = &shared.world;
    let mut members = Vec::new();
    for (role, name, ..) in cdr::actors::ROLES {
        let all = world.actors.of(role);
        members.extend(all.map(|i| (world.identities.public(i), role, name)));
    }
    let (n, digits) = (members.len(), &world.digits);
    let scenario = |i: usize| cdr::actors::scenario(members[i].1).bytes();
    table(vec![
        (
            "user_id",
            names(digits, members.iter().map(|member| member.0)),
        ),
        ("scenario", texts(n, |i, out| out.extend(scenario(i)))),
        ("role", texts(n, |i, out| out.extend(members[i].2.bytes()))),
    ])
}

fn towers(shared: &Shared) -> Result<RecordBatch, Error> {
    let (towers, n) = (&shared.world.towers, shared.world.towers.len());
    let degrees = |of: fn(&cdr::towers::Tower) -> i32| -> ArrayRef {
        let values = towers.iter().map(|tower| f64::from(of(tower)) / 1e6);
        Arc::new(Float64Array::from_iter_values(values))
    };
    table(vec![
        (
            "cell_id",
            texts(n, |i, out| out.extend(shared.names.cell(i))),
        ),
        ("latitude", degrees(|tower| tower.latitude)),
        ("longitude", degrees(|tower| tower.longitude)),
        (
            "area_type",
            texts(n, |i, out| {
                out.extend(cdr::settings::AREAS[usize::from(towers[i].area)].bytes());
            }),
        ),
        (
            "tower_type",
            texts(n, |i, out| {
                let kind = if towers[i].is_small {
                    "small_cell"
                } else {
                    "macro"
                };
                out.extend(kind.bytes());
            }),
        ),
    ])
}

fn communities(shared: &Shared) -> Result<RecordBatch, Error> {
    let world = &shared.world;
    // (kind, number of the community, public number of the member, size), community by community.
    let mut members = Vec::new();
    for (kind, groups) in world.ties.kinds().iter().enumerate() {
        for i in 0..world.actors.first {
            if let Some((group, _)) = groups.group_of(i) {
                members.push((kind, group.number, world.identities.public(i), group.size));
            }
        }
    }
    members.sort_unstable();
    let (n, digits) = (members.len(), &world.digits);
    let kind = |i: usize| cdr::settings::COMMUNITIES[members[i].0].as_bytes();
    let sizes = members.iter().map(|member| member.3 as i32);
    table(vec![
        (
            "user_id",
            names(digits, members.iter().map(|member| member.2)),
        ),
        ("community_type", texts(n, |i, out| out.extend(kind(i)))),
        (
            "community_id",
            texts(n, |i, out| {
                out.extend(kind(i));
                digits.numbered(out, b"_", u64::from(members[i].1), 1);
            }),
        ),
        (
            "community_size",
            Arc::new(Int32Array::from_iter_values(sizes)),
        ),
    ])
}
