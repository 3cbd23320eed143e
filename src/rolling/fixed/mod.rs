//! Windows of a fixed number of rows, block by block.
//!
//! The positions at which windows end are cut into blocks as wide as a window. The first window of
//! a block is the block before; every other one is the end of the block before, joined with the
//! beginning of its own. Narrow windows are joined from shorter ones instead. Either way values are
//! read where they lie, and answers are written once. Where a value is missing, the block is read
//! with the identity in its place, and present values are counted. Rows before the first and after the last are missing, so that the ends of a series need
//! no code of their own.

pub(crate) mod across;
mod ladder;
mod narrow;
mod present;
mod wide;

use std::ops::Range;

use narrow::Narrow;
use wide::Wide;

use super::scan::{Join, all_finite, each_four, load, store};
use super::task::Task;
use super::window::Windows;
use crate::float::{Float, Infinity};
use crate::simd::Four;

/// Answers finished together, so that what lies between two steps stays in the nearest cache.
pub(crate) const TILE: usize = 512;
/// Values looked at to guess whether a block misses any.
const GLANCE: usize = 16;

/// Width and shift of a task's windows, if they are of a fixed number of rows.
pub(crate) fn of<T: Float>(task: &Task<T>) -> Option<(usize, isize)> {
    match task.windows {
        // A window wider than twice the series gains nothing from blocks and would only cost the
        // memory for its missing rows.
        Windows::Fixed { width, shift } if width > 0 && width <= 2 * task.x.len() => {
            Some((width, shift))
        }
        _ => None,
    }
}

/// The answers of windows that hold at least `least` rows; the others are filled with NaN.
pub(crate) fn held<T: Float>(task: &Task<T>, least: usize, out: &mut [T]) -> Range<usize> {
    let Range { start, end } = task.answers;
    let Some((width, shift)) = of(task) else {
        return start..end;
    };
    let n = task.x.len();
    let inside = |k: isize| k.clamp(start as isize, end as isize) as usize;
    let (first, last) = if least == 0 {
        (start, end)
    } else if least > width.min(n) {
        (end, end)
    } else {
        let first = inside(least as isize - 1 - shift);
        let last = inside((n + width) as isize - least as isize - shift);
        (first, last.max(first))
    };
    out[..first - start].fill(T::NAN);
    out[last - start..].fill(T::NAN);
    first..last
}

/// The rows `from..from + len`; where some lie outside the series, a copy with NaN there.
#[inline(always)]
pub(crate) fn rows<'a, T: Float>(
    x: &'a [T],
    from: isize,
    len: usize,
    copy: &'a mut Vec<T>,
) -> &'a [T] {
    let n = x.len() as isize;
    let to = from + len as isize;
    if from >= 0 && to <= n {
        return &x[from as usize..to as usize];
    }
    copy.clear();
    copy.resize(len, T::NAN);
    let inside = from.clamp(0, n)..to.clamp(0, n);
    if !inside.is_empty() {
        let place = (inside.start - from) as usize;
        let x = &x[inside.start as usize..inside.end as usize];
        copy[place..place + x.len()].copy_from_slice(x);
    }
    copy
}

/// The largest absolute value that is not missing.
pub(crate) fn limit(infinity: Infinity) -> f64 {
    match infinity {
        Infinity::Missing => f64::MAX,
        Infinity::Ieee => f64::INFINITY,
    }
}

/// Whether an infinite value takes part.
pub(crate) fn infinite<T: Float>(infinity: Infinity, rows: &[T]) -> bool {
    infinity == Infinity::Ieee && rows.iter().any(|v| v.to_f64().is_infinite())
}

/// How the join of a window becomes an answer.
pub(crate) trait Finish<F>: Copy {
    /// The answers of four windows that miss nothing.
    fn full(&self, joins: F) -> F;
    /// The answers of four windows with `counts` present values; NaN if they are too few.
    fn partial(&self, joins: F, counts: F) -> F;
}

/// Writes the answers of a task. Those that a sum cannot give because infinite values take part
/// are returned.
#[inline(always)]
pub(crate) fn joined<F: Four, T: Float, J: Join>(
    task: &Task<T>,
    answers: Range<usize>,
    finish: impl Finish<F>,
    out: &mut [T],
) -> Vec<Range<usize>> {
    let mut left_over = Vec::new();
    let Some((width, shift)) = of(task) else {
        return left_over;
    };
    let start = task.answers.start;
    if width <= ladder::WIDEST {
        let mut narrow = Narrow::default();
        for tile in tiles(task.x.len(), width, shift, answers) {
            let out = &mut out[tile.start - start..tile.end - start];
            let last = tile.start as isize + shift;
            if !narrow.answer::<F, J>(task, width, last, finish, out) {
                left_over.push(tile);
            }
        }
    } else {
        let mut wide = Wide::default();
        for first in answers.clone().step_by(width) {
            let end = answers.end.min(first + width);
            let out = &mut out[first - start..end - start];
            let last = first as isize + shift;
            if !wide.answer::<F, J>(task, width, last, finish, out) {
                left_over.push(first..end);
            }
        }
    }
    left_over
}

/// Cuts answers into tiles; windows cut by the ends of the series of `n` rows are in tiles of their
/// own.
pub(crate) fn tiles(
    n: usize,
    width: usize,
    shift: isize,
    answers: Range<usize>,
) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = answers;
    let inside = |k: isize| k.clamp(start as isize, end as isize) as usize;
    let head = inside(width as isize - 1 - shift);
    let tail = inside(n as isize - shift).max(head);
    [start..head, head..tail, tail..end]
        .into_iter()
        .flat_map(|part| {
            let end = part.end;
            part.step_by(TILE)
                .map(move |first| first..end.min(first + TILE))
        })
}

/// Whether a block is likely to be complete.
#[inline(always)]
pub(crate) fn glance<T: Float>(rows: &[T]) -> bool {
    all_finite(&rows[..rows.len().min(GLANCE)])
}

/// Remembers whether a value was NaN or infinite.
#[derive(Clone, Copy)]
struct Doubt<F>(F);

impl<F: Four> Doubt<F> {
    #[inline(always)]
    fn none() -> Self {
        Doubt(F::all(0.0))
    }

    /// Zero times a value is zero, unless the value is NaN or infinite.
    #[inline(always)]
    fn see(&mut self, v: F) {
        self.0 = self.0.add(v.mul(F::all(0.0)));
    }

    #[inline(always)]
    fn is_none(self) -> bool {
        self.0.lanes().iter().sum::<f64>() == 0.0
    }
}

/// Copies `rows` with `none` for what is missing, and marks what is present with 1.
#[inline(always)]
pub(crate) fn mask<F: Four, T: Float>(
    limit: f64,
    rows: &[T],
    none: f64,
    values: &mut Vec<f64>,
    present: &mut Vec<f64>,
) {
    let n = rows.len();
    values.resize(n, 0.0);
    present.resize(n, 0.0);
    let limit = F::all(limit);
    let (one, zero, none) = (F::all(1.0), F::all(0.0), F::all(none));
    each_four!(n, |j, len| {
        let v = load::<F, T>(rows, j, len);
        store(v.abs().choose(limit, v, none), values, j, len);
        store(v.abs().choose(limit, one, zero), present, j, len);
    });
}
