//! Skewness and kurtosis.
//!
//! The state holds the sums of the second, third and fourth powers of deviations from the mean
//! and is merged as in Pébay, "Formulas for robust, one-pass parallel computation of covariances
//! and arbitrary-order statistical moments", Sandia report SAND2008-6212. Values are taken
//! relative to an anchor in the window, so a common level costs no digits.

use super::Task;
use super::queue::State;
use super::queue::blocks::{Family, drive_family};
use super::queue::vector::Vector;
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
    if statistics.contains(&ShapeStatistic::Kurt) {
        run::<T, true>(task, statistics, out);
    } else {
        run::<T, false>(task, statistics, out);
    }
    Ok(())
}

fn run<T: Float, const FOURTH: bool>(
    task: &Task<T>,
    statistics: &[ShapeStatistic],
    out: &mut [&mut [T]],
) {
    let mut answers = Answers::<T, FOURTH> {
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

struct Answers<'a, 'b, T, const FOURTH: bool> {
    task: &'a Task<'a, T>,
    statistics: &'a [ShapeStatistic],
    out: &'a mut [&'b mut [T]],
    need: f64,
}

impl<T: Float, const FOURTH: bool> Family for Answers<'_, '_, T, FOURTH> {
    type State<V: Vector> = Shape<V, FOURTH>;

    #[inline(always)]
    fn item<V: Vector>(&self, row: usize, stride: usize) -> V {
        V::read(self.task.x, row, stride, self.task.infinity)
    }

    #[inline(always)]
    fn answer<V: Vector>(&mut self, place: usize, stride: usize, state: &Shape<V, FOURTH>) {
        for (statistic, out) in self.statistics.iter().zip(self.out.iter_mut()) {
            let values = match statistic {
                ShapeStatistic::Skew => state.skew(self.need),
                ShapeStatistic::Kurt => state.kurt(self.need),
            };
            for (l, value) in values.lanes().into_iter().take(V::LANES).enumerate() {
                out[place + l * stride] = T::from_f64(value);
            }
        }
    }
}

/// The state; the fourth power is kept only where it is asked for.
#[derive(Debug, Clone, Copy)]
struct Shape<V, const FOURTH: bool> {
    n: V,
    anchor: V,
    /// Sum of the deviations from the anchor; the sums of powers are about the mean.
    sum: V,
    m2: V,
    m3: V,
    m4: V,
}

impl<V: Vector, const FOURTH: bool> State for Shape<V, FOURTH> {
    /// NaN is missing.
    type Item = V;

    #[inline(always)]
    fn identity() -> Self {
        let zero = V::all(0.0);
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
    fn push(&mut self, x: V) {
        let [two, three, four, six] = [2.0, 3.0, 4.0, 6.0].map(V::all);
        let present = x.present();
        self.anchor = self.n.choose(self.anchor, present.keep(x));
        let deviation = present.keep(x - self.anchor);
        let before = self.n;
        let n = before + present;
        self.n = n;
        self.sum = self.sum + deviation;
        let excess = n * deviation - self.sum;
        let pairs = present.keep(n * before);
        // By how much the mean moves; the first value and missing ones do not move it.
        let step = pairs.keep(excess / pairs);
        let gain = excess * step;
        let cube = gain * step;
        if FOURTH {
            self.m4 = self.m4
                + cube * step * (n * n - three * n + three)
                + step * (six * step * self.m2 - four * self.m3);
        }
        self.m3 = self.m3 + cube * (n - two) - three * step * self.m2;
        self.m2 = self.m2 + gain;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let [three, four, six] = [3.0, 4.0, 6.0].map(V::all);
        let (a, b) = (front.n, back.n);
        let (n, product) = (a + b, a * b);
        let shift = product.keep(back.anchor - front.anchor);
        let excess = (back.sum * a - front.sum * b) + shift * product;
        let step = product.keep(excess / (product * n));
        let gain = excess * step;
        let cube = gain * step;
        let (a2, b2) = (a * back.m2, b * front.m2);
        let m4 = if FOURTH {
            front.m4
                + back.m4
                + cube * step * (a * a - product + b * b)
                + step * (six * step * (a * a2 + b * b2) + four * (a * back.m3 - b * front.m3))
        } else {
            front.m4
        };
        Shape {
            n,
            anchor: a.choose(front.anchor, back.anchor),
            sum: front.sum + (back.sum + shift * b),
            m2: front.m2 + back.m2 + gain,
            m3: front.m3 + back.m3 + cube * (a - b) + three * step * (a2 - b2),
            m4,
        }
    }
}

impl<V: Vector, const FOURTH: bool> Shape<V, FOURTH> {
    #[inline(always)]
    fn skew(&self, need: f64) -> V {
        let (n, m2) = (self.n, self.m2);
        let value = n * (n - V::all(1.0)).sqrt() * (self.m3 / m2) / (m2.sqrt() * (n - V::all(2.0)));
        self.where_defined(need.max(3.0), value)
    }

    #[inline(always)]
    fn kurt(&self, need: f64) -> V {
        let (n, m2) = (self.n, self.m2);
        let [one, two, three] = [1.0, 2.0, 3.0].map(V::all);
        let raw = n * (n + one) * (self.m4 / m2 / m2) - three * (n - one);
        let value = (n - one) * raw / ((n - two) * (n - three));
        self.where_defined(need.max(4.0), value)
    }

    /// Equal values have no shape: their `m2` is exactly 0.
    #[inline(always)]
    fn where_defined(&self, need: f64, value: V) -> V {
        let enough = self.n.at_least(V::all(need));
        let varies = self.m2.at_least(V::all(f64::MIN_POSITIVE));
        (enough * varies).choose(value, V::all(f64::NAN))
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
