//! Minimum and maximum of windows of a fixed number of rows.

use std::ops::Range;

use super::fixed::{self, Completeness, Stretch, TILE};
use super::queue::{Max, Min, drive};
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

/// Up to this width each window is read anew, rather than scanned for.
const NARROW: usize = 64;

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
        general(task, statistics, out);
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
    let mut work = Work::default();
    let rows = if width <= NARROW { TILE } else { width };
    let Range { start, end } = task.answers;
    for first in (start..end).step_by(rows) {
        let len = rows.min(end - first);
        let out = &mut out[first - start..first - start + len];
        let position = first as isize + shift;
        if width <= NARROW {
            work.narrow::<T, J>(task, position, width, out);
        } else {
            work.wide::<T, J>(task, position, width, out);
        }
    }
}

/// Scratch of a task.
#[derive(Default)]
struct Work {
    completeness: Completeness,
    before: Stretch,
    here: Stretch,
    /// What is left of the block before, for each answer, and what the block has so far.
    left: Vec<f64>,
    so_far: Vec<f64>,
    count: Vec<f64>,
    fours: Vec<f64>,
}

impl Work {
    /// Each window is read anew.
    #[inline(always)]
    fn narrow<T: Float, J: Join>(
        &mut self,
        task: &Task<T>,
        position: isize,
        width: usize,
        out: &mut [T],
    ) {
        let Work {
            completeness,
            here,
            so_far,
            count,
            fours,
            ..
        } = self;
        so_far.resize(out.len(), 0.0);
        count.clear();
        if let Some(rows) = completeness.of(task.x, position, width - 1, out.len()) {
            direct::<T, J>(&task.x[rows], width, fours, so_far);
        } else {
            here.copy(task, position + 1 - width as isize, out.len() + width - 1);
            here.mark(J::IDENTITY);
            count.resize(out.len(), 0.0);
            direct::<f64, J>(&here.values, width, fours, so_far);
            direct::<f64, Plus>(&here.present, width, fours, count);
        }
        write(task, so_far, count, width, out);
    }

    /// The answers of a block from two scans.
    #[inline(always)]
    fn wide<T: Float, J: Join>(
        &mut self,
        task: &Task<T>,
        position: isize,
        width: usize,
        out: &mut [T],
    ) {
        let len = out.len();
        if let Some(rows) = self.completeness.of(task.x, position, width, len) {
            let (before, here) = task.x[rows].split_at(width);
            self.count.clear();
            self.block::<T, T, J>(task, before, here, width, out);
            return;
        }
        let mut before = std::mem::take(&mut self.before);
        let mut here = std::mem::take(&mut self.here);
        before.copy(task, position - width as isize, width);
        here.copy(task, position, len);
        self.count.resize(len, 0.0);
        let one = |p: f64, _: f64| p;
        suffixes::<Plus, _, _>(&before.present, &before.present, one, &mut self.left);
        prefixes::<Plus, _, _>(&here.present, &here.present, one, 0.0, &mut self.count);
        for (count, left) in self.count.iter_mut().zip(&self.left) {
            *count += left;
        }
        before.mark(J::IDENTITY);
        here.mark(J::IDENTITY);
        self.block::<T, f64, J>(task, &before.values, &here.values, width, out);
        (self.before, self.here) = (before, here);
    }

    #[inline(always)]
    fn block<T: Float, V: Float, J: Join>(
        &mut self,
        task: &Task<T>,
        before: &[V],
        here: &[V],
        width: usize,
        out: &mut [T],
    ) {
        let Work {
            left,
            so_far,
            count,
            ..
        } = self;
        let one = |v: V, _: V| v.to_f64();
        suffixes::<J, _, _>(before, before, one, left);
        so_far.resize(TILE, 0.0);
        let mut carry = J::IDENTITY;
        let tiles = here
            .chunks(TILE)
            .zip(left.chunks_mut(TILE))
            .zip(out.chunks_mut(TILE));
        for (k, ((here, left), out)) in tiles.enumerate() {
            carry = prefixes::<J, _, _>(here, here, one, carry, so_far);
            for (a, &b) in left.iter_mut().zip(so_far.iter()) {
                *a = J::join(*a, b);
            }
            let count = if count.is_empty() {
                &[]
            } else {
                &count[k * TILE..]
            };
            write(task, left, count, width, out);
        }
    }
}

/// Writes the extremes of windows that hold enough values; every window is full if `count` is
/// empty.
#[inline(always)]
fn write<T: Float>(task: &Task<T>, extremes: &[f64], count: &[f64], width: usize, out: &mut [T]) {
    let least = task.min_periods.max(1);
    if !count.is_empty() {
        let least = least as f64;
        for ((o, &extreme), &n) in out.iter_mut().zip(extremes).zip(count) {
            *o = T::from_f64(if n >= least { extreme } else { f64::NAN });
        }
    } else if width >= least {
        for (o, &extreme) in out.iter_mut().zip(extremes) {
            *o = T::from_f64(extreme);
        }
    } else {
        out.fill(T::NAN);
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
