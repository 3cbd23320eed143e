//! How long a series has not moved.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;

/// The rule: rows, and seconds, since a value last left the first value of its run.
///
/// Missing rows have no answer and do not end a run.
#[derive(Debug, Clone, Copy)]
pub struct FlatRun {
    /// How far a value of a run may be from its first.
    pub tolerance: f64,
    /// Seconds in one unit of time.
    pub unit_s: f64,
}

/// The run of a key.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    first: f64,
    since: i64,
    rows: u64,
}

impl Rule for FlatRun {
    type State = Run;

    fn outputs(&self) -> usize {
        2
    }

    fn start(&self) -> Run {
        Run {
            first: f64::NAN,
            since: 0,
            rows: 0,
        }
    }

    #[inline(always)]
    fn push(&self, run: &mut Run, time: i64, value: f64, out: &mut [f64]) {
        if value.is_nan() {
            out.fill(f64::NAN);
            return;
        }
        if (value - run.first).abs() <= self.tolerance {
            run.rows += 1;
        } else {
            *run = Run {
                first: value,
                since: time,
                rows: 1,
            };
        }
        out[0] = run.rows as f64;
        out[1] = (i128::from(time) - i128::from(run.since)) as f64 * self.unit_s;
    }

    fn write(&self, run: &Run, to: &mut Writer) {
        to.u64(run.rows);
        to.i64(run.since);
        to.f64(run.first);
    }

    fn read(&self, from: &mut Reader) -> Option<Run> {
        Some(Run {
            rows: from.u64()?,
            since: from.i64()?,
            first: from.f64()?,
        })
    }
}
