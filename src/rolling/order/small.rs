//! Narrow windows: a sorted array that every step rewrites.
//!
//! Putting in one value and taking out another moves what lies between by one place. Rewriting
//! the whole array with comparisons takes the same few vector instructions whatever the values
//! are, where a search and a move would cost two mispredicted branches.

use super::ordered::{Middle, Ordered, Plan};
use crate::float::Float;
use crate::rolling::task::Task;
use crate::simd::dispatch;

/// Rows of the widest window that has an array.
const WIDEST: usize = 128;

/// Rows up to which an array is the faster way: measured, few where registers hold two values.
pub(super) fn widest() -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return WIDEST;
    }
    16
}

/// Places before the first value and after the last possible one, so that each has neighbors.
const GUARD: usize = 4;

dispatch! {
    /// The statistics of all answers of a task whose windows have at most `width` rows, itself at most 128.
    pub(super) fn small<T: Float>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]], width: usize) = body
}

#[inline(always)]
pub(super) fn body<T: Float>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]], width: usize) {
    // The size is known to the compiler, so that short arrays need no loop.
    match width {
        0..=8 => slide::<T, { 8 + 2 * GUARD }>(task, plan, out),
        9..=16 => slide::<T, { 16 + 2 * GUARD }>(task, plan, out),
        17..=32 => slide::<T, { 32 + 2 * GUARD }>(task, plan, out),
        33..=64 => slide::<T, { 64 + 2 * GUARD }>(task, plan, out),
        65..=96 => slide::<T, { 96 + 2 * GUARD }>(task, plan, out),
        _ => slide::<T, { 128 + 2 * GUARD }>(task, plan, out),
    }
}

#[inline(always)]
fn slide<T: Float, const PLACES: usize>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]]) {
    let n = task.x.len();
    let (mut now, mut next) = (Sorted::<PLACES>::empty(), Sorted::empty());
    let (mut now, mut next) = (&mut now, &mut next);
    let (mut from, mut to) = (0, 0);
    // Missing values enter as the infinity that fills the array's end anyway.
    let entry = |row: usize, count: &mut usize, step: isize| {
        let value = task.value(row) + 0.0;
        *count = count.wrapping_add_signed(step * isize::from(!value.is_nan()));
        if value.is_nan() { f64::INFINITY } else { value }
    };
    for answer in task.answers.clone() {
        let (start, end) = task.windows.of(answer, n);
        if start < from || end < to || start >= to {
            *now = Sorted::empty();
            (from, to) = (start, start);
        }
        while from < start || to < end {
            let (mut old, mut new) = (f64::INFINITY, f64::INFINITY);
            let mut count = now.count;
            if from < start {
                old = entry(from, &mut count, -1);
                from += 1;
            }
            if to < end {
                new = entry(to, &mut count, 1);
                to += 1;
            }
            now.replace(old, new, next);
            next.count = count;
            std::mem::swap(&mut now, &mut next);
        }
        plan.write(now, task, answer, (start, end), out);
    }
}

/// Values in order, then infinities; `GUARD` places on either side never change.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Sorted<const PLACES: usize> {
    values: [f64; PLACES],
    count: usize,
}

impl<const PLACES: usize> Sorted<PLACES> {
    #[inline(always)]
    fn empty() -> Self {
        let mut values = [f64::INFINITY; PLACES];
        values[..GUARD].fill(f64::NEG_INFINITY);
        Sorted { values, count: 0 }
    }

    /// Writes to `next` the values without one `old` and with `new`.
    #[inline(always)]
    fn replace(&self, old: f64, new: f64, next: &mut Self) {
        let s = &self.values;
        for k in GUARD..PLACES - GUARD {
            let before = if s[k - 1] < old { s[k - 1] } else { s[k] };
            let here = if s[k] < old { s[k] } else { s[k + 1] };
            let lower = if here < new { here } else { new };
            next.values[k] = if before > lower { before } else { lower };
        }
    }
}

impl<const PLACES: usize> Ordered for Sorted<PLACES> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn pair(&mut self, _: usize, k: usize, _: bool) -> (f64, f64) {
        (self.values[GUARD + k], self.values[GUARD + k + 1])
    }

    #[inline(always)]
    fn nearest(&mut self, centre: Middle, size: usize) -> usize {
        let s = &self.values[GUARD..];
        let (mut first, mut last) = (0, self.count - size);
        while first < last {
            let middle = (first + last) / 2;
            let is_left = -centre.above(s[middle]) > centre.above(s[middle + size]);
            first = if is_left { middle + 1 } else { first };
            last = if is_left { last } else { middle };
        }
        first
    }

    #[inline(always)]
    fn position(&mut self, (_, value): (usize, f64)) -> (usize, usize) {
        let (mut below, mut upto) = (0_u64, 0_u64);
        for k in GUARD..PLACES - GUARD {
            below += u64::from(self.values[k] < value);
            upto += u64::from(self.values[k] <= value);
        }
        // The places after the last value hold infinity, which a value may equal.
        (below as usize, (upto as usize).min(self.count))
    }

    #[inline(always)]
    fn distinct(&mut self) -> usize {
        let mut count = 0_u64;
        for k in GUARD..PLACES - GUARD {
            let is_value = k < GUARD + self.count;
            let is_first = k == GUARD || self.values[k] != self.values[k - 1];
            count += u64::from(is_value & is_first);
        }
        count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_another() {
        let (mut now, mut next) = (Sorted::<16>::empty(), Sorted::<16>::empty());
        for value in [3.0, 1.0, 2.0, 2.0] {
            now.replace(f64::INFINITY, value, &mut next);
            next.count = now.count + 1;
            std::mem::swap(&mut now, &mut next);
        }
        now.replace(2.0, 5.0, &mut next);
        next.count = now.count;
        assert_eq!(
            next.values[GUARD..GUARD + 5],
            [1.0, 2.0, 3.0, 5.0, f64::INFINITY]
        );
        assert_eq!(next.position((0, 3.0)), (2, 3));
        assert_eq!(next.distinct(), 4);
    }
}
