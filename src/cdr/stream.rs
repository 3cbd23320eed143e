//! Days after days of rows, in batches of any size, at constant memory.

use std::ops::Range;

use super::day::Maker;
use super::row::Row;
use super::world::World;
use crate::error::Error;

/// Consecutive rows of one day.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Day of the data.
    pub day: u32,
    /// Number of the first row in the whole data, from 0.
    pub first_row: u64,
    /// The rows.
    pub rows: &'a [Row],
}

/// The rows of some days, in order.
#[derive(Debug)]
pub struct Rows<'w> {
    world: &'w World,
    maker: Maker<'w>,
    days: Range<u32>,
    /// Rows made; those before `used` are gone.
    made: Vec<Row>,
    used: usize,
    next_row: u64,
    day_is_done: bool,
}

impl<'w> Rows<'w> {
    /// The rows of `days`, made on up to `threads` threads.
    pub fn new(world: &'w World, days: Range<u32>, threads: usize) -> Self {
        Rows {
            world,
            maker: Maker::new(world, threads),
            days,
            made: Vec::new(),
            used: 0,
            next_row: 0,
            day_is_done: true,
        }
    }

    /// The next rows: `size` of them unless the day ends before; nothing at the end of all days.
    ///
    /// # Errors
    ///
    /// As [`Maker::next_hour`].
    pub fn next(&mut self, size: usize) -> Result<Option<Batch<'_>>, Error> {
        while self.made.len() - self.used < size {
            if self.day_is_done {
                if self.used < self.made.len() {
                    break;
                }
                let Some(day) = self.days.next() else {
                    return Ok(None);
                };
                self.maker.begin(day)?;
                self.next_row = self.world.rhythm.quotas()[day as usize].first_row;
                self.day_is_done = false;
            }
            self.made.drain(..self.used);
            self.used = 0;
            self.day_is_done = !self.maker.next_hour(&mut self.made)?;
        }
        let until = (self.used + size).min(self.made.len());
        let batch = Batch {
            day: self.maker.day(),
            first_row: self.next_row,
            rows: &self.made[self.used..until],
        };
        self.next_row += batch.rows.len() as u64;
        self.used = until;
        Ok(Some(batch))
    }
}
