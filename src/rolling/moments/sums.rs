//! Sums and means of windows of a fixed number of rows.

use std::ops::Range;

use super::MomentStatistic;
use crate::float::Float;
use crate::rolling::fixed::{Finish, held, joined};
use crate::rolling::scan::Plus;
use crate::rolling::task::Task;
use crate::simd::Four;

/// Writes the answers, and returns those that are left over.
#[inline(always)]
pub(super) fn answer<T: Float, F: Four>(
    task: &Task<T>,
    statistic: MomentStatistic,
    out: &mut [T],
) -> Vec<Range<usize>> {
    let least = task.min_periods.max(statistic.least());
    let held = held(task, least, out);
    let least = least as f64;
    let (width, _) = crate::rolling::fixed::of(task).unwrap_or_default();
    match statistic {
        MomentStatistic::Mean { .. } => {
            let width = width as f64;
            joined::<F, T, Plus>(task, held, Mean { width, least }, out)
        }
        _ => joined::<F, T, Plus>(task, held, Sum { least }, out),
    }
}

/// The sum is the answer.
#[derive(Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) least: f64,
}

impl<F: Four> Finish<F> for Sum {
    #[inline(always)]
    fn full(&self, sums: F) -> F {
        sums
    }

    #[inline(always)]
    fn partial(&self, sums: F, counts: F) -> F {
        F::all(self.least).choose(counts, sums, F::all(f64::NAN))
    }
}

/// The sum is divided by the number of values.
#[derive(Clone, Copy)]
pub(crate) struct Mean {
    pub(crate) width: f64,
    pub(crate) least: f64,
}

impl<F: Four> Finish<F> for Mean {
    #[inline(always)]
    fn full(&self, sums: F) -> F {
        sums.div(F::all(self.width))
    }

    #[inline(always)]
    fn partial(&self, sums: F, counts: F) -> F {
        F::all(self.least).choose(counts, sums.div(counts), F::all(f64::NAN))
    }
}
