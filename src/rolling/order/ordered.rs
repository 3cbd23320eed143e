//! What a statistic asks of the values of a window, whatever keeps them in order.

use super::read::{Place, Spread, read};
use super::statistic::OrderStatistic;
use crate::float::Float;
use crate::rolling::task::Task;

/// The present values of one window, in order.
///
/// A `pointer` names the one who asks, so that an answer can be sought near the last one: 0 is the
/// median's, 1 and 2 are those of the median deviation, each quantile has one more.
pub(super) trait Ordered {
    /// How many there are.
    fn count(&self) -> usize;

    /// The values at places `k` and, if `wants_next`, `k + 1`; they must exist.
    fn pair(&mut self, pointer: usize, k: usize, wants_next: bool) -> (f64, f64);

    /// Where the run of the `size` values nearest to the median begins, `0 < size <= count`.
    fn nearest(&mut self, middle: Middle, size: usize) -> usize;

    /// How many are below, and how many not above, the value of a row in the window.
    fn position(&mut self, last: (usize, f64)) -> (usize, usize);

    /// How many distinct ones there are.
    fn distinct(&mut self) -> usize;

    /// The values at places `k - 1`, if `wants_before`, and `k`.
    #[inline(always)]
    fn last_two(&mut self, pointer: usize, k: usize, wants_before: bool) -> (f64, f64) {
        if wants_before {
            self.pair(pointer, k - 1, true)
        } else {
            let (value, _) = self.pair(pointer, k, false);
            (value, value)
        }
    }
}

/// The two values in the middle of a window; the same one twice, if their number is odd.
#[derive(Debug, Clone, Copy)]
pub(super) struct Middle(pub f64, pub f64);

impl Middle {
    /// The median: half way between both.
    #[inline(always)]
    pub fn median(self) -> f64 {
        if self.0 == self.1 {
            self.0
        } else {
            (self.0 + self.1) / 2.0
        }
    }

    /// How far `value` lies above the median; taken from both values, because the median itself may
    /// have been rounded.
    #[inline(always)]
    pub fn above(self, value: f64) -> f64 {
        0.5 * (value - self.0) + 0.5 * (value - self.1)
    }
}

/// What the statistics of a call need, and the pointer of each.
pub(super) struct Plan {
    /// The statistics, each with its pointer.
    pub statistics: Vec<(OrderStatistic, usize)>,
    /// How many pointers there are.
    pub pointers: usize,
    /// Whether a rank is asked for.
    pub position: bool,
    /// Whether the count of distinct values is asked for.
    pub distinct: bool,
}

impl Plan {
    pub fn new(statistics: &[OrderStatistic]) -> Self {
        let mut plan = Plan {
            statistics: Vec::with_capacity(statistics.len()),
            pointers: 0,
            position: false,
            distinct: false,
        };
        for statistic in statistics {
            plan.pointers = plan.pointers.max(match statistic {
                OrderStatistic::Rank { .. } => 0,
                OrderStatistic::NUnique | OrderStatistic::Quantile { .. } => 0,
                OrderStatistic::Median => 1,
                _ => 3,
            });
            plan.position |= matches!(statistic, OrderStatistic::Rank { .. });
            plan.distinct |= matches!(statistic, OrderStatistic::NUnique);
        }
        for &statistic in statistics {
            plan.statistics.push((statistic, plan.pointers));
            if let OrderStatistic::Quantile { .. } = statistic {
                plan.pointers += 1;
            }
        }
        plan
    }

    /// Writes every statistic of the window of `answer`, which is rows `start..end`.
    #[inline(always)]
    pub fn write<T: Float>(
        &self,
        window: &mut impl Ordered,
        task: &Task<T>,
        answer: usize,
        (start, end): (usize, usize),
        out: &mut [&mut [T]],
    ) {
        let row = task.windows.row(answer);
        let place = Place {
            value: if row < task.x.len() {
                task.value(row)
            } else {
                f64::NAN
            },
            last: if start < end {
                (end - 1, task.value(end - 1))
            } else {
                (0, f64::NAN)
            },
            min_periods: task.min_periods,
        };
        let mut spread = Spread::default();
        for (&statistic, places) in self.statistics.iter().zip(out.iter_mut()) {
            let value = read(window, &mut spread, statistic, &place);
            places[answer - task.answers.start] = T::from_f64(value);
        }
    }
}
