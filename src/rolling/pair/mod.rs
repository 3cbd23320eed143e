//! Covariance, correlation, slope and autocorrelation.
//!
//! All follow from one mergeable state, the comoments of two series. Autocorrelation is the
//! correlation of a series with its own past.

use super::queue::blocks::{Family, drive_family};
use super::queue::vector::Vector;
use super::{Task, Windows};
use crate::{Error, Float, Infinity};

mod autocorr;
mod comoments;

pub use autocorr::autocorr;
use comoments::Comoments;

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
        scale: (1.0, 1.0),
        mends: false,
    };
    drive_family(
        &mut answers,
        task.windows,
        task.answers.clone(),
        task.x.len(),
    );
    let is_finite = |out: &&mut [T]| out.iter().all(|answer| answer.to_f64().is_finite());
    if answers.out.iter().all(is_finite) {
        return;
    }
    // Sums may have left the range of numbers. They are taken again of smaller values.
    let windows = task
        .answers
        .clone()
        .map(|k| task.windows.of(k, task.x.len()));
    let hull = |a: (usize, usize), b: (usize, usize)| (a.0.min(b.0), a.1.max(b.1));
    let (first, last) = windows.reduce(hull).unwrap_or_default();
    let (mut x, mut y) = (0.0_f64, 0.0_f64);
    for row in first..last {
        let (a, b) = answers.item::<f64>(row, 1);
        x = if a.is_finite() { x.max(a.abs()) } else { x };
        y = if b.is_finite() { y.max(b.abs()) } else { y };
    }
    let scale = |largest: f64| if largest > LARGE { SMALLER } else { 1.0 };
    answers.scale = (scale(x), scale(y));
    if answers.scale != (1.0, 1.0) {
        answers.mends = true;
        drive_family(
            &mut answers,
            task.windows,
            task.answers.clone(),
            task.x.len(),
        );
    }
}

/// Squares of distances between larger values, times their number, may be infinite.
const LARGE: f64 = 1e140;
/// A power of two that makes any value small enough.
const SMALLER: f64 = f64::from_bits((1023 - 600) << 52);

struct Answers<'a, 'b, T, S> {
    task: &'a Task<'a, T>,
    second: S,
    statistics: &'a [PairStatistic],
    out: &'a mut [&'b mut [T]],
    /// What values of the two series are multiplied by.
    scale: (f64, f64),
    /// Whether only answers that are not finite are written.
    mends: bool,
}

impl<T: Float, S: Second> Family for Answers<'_, '_, T, S> {
    type State<V: Vector> = Comoments<V>;

    #[inline(always)]
    fn item<V: Vector>(&self, row: usize, stride: usize) -> (V, V) {
        let x = V::read(self.task.x, row, stride, self.task.infinity);
        let y = self.second.read::<V>(row, stride);
        (x * V::all(self.scale.0), y * V::all(self.scale.1))
    }

    #[inline(always)]
    fn answer<V: Vector>(&mut self, place: usize, stride: usize, state: &Comoments<V>) {
        let enough = state
            .n
            .at_least(V::all(self.task.min_periods.max(1) as f64));
        let (x, y) = (V::all(self.scale.0), V::all(self.scale.1));
        for (statistic, out) in self.statistics.iter().zip(self.out.iter_mut()) {
            let value = match *statistic {
                PairStatistic::Cov { ddof } => state.cov(f64::from(ddof)) / x / y,
                PairStatistic::Corr => state.corr(),
                PairStatistic::Slope => state.slope() / x * y,
            };
            let value = enough.choose(value, V::all(f64::NAN));
            for (l, value) in value.lanes().into_iter().take(V::LANES).enumerate() {
                let out = &mut out[place + l * stride];
                if !self.mends || !out.to_f64().is_finite() {
                    *out = T::from_f64(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
