//! Median, quantiles and what follows from the order of values.
//!
//! However many statistics are asked for, the values of a window are kept in order once. Narrow
//! windows are a sorted array that vector instructions shift (`small`); wide ones are a bit for
//! each rank of a longer stretch of rows that was sorted once (`ranks`). Both answer the same
//! few questions (`ordered`), from which every statistic is read (`read`). Medians of a few rows are
//! sorted four windows at a time (`network`).

mod bitmap;
mod network;
mod ordered;
mod ranks;
mod read;
mod small;
mod sort;
mod statistic;
#[cfg(test)]
mod tests;

pub use statistic::{Interpolation, OrderStatistic, RankMethod};

use super::task::Task;
use super::window::Windows;
use crate::error::Error;
use crate::float::Float;

/// Rows of the largest window: a chunk of several is numbered in 31 bits.
const LARGEST: usize = i32::MAX as usize / ranks::SPAN;

/// Writes each statistic of each answer's window to `out[statistic][answer]`.
///
/// Quantiles are those of pandas, with its rules for missing values and `min_periods`. Robust
/// z-scores and the Hampel filter judge the value at the row that the answer belongs to, which need
/// not be in the window; a rank is that of the window's last row.
///
/// The time for a value hardly grows with the window, but for a rank, which takes a count over the
/// square root of it.
///
/// # Errors
///
/// [`Error::Argument`] if a quantile is outside 0 to 1, a threshold is negative or a window has more
/// than 536 870 911 rows, and [`Error::Length`] if an output has a length other than that of
/// `task.answers`.
///
/// # Examples
///
/// ```
/// use linewatch::rolling::order::{OrderStatistic, order};
/// use linewatch::rolling::{Task, Windows};
///
/// let mbit_per_s = [10.0, 12.0, 11.0, 50.0];
/// let task = Task {
///     x: &mbit_per_s,
///     y: None,
///     windows: Windows::Fixed { width: 3, shift: 0 },
///     answers: 0..4,
///     min_periods: 3,
///     infinity: Default::default(),
/// };
/// let mut median = [0.0_f64; 4];
/// order(&task, &[OrderStatistic::Median], &mut [&mut median])?;
/// assert!(median[1].is_nan());
/// assert_eq!(median[2..], [11.0, 12.0]);
/// # Ok::<(), linewatch::Error>(())
/// ```
pub fn order<T: Float>(
    task: &Task<T>,
    statistics: &[OrderStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    for statistic in statistics {
        statistic.check()?;
    }
    if out.len() != statistics.len() {
        return Err(Error::Length {
            name: "out",
            expected: statistics.len(),
            found: out.len(),
        });
    }
    for places in out.iter() {
        if places.len() != task.answers.len() {
            return Err(Error::Length {
                name: "out",
                expected: task.answers.len(),
                found: places.len(),
            });
        }
    }
    let plan = ordered::Plan::new(statistics);
    match widest(task) {
        _ if network::fits(task, statistics) => network::network(task, &plan, out),
        width if width <= small::widest() => small::small(task, &plan, out, width),
        width if width <= LARGEST => ranks::ranks(task, &plan, out),
        width => {
            return Err(Error::argument(
                "window",
                format!("at most {LARGEST}"),
                width,
            ));
        }
    }
    Ok(())
}

/// Rows in the widest window of the task.
fn widest<T: Float>(task: &Task<T>) -> usize {
    let n = task.x.len();
    match task.windows {
        Windows::Fixed { width, .. } => width.min(n),
        _ => task
            .answers
            .clone()
            .map(|answer| task.windows.of(answer, n))
            .map(|(start, end)| end - start)
            .max()
            .unwrap_or(0),
    }
}
