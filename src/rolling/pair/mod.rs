//! Covariance, correlation, slope and autocorrelation.
//!
//! The state holds the sums of squares and products of two series about their means, each taken
//! relative to an anchor in the window, and is merged as in Chan, Golub and LeVeque, "Updating
//! formulae and a pairwise algorithm for computing sample variances", 1979.

use super::queue::State;
use super::queue::blocks::{Family, drive_family};
use super::queue::vector::Vector;
use super::{Task, Windows};
use crate::{Error, Float, Infinity};

mod autocorr;

pub use autocorr::autocorr;

/// A statistic of the pairs of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PairStatistic {
    /// Covariance, with the divisor `pairs - ddof`.
    Cov {
        /// What is subtracted from the number of pairs.
        ddof: u32,
    },
    /// Pearson correlation.
    Corr,
    /// Least-squares slope of `x` against `y`, or against the row number without `y`.
    Slope,
}

/// Statistics of the rows of each window where both `x` and `y` are present.
///
/// `min_periods` counts these pairs. The slope is per unit of `y`, so seconds make it per second;
/// without `y` it is per row. NaN for a covariance of no more than `ddof` pairs, a correlation
/// with a constant, a slope over a single place.
///
/// # Errors
///
/// [`Error::Argument`] if covariance or correlation is asked for without `y`, [`Error::Length`] if
/// `y` has not as many values as `x`.
pub fn pair<T: Float>(
    task: &Task<T>,
    statistics: &[PairStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    let infinity = task.infinity;
    match task.y {
        Some(y) if y.len() != task.x.len() => Err(Error::Length {
            name: "y",
            expected: task.x.len(),
            found: y.len(),
        }),
        Some(y) => {
            run(task, statistics, out, Series { y, infinity });
            Ok(())
        }
        None if statistics.iter().any(|s| *s != PairStatistic::Slope) => Err(Error::argument(
            "y",
            "a second series for covariance and correlation",
            "none",
        )),
        None => {
            run(task, statistics, out, Rows);
            Ok(())
        }
    }
}

/// The slope of each window against `places` of the rows, such as seconds; kept apart from
/// [`pair`] because `f32` is too coarse for times.
///
/// # Errors
///
/// [`Error::Length`] if there is not one place for each row.
pub fn slope<T: Float>(task: &Task<T>, places: &[f64], out: &mut [T]) -> Result<(), Error> {
    if places.len() != task.x.len() {
        return Err(Error::Length {
            name: "times",
            expected: task.x.len(),
            found: places.len(),
        });
    }
    let infinity = task.infinity;
    let second = Series {
        y: places,
        infinity,
    };
    run(task, &[PairStatistic::Slope], &mut [out], second);
    Ok(())
}

/// Where the second values come from.
trait Second {
    /// The values at `row`, `row + stride` and so on, NaN where they are missing.
    fn read<V: Vector>(&self, row: usize, stride: usize) -> V;
}

/// A series.
struct Series<'a, T> {
    y: &'a [T],
    infinity: Infinity,
}

impl<T: Float> Second for Series<'_, T> {
    #[inline(always)]
    fn read<V: Vector>(&self, row: usize, stride: usize) -> V {
        V::read(self.y, row, stride, self.infinity)
    }
}

/// The number of the row.
struct Rows;

impl Second for Rows {
    #[inline(always)]
    fn read<V: Vector>(&self, row: usize, stride: usize) -> V {
        V::of(|l| (row + l * stride) as f64)
    }
}

fn run<T: Float, S: Second>(
    task: &Task<T>,
    statistics: &[PairStatistic],
    out: &mut [&mut [T]],
    second: S,
) {
    let mut answers = Answers {
        task,
        second,
        statistics,
        out,
    };
    drive_family(
        &mut answers,
        task.windows,
        task.answers.clone(),
        task.x.len(),
    );
}

struct Answers<'a, 'b, T, S> {
    task: &'a Task<'a, T>,
    second: S,
    statistics: &'a [PairStatistic],
    out: &'a mut [&'b mut [T]],
}

impl<T: Float, S: Second> Family for Answers<'_, '_, T, S> {
    type State<V: Vector> = Comoments<V>;

    #[inline(always)]
    fn item<V: Vector>(&self, row: usize, stride: usize) -> (V, V) {
        let x = V::read(self.task.x, row, stride, self.task.infinity);
        (x, self.second.read(row, stride))
    }

    #[inline(always)]
    fn answer<V: Vector>(&mut self, place: usize, stride: usize, state: &Comoments<V>) {
        let enough = state
            .n
            .at_least(V::all(self.task.min_periods.max(1) as f64));
        for (statistic, out) in self.statistics.iter().zip(self.out.iter_mut()) {
            let value = match *statistic {
                PairStatistic::Cov { ddof } => state.cov(f64::from(ddof)),
                PairStatistic::Corr => state.corr(),
                PairStatistic::Slope => state.slope(),
            };
            let value = enough.choose(value, V::all(f64::NAN));
            for (l, value) in value.lanes().into_iter().take(V::LANES).enumerate() {
                out[place + l * stride] = T::from_f64(value);
            }
        }
    }
}

/// The state.
#[derive(Debug, Clone, Copy)]
struct Comoments<V> {
    n: V,
    anchor_x: V,
    anchor_y: V,
    /// Sums of the deviations from the anchors; the sums of products are about the means.
    sum_x: V,
    sum_y: V,
    xx: V,
    yy: V,
    xy: V,
}

impl<V: Vector> State for Comoments<V> {
    /// A pair with NaN is missing.
    type Item = (V, V);

    #[inline(always)]
    fn identity() -> Self {
        let zero = V::all(0.0);
        Comoments {
            n: zero,
            anchor_x: zero,
            anchor_y: zero,
            sum_x: zero,
            sum_y: zero,
            xx: zero,
            yy: zero,
            xy: zero,
        }
    }

    #[inline(always)]
    fn push(&mut self, (x, y): (V, V)) {
        let present = x.present() * y.present();
        self.anchor_x = self.n.choose(self.anchor_x, present.keep(x));
        self.anchor_y = self.n.choose(self.anchor_y, present.keep(y));
        let (x, y) = (
            present.keep(x - self.anchor_x),
            present.keep(y - self.anchor_y),
        );
        let before = self.n;
        self.n = before + present;
        self.sum_x = self.sum_x + x;
        self.sum_y = self.sum_y + y;
        let (x, y) = (self.n * x - self.sum_x, self.n * y - self.sum_y);
        let pairs = present.keep(self.n * before);
        // The first pair and missing ones change no sum of products.
        let (step_x, step_y) = (pairs.keep(x / pairs), pairs.keep(y / pairs));
        self.xx = self.xx + x * step_x;
        self.yy = self.yy + y * step_y;
        self.xy = self.xy + x * step_y;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let (n, product) = (front.n + back.n, front.n * back.n);
        let shift_x = product.keep(back.anchor_x - front.anchor_x);
        let shift_y = product.keep(back.anchor_y - front.anchor_y);
        let x = (back.sum_x * front.n - front.sum_x * back.n) + shift_x * product;
        let y = (back.sum_y * front.n - front.sum_y * back.n) + shift_y * product;
        let all = product * n;
        let (step_x, step_y) = (product.keep(x / all), product.keep(y / all));
        Comoments {
            n,
            anchor_x: front.n.choose(front.anchor_x, back.anchor_x),
            anchor_y: front.n.choose(front.anchor_y, back.anchor_y),
            sum_x: front.sum_x + (back.sum_x + shift_x * back.n),
            sum_y: front.sum_y + (back.sum_y + shift_y * back.n),
            xx: front.xx + back.xx + x * step_x,
            yy: front.yy + back.yy + y * step_y,
            xy: front.xy + back.xy + x * step_y,
        }
    }
}

impl<V: Vector> Comoments<V> {
    #[inline(always)]
    fn cov(&self, ddof: f64) -> V {
        let freedom = self.n - V::all(ddof);
        let enough = freedom.at_least(V::all(1.0));
        enough.choose(self.xy / freedom, V::all(f64::NAN))
    }

    #[inline(always)]
    fn corr(&self) -> V {
        let (one, none) = (V::all(1.0), V::all(f64::NAN));
        let square = self.xx * self.yy;
        // One root gives exactly 1 for equal series; two where the product leaves the range.
        let inside = square.at_least(V::all(1e-280)) * V::all(1e300).at_least(square);
        let scale = inside.choose(square.sqrt(), self.xx.sqrt() * self.yy.sqrt());
        let value = self.xy / scale;
        let value = value.at_least(one).choose(one, value);
        let value = (V::all(-1.0)).at_least(value).choose(V::all(-1.0), value);
        let tiny = V::all(f64::MIN_POSITIVE);
        (self.xx.at_least(tiny) * self.yy.at_least(tiny)).choose(value, none)
    }

    #[inline(always)]
    fn slope(&self) -> V {
        let varies = self.yy.at_least(V::all(f64::MIN_POSITIVE));
        varies.choose(self.xy / self.yy, V::all(f64::NAN))
    }
}

#[cfg(test)]
mod tests;
