//! Compensated sums and means of windows of a fixed number of rows.
//!
//! A window is the end of one block of rows, joined with the beginning of the next. Both are added
//! up row by row, so that a sum and what rounding took from it wait for those before; four blocks
//! run side by side, one in each lane. Where a row turns out to be missing the four blocks are read
//! again with zero in its place, and present values are counted.

use std::cell::Cell;
use std::ops::Range;

use super::MomentStatistic;
use super::sums::{Mean, Sum};
use crate::float::Float;
use crate::parallel::Poll;
use crate::rolling::fixed::{self, Finish, glance, held, infinite, limit};
use crate::rolling::task::Task;
use crate::simd::Four;

/// Writes the answers, and returns those that are left over: windows cut by the ends of the series
/// and those near infinite values.
#[inline(always)]
pub(super) fn answer<T: Float, F: Four>(
    task: &Task<T>,
    statistic: MomentStatistic,
    out: &mut [T],
) -> Vec<Range<usize>> {
    let least = task.min_periods.max(statistic.least());
    let held = held(task, least, out);
    let least = least as f64;
    let (width, _) = fixed::of(task).unwrap_or_default();
    match statistic {
        MomentStatistic::Mean { .. } => {
            let width = width as f64;
            rounds::<T, F>(task, held, Mean { width, least }, out)
        }
        _ => rounds::<T, F>(task, held, Sum { least }, out),
    }
}

#[inline(always)]
fn rounds<T: Float, F: Four>(
    task: &Task<T>,
    held: Range<usize>,
    finish: impl Finish<F>,
    out: &mut [T],
) -> Vec<Range<usize>> {
    let (width, shift) = fixed::of(task).unwrap_or_default();
    let inside = |k: isize| k.clamp(held.start as isize, held.end as isize) as usize;
    let first = inside(width as isize - 1 - shift);
    let last = inside(task.x.len() as isize - shift).max(first);
    let mut left_over = vec![held.start..first, last..held.end];
    left_over.retain(|part| !part.is_empty());
    let mut fronts = vec![Compensated::none(); width.min((last - first).div_ceil(4))];
    // Lanes may overlap at the very end.
    let out = Cell::from_mut(out).as_slice_of_cells();
    let mut poll = Poll::default();
    let mut k = first;
    while k < last {
        let len = (last - k).min(4 * width);
        if poll.is_cancelled(len) {
            break;
        }
        let each = len.div_ceil(4);
        let place = k - task.answers.start;
        let row = (k as isize + 1 + shift) as usize - width;
        let starts: [usize; 4] = std::array::from_fn(|l| (l * each).min(len - each));
        let round = Round {
            rows: starts.map(|s| &task.x[row + s..][..width + each - 1]),
            out: starts.map(|s| &out[place + s..][..each]),
            width,
            limit: limit(task.infinity),
        };
        let fronts = &mut fronts[..each];
        if !(glance(round.rows[0]) && round.answer::<F, false>(fronts, finish)) {
            if infinite(task.infinity, &task.x[row..][..width + len - 1]) {
                left_over.push(k..k + len);
            } else {
                round.answer::<F, true>(fronts, finish);
            }
        }
        k += len;
    }
    left_over
}

/// Sums with what rounding took from them (Knuth's two-sum).
#[derive(Clone, Copy)]
struct Compensated<F> {
    sum: F,
    rest: F,
}

impl<F: Four> Compensated<F> {
    #[inline(always)]
    fn none() -> Self {
        Compensated {
            sum: F::all(0.0),
            rest: F::all(0.0),
        }
    }

    #[inline(always)]
    fn push(&mut self, x: F) {
        let sum = self.sum.add(x);
        let of_x = sum.sub(self.sum);
        let lost = self.sum.sub(sum.sub(of_x)).add(x.sub(of_x));
        *self = Compensated {
            sum,
            rest: self.rest.add(lost),
        };
    }

    #[inline(always)]
    fn join(mut self, other: Self) -> Self {
        self.push(other.sum);
        self.rest = self.rest.add(other.rest);
        self
    }
}

/// A block of answers in each lane, at most as many as there are rows in a window.
struct Round<'a, T> {
    /// The rows of the windows of each lane.
    rows: [&'a [T]; 4],
    /// Where the answers of each lane go.
    out: [&'a [Cell<T>]; 4],
    width: usize,
    /// The largest value that is not missing.
    limit: f64,
}

// Functions, because closures would not always be compiled into the copy for AVX2.
impl<T: Float> Round<'_, T> {
    /// Writes the answers; `fronts` has a place for each of a lane. Unless values may be missing
    /// (`PARTIAL`), false if one is or a sum is infinite.
    #[inline(always)]
    fn answer<F: Four, const PARTIAL: bool>(
        &self,
        fronts: &mut [Compensated<F>],
        finish: impl Finish<F>,
    ) -> bool {
        let (each, width) = (fronts.len(), self.width);
        let round = Round {
            rows: self.rows.map(|rows| &rows[..width + each - 1]),
            out: self.out.map(|out| &out[..each]),
            ..*self
        };
        let mut front = Compensated::none();
        let (mut counts, mut total) = (F::all(0.0), F::all(0.0));
        for j in (each..width).rev() {
            let (value, present) = round.row::<F, PARTIAL>(j);
            front.push(value);
            counts = counts.add(present);
        }
        for (j, kept) in fronts.iter_mut().enumerate().rev() {
            let (value, present) = round.row::<F, PARTIAL>(j);
            front.push(value);
            counts = counts.add(present);
            *kept = front;
        }
        total = total.add(round.give::<F, PARTIAL>(0, front, counts, finish));
        let mut back = Compensated::none();
        for (j, front) in fronts.iter().enumerate().skip(1) {
            let (value, present) = round.row::<F, PARTIAL>(width + j - 1);
            back.push(value);
            if PARTIAL {
                // Counts are whole numbers, and may be subtracted.
                let (_, gone) = round.row::<F, PARTIAL>(j - 1);
                counts = counts.add(present.sub(gone));
            }
            let sums = round.give::<F, PARTIAL>(j, front.join(back), counts, finish);
            total = total.add(sums);
        }
        PARTIAL || total.lanes().iter().all(|total| total.is_finite())
    }

    /// The values of row `j` of each lane, and whether they are present.
    #[inline(always)]
    fn row<F: Four, const PARTIAL: bool>(&self, j: usize) -> (F, F) {
        let v = F::of(|l| self.rows[l][j].to_f64());
        if PARTIAL {
            let (limit, zero) = (F::all(self.limit), F::all(0.0));
            let size = v.abs();
            (
                size.choose(limit, v, zero),
                size.choose(limit, F::all(1.0), zero),
            )
        } else {
            (v, F::all(0.0))
        }
    }

    /// Writes answer `j` of each lane and gives the sums.
    #[inline(always)]
    fn give<F: Four, const PARTIAL: bool>(
        &self,
        j: usize,
        whole: Compensated<F>,
        counts: F,
        finish: impl Finish<F>,
    ) -> F {
        let sums = whole.sum.add(whole.rest);
        let answers = if PARTIAL {
            // The rest of an infinite sum is not a number.
            let most = F::all(f64::MAX);
            finish.partial(whole.sum.abs().choose(most, sums, whole.sum), counts)
        } else {
            finish.full(sums)
        };
        for (out, answer) in self.out.iter().zip(answers.lanes()) {
            out[j].set(T::from_f64(answer));
        }
        sums
    }
}
