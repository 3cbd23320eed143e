//! Windows so wide that scans of blocks answer them quickest.

use super::{Doubt, Finish, glance, infinite, limit, rows};
use crate::float::Float;
use crate::rolling::scan::{Join, Plus, Prefixes, each_four, load, store, suffixes};
use crate::rolling::task::Task;
use crate::simd::Four;

/// Scratch of blocks as wide as a window.
pub(super) struct Wide<T> {
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
    pub(super) fn answer<F: Four, J: Join>(
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
