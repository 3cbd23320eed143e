//! Tables into files: one CSV for all days, or one Parquet file a day.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use super::columns::{self, Field, Names};
use super::csv::{self, Lines};
use super::day::Maker;
use super::hourly::{self, Record};
use super::parquet;
use super::row::Row;
use super::settings::KINDS;
use super::stream::Rows;
use super::world::World;
use crate::error::Error;
use crate::parallel::Monitor;

/// Parts that a thread formats before they are written.
const PARTS: usize = 2;

/// Least seconds of the classes of duration after the first.
const CLASSES: [u16; 5] = [30, 60, 180, 600, 3600];

/// What was written, for the picture and the metadata.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Rows by hour of the day.
    pub hours: [u64; 24],
    /// Rows by kind.
    pub kinds: [u64; KINDS.len()],
    /// Rows under 30 s, 1, 3, 10 and 60 minutes, and longer ones.
    pub durations: [u64; CLASSES.len() + 1],
}

impl Summary {
    fn add(&mut self, rows: &[Row]) {
        for row in rows {
            self.hours[(row.start / 3600) as usize] += 1;
            self.kinds[usize::from(row.kind)] += 1;
            let class: usize = CLASSES
                .iter()
                .map(|&c| usize::from(row.duration >= c))
                .sum();
            self.durations[class] += 1;
        }
    }
}

/// Why a file was not finished.
#[derive(Debug)]
pub enum Failure {
    /// The kernel refused or was stopped.
    Kernel(Error),
    /// The system refused.
    System(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Kernel(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::System(error)
    }
}

/// Writes the calls of `days` to a new file as CSV.
///
/// # Errors
///
/// [`Failure`], with the file left as far as it got; whoever asked removes it.
pub fn csv(
    world: &Arc<World>,
    names: &Names,
    days: Range<u32>,
    path: &Path,
    threads: usize,
    monitor: &Monitor,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut out = File::create_new(path)?;
    out.write_all(csv::header(&columns::calls(&world.settings)).as_bytes())?;
    let mut rows = Rows::new(Maker::new(Arc::clone(world), threads), days, threads)?;
    let size = csv::PART * PARTS * threads;
    written_beside(&mut out, threads > 1, |buffers| {
        let Some(batch) = rows.next(size)? else {
            return Ok(false);
        };
        summary.add(batch.rows);
        let (day, first) = (batch.day, batch.first_row);
        csv::lines(world, names, day, first, batch.rows, threads, buffers)?;
        monitor.tick(batch.rows.len() as u64)?;
        Ok(true)
    })?;
    out.sync_all()?;
    Ok(summary)
}

/// Writes what `make` puts into buffers until it says false; with a helper, one thread writes a
/// batch while the others make the next one.
fn written_beside(
    out: &mut File,
    has_helper: bool,
    mut make: impl FnMut(&mut Vec<Lines>) -> Result<bool, Error>,
) -> Result<(), Failure> {
    let write = |out: &mut File, buffers: &[Lines]| -> io::Result<()> {
        buffers
            .iter()
            .try_for_each(|lines| out.write_all(lines.bytes()))
    };
    if !has_helper {
        let mut buffers = Vec::new();
        while make(&mut buffers)? {
            write(out, &buffers)?;
        }
        return Ok(());
    }
    thread::scope(|scope| {
        let (full, to_write) = mpsc::sync_channel::<Vec<Lines>>(1);
        let (written, empty) = mpsc::channel();
        let writer = scope.spawn(move || {
            for buffers in to_write {
                write(out, &buffers)?;
                // Nobody waits for the last ones.
                let _ = written.send(buffers);
            }
            Ok(())
        });
        let mut made = Ok(());
        loop {
            let mut buffers = empty.try_recv().unwrap_or_default();
            match make(&mut buffers) {
                Ok(true) if full.send(buffers).is_ok() => {}
                // The writer gave up and says why, or all is made.
                Ok(_) => break,
                Err(error) => {
                    made = Err(Failure::from(error));
                    break;
                }
            }
        }
        drop(full);
        let wrote: io::Result<()> = match writer.join() {
            Ok(wrote) => wrote,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        made.and(wrote.map_err(Failure::from))
    })
}

/// Writes the calls of `day` to a new file as Parquet.
///
/// # Errors
///
/// [`Failure`], with the file left as far as it got; whoever asked removes it.
pub fn parquet(
    world: &Arc<World>,
    names: &Names,
    day: u32,
    path: &Path,
    threads: usize,
    monitor: &Monitor,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut out = begin(path, columns::calls(&world.settings))?;
    let mut rows = Rows::new(
        Maker::new(Arc::clone(world), threads),
        day..day + 1,
        threads,
    )?;
    let size = parquet::rows_of_group(world);
    while let Some(batch) = rows.next(size)? {
        summary.add(batch.rows);
        let (day, first) = (batch.day, batch.first_row);
        out.calls(world, names, day, first, batch.rows, threads)?;
        monitor.tick(batch.rows.len() as u64)?;
    }
    end(out)?;
    Ok(summary)
}

/// Writes `days` of another table to a new file as CSV.
///
/// # Errors
///
/// [`Failure`], with the file left as far as it got; whoever asked removes it.
pub fn table_csv<R: Record>(
    world: &Arc<World>,
    names: &Names,
    days: Range<u32>,
    path: &Path,
    threads: usize,
    monitor: &Monitor,
) -> Result<(), Failure> {
    let mut out = File::create_new(path)?;
    out.write_all(csv::header(R::FIELDS).as_bytes())?;
    let mut rows = Rows::new(
        hourly::Maker::<R>::new(Arc::clone(world), threads),
        days,
        threads,
    )?;
    written_beside(&mut out, threads > 1, |buffers| {
        let Some(batch) = rows.next(csv::PART * PARTS)? else {
            return Ok(false);
        };
        let (day, first, n) = (batch.day, batch.first_row, batch.rows.len());
        let columns = R::columns(world, names, day, first, batch.rows, threads)?;
        buffers.resize_with(1, Lines::default);
        csv::of_columns(&columns, n, &world.digits, &mut buffers[0]);
        monitor.tick(n as u64)?;
        Ok(true)
    })?;
    out.sync_all()?;
    Ok(())
}

/// Writes `day` of another table to a new file as Parquet.
///
/// # Errors
///
/// [`Failure`], with the file left as far as it got; whoever asked removes it.
pub fn table_parquet<R: Record>(
    world: &Arc<World>,
    names: &Names,
    day: u32,
    path: &Path,
    threads: usize,
    monitor: &Monitor,
) -> Result<(), Failure> {
    let mut out = begin(path, R::FIELDS.to_vec())?;
    let mut rows = Rows::new(
        hourly::Maker::<R>::new(Arc::clone(world), threads),
        day..day + 1,
        threads,
    )?;
    while let Some(batch) = rows.next(parquet::GROUP)? {
        let (day, first, n) = (batch.day, batch.first_row, batch.rows.len());
        let columns = R::columns(world, names, day, first, batch.rows, threads)?;
        out.columns(&columns, n, threads)?;
        monitor.tick(n as u64)?;
    }
    end(out)?;
    Ok(())
}

type Out = parquet::Writer<BufWriter<File>>;

fn begin(path: &Path, fields: Vec<Field>) -> io::Result<Out> {
    let file = BufWriter::with_capacity(1 << 20, File::create_new(path)?);
    parquet::Writer::new(file, fields)
}

fn end(out: Out) -> io::Result<()> {
    let file = out.finish()?.into_inner().map_err(io::Error::from)?;
    file.sync_all()
}
