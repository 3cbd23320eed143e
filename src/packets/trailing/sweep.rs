//! One pass over the rows: each enters the window of its key, and those that are too old leave.

use std::ops::Range;

use super::feature::Feature;
use super::rows::Rows;
use crate::error::Error;
use crate::packets::keys::{NONE, Numbers};
use crate::parallel::Monitor;

/// Rows that a thread does at once and then reports.
pub(super) const BLOCK: usize = 1 << 14;

/// Numbers of (key, value) pairs, for what counts distinct values.
pub(super) struct Sets {
    pub(super) destinations: Pairs,
    pub(super) destination_ports: Pairs,
    pub(super) source_ports: Pairs,
}

/// The number of each row's pair; [`NONE`] without a value.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) ids: Vec<u32>,
    pub(super) n: usize,
}

impl Sets {
    pub(super) fn new(rows: &Rows, features: &[Feature]) -> Self {
        let pairs = |values: &[u32], asking: &[Feature]| {
            if !asking.iter().any(|feature| features.contains(feature)) {
                return Pairs::default();
            }
            let mut numbers = Numbers::<u64>::default();
            let pair = |(&key, &value): (&u32, &u32)| {
                if key == NONE || value == NONE {
                    NONE
                } else {
                    numbers.number(u64::from(key) << 32 | u64::from(value))
                }
            };
            let ids = rows.keys.iter().zip(values).map(pair).collect();
            Pairs {
                ids,
                n: numbers.len(),
            }
        };
        use Feature::*;
        Sets {
            destinations: pairs(rows.destinations, &[DestinationCount]),
            destination_ports: pairs(
                rows.destination_ports,
                &[DestinationPortCount, DestinationPortEntropy],
            ),
            source_ports: pairs(rows.source_ports, &[SourcePortEntropy]),
        }
    }
}

/// One pass over a part of the rows.
pub(super) struct Sweep<'a> {
    pub(super) rows: &'a Rows<'a>,
    pub(super) window: i64,
    pub(super) part: Range<usize>,
    pub(super) monitor: &'a Monitor,
}

impl Sweep<'_> {
    /// The first row in the window of the first row of the part.
    pub(super) fn origin(&self) -> usize {
        self.origin_of(self.part.start)
    }

    /// The first row in the window of `row`, or the end of the rows.
    pub(super) fn origin_of(&self, row: usize) -> usize {
        let times = self.rows.times;
        let Some(&time) = times.get(row) else {
            return row;
        };
        let is_gone = |&then: &i64| time.wrapping_sub(then) as u64 >= self.window as u64;
        times[..row].partition_point(is_gone)
    }

    /// Calls `enter` for each row as it comes, which gives its answer, and `leave` for each row as it
    /// leaves the window. Both get what all keys share, the state of the row's key, and the row.
    #[inline(always)]
    pub(super) fn run<A, S: Clone>(
        &self,
        mut shared: A,
        empty: S,
        out: &mut [f64],
        enter: impl Fn(&mut A, &mut S, usize) -> f64,
        leave: impl Fn(&mut A, &mut S, usize),
    ) -> Result<(), Error> {
        let Rows { keys, times, .. } = *self.rows;
        let mut states = vec![empty; self.rows.n_keys];
        let start = self.part.start;
        let mut tail = self.origin();
        let mut row = tail;
        while row < self.part.end {
            let end = (row + BLOCK).min(self.part.end);
            for now in row..end {
                let gone = times[now].saturating_sub(self.window);
                while tail < now && times[tail] <= gone {
                    if keys[tail] != NONE {
                        leave(&mut shared, &mut states[keys[tail] as usize], tail);
                    }
                    tail += 1;
                }
                let answer = if keys[now] == NONE {
                    f64::NAN
                } else {
                    enter(&mut shared, &mut states[keys[now] as usize], now)
                };
                if now >= start {
                    out[now - start] = answer;
                }
            }
            self.monitor.tick((end - row.max(start).min(end)) as u64)?;
            row = end;
        }
        Ok(())
    }
}
