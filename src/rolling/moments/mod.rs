//! Count, sum, mean, variance and what follows from them.
//!
//! Sums of windows of a fixed number of rows come from `sums` and `compensated`, squared deviations
//! from the mean from `wide` and `narrow`, and `finish` makes statistics of these. All other windows
//! are answered by `general`, which also takes over where fast sums would lose digits. `constant`
//! sees to it that the mean of equal values is that value.

mod compensated;
mod constant;
mod finish;
mod general;
mod narrow;
mod sums;
mod wide;

use std::ops::Range;

pub(crate) use constant::exact;
use general::general;
pub(crate) use sums::{Mean, Sum};

use super::fixed;
use super::task::Task;
use crate::error::Error;
use crate::float::Float;
use crate::simd::{Four, dispatch};

/// A statistic of this family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MomentStatistic {
    /// Sum of the values.
    Sum {
        /// Carry what rounding drops, so that the sum is right to the last digits of its own value
        /// even where large values cancel.
        compensated: bool,
    },
    /// Arithmetic mean.
    Mean {
        /// As for the sum.
        compensated: bool,
    },
    /// Variance, divided by the number of values less `ddof`.
    Var {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
    /// Square root of the variance.
    Std {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
    /// Standard error of the mean.
    Sem {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
    /// Distance of the current value from the mean, in standard deviations.
    ZScore {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
}

impl MomentStatistic {
    /// Whether it needs the squared deviations from the mean.
    fn deviates(self) -> bool {
        !matches!(self, Self::Sum { .. } | Self::Mean { .. })
    }

    /// Whether it is a plain sum, or a mean of one.
    fn sums(self) -> bool {
        matches!(
            self,
            Self::Sum { compensated: false } | Self::Mean { compensated: false }
        )
    }

    /// Whether it is a compensated sum, or a mean of one.
    fn compensates(self) -> bool {
        matches!(
            self,
            Self::Sum { compensated: true } | Self::Mean { compensated: true }
        )
    }

    /// The number of values it needs, whatever `min_periods` says.
    fn least(self) -> usize {
        match self {
            // An empty window has a sum.
            Self::Sum { .. } => 0,
            Self::Mean { .. } => 1,
            Self::Var { ddof }
            | Self::Std { ddof }
            | Self::Sem { ddof }
            | Self::ZScore { ddof } => ddof as usize + 1,
        }
    }
}

/// Answers moment statistics for any windows.
///
/// # Errors
///
/// None of its own; the signature is that of every family.
pub fn moments<T: Float>(
    task: &Task<T>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    if fixed::of(task).is_none() {
        general(task, task.answers.clone(), statistics, out);
    } else {
        let mut deviating = Vec::new();
        for (&statistic, out) in statistics.iter().zip(out.iter_mut()) {
            if statistic.sums() {
                for left_over in sums(task, statistic, out) {
                    again(task, left_over, &[statistic], &mut [&mut **out]);
                }
                constant::exact(task, statistic, out);
            } else if statistic.compensates() {
                for left_over in compensated_sums(task, statistic, out) {
                    again(task, left_over, &[statistic], &mut [&mut **out]);
                }
            } else if statistic.deviates() {
                deviating.push((statistic, &mut **out));
            }
        }
        if !deviating.is_empty() {
            let (statistics, mut out): (Vec<_>, Vec<_>) = deviating.into_iter().unzip();
            for left_over in deviations(task, &statistics, &mut out) {
                again(task, left_over, &statistics, &mut out);
            }
        }
    }
    Ok(())
}

dispatch! {
    fn sums<T: Float>(
        task: &Task<T>, statistic: MomentStatistic, out: &mut [T],
    ) -> Vec<Range<usize>> = of_sums with Four
}
dispatch! {
    fn compensated_sums<T: Float>(
        task: &Task<T>, statistic: MomentStatistic, out: &mut [T],
    ) -> Vec<Range<usize>> = of_compensated with Four
}
dispatch! {
    fn deviations<T: Float>(
        task: &Task<T>, statistics: &[MomentStatistic], out: &mut [&mut [T]],
    ) -> Vec<Range<usize>> = of_deviations with Four
}

#[inline(always)]
fn of_sums<T: Float, F: Four>(
    task: &Task<T>,
    statistic: MomentStatistic,
    out: &mut [T],
) -> Vec<Range<usize>> {
    sums::answer::<T, F>(task, statistic, out)
}

#[inline(always)]
fn of_compensated<T: Float, F: Four>(
    task: &Task<T>,
    statistic: MomentStatistic,
    out: &mut [T],
) -> Vec<Range<usize>> {
    compensated::answer::<T, F>(task, statistic, out)
}

#[inline(always)]
fn of_deviations<T: Float, F: Four>(
    task: &Task<T>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) -> Vec<Range<usize>> {
    let mut work = finish::Work::new(task, statistics);
    if work.width <= narrow::WIDEST {
        narrow::answer::<T, F>(&mut work, out)
    } else {
        wide::answer::<T, F>(&mut work, out)
    }
}

/// Answers once more what the fast kernels left over.
fn again<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let start = task.answers.start;
    let places = answers.start - start..answers.end - start;
    let mut out: Vec<&mut [T]> = out.iter_mut().map(|o| &mut o[places.clone()]).collect();
    general(task, answers, statistics, &mut out);
}

#[cfg(test)]
mod tests;
