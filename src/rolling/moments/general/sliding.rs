//! Moments of windows that slide over rows of which none is missing, such as windows of time.
//!
//! As in the driver, a window is split at a row `middle`: sums of every suffix before it and of
//! every prefix from it on are laid out in two arrays, and an answer is read from one place of
//! each. So the loops over rows carry nothing but a sum, and those over answers nothing at all.
//! Squares are those of the distances from one value, the anchor, that lies inside every window of
//! the arrays; where it is an outlier and digits would be lost, the mergeable states take over.

use std::ops::Range;

use super::super::MomentStatistic;
use super::super::wide::CANCELLATION;
use super::{BLOCK, Block};
use crate::float::Float;
use crate::parallel::Poll;
use crate::rolling::scan::all_finite;
use crate::rolling::task::Task;

/// Sums and means of as many of `answers`, from the first on, as it can; gives how many.
pub(super) fn sums<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) -> usize {
    slide::<T, Values>(task, answers, statistics, out)
}

/// The same of variances and what follows from them.
pub(super) fn deviations<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) -> usize {
    slide::<T, Squares>(task, answers, statistics, out)
}

/// Sums over the rows from or up to a place.
trait Sums: Copy + Default {
    /// Whether the squares are known.
    const SQUARES: bool;
    /// Adds a value.
    fn push(&mut self, value: f64, anchor: f64);
    /// The sums, and those of the squares, of both.
    fn join(&self, other: &Self) -> (f64, f64);
}

/// The sum of the values.
#[derive(Clone, Copy, Default)]
struct Values(f64);

impl Sums for Values {
    const SQUARES: bool = false;

    #[inline(always)]
    fn push(&mut self, value: f64, _: f64) {
        self.0 += value;
    }

    #[inline(always)]
    fn join(&self, other: &Self) -> (f64, f64) {
        (self.0 + other.0, 0.0)
    }
}

/// The sums of the distances from the anchor and of their squares.
#[derive(Clone, Copy, Default)]
struct Squares(f64, f64);

impl Sums for Squares {
    const SQUARES: bool = true;

    #[inline(always)]
    fn push(&mut self, value: f64, anchor: f64) {
        let distance = value - anchor;
        self.0 += distance;
        self.1 += distance * distance;
    }

    #[inline(always)]
    fn join(&self, other: &Self) -> (f64, f64) {
        (self.0 + other.0, self.1 + other.1)
    }
}

fn slide<T: Float, S: Sums>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) -> usize {
    let (x, n) = (task.x, task.x.len());
    let (mut suffixes, mut prefixes) = (Vec::new(), Vec::new());
    // Where the run of equal values that ends before a row began.
    let mut runs = Vec::new();
    let mut block = Block::new();
    let mut bounds = [(0, 0); BLOCK];
    let mut poll = Poll::default();
    let mut k = answers.start;
    while k < answers.end {
        let (low, middle) = task.windows.of(k, n);
        // Every window that holds a row holds this one.
        let pivot = if low < middle { middle - 1 } else { low };
        let Some(anchor) = x.get(pivot).map(|x| x.to_f64()) else {
            break;
        };
        if !anchor.is_finite() || !all_finite(&x[low..middle]) || poll.is_cancelled(middle - low) {
            break;
        }
        sum_suffixes::<T, S>(&x[low..middle], anchor, &mut suffixes);
        // Until the window leaves the anchor behind.
        let (mut reached, mut start_before) = (middle, low);
        let mut sums = S::default();
        let back = x[low..middle].iter().rev();
        let same = back.take_while(|v| v.to_f64() == x[middle - 1].to_f64());
        let mut run = middle - same.count();
        loop {
            let (mut len, mut end_before) = (0, reached);
            while len < BLOCK.min(answers.end - k) {
                let (start, end) = task.windows.of(k + len, n);
                if start < start_before || end < end_before || start > pivot {
                    break;
                }
                bounds[len] = (start, end);
                (start_before, end_before) = (start, end);
                len += 1;
            }
            if len == 0 {
                break;
            }
            let rows = &x[reached..end_before];
            if !all_finite(rows) || poll.is_cancelled(rows.len() + len) {
                return k - answers.start;
            }
            sums = sum_prefixes(rows, anchor, sums, &mut prefixes);
            // Without equal neighbours no window of two rows or more holds one value alone.
            let before = reached.saturating_sub(1);
            let repeats = !S::SQUARES && (run < before || any_repeat(&x[before..end_before]));
            if repeats {
                let before = reached.checked_sub(1).map(|row| x[row]);
                run = find_runs(rows, reached, before, run, &mut runs);
            } else if !rows.is_empty() {
                run = end_before - 1;
            }
            let mut exact = true;
            for (j, &(start, end)) in bounds[..len].iter().enumerate() {
                let (front, back) = (&suffixes[start - low], &prefixes[end - reached]);
                let count = (end - start) as f64;
                block.count[j] = count;
                let (sum, squares) = front.join(back);
                block.sum[j] = sum;
                if S::SQUARES {
                    let m2 = squares - sum * sum / count.max(1.0);
                    block.m2[j] = m2;
                    exact &= squares <= CANCELLATION * m2;
                } else if repeats && runs[end - reached] <= start && start < end {
                    block.same.push((j, x[start].to_f64()));
                }
            }
            if !exact {
                return k - answers.start;
            }
            let places = k - answers.start..k - answers.start + len;
            if S::SQUARES {
                block.give_deviations(task, answers.start, places, statistics, out);
            } else {
                block.give_sums(task, places, statistics, out);
            }
            k += len;
            reached = end_before;
        }
    }
    k - answers.start
}

// Out of line, so that the registers are theirs alone.

/// `into[i]` are the sums of the rows from `i` on.
#[inline(never)]
fn sum_suffixes<T: Float, S: Sums>(rows: &[T], anchor: f64, into: &mut Vec<S>) {
    into.resize(rows.len() + 1, S::default());
    let mut sums = S::default();
    into[rows.len()] = sums;
    for (place, x) in into.iter_mut().zip(rows).rev() {
        sums.push(x.to_f64(), anchor);
        *place = sums;
    }
}

/// `into[i]` are the sums `before` and of the first `i` rows; gives the last.
#[inline(never)]
fn sum_prefixes<T: Float, S: Sums>(rows: &[T], anchor: f64, before: S, into: &mut Vec<S>) -> S {
    into.resize(rows.len() + 1, S::default());
    let mut sums = before;
    into[0] = sums;
    for (place, x) in into[1..].iter_mut().zip(rows) {
        sums.push(x.to_f64(), anchor);
        *place = sums;
    }
    sums
}

/// Whether two neighbours are equal.
#[inline(never)]
fn any_repeat<T: Float>(rows: &[T]) -> bool {
    let next = rows.get(1..).unwrap_or_default();
    let equal = |any, (a, b): (&T, &T)| any | (a == b);
    rows.iter().zip(next).fold(false, equal)
}

/// `into[i]` is where the run of equal values began that ends before the `i`th of `rows`, of which
/// the first is `first`; gives the last.
#[inline(never)]
fn find_runs<T: Float>(
    rows: &[T],
    first: usize,
    mut before: Option<T>,
    mut run: usize,
    into: &mut Vec<usize>,
) -> usize {
    into.resize(rows.len() + 1, run);
    into[0] = run;
    for ((row, &x), place) in (first..).zip(rows).zip(&mut into[1..]) {
        run = if before == Some(x) { run } else { row };
        before = Some(x);
        *place = run;
    }
    run
}
