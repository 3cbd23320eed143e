//! Minimum and maximum of windows of a fixed number of rows.

use super::fixed::{self, Finish};
use super::queue::{Max, Min, drive};
use super::scan::{Greater, Join, Lesser};
use super::task::Task;
use crate::error::Error;
use crate::float::Float;
use crate::simd::{Four, dispatch};

/// A statistic of this family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtremeStatistic {
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
}

/// Answers minimum and maximum for any windows.
///
/// # Errors
///
/// None of its own; the signature is that of every family.
pub fn extrema<T: Float>(
    task: &Task<T>,
    statistics: &[ExtremeStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    if fixed::of(task).is_none() {
        general(task, statistics, out);
        return Ok(());
    }
    for (statistic, out) in statistics.iter().zip(out) {
        match statistic {
            ExtremeStatistic::Min => smallest(task, out),
            ExtremeStatistic::Max => largest(task, out),
        }
    }
    Ok(())
}

dispatch! {
    fn smallest<T: Float>(task: &Task<T>, out: &mut [T]) = min_blocks with Four
}
dispatch! {
    fn largest<T: Float>(task: &Task<T>, out: &mut [T]) = max_blocks with Four
}

#[inline(always)]
fn min_blocks<T: Float, F: Four>(task: &Task<T>, out: &mut [T]) {
    blocks::<T, F, Lesser>(task, out);
}

#[inline(always)]
fn max_blocks<T: Float, F: Four>(task: &Task<T>, out: &mut [T]) {
    blocks::<T, F, Greater>(task, out);
}

#[inline(always)]
fn blocks<T: Float, F: Four, J: Join>(task: &Task<T>, out: &mut [T]) {
    let least = task.min_periods.max(1);
    let held = fixed::held(task, least, out);
    // An infinite value is as good as any here, so that nothing remains unanswered.
    fixed::joined::<F, T, J>(
        task,
        held,
        Extreme {
            least: least as f64,
        },
        out,
    );
}

/// The extreme is the answer.
#[derive(Clone, Copy)]
pub(crate) struct Extreme {
    pub(crate) least: f64,
}

impl<F: Four> Finish<F> for Extreme {
    #[inline(always)]
    fn full(&self, joins: F) -> F {
        joins
    }

    #[inline(always)]
    fn partial(&self, joins: F, counts: F) -> F {
        F::all(self.least).choose(counts, joins, F::all(f64::NAN))
    }
}

/// Answers for any windows.
fn general<T: Float>(task: &Task<T>, statistics: &[ExtremeStatistic], out: &mut [&mut [T]]) {
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    let (n, least) = (task.x.len(), task.min_periods.max(1));
    let answers = || task.answers.clone();
    for (statistic, out) in statistics.iter().zip(out) {
        let mut write = |place: usize, count: usize, extreme: f64| {
            out[place] = T::from_f64(if count >= least { extreme } else { f64::NAN });
        };
        match statistic {
            ExtremeStatistic::Min => drive::<Min>(task.windows, answers(), n, value, |answer| {
                write(answer.place, answer.count, answer.state.0);
            }),
            ExtremeStatistic::Max => drive::<Max>(task.windows, answers(), n, value, |answer| {
                write(answer.place, answer.count, answer.state.0);
            }),
        }
    }
}
