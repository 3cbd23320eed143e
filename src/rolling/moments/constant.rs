//! Sum and mean of windows whose values are all equal.
//!
//! The mean of equal values is that value, and their sum that value times their number, as pandas
//! has it; added up one by one they drift off by a few roundings. Cut where windows end, the rows
//! fall into blocks as wide as a window, and every window is the end of one block and the beginning
//! of the next. So the values on both sides of a cut tell which windows can be constant, and where
//! none is the search ends after a few rows in each block.

use std::ops::RangeInclusive;

use super::MomentStatistic;
use crate::float::Float;
use crate::rolling::fixed;
use crate::rolling::task::Task;

/// Writes anew the answers of windows whose present values are all equal.
pub(crate) fn exact<T: Float>(task: &Task<T>, statistic: MomentStatistic, out: &mut [T]) {
    // One or two values are added and halved without rounding.
    let Some((width @ 3.., shift)) = fixed::of(task) else {
        return;
    };
    // A window ends before row `end`, and `begin` is the end of the first.
    let begin = task.answers.start as isize + 1 + shift;
    let after = task.answers.end as isize + 1 + shift;
    let mut next = begin;
    // Cuts before this one are looked at one by one.
    let mut doubtful = begin;
    while next < after {
        let together = (TOGETHER * width) as isize;
        if next >= doubtful && next + together <= after {
            if all_differ(task.x, next, width) {
                next += together;
                continue;
            }
            doubtful = next + together;
        }
        let cut = next;
        next += width as isize;
        if differ(task.x, cut, width) || apart(task, width as isize, cut) {
            continue;
        }
        let last = after.min(cut + width as isize) - 1;
        for (ends, value) in constant(task, width as isize, cut, last) {
            let mut count = Count::of(task, width as isize);
            for end in ends {
                let count = count.at(end);
                let out = &mut out[(end - begin) as usize];
                // NaN where too few values are present.
                if out.to_f64().is_nan() {
                    continue;
                }
                *out = T::from_f64(match statistic {
                    MomentStatistic::Mean { .. } => value,
                    _ => value * count as f64,
                });
            }
        }
    }
}

/// Cuts looked at together.
const TOGETHER: usize = 8;

/// Whether no window around this cut and those that follow is constant, seen from the two values
/// before each cut and the one after it: they are there, and no two neighbours are equal. Windows
/// that end at a cut hold the first two, and all others the last two.
#[inline(always)]
fn all_differ<T: Float>(x: &[T], cut: isize, width: usize) -> bool {
    let last = (TOGETHER - 1) * width + 3;
    if cut < 2 || cut as usize - 2 + last > x.len() {
        return false;
    }
    let x = &x[cut as usize - 2..][..last];
    let (mut least, mut sum) = (f64::INFINITY, 0.0);
    for k in 0..TOGETHER {
        let around = &x[k * width..][..3];
        let [a, b, c] = [around[0], around[1], around[2]].map(T::to_f64);
        // Zero where two are equal, and not finite where one is missing.
        let product = ((b - a) * (c - b)).abs();
        least = if product < least { product } else { least };
        sum += product;
    }
    least > 0.0 && sum < f64::INFINITY
}

/// The same for one cut, seen from three values on each side, of which one may be missing.
#[inline(always)]
fn differ<T: Float>(x: &[T], cut: isize, width: usize) -> bool {
    if width < 6 || cut < 3 || cut + 3 > x.len() as isize {
        return false;
    }
    let around = &x[cut as usize - 3..][..6];
    let two = |near: f64, next: f64, far: f64| {
        let (nearest, second) = if near.is_nan() {
            (next, far)
        } else {
            (near, next)
        };
        (nearest, if second.is_nan() { far } else { second })
    };
    let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|i: usize| around[i].to_f64());
    let ((c, b), (d, e)) = (two(c, b, a), two(d, e, f));
    // Windows that reach too far on one side to hold its two values hold both of the other.
    let product = (c - b) * (d - c) * (e - d);
    product != 0.0 && product.is_finite()
}

/// Whether the present values around a cut differ so that no window around it is constant.
fn apart<T: Float>(task: &Task<T>, width: isize, cut: isize) -> bool {
    let n = task.x.len() as isize;
    // The two values present on either side.
    let present = |row: isize| {
        let value = task.value(row as usize);
        (!value.is_nan()).then_some((row, value))
    };
    let mut before = ((cut - width).max(0)..cut.min(n)).rev().filter_map(present);
    let mut after = (cut.max(0)..n.min(cut + width)).filter_map(present);
    let (Some((_, b)), Some((a_row, a))) = (before.next(), before.next()) else {
        return false;
    };
    let (Some((_, c)), Some((d_row, d))) = (after.next(), after.next()) else {
        return false;
    };
    a != b && b != c && c != d && d_row - a_row <= width
}

/// The ends of constant windows, from `cut` to `last`, and their values.
fn constant<T: Float>(
    task: &Task<T>,
    width: isize,
    cut: isize,
    last: isize,
) -> impl Iterator<Item = (RangeInclusive<isize>, f64)> {
    let n = task.x.len() as isize;
    let middle = cut.clamp(0, n);
    let before = (cut - width).clamp(0, n)..middle;
    let here = middle..last.clamp(middle, n);
    let value = |row: isize| Some(task.value(row as usize)).filter(|v| !v.is_nan());
    let is_present = |&row: &isize| value(row).is_some();
    // The present values next to the cut, and how far they go on.
    let left = before.clone().rev().find(is_present);
    let right = here.clone().find(is_present);
    let unlike = |row: &isize, like: Option<isize>| {
        let like = like.and_then(value);
        value(*row).is_some_and(|v| Some(v) != like)
    };
    let first_end = before.rev().find(|row| unlike(row, left));
    let first_end = first_end.map_or(cut, |row| row + 1 + width);
    let last_end = here.clone().find(|row| unlike(row, right)).unwrap_or(last);
    // Windows that end later hold nothing from before the cut.
    let left_until = left.map_or(cut - 1, |row| row + width);
    // Windows that end earlier hold nothing from after it.
    let right_from = right.map_or(last + 1, |row| row + 1);
    let [left, right] = [left, right].map(|row| row.and_then(value));
    let both = (left == right).then_some(left).flatten();
    [
        (left, first_end, left_until.min(right_from - 1)),
        (both, first_end.max(right_from), last_end.min(left_until)),
        (right, right_from.max(left_until + 1), last_end),
    ]
    .into_iter()
    .filter_map(move |(value, from, to)| Some((from.max(cut)..=to.min(last), value?)))
}

/// Counts the values present in one window after the other.
struct Count<'a, T> {
    task: &'a Task<'a, T>,
    width: isize,
    /// The end of the last window and its count.
    known: Option<(isize, usize)>,
}

impl<'a, T: Float> Count<'a, T> {
    fn of(task: &'a Task<'a, T>, width: isize) -> Self {
        Count {
            task,
            width,
            known: None,
        }
    }

    fn at(&mut self, end: isize) -> usize {
        let n = self.task.x.len() as isize;
        let present = |row: isize| {
            usize::from((0..n).contains(&row) && !self.task.value(row as usize).is_nan())
        };
        let count = match self.known {
            Some((before, count)) if before + 1 == end => {
                count + present(end - 1) - present(end - 1 - self.width)
            }
            _ => (end - self.width..end).map(present).sum(),
        };
        self.known = Some((end, count));
        count
    }
}
