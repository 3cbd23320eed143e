//! The correlation of a window with itself, some rows later.

use super::{Error, Float, Infinity, Task, Windows};
use super::{PairStatistic, Second, Vector, run};
use crate::rolling::position::PresentCounts;

/// Pearson correlation of `x[i]` and `x[i - lag]` over the rows `i` for which both lie in the
/// window.
///
/// `min_periods` counts the present values of the window. NaN for a window without two pairs, or
/// where either side is constant.
///
/// # Errors
///
/// None; the signature is that of all families.
pub fn autocorr<T: Float>(task: &Task<T>, lag: usize, out: &mut [T]) -> Result<(), Error> {
    let n = task.x.len();
    // Row `i` stands for the pair with the row `lag` before, so windows of pairs start later. At
    // the start of the series rows without a partner are missing, which needs no cutting.
    let starts: Vec<i64>;
    let windows = match task.windows {
        Windows::Fixed { width, shift } => Windows::Fixed {
            width: width.saturating_sub(lag),
            shift,
        },
        Windows::Expanding { shift } => Windows::Expanding { shift },
        Windows::Bounds {
            start,
            end,
            step,
            first,
        } => {
            let later = |(&s, &e): (&i64, &i64)| s.max(0).saturating_add(lag as i64).min(e);
            starts = start.iter().zip(end).map(later).collect();
            let start = &starts;
            Windows::Bounds {
                start,
                end,
                step,
                first,
            }
        }
    };
    let second = Earlier {
        x: task.x,
        lag,
        infinity: task.infinity,
    };
    let pairs = Task {
        windows,
        min_periods: 1,
        ..task.clone()
    };
    run(&pairs, &[PairStatistic::Corr], &mut [&mut *out], second);
    let present = PresentCounts::of(task);
    for (place, k) in task.answers.clone().enumerate() {
        let (start, end) = task.windows.of(k, n);
        if present.between(start, end) < task.min_periods {
            out[place] = T::NAN;
        }
    }
    Ok(())
}

/// The value `lag` rows earlier.
struct Earlier<'a, T> {
    x: &'a [T],
    lag: usize,
    infinity: Infinity,
}

impl<T: Float> Second for Earlier<'_, T> {
    #[inline(always)]
    fn read<V: Vector>(&self, row: usize, stride: usize) -> V {
        if row >= self.lag {
            return V::read(self.x, row - self.lag, stride, self.infinity);
        }
        V::of(|l| match (row + l * stride).checked_sub(self.lag) {
            Some(earlier) => V::read(self.x, earlier, 0, self.infinity).lanes()[0],
            None => f64::NAN,
        })
    }
}
