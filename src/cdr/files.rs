//! Calls into files: one CSV for all days, or one Parquet file a day.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use super::columns::Names;
use super::csv;
use super::parquet;
use super::row::Row;
use super::settings::KINDS;
use super::stream::Rows;
use super::world::World;
use crate::error::Error;
use crate::parallel::Monitor;

/// Rows that are formatted at once.
const ROWS: usize = 1 << 17;

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
    world: &World,
    names: &Names,
    days: Range<u32>,
    path: &Path,
    threads: usize,
    monitor: &Monitor,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut out = File::create_new(path)?;
    out.write_all(csv::header().as_bytes())?;
    let (mut rows, mut buffers) = (Rows::new(world, days, threads), Vec::new());
    while let Some(batch) = rows.next(ROWS)? {
        let count = batch.rows.len();
        summary.add(batch.rows);
        let (day, first) = (batch.day, batch.first_row);
        csv::lines(world, names, day, first, batch.rows, threads, &mut buffers)?;
        for buffer in &buffers {
            out.write_all(buffer)?;
        }
        monitor.tick(count as u64)?;
    }
    out.sync_all()?;
    Ok(summary)
}

/// Writes the calls of `day` to a new file as Parquet.
///
/// # Errors
///
/// [`Failure`], with the file left as far as it got; whoever asked removes it.
pub fn parquet(
    world: &World,
    names: &Names,
    day: u32,
    path: &Path,
    threads: usize,
    monitor: &Monitor,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut out = parquet::Writer::new(BufWriter::with_capacity(1 << 20, File::create_new(path)?))?;
    let mut rows = Rows::new(world, day..day + 1, threads);
    while let Some(batch) = rows.next(parquet::GROUP)? {
        let count = batch.rows.len();
        summary.add(batch.rows);
        out.group(
            world,
            names,
            batch.day,
            batch.first_row,
            batch.rows,
            threads,
        )?;
        monitor.tick(count as u64)?;
    }
    out.finish()?
        .into_inner()
        .map_err(io::Error::from)?
        .sync_all()?;
    Ok(summary)
}
