//! Minimum and maximum of windows of a fixed number of rows.

use std::ops::Range;

use super::fixed::{self, NARROW, Stretch};
use super::queue;
use super::scan::{Greater, Join, Lesser, Plus, direct, prefixes, suffixes};
use super::task::Task;
use crate::error::Error;
use crate::float::Float;
use crate::simd::dispatch;

/// A statistic of this family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtremeStatistic {
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
}

/// Rows answered at a time when windows are narrow.
const TILE: usize = 1024;

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
    let Some((width, shift)) = fixed::of(task) else {
        queue::extrema(task, task.answers.clone(), statistics, out);
        return Ok(());
    };
    for (statistic, out) in statistics.iter().zip(out) {
        match statistic {
            ExtremeStatistic::Min => smallest(task, width, shift, out),
            ExtremeStatistic::Max => largest(task, width, shift, out),
        }
    }
    Ok(())
}

dispatch! {
    fn smallest<T: Float>(task: &Task<T>, width: usize, shift: isize, out: &mut [T]) = min_blocks
}
dispatch! {
    fn largest<T: Float>(task: &Task<T>, width: usize, shift: isize, out: &mut [T]) = max_blocks
}

#[inline(always)]
fn min_blocks<T: Float>(task: &Task<T>, width: usize, shift: isize, out: &mut [T]) {
    blocks::<T, Lesser>(task, width, shift, out);
}

#[inline(always)]
fn max_blocks<T: Float>(task: &Task<T>, width: usize, shift: isize, out: &mut [T]) {
    blocks::<T, Greater>(task, width, shift, out);
}

#[inline(always)]
fn blocks<T: Float, J: Join>(task: &Task<T>, width: usize, shift: isize, out: &mut [T]) {
    let (mut before, mut here) = (Stretch::default(), Stretch::default());
    let [mut suffix, mut prefix, mut count, mut extreme] = [const { Vec::new() }; 4];
    let narrow = width <= NARROW;
    let rows = if narrow { TILE } else { width };
    let Range { start, end } = task.answers;
    let mut next = isize::MIN;
    for first in (start..end).step_by(rows) {
        let len = rows.min(end - first);
        let position = first as isize + shift;
        extreme.resize(len, 0.0);
        let complete;
        if narrow {
            here.read(task, position + 1 - width as isize, len + width - 1);
            here.mark(J::IDENTITY);
            complete = here.complete;
            count.resize(if complete { 0 } else { len }, 0.0);
            direct::<J>(&here.values, width, &mut extreme);
            if !complete {
                direct::<Plus>(&here.present, width, &mut count);
            }
        } else {
            if next == position {
                std::mem::swap(&mut before, &mut here);
            } else {
                before.read(task, position - width as isize, width);
                before.mark(J::IDENTITY);
            }
            here.read(task, position, len);
            here.mark(J::IDENTITY);
            next = position + width as isize;
            complete = before.complete && here.complete;
            suffix.resize(width, 0.0);
            prefix.resize(width, 0.0);
            suffixes::<J>(&before.values, &mut suffix);
            prefixes::<J>(&here.values, &mut prefix);
            for ((o, &a), &b) in extreme.iter_mut().zip(&suffix).zip(&prefix) {
                *o = J::join(a, b);
            }
            count.resize(if complete { 0 } else { len }, 0.0);
            if !complete {
                suffixes::<Plus>(&before.present, &mut suffix);
                prefixes::<Plus>(&here.present, &mut prefix);
                for ((o, &a), &b) in count.iter_mut().zip(&suffix).zip(&prefix) {
                    *o = a + b;
                }
            }
        }
        let out = &mut out[first - start..first - start + len];
        if complete {
            for (o, &e) in out.iter_mut().zip(&extreme) {
                *o = T::from_f64(e);
            }
        } else {
            let least = task.min_periods.max(1) as f64;
            for ((o, &e), &n) in out.iter_mut().zip(&extreme).zip(&count) {
                *o = T::from_f64(if n >= least { e } else { f64::NAN });
            }
        }
    }
}
