//! Windows of a fixed number of rows, block by block.
//!
//! The positions at which windows end are cut into blocks as wide as a window. The first window of
//! a block is the block before; every other one is the end of the block before, joined with the
//! beginning of its own. Narrow windows are read anew instead. Either way values are read where
//! they lie, and answers are written once. Missing values are looked for on the way: where one
//! turns up, the block is read again with the identity in its place, and present values are
//! counted. Rows before the first and after the last are missing, so that the ends of a series need
//! no code of their own.

use std::ops::Range;

use super::scan::{Join, Plus, Prefixes, all_finite, direct, each_four, load, store, suffixes};
use super::task::Task;
use super::window::Windows;
use crate::float::{Float, Infinity};
use crate::simd::Four;

/// Answers finished together, so that what lies between two steps stays in the nearest cache.
pub(crate) const TILE: usize = 512;
/// Up to this width a window is read anew for each answer, rather than scanned for.
const NARROW: usize = 48;
/// From this width on the values of a narrow window are joined by four first.
const BY_FOUR: usize = 8;
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
    if width <= NARROW {
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

/// Scratch of blocks as wide as a window.
struct Wide<T> {
    before: Vec<T>,
    here: Vec<T>,
    /// Joins of the ends of the block before.
    left: Vec<f64>,
}

impl<T> Default for Wide<T> {
    fn default() -> Self {
        Wide {
            before: Vec::new(),
            here: Vec::new(),
            left: Vec::new(),
        }
    }
}

impl<T: Float> Wide<T> {
    /// The answers of a block whose first window has `last` for its last row. False if a sum meets
    /// an infinite value.
    #[inline(always)]
    fn answer<F: Four, J: Join>(
        &mut self,
        task: &Task<T>,
        width: usize,
        last: isize,
        finish: impl Finish<F>,
        out: &mut [T],
    ) -> bool {
        let Wide { before, here, left } = self;
        let before = rows(task.x, last + 1 - width as isize, width, before);
        let here = rows(task.x, last + 1, out.len() - 1, here);
        left.resize(width, 0.0);
        let complete = complete_suffixes::<F, T, J>(before, left)
            && complete_answers::<F, T, J>(left, here, finish, out);
        if complete {
            return true;
        }
        if !J::IDEMPOTENT && (infinite(task.infinity, before) || infinite(task.infinity, here)) {
            return false;
        }
        let limit = limit(task.infinity);
        partial_answers::<F, T, J>(limit, before, here, left, finish, out);
        true
    }
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

/// Joins of the ends of a block; false if a value is missing.
#[inline(always)]
fn complete_suffixes<F: Four, T: Float, J: Join>(block: &[T], left: &mut [f64]) -> bool {
    if !glance(block) {
        return false;
    }
    let mut doubt = Doubt::<F>::none();
    let read = |v: F| {
        if J::IDEMPOTENT {
            doubt.see(v);
        }
        v
    };
    suffixes::<F, T, J>(block, read, left);
    // Of a sum the total tells.
    if J::IDEMPOTENT {
        doubt.is_none()
    } else {
        left[0].is_finite()
    }
}

/// The answers of a block of which no value is missing; false if one is.
#[inline(always)]
fn complete_answers<F: Four, T: Float, J: Join>(
    left: &[f64],
    here: &[T],
    finish: impl Finish<F>,
    out: &mut [T],
) -> bool {
    if !glance(here) {
        return false;
    }
    store(finish.full(F::all(left[0])), out, 0, 1);
    let n = here.len();
    let (left, out) = (&left[1..n + 1], &mut out[1..n + 1]);
    let mut so_far = Prefixes::<F, J>::from(J::IDENTITY);
    let mut doubt = Doubt::<F>::none();
    each_four!(n, |j, len| {
        let v = load::<F, T>(here, j, len);
        if J::IDEMPOTENT {
            doubt.see(v);
        }
        let joins = J::fours(load(left, j, len), so_far.next(v));
        store(finish.full(joins), out, j, len);
    });
    if J::IDEMPOTENT {
        doubt.is_none()
    } else {
        so_far.total().is_finite()
    }
}

/// The answers of a block of which values are missing.
#[inline(always)]
fn partial_answers<F: Four, T: Float, J: Join>(
    limit: f64,
    before: &[T],
    here: &[T],
    left: &mut [f64],
    finish: impl Finish<F>,
    out: &mut [T],
) {
    let (limit, none) = (F::all(limit), F::all(J::IDENTITY));
    let (one, zero) = (F::all(1.0), F::all(0.0));
    let value = |v: F| v.abs().choose(limit, v, none);
    let present = |v: F| v.abs().choose(limit, one, zero);
    suffixes::<F, T, J>(before, value, left);
    let count = before
        .iter()
        .filter(|v| v.to_f64().abs() <= limit.lanes()[0]);
    let count = count.count() as f64;
    store(finish.partial(F::all(left[0]), F::all(count)), out, 0, 1);
    let n = here.len();
    let (left, out, before) = (&left[1..n + 1], &mut out[1..n + 1], &before[..n]);
    let mut so_far = Prefixes::<F, J>::from(J::IDENTITY);
    // Counts are whole numbers, and may be subtracted.
    let mut counts = Prefixes::<F, Plus>::from(count);
    each_four!(n, |j, len| {
        let v = load::<F, T>(here, j, len);
        let gone = load::<F, T>(before, j, len);
        let joins = J::fours(load(left, j, len), so_far.next(value(v)));
        let counts = counts.next(present(v).sub(present(gone)));
        store(finish.partial(joins, counts), out, j, len);
    });
}

/// Scratch of windows that are read anew for each answer.
struct Narrow<T> {
    copy: Vec<T>,
    values: Vec<f64>,
    present: Vec<f64>,
    fours: Vec<f64>,
    joins: Vec<f64>,
    counts: Vec<f64>,
}

impl<T> Default for Narrow<T> {
    fn default() -> Self {
        Narrow {
            copy: Vec::new(),
            values: Vec::new(),
            present: Vec::new(),
            fours: Vec::new(),
            joins: Vec::new(),
            counts: Vec::new(),
        }
    }
}

impl<T: Float> Narrow<T> {
    /// As for wide windows.
    #[inline(always)]
    fn answer<F: Four, J: Join>(
        &mut self,
        task: &Task<T>,
        width: usize,
        last: isize,
        finish: impl Finish<F>,
        out: &mut [T],
    ) -> bool {
        let n = out.len();
        let from = last + 1 - width as isize;
        let rows = rows(task.x, from, n + width - 1, &mut self.copy);
        // What is left of a last stretch of 16.
        let whole = n / 16 * 16;
        if glance(rows)
            && all_finite(&rows[whole..])
            && reread::<F, T, J>(rows, width, finish, &mut self.fours, &mut out[..whole])
        {
            let n = whole;
            self.joins.resize(out.len() - n, 0.0);
            direct::<T, J>(&rows[n..], width, &mut self.fours, &mut self.joins);
            each_four!(self.joins.len(), |j, len| {
                store(
                    finish.full(load(&self.joins, j, len)),
                    &mut out[n..],
                    j,
                    len,
                );
            });
            return true;
        }
        self.joins.resize(n, 0.0);
        if !J::IDEMPOTENT && infinite(task.infinity, rows) {
            return false;
        }
        let limit = limit(task.infinity);
        mask::<F, T>(
            limit,
            rows,
            J::IDENTITY,
            &mut self.values,
            &mut self.present,
        );
        self.counts.resize(n, 0.0);
        direct::<f64, J>(&self.values, width, &mut self.fours, &mut self.joins);
        direct::<f64, Plus>(&self.present, width, &mut self.fours, &mut self.counts);
        each_four!(n, |j, len| {
            let (joins, counts) = (load(&self.joins, j, len), load(&self.counts, j, len));
            store(finish.partial(joins, counts), out, j, len);
        });
        true
    }
}

/// Answers windows that miss nothing, 16 side by side; false if one of their first values is NaN or
/// infinite, or a sum is.
#[inline(always)]
fn reread<F: Four, T: Float, J: Join>(
    rows: &[T],
    width: usize,
    finish: impl Finish<F>,
    fours: &mut Vec<f64>,
    out: &mut [T],
) -> bool {
    let whole = out.len();
    if whole == 0 {
        return true;
    }
    let by_four = width >= BY_FOUR;
    if by_four {
        // Joins of four values each, of which every fourth is needed.
        fours.resize(rows.len() - 3, 0.0);
        direct::<T, J>(rows, 4, &mut Vec::new(), fours);
    }
    let mut doubt = Doubt::<F>::none();
    let rest = width % 4;
    for i in (0..whole).step_by(16) {
        let mut joins = [F::all(J::IDENTITY); 4];
        let mut single = 0..width;
        if by_four {
            let fours = &fours[i..i + width + 12];
            for k in (0..width - rest).step_by(4) {
                for (l, joins) in joins.iter_mut().enumerate() {
                    *joins = J::fours(*joins, load(fours, k + 4 * l, 4));
                }
            }
            single = width - rest..width;
            if rest > 0 && J::IDEMPOTENT {
                for (l, joins) in joins.iter_mut().enumerate() {
                    *joins = J::fours(*joins, load(fours, width - 4 + 4 * l, 4));
                }
                single = width..width;
            }
        }
        let rows = &rows[i..i + width + 15];
        for k in single {
            for (l, joins) in joins.iter_mut().enumerate() {
                *joins = J::fours(*joins, load(rows, k + 4 * l, 4));
            }
        }
        for (l, joins) in joins.into_iter().enumerate() {
            // A sum tells of all its values.
            doubt.see(if J::IDEMPOTENT {
                load(rows, 4 * l, 4)
            } else {
                joins
            });
            store(finish.full(joins), out, i + 4 * l, 4);
        }
    }
    doubt.is_none()
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
