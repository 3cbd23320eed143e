//! Windows so narrow that joining them from shorter ones is quickest.

use super::ladder::{self, SIDE, Steps};
use super::present::Present;
use super::{Finish, infinite, limit, rows};
use crate::float::Float;
use crate::rolling::scan::{Join, all_finite, load};
use crate::rolling::task::Task;
use crate::simd::Four;

/// Scratch of a tile of answers.
pub(super) struct Narrow<T> {
    copy: Vec<T>,
    values: Vec<f64>,
    present: Present,
    steps: Steps,
}

impl<T> Default for Narrow<T> {
    fn default() -> Self {
        Narrow {
            copy: Vec::new(),
            values: Vec::new(),
            present: Present::default(),
            steps: Steps::default(),
        }
    }
}

impl<T: Float> Narrow<T> {
    /// As for wide windows.
    #[inline(always)]
    pub(super) fn answer<F: Four, J: Join>(
        &mut self,
        task: &Task<T>,
        width: usize,
        last: isize,
        finish: impl Finish<F>,
        out: &mut [T],
    ) -> bool {
        let Narrow {
            copy,
            values,
            present,
            steps,
        } = self;
        // There may be fewer answers than are given side by side.
        let mut few = [T::NAN; SIDE];
        let len = out.len();
        let places = if len < SIDE { &mut few } else { &mut *out };
        let from = last + 1 - width as isize;
        let rows = rows(task.x, from, places.len() + width - 1, copy);
        if all_finite(rows) {
            ladder::answer::<(T, J), F, T>(rows, width, steps, Full(finish), places);
        } else if !J::IDEMPOTENT && infinite(task.infinity, rows) {
            return false;
        } else {
            present.mask(limit(task.infinity), rows, J::IDENTITY, values);
            let last = Partial(finish, present.counts(width));
            ladder::answer::<(f64, J), F, T>(values, width, steps, last, places);
        }
        if len < SIDE {
            out.copy_from_slice(&few[..len]);
        }
        true
    }
}

/// What becomes of the joins of windows.
pub(super) trait Last<F>: Copy {
    /// The answers of the four windows from the one at place `j` on.
    fn answers(&self, joins: F, j: usize) -> F;
}

/// Windows that miss nothing.
#[derive(Clone, Copy)]
struct Full<E>(E);

impl<F: Four, E: Finish<F>> Last<F> for Full<E> {
    #[inline(always)]
    fn answers(&self, joins: F, _: usize) -> F {
        self.0.full(joins)
    }
}

/// Windows with a number of present values each.
#[derive(Clone, Copy)]
struct Partial<'a, E>(E, &'a [f64]);

impl<F: Four, E: Finish<F>> Last<F> for Partial<'_, E> {
    #[inline(always)]
    fn answers(&self, joins: F, j: usize) -> F {
        self.0.partial(joins, load(self.1, j, 4))
    }
}
