//! Shannon entropy of the values in a window.
//!
//! A histogram of equal bins across the window's own range. While the range stays, rows that
//! leave are taken out of their bin and new ones put in; when the range moves, the window is
//! counted anew. With `c` values in a bin and `n` in all, the entropy is `ln n - sum(c ln c) / n`.
//! The terms `c ln c` are rounded to a grid on which sums are exact, so nothing drifts.

use super::Task;
use super::queue::{Answer, State, drive};
use crate::parallel::Poll;
use crate::{Error, Float};

/// Entropy in nats over `bins` bins of equal width between the smallest and the largest value of
/// each window; 0 for a window of equal values.
///
/// NaN where fewer than `min_periods` values are present or the range is not finite.
///
/// # Errors
///
/// [`Error::Argument`] if `bins` is 0 or above 2^20.
pub fn entropy<T: Float>(task: &Task<T>, bins: usize, out: &mut [T]) -> Result<(), Error> {
    if bins == 0 || bins > 1 << 20 {
        return Err(Error::argument("bins", "from 1 to 1048576", bins));
    }
    let need = task.min_periods.max(1);
    let item = |i| Some(task.value(i)).filter(|v| !v.is_nan());
    let mut histogram = Histogram::new(task, bins);
    drive::<Extent>(
        task.windows,
        task.answers.clone(),
        task.x.len(),
        item,
        |a| {
            out[a.place] = if a.count >= need {
                T::from_f64(histogram.entropy(&a))
            } else {
                T::NAN
            };
        },
    );
    Ok(())
}

/// The smallest and the largest value.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Extent {
    min: f64,
    max: f64,
}

impl State for Extent {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        Extent {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        *self = Extent::merge(self, &Extent { min: x, max: x });
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        Extent {
            min: front.min.min(back.min),
            max: front.max.max(back.max),
        }
    }
}

/// How many values of the rows `start..end` lie in each bin of `extent`.
struct Histogram<'a, T> {
    task: &'a Task<'a, T>,
    extent: Extent,
    start: usize,
    end: usize,
    counts: Vec<u32>,
    /// Sum of `c ln c` over the counts.
    sum: f64,
    /// `c ln c` for each count `c` that a window may have, on the grid.
    table: Vec<f64>,
    /// A range that moves at every row means a count of every window.
    poll: Poll,
    cancelled: bool,
}

impl<'a, T: Float> Histogram<'a, T> {
    fn new(task: &'a Task<'a, T>, bins: usize) -> Self {
        let rows = |k| {
            let (start, end) = task.windows.of(k, task.x.len());
            end - start
        };
        let most = task.answers.clone().map(rows).max().unwrap_or(0);
        let term = |c: usize| c as f64 * (c.max(1) as f64).ln();
        // Adding 2^52 grid steps and taking them away again rounds to the grid.
        let shift = (2.0 * term(most) + 1.0).log2().ceil().exp2();
        let table = (0..=most).map(|c| (term(c) + shift) - shift).collect();
        Histogram {
            task,
            extent: Extent::identity(),
            start: 0,
            end: 0,
            counts: vec![0; bins],
            sum: 0.0,
            table,
            poll: Poll::default(),
            cancelled: false,
        }
    }

    /// The bin of row `i`, if its value is present.
    #[inline(always)]
    fn bin(&self, i: usize) -> Option<usize> {
        let value = self.task.value(i);
        if value.is_nan() {
            return None;
        }
        let Extent { min, max } = self.extent;
        // Multiplied first: values on an edge come out whole.
        let bin = (value - min) * self.counts.len() as f64 / (max - min);
        Some((bin as usize).min(self.counts.len() - 1))
    }

    fn entropy(&mut self, answer: &Answer<Extent>) -> f64 {
        let extent = answer.state;
        if self.cancelled {
            return f64::NAN;
        }
        if extent.min == extent.max && extent.min.is_finite() {
            return 0.0;
        }
        let width = extent.max - extent.min;
        if !(width * self.counts.len() as f64).is_finite() {
            return f64::NAN;
        }
        self.count(extent, answer.start, answer.end);
        let n = answer.count as f64;
        (n.ln() - self.sum / n).max(0.0)
    }

    /// Makes the counts those of rows `start..end`.
    fn count(&mut self, extent: Extent, start: usize, end: usize) {
        let slides = extent == self.extent
            && (self.start..self.end).contains(&start)
            && end >= self.end
            && start - self.start < end - start;
        if !slides {
            self.cancelled = self.poll.is_cancelled(end - start);
            self.extent = extent;
            self.counts.fill(0);
            for i in start..end {
                if let Some(bin) = self.bin(i) {
                    self.counts[bin] += 1;
                }
            }
            self.sum = self.counts.iter().map(|c| self.table[*c as usize]).sum();
            (self.start, self.end) = (start, end);
            return;
        }
        for i in self.start..start {
            if let Some(bin) = self.bin(i) {
                let count = self.counts[bin] as usize;
                self.counts[bin] -= 1;
                self.sum += self.table[count - 1] - self.table[count];
            }
        }
        for i in self.end..end {
            if let Some(bin) = self.bin(i) {
                let count = self.counts[bin] as usize;
                self.counts[bin] += 1;
                self.sum += self.table[count + 1] - self.table[count];
            }
        }
        (self.start, self.end) = (start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Windows;
    use super::super::queue::cases::{assert_close, each_task, present};
    use super::*;
    use crate::Infinity;

    fn by_definition(window: &[f64], bins: usize) -> f64 {
        let min = window.iter().copied().fold(f64::INFINITY, f64::min);
        let max = window.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !(max - min).is_finite() {
            return f64::NAN;
        }
        let mut counts = vec![0.0; bins];
        for v in window {
            let bin = ((v - min) * bins as f64 / (max - min)) as usize;
            counts[bin.min(bins - 1)] += 1.0;
        }
        let n = window.len() as f64;
        let part = |c: &f64| if *c > 0.0 { -c / n * (c / n).ln() } else { 0.0 };
        counts.iter().map(part).sum()
    }

    #[test]
    fn entropy_is_that_of_the_window() {
        each_task(|task| {
            for bins in [1, 3, 10] {
                let mut out = vec![0.0; task.answers.len()];
                entropy(task, bins, &mut out).unwrap();
                for (place, found) in out.iter().enumerate() {
                    let window = present(task, place);
                    let enough = window.len() >= task.min_periods.max(1);
                    let expected = if enough {
                        by_definition(&window, bins)
                    } else {
                        f64::NAN
                    };
                    assert_close(*found, expected, 1e-12, "entropy");
                }
            }
        });
    }

    #[test]
    fn four_different_values_in_four_bins_have_ln_4() {
        let x = [1.0, 1.0, 1.0, 2.0, 3.0, 4.0];
        let task = Task {
            x: &x,
            y: None,
            windows: Windows::Fixed { width: 4, shift: 0 },
            answers: 2..6,
            min_periods: 3,
            infinity: Infinity::Missing,
        };
        let mut out = [0.0; 4];
        entropy(&task, 4, &mut out).unwrap();
        assert_eq!(out[0], 0.0);
        assert_close(out[3], 4.0_f64.ln(), 1e-15, "entropy");
        let error = entropy(&task, 0, &mut out).unwrap_err();
        assert_eq!(error.to_string(), "bins must be from 1 to 1048576, got 0");
    }
}
