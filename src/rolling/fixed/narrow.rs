//! Windows so narrow that reading each anew is quickest.

use super::{Doubt, Finish, glance, infinite, limit, mask, rows};
use crate::float::Float;
use crate::rolling::scan::{Join, Plus, all_finite, direct, each_four, load, store};
use crate::rolling::task::Task;
use crate::simd::Four;

/// From this width on the values of a narrow window are joined by four first.
const BY_FOUR: usize = 8;

/// Scratch of windows that are read anew for each answer.
pub(super) struct Narrow<T> {
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
    pub(super) fn answer<F: Four, J: Join>(
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
