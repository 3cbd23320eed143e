//! Moments of any windows, by mergeable states.
//!
//! States are kept for a block of answers and turned into statistics afterwards, one statistic at
//! a time, so that the choice of a statistic is no part of the loop over rows and its quotients
//! and roots are taken several at once.

use std::ops::Range;

use super::MomentStatistic;
use crate::float::Float;
use crate::rolling::queue::{CompensatedSum, MomentSums, Sum, drive};
use crate::rolling::task::Task;

/// Answers in a block.
const BLOCK: usize = 256;

/// Answers for any windows, all but the compensated sums.
pub(super) fn general<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    if statistics.iter().any(|s| s.sums()) {
        sums(task, answers.clone(), statistics, out);
    }
    if statistics.iter().any(|s| s.deviates()) {
        deviations(task, answers, statistics, out);
    }
}

fn sums<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let len = answers.len();
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    let mut sameness = Sameness::new();
    let (mut count, mut sum) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut same = Vec::new();
    drive::<Sum>(task.windows, answers, task.x.len(), value, |answer| {
        let j = answer.place % BLOCK;
        count[j] = answer.count as f64;
        sum[j] = answer.state.0;
        if sameness.of(task, answer.start, answer.end) {
            sum[j] = sameness.value * count[j];
            same.push((j, sameness.value));
        }
        if j + 1 < BLOCK && answer.place + 1 < len {
            return;
        }
        let places = answer.place - j..answer.place + 1;
        for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
            let out = &mut out[places.clone()];
            let least = task.min_periods.max(statistic.least()) as f64;
            match statistic {
                MomentStatistic::Sum { compensated: false } => {
                    write(out, &count, least, &sum, |sum, _| sum);
                }
                MomentStatistic::Mean { compensated: false } => {
                    write(out, &count, least, &sum, |sum, count| sum / count);
                    for &(j, value) in same.iter().filter(|(j, _)| count[*j] >= least) {
                        out[j] = T::from_f64(value);
                    }
                }
                _ => {}
            }
        }
        same.clear();
    });
}

/// Whether all values of a window are the same. As in pandas, their mean is then the value and
/// their sum its multiple, with no more rounding than that.
struct Sameness {
    /// The rows seen so far.
    rows: Range<usize>,
    /// The newest value present, and its row.
    value: f64,
    last: usize,
    /// The row after the newest value that differs from it.
    since: usize,
}

impl Sameness {
    fn new() -> Self {
        Sameness {
            // After every row: the first window begins anew.
            rows: usize::MAX..usize::MAX,
            value: f64::NAN,
            last: 0,
            since: 0,
        }
    }

    /// Whether the window `start..end` holds a value, and no two that differ.
    #[inline(always)]
    fn of<T: Float>(&mut self, task: &Task<T>, start: usize, end: usize) -> bool {
        if start < self.rows.start || end < self.rows.end {
            *self = Sameness {
                rows: start..start,
                ..Sameness::new()
            };
        }
        for row in self.rows.end..end {
            let value = task.value(row);
            if value.is_nan() {
                continue;
            }
            if value != self.value {
                self.since = if self.value.is_nan() {
                    0
                } else {
                    self.last + 1
                };
                self.value = value;
            }
            self.last = row;
        }
        self.rows.end = end;
        self.since <= start && start <= self.last && self.last < end && !self.value.is_nan()
    }
}

fn deviations<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let (first, len) = (answers.start, answers.len());
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    let mut count = [0.0; BLOCK];
    let (mut anchor, mut sum, mut m2) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    drive::<MomentSums>(task.windows, answers, task.x.len(), value, |answer| {
        let j = answer.place % BLOCK;
        count[j] = answer.count as f64;
        (anchor[j], sum[j], m2[j]) = (answer.state.anchor, answer.state.sum, answer.state.m2);
        if j + 1 < BLOCK && answer.place + 1 < len {
            return;
        }
        let places = answer.place - j..answer.place + 1;
        for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
            let out = &mut out[places.clone()];
            let least = task.min_periods.max(statistic.least()) as f64;
            let of = |m2: f64, n: f64, ddof: u32| m2 / (n - f64::from(ddof));
            match *statistic {
                MomentStatistic::Var { ddof } => {
                    write(out, &count, least, &m2, |m2, n| of(m2, n, ddof));
                }
                MomentStatistic::Std { ddof } => {
                    write(out, &count, least, &m2, |m2, n| of(m2, n, ddof).sqrt());
                }
                MomentStatistic::Sem { ddof } => {
                    write(out, &count, least, &m2, |m2, n| {
                        (of(m2, n, ddof) / n).sqrt()
                    });
                }
                MomentStatistic::ZScore { ddof } => {
                    let mut z = [0.0; BLOCK];
                    for (j, z) in z.iter_mut().enumerate().take(out.len()) {
                        let row = task.windows.row(first + places.start + j);
                        let deviation = (task.value(row) - anchor[j]) - sum[j] / count[j];
                        let std = of(m2[j], count[j], ddof).sqrt();
                        *z = if std > 0.0 { deviation / std } else { f64::NAN };
                    }
                    write(out, &count, least, &z, |z, _| z);
                }
                _ => {}
            }
        }
    });
}

/// Writes `value(state, count)` where a window has at least `least` values.
#[inline(never)]
fn write<T: Float>(
    out: &mut [T],
    count: &[f64; BLOCK],
    least: f64,
    state: &[f64; BLOCK],
    value: impl Fn(f64, f64) -> f64,
) {
    for ((out, &count), &state) in out.iter_mut().zip(count).zip(state) {
        let value = value(state, count);
        *out = T::from_f64(if count >= least { value } else { f64::NAN });
    }
}

/// Answers the compensated sums and means, for any windows.
pub(super) fn compensated<T: Float>(
    task: &Task<T>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    if !statistics.iter().any(|s| s.compensates()) {
        return;
    }
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    drive::<CompensatedSum>(
        task.windows,
        task.answers.clone(),
        task.x.len(),
        value,
        |answer| {
            for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
                let sum = answer.state.value();
                let value = match statistic {
                    MomentStatistic::Sum { compensated: true } => sum,
                    MomentStatistic::Mean { compensated: true } => sum / answer.count as f64,
                    _ => continue,
                };
                let enough = answer.count >= task.min_periods.max(statistic.least());
                out[answer.place] = T::from_f64(if enough { value } else { f64::NAN });
            }
        },
    );
}
