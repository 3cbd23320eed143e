//! Skewness and kurtosis.
//!
//! Both follow from one mergeable state, the power sums about the mean.

use super::Task;
use super::queue::blocks::{Family, drive_family};
use super::queue::vector::Vector;
use crate::{Error, Float};

mod powers;

use powers::Powers;

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
    type State<V: Vector> = Powers<V, FOURTH>;

    #[inline(always)]
    fn item<V: Vector>(&self, row: usize, stride: usize) -> V {
        V::read(self.task.x, row, stride, self.task.infinity)
    }

    #[inline(always)]
    fn answer<V: Vector>(&mut self, place: usize, stride: usize, state: &Powers<V, FOURTH>) {
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

#[cfg(test)]
mod tests {
    use super::super::Windows;
    use super::super::queue::cases::{assert_close, each_task, present};
    use super::*;
    use crate::Infinity;

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

    #[test]
    fn shape_of_few_values_is_that_of_pandas() {
        let x = [3.0_f32, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0];
        let (mut skew, mut kurt) = ([0.0_f32; 8], [0.0_f32; 8]);
        let task = Task {
            x: &x,
            y: None,
            windows: Windows::Fixed { width: 4, shift: 0 },
            answers: 0..8,
            min_periods: 1,
            infinity: Infinity::Missing,
        };
        let statistics = [ShapeStatistic::Skew, ShapeStatistic::Kurt];
        shape(&task, &statistics, &mut [&mut skew, &mut kurt]).unwrap();
        assert!(skew[3].is_nan() && kurt[3].is_nan() && skew[7].is_nan());
        assert_eq!(skew[4..7], [2.0, 0.0, -2.0]);
        assert_eq!(kurt[4..7], [4.0, -6.0, 4.0]);
    }
}
