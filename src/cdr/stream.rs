//! Days after days of rows, in batches of any size, at constant memory.

use std::ops::Range;

use crate::error::Error;

/// Makes the rows of a day, hour by hour.
pub trait Daily {
    /// A row.
    type Row;

    /// The day that is being made.
    fn day(&self) -> u32;

    /// Number of the first row of a day in the whole data, from 0.
    fn first_row(&self, day: u32) -> u64;

    /// Begins a day, from its first hour.
    ///
    /// # Errors
    ///
    /// As [`crate::parallel::for_each`].
    fn begin(&mut self, day: u32) -> Result<(), Error>;

    /// Appends the rows of the next hour; false after the last one.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if an hour cannot have its rows.
    fn next_hour(&mut self, out: &mut Vec<Self::Row>) -> Result<bool, Error>;
}

/// Consecutive rows of one day.
#[derive(Debug)]
pub struct Batch<'a, R> {
    /// Day of the data.
    pub day: u32,
    /// Number of the first row in the whole data, from 0.
    pub first_row: u64,
    /// The rows.
    pub rows: &'a [R],
}

/// The rows of some days, in order.
#[derive(Debug)]
pub struct Rows<M: Daily> {
    maker: M,
    days: Range<u32>,
    /// Rows made; those before `used` are gone.
    made: Vec<M::Row>,
    used: usize,
    next_row: u64,
    day_is_done: bool,
}

impl<M: Daily> Rows<M> {
    /// The rows of `days`.
    pub fn new(maker: M, days: Range<u32>) -> Self {
        Rows {
            maker,
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
    /// As [`Daily::next_hour`].
    pub fn next(&mut self, size: usize) -> Result<Option<Batch<'_, M::Row>>, Error> {
        while self.made.len() - self.used < size {
            if self.day_is_done {
                if self.used < self.made.len() {
                    break;
                }
                let Some(day) = self.days.next() else {
                    return Ok(None);
                };
                self.maker.begin(day)?;
                self.next_row = self.maker.first_row(day);
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
