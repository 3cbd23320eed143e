//! Days after days of rows, in batches of any size, at constant memory.
//!
//! With more than one thread the next hour is made while the caller turns the present one into
//! columns or lines: making one has steps that only one thread can take, and the others have work
//! in the meantime.

use std::mem;
use std::ops::Range;
use std::process;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use super::rhythm::Quota;
use crate::error::Error;
use crate::parallel;

/// Makes the rows of a day, hour by hour.
pub trait Daily: Send + 'static {
    /// A row.
    type Row: Copy + Send;

    /// The day that is being made.
    fn day(&self) -> u32;

    /// How many rows a day has.
    fn quota(&self, day: u32) -> Quota;

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
    hours: Hours<M>,
    day: u32,
    /// Rows made; those before `used` are gone.
    made: Vec<M::Row>,
    used: usize,
    next_row: u64,
    /// The first hour of the next day, when it came with rows of this day still to be had.
    waiting: Option<Hour<M::Row>>,
}

impl<M: Daily> Rows<M> {
    /// The rows of `days`, on up to `threads` threads.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the system cannot start the threads.
    pub fn new(maker: M, days: Range<u32>, threads: usize) -> Result<Self, Error> {
        let in_turn = InTurn {
            maker,
            days,
            in_day: false,
        };
        let hours = if threads > 1 && !in_turn.days.is_empty() {
            Hours::Ahead(Ahead::start(in_turn, threads)?)
        } else {
            Hours::InTurn(in_turn, Vec::new())
        };
        Ok(Rows {
            hours,
            day: 0,
            made: Vec::new(),
            used: 0,
            next_row: 0,
            waiting: None,
        })
    }

    /// The next rows: `size` of them unless the day ends before; nothing at the end of all days.
    ///
    /// # Errors
    ///
    /// As [`Daily::next_hour`]; [`Error::Argument`] in a child of the process that began.
    pub fn next(&mut self, size: usize) -> Result<Option<Batch<'_, M::Row>>, Error> {
        while self.made.len() - self.used < size {
            let hour = match self.waiting.take() {
                Some(hour) => Some(hour),
                None => self.hours.next()?,
            };
            let are_left = self.used < self.made.len();
            match hour {
                None if are_left => break,
                None => return Ok(None),
                Some(hour) if hour.begins.is_some() && are_left => {
                    self.waiting = Some(hour);
                    break;
                }
                Some(hour) => self.append(hour),
            }
        }
        let until = (self.used + size).min(self.made.len());
        let batch = Batch {
            day: self.day,
            first_row: self.next_row,
            rows: &self.made[self.used..until],
        };
        self.next_row += batch.rows.len() as u64;
        self.used = until;
        Ok(Some(batch))
    }

    fn append(&mut self, mut hour: Hour<M::Row>) {
        if let Some((day, first_row)) = hour.begins {
            (self.day, self.next_row) = (day, first_row);
        }
        self.made.drain(..self.used);
        self.used = 0;
        if self.made.is_empty() {
            mem::swap(&mut self.made, &mut hour.rows);
        } else {
            self.made.extend_from_slice(&hour.rows);
        }
        self.hours.reuse(hour.rows);
    }
}

/// The rows of an hour.
#[derive(Debug)]
struct Hour<R> {
    /// The day that begins with it, and the number of its first row.
    begins: Option<(u32, u64)>,
    rows: Vec<R>,
}

/// Where hours come from.
#[derive(Debug)]
enum Hours<M: Daily> {
    /// Each when it is asked for, in the memory of an earlier one.
    InTurn(InTurn<M>, Vec<M::Row>),
    Ahead(Ahead<M::Row>),
}

impl<M: Daily> Hours<M> {
    fn next(&mut self) -> Result<Option<Hour<M::Row>>, Error> {
        match self {
            Hours::InTurn(hours, spare) => hours.next(mem::take(spare)),
            Hours::Ahead(hours) => hours.next(),
        }
    }

    /// Gives rows back whose memory the next hour may have.
    fn reuse(&mut self, rows: Vec<M::Row>) {
        match self {
            Hours::InTurn(_, spare) => *spare = rows,
            Hours::Ahead(hours) => {
                // At the end nobody makes more of them.
                let _ = hours.empty.send(rows);
            }
        }
    }
}

/// Makes hour after hour of day after day.
#[derive(Debug)]
struct InTurn<M> {
    maker: M,
    days: Range<u32>,
    in_day: bool,
}

impl<M: Daily> InTurn<M> {
    fn next(&mut self, mut rows: Vec<M::Row>) -> Result<Option<Hour<M::Row>>, Error> {
        rows.clear();
        loop {
            let mut begins = None;
            if !self.in_day {
                let Some(day) = self.days.next() else {
                    return Ok(None);
                };
                self.maker.begin(day)?;
                self.in_day = true;
                begins = Some((day, self.maker.quota(day).first_row));
            }
            if self.maker.next_hour(&mut rows)? {
                return Ok(Some(Hour { begins, rows }));
            }
            self.in_day = false;
        }
    }
}

/// Rows made ahead, about: more than a batch, less than matters in memory.
const AHEAD: u64 = 1 << 18;

/// Has a thread make the next hours while the present one is used.
#[derive(Debug)]
struct Ahead<R> {
    /// Gone when this ends, so that the thread ends too.
    made: Option<Receiver<Result<Hour<R>, Error>>>,
    empty: Sender<Vec<R>>,
    thread: Option<JoinHandle<()>>,
    process: u32,
}

impl<R: Copy + Send + 'static> Ahead<R> {
    fn start<M: Daily<Row = R>>(mut hours: InTurn<M>, threads: usize) -> Result<Self, Error> {
        // One more waits, made, for the caller to take it.
        let rows_of_hour = hours.maker.quota(hours.days.start).rows / 24;
        let (give, made) = mpsc::sync_channel((AHEAD / (rows_of_hour + 1)) as usize);
        let (empty, take) = mpsc::channel();
        let make = move || {
            loop {
                let rows = take.try_recv().unwrap_or_default();
                let hour = parallel::on_pool(threads, || hours.next(rows)).and_then(|hour| hour);
                let Some(hour) = hour.transpose() else { break };
                let is_last = hour.is_err();
                if give.send(hour).is_err() || is_last {
                    break;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("linewatch-ahead".into())
            .spawn(make)
            .map_err(|error| parallel::refused(threads, &error))?;
        Ok(Ahead {
            made: Some(made),
            empty,
            thread: Some(thread),
            process: process::id(),
        })
    }

    fn next(&mut self) -> Result<Option<Hour<R>>, Error> {
        if self.process != process::id() {
            let expected = "read in the process that began to read it; begin anew in this one";
            return Err(Error::argument("stream", expected, "a child process"));
        }
        let Some(made) = &self.made else {
            return Ok(None);
        };
        match made.recv() {
            Ok(hour) => hour.map(Some),
            // The thread has ended: all is made, or it panicked.
            Err(_) => match self.end() {
                Ok(()) => Ok(None),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
    }
}

impl<R> Ahead<R> {
    /// Ends the thread, which may have panicked.
    fn end(&mut self) -> thread::Result<()> {
        self.made = None;
        let thread = self.thread.take();
        // A child of `fork` has the handle but not the thread.
        if self.process != process::id() {
            mem::forget(thread);
            return Ok(());
        }
        thread.map_or(Ok(()), JoinHandle::join)
    }
}

impl<R> Drop for Ahead<R> {
    fn drop(&mut self) {
        // A panic was told of when an hour was asked for, or nobody asks any more.
        let _ = self.end();
    }
}
