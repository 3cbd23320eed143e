//! Moments of any windows, by mergeable states.
//!
//! States are kept for a block of answers and turned into statistics afterwards, one statistic at
//! a time, so that the choice of a statistic is no part of the loop over rows and its quotients
//! and roots are taken several at once.

mod sliding;

use std::ops::Range;

use super::MomentStatistic;
use crate::float::Float;
use crate::rolling::queue::{CompensatedSum, MomentSums, Sum, drive};
use crate::rolling::task::Task;

/// Answers in a block.
const BLOCK: usize = 256;

/// Answers for any windows.
pub(super) fn general<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    if statistics.iter().any(|s| s.sums()) {
        let done = sliding::sums(task, answers.clone(), statistics, out);
        sums(task, answers.clone(), done, statistics, out);
    }
    let scores = |s: &MomentStatistic| matches!(s, MomentStatistic::ZScore { .. });
    if statistics.iter().any(|s| s.deviates()) {
        // A score may be small beside the distance of its value from the anchor.
        let done = if statistics.iter().any(scores) {
            0
        } else {
            sliding::deviations(task, answers.clone(), statistics, out)
        };
        deviations(task, answers.clone(), done, statistics, out);
    }
    if statistics.iter().any(|s| s.compensates()) {
        compensated(task, answers, statistics, out);
    }
}

/// What the statistics of a block of answers are made of.
struct Block {
    count: [f64; BLOCK],
    /// The sum of the values, or of their distances from the anchor.
    sum: [f64; BLOCK],
    anchor: [f64; BLOCK],
    /// The sum of the squared deviations from the mean.
    m2: [f64; BLOCK],
    /// The answers whose windows hold one value only, and that value. As in pandas, it is the mean.
    same: Vec<(usize, f64)>,
}

impl Block {
    fn new() -> Self {
        Block {
            count: [0.0; BLOCK],
            sum: [0.0; BLOCK],
            anchor: [0.0; BLOCK],
            m2: [0.0; BLOCK],
            same: Vec::new(),
        }
    }

    /// Writes the sums and means of the answers at `places`.
    #[inline(never)]
    fn give_sums<T: Float>(
        &mut self,
        task: &Task<T>,
        places: Range<usize>,
        statistics: &[MomentStatistic],
        out: &mut [&mut [T]],
    ) {
        for &(j, value) in &self.same {
            self.sum[j] = value * self.count[j];
        }
        for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
            let out = &mut out[places.clone()];
            let least = task.min_periods.max(statistic.least()) as f64;
            match statistic {
                MomentStatistic::Sum { compensated: false } => {
                    write(out, &self.count, least, &self.sum, |sum, _| sum);
                }
                MomentStatistic::Mean { compensated: false } => {
                    write(out, &self.count, least, &self.sum, |sum, n| sum / n);
                    let enough = |(j, _): &&(usize, f64)| self.count[*j] >= least;
                    for &(j, value) in self.same.iter().filter(enough) {
                        out[j] = T::from_f64(value);
                    }
                }
                _ => {}
            }
        }
        self.same.clear();
    }

    /// Writes the variances, and what follows from them, of the answers at `places`; the first
    /// answer of all is `first`.
    #[inline(never)]
    fn give_deviations<T: Float>(
        &self,
        task: &Task<T>,
        first: usize,
        places: Range<usize>,
        statistics: &[MomentStatistic],
        out: &mut [&mut [T]],
    ) {
        let Block {
            count,
            sum,
            anchor,
            m2,
            ..
        } = self;
        for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
            let out = &mut out[places.clone()];
            let least = task.min_periods.max(statistic.least()) as f64;
            let var = |m2: f64, n: f64, ddof: u32| m2 / (n - f64::from(ddof));
            match *statistic {
                MomentStatistic::Var { ddof } => {
                    write(out, count, least, m2, |m2, n| var(m2, n, ddof));
                }
                MomentStatistic::Std { ddof } => {
                    write(out, count, least, m2, |m2, n| var(m2, n, ddof).sqrt());
                }
                MomentStatistic::Sem { ddof } => {
                    write(out, count, least, m2, |m2, n| (var(m2, n, ddof) / n).sqrt());
                }
                MomentStatistic::ZScore { ddof } => {
                    let mut z = [0.0; BLOCK];
                    for (j, z) in z.iter_mut().enumerate().take(out.len()) {
                        let row = task.windows.row(first + places.start + j);
                        let deviation = (task.value(row) - anchor[j]) - sum[j] / count[j];
                        let std = var(m2[j], count[j], ddof).sqrt();
                        *z = if std > 0.0 { deviation / std } else { f64::NAN };
                    }
                    write(out, count, least, &z, |z, _| z);
                }
                _ => {}
            }
        }
    }
}

/// The sums of all but the first `done` of `answers`.
fn sums<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    done: usize,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let rest = answers.start + done..answers.end;
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    let mut sameness = Sameness::new();
    let mut block = Block::new();
    drive::<Sum>(task.windows, rest.clone(), task.x.len(), value, |answer| {
        let j = answer.place % BLOCK;
        block.count[j] = answer.count as f64;
        block.sum[j] = answer.state.0;
        if sameness.of(task, answer.start, answer.end) {
            block.same.push((j, sameness.value));
        }
        let next = answer.place + 1;
        if next % BLOCK == 0 || next == rest.len() {
            let places = done + answer.place - j..done + next;
            block.give_sums(task, places, statistics, out);
        }
    });
}

/// The variances, and what follows from them, of all but the first `done` of `answers`.
fn deviations<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    done: usize,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let rest = answers.start + done..answers.end;
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    let mut block = Block::new();
    drive::<MomentSums>(task.windows, rest.clone(), task.x.len(), value, |answer| {
        let j = answer.place % BLOCK;
        let state = answer.state;
        block.count[j] = answer.count as f64;
        (block.anchor[j], block.sum[j], block.m2[j]) = (state.anchor, state.sum, state.m2);
        let next = answer.place + 1;
        if next % BLOCK == 0 || next == rest.len() {
            let places = done + answer.place - j..done + next;
            block.give_deviations(task, answers.start, places, statistics, out);
        }
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

/// The compensated sums and means.
fn compensated<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    drive::<CompensatedSum>(task.windows, answers, task.x.len(), value, |answer| {
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
    });
}
