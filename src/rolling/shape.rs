//! Skewness and kurtosis.
//!
//! The state holds the sums of the second, third and fourth powers of deviations from the mean
//! and is merged as in Pébay, "Formulas for robust, one-pass parallel computation of covariances
//! and arbitrary-order statistical moments", Sandia report SAND2008-6212. Values are taken
//! relative to an anchor in the window, so a common level costs no digits.

use super::Task;
use super::queue::State;
use super::queue::blocks::{Family, Lanes, drive_family};
use crate::simd::dispatch;
use crate::{Error, Float};

/// A statistic of the shape of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeStatistic {
    /// Skewness, corrected for bias; needs 3 values.
    Skew,
    /// Excess kurtosis, corrected for bias; needs 4 values.
    Kurt,
}

/// Skewness and kurtosis of each window, with the corrections of pandas.
///
/// NaN where fewer than `min_periods` values are present, fewer than the statistic needs, or all
/// are equal.
///
/// # Errors
///
/// None; the signature is that of all families.
pub fn shape<T: Float>(
    task: &Task<T>,
    statistics: &[ShapeStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    run(task, statistics, out);
    Ok(())
}

dispatch!(fn run<T: Float>(task: &Task<T>, statistics: &[ShapeStatistic], out: &mut [&mut [T]]) = body);

#[inline(always)]
fn body<T: Float>(task: &Task<T>, statistics: &[ShapeStatistic], out: &mut [&mut [T]]) {
    let mut answers = Answers {
        task,
        statistics,
        out,
        need: task.min_periods as f64,
    };
    drive_family(
        &mut answers,
        task.windows,
        task.answers.clone(),
        task.x.len(),
    );
}

struct Answers<'a, 'b, T> {
    task: &'a Task<'a, T>,
    statistics: &'a [ShapeStatistic],
    out: &'a mut [&'b mut [T]],
    need: f64,
}

impl<T: Float> Family for Answers<'_, '_, T> {
    type State<const L: usize> = Shape<L>;

    #[inline(always)]
    fn item<const L: usize>(&self, rows: [usize; L]) -> Lanes<L> {
        let mut x = Lanes::all(0.0);
        for l in 0..L {
            x.0[l] = self.task.value(rows[l]);
        }
        x
    }

    #[inline(always)]
    fn answer<const L: usize>(&mut self, places: [usize; L], state: &Shape<L>) {
        for (statistic, out) in self.statistics.iter().zip(self.out.iter_mut()) {
            let values = match statistic {
                ShapeStatistic::Skew => state.skew(self.need),
                ShapeStatistic::Kurt => state.kurt(self.need),
            };
            for l in 0..L {
                out[places[l]] = T::from_f64(values.0[l]);
            }
        }
    }
}

/// The state.
#[derive(Debug, Clone, Copy)]
struct Shape<const L: usize> {
    n: Lanes<L>,
    anchor: Lanes<L>,
    /// Sum of the deviations from the anchor; the other sums are about the mean.
    sum: Lanes<L>,
    m2: Lanes<L>,
    m3: Lanes<L>,
    m4: Lanes<L>,
}

impl<const L: usize> State for Shape<L> {
    /// NaN is missing.
    type Item = Lanes<L>;

    #[inline(always)]
    fn identity() -> Self {
        let zero = Lanes::all(0.0);
        Shape {
            n: zero,
            anchor: zero,
            sum: zero,
            m2: zero,
            m3: zero,
            m4: zero,
        }
    }

    #[inline(always)]
    fn push(&mut self, x: Lanes<L>) {
        let one = Lanes::all(1.0);
        let present = x.map(|x| if x.is_nan() { 0.0 } else { 1.0 });
        self.anchor = self.n.choose(self.anchor, present.keep(x));
        let deviation = present.keep(x - self.anchor);
        let before = self.n;
        self.n = self.n + present;
        self.sum = self.sum + deviation;
        let n = self.n;
        let excess = n * deviation - self.sum;
        let pairs = present.keep(n * before);
        // The step of the mean; the first value and missing ones make none.
        let step = pairs.keep(excess / pairs);
        let square = step * step;
        let gain = excess * step;
        let (two, three, four, six) =
            (one + one, Lanes::all(3.0), Lanes::all(4.0), Lanes::all(6.0));
        self.m4 = self.m4 + gain * square * (n * n - three * n + three) + six * square * self.m2
            - four * step * self.m3;
        self.m3 = self.m3 + gain * step * (n - two) - three * step * self.m2;
        self.m2 = self.m2 + gain;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let (a, b) = (front.n, back.n);
        let (n, product) = (a + b, a * b);
        let shift = product.keep(back.anchor - front.anchor);
        let excess = (back.sum * a - front.sum * b) + shift * product;
        let step = product.keep(excess / (product * n));
        let square = step * step;
        let (three, four, six) = (Lanes::all(3.0), Lanes::all(4.0), Lanes::all(6.0));
        Shape {
            n,
            anchor: a.choose(front.anchor, back.anchor),
            sum: front.sum + (back.sum + shift * b),
            m2: front.m2 + back.m2 + excess * step,
            m3: front.m3
                + back.m3
                + excess * square * (a - b)
                + three * step * (a * back.m2 - b * front.m2),
            m4: front.m4
                + back.m4
                + excess * square * step * (a * a - product + b * b)
                + six * square * (a * a * back.m2 + b * b * front.m2)
                + four * step * (a * back.m3 - b * front.m3),
        }
    }
}

impl<const L: usize> Shape<L> {
    #[inline(always)]
    fn skew(&self, need: f64) -> Lanes<L> {
        let mut values = Lanes::all(f64::NAN);
        for l in 0..L {
            let (n, m2, m3) = (self.n.0[l], self.m2.0[l], self.m3.0[l]);
            let value = (n * (n - 1.0).sqrt()) * (m3 / m2) / (m2.sqrt() * (n - 2.0));
            let defined = n >= need && n >= 3.0 && m2 > 0.0;
            values.0[l] = if defined { value } else { f64::NAN };
        }
        values
    }

    #[inline(always)]
    fn kurt(&self, need: f64) -> Lanes<L> {
        let mut values = Lanes::all(f64::NAN);
        for l in 0..L {
            let (n, m2, m4) = (self.n.0[l], self.m2.0[l], self.m4.0[l]);
            let below = n - 1.0;
            let raw = n * (n + 1.0) * (m4 / m2 / m2) - 3.0 * below;
            let value = below * raw / ((n - 2.0) * (n - 3.0));
            let defined = n >= need && n >= 4.0 && m2 > 0.0;
            values.0[l] = if defined { value } else { f64::NAN };
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::cases::{assert_close, each_task, present};
    use super::*;

    /// Skewness and kurtosis from their definitions.
    fn by_definition(window: &[f64]) -> (f64, f64) {
        let n = window.len() as f64;
        let mean = window[0] + window.iter().map(|v| v - window[0]).sum::<f64>() / n;
        let m = |p: i32| window.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
        let skew = (n * (n - 1.0)).sqrt() / (n - 2.0) * m(3) / m(2).powf(1.5);
        let kurt = (n - 1.0) / ((n - 2.0) * (n - 3.0))
            * ((n + 1.0) * m(4) / m(2).powi(2) - 3.0 * (n - 1.0));
        (skew, kurt)
    }

    fn both(task: &Task<f64>) -> (Vec<f64>, Vec<f64>) {
        let mut skew = vec![0.0; task.answers.len()];
        let mut kurt = skew.clone();
        let statistics = [ShapeStatistic::Skew, ShapeStatistic::Kurt];
        shape(task, &statistics, &mut [&mut skew, &mut kurt]).unwrap();
        (skew, kurt)
    }

    #[test]
    fn shape_is_that_of_the_window() {
        each_task(|task| {
            let (skew, kurt) = both(task);
            for place in 0..task.answers.len() {
                let window = present(task, place);
                let n = window.len();
                let varies = window.iter().any(|v| *v != window[0]);
                let finite = window.iter().all(|v| v.is_finite());
                let defined = varies && finite && n >= task.min_periods;
                let (mut a, mut b) = (f64::NAN, f64::NAN);
                if defined {
                    (a, b) = by_definition(&window);
                }
                assert_close(
                    skew[place],
                    if n >= 3 { a } else { f64::NAN },
                    1e-10,
                    "skew",
                );
                assert_close(
                    kurt[place],
                    if n >= 4 { b } else { f64::NAN },
                    1e-10,
                    "kurt",
                );
            }
        });
    }
}
