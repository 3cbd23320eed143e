//! From series to answers: cuts series, columns and groups into tasks and puts the answers back.
//!
//! Kernels read one contiguous series. A column that lies so is read in place; others (the columns
//! of a row-major table, the scattered rows of a group) are gathered a few at a time, and their
//! answers scattered back. Sums and extremes of fixed windows of a row-major table are taken where
//! they lie (`across`). How the work is cut depends on the data and the window alone, never on
//! the number of threads, so that the answers do not either.

mod across;
mod call;
mod gather;
pub(crate) mod order;

use std::sync::Mutex;

use ndarray::{ArrayView2, ArrayViewMut2};

use across::Across;
use call::{Call, Output, in_place};
use order::{Order, check_times};

use super::settings::Settings;
use super::statistic::{Statistic, answer};
use super::task::Task;
use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};

/// Answers every statistic for every column of `x`, rows in time order.
///
/// `out[s]` has a row for each answer and a column for each series. `y` is the second series of
/// statistics of pairs: one column for all, or one for each.
///
/// # Errors
///
/// [`Error::Argument`], [`Error::Length`] or [`Error::Unsorted`] if arguments do not fit;
/// [`Error::Cancelled`] if the monitor says so.
///
/// # Examples
///
/// ```
/// use linewatch::parallel::Monitor;
/// use linewatch::rolling::{Parameters, Settings, Span, Statistic, rolling};
/// use ndarray::{Array2, array};
///
/// let x = array![[10.0], [12.0], [11.0], [50.0]];
/// let mean = Statistic::parse("mean", &Parameters::default())?;
/// let mut out = Array2::zeros((4, 1));
/// let settings = Settings { min_periods: Some(1), ..Settings::new(Span::Rows(2)) };
/// rolling(x.view(), None, &[mean], &settings, &mut [out.view_mut()], 1, &Monitor::default())?;
/// assert_eq!(out, array![[10.0], [11.0], [11.5], [30.5]]);
/// # Ok::<(), linewatch::Error>(())
/// ```
pub fn rolling<T: Float>(
    x: ArrayView2<T>,
    y: Option<ArrayView2<T>>,
    statistics: &[Statistic],
    settings: &Settings,
    out: &mut [ArrayViewMut2<T>],
    threads: usize,
    monitor: &Monitor,
) -> Result<(), Error> {
    if y.is_none() && statistics.iter().any(Statistic::needs_y) {
        return Err(Error::argument(
            "y",
            "given for statistics of two series",
            "None",
        ));
    }
    let seconds = statistics.contains(&Statistic::Slope);
    let kernel = |task: &Task<T>, seconds: Option<&[f64]>, out: &mut [&mut [T]]| {
        answer(task, seconds, statistics, out)
    };
    every_series(
        x, y, statistics, settings, seconds, &kernel, out, threads, monitor,
    )
}

/// What answers a task: the task, the times of its rows in seconds if asked for, and the outputs.
pub type Kernel<'a, T> =
    dyn Fn(&Task<T>, Option<&[f64]>, &mut [&mut [T]]) -> Result<(), Error> + Sync + 'a;

/// Calls `kernel` for each column and group, with contiguous rows in order.
///
/// # Errors
///
/// As [`rolling`], and those of the kernel.
#[allow(clippy::too_many_arguments)] // what all kinds of kernels over series share
pub fn each_series<T: Float>(
    x: ArrayView2<T>,
    y: Option<ArrayView2<T>>,
    settings: &Settings,
    seconds: bool,
    kernel: &Kernel<T>,
    out: &mut [ArrayViewMut2<T>],
    threads: usize,
    monitor: &Monitor,
) -> Result<(), Error> {
    every_series(x, y, &[], settings, seconds, kernel, out, threads, monitor)
}

/// The same, where the statistics are known, if there are any.
#[allow(clippy::too_many_arguments)] // as above
fn every_series<T: Float>(
    x: ArrayView2<T>,
    y: Option<ArrayView2<T>>,
    statistics: &[Statistic],
    settings: &Settings,
    seconds: bool,
    kernel: &Kernel<T>,
    out: &mut [ArrayViewMut2<T>],
    threads: usize,
    monitor: &Monitor,
) -> Result<(), Error> {
    let n = x.nrows();
    settings.check(n)?;
    if let Some(y) = &y {
        check_y(y, n, x.ncols())?;
    }
    let order = Order::of(settings.groups, n);
    check_times(settings.times, &order)?;
    let answers = n.div_ceil(settings.step);
    for out in out.iter_mut() {
        if out.dim() != (answers, x.ncols()) {
            let found = out.nrows();
            return Err(Error::Length {
                name: "out",
                expected: answers,
                found,
            });
        }
        for &row in &order.outside {
            out.row_mut(row).fill(T::NAN);
        }
    }
    let outputs: Vec<Output<T>> = out.iter_mut().map(Output::of).collect();
    let in_place = in_place(&x, &y, &order, &outputs);
    let across = if in_place || order.rows.is_some() {
        None
    } else {
        Across::of(&x, statistics, settings, &outputs)
    };
    let call = Call {
        settings,
        seconds,
        kernel,
        order: &order,
        in_place,
        across,
        x,
        y,
        outputs: &outputs,
        spare: Mutex::default(),
    };
    for_each(call.pieces(), threads, |piece| {
        monitor.watch(|| call.answer(&piece))?;
        monitor.tick((piece.rows * piece.columns.len()) as u64)
    })
}

fn check_y<T: Float>(y: &ArrayView2<T>, n: usize, columns: usize) -> Result<(), Error> {
    if y.nrows() != n {
        return Err(Error::Length {
            name: "y",
            expected: n,
            found: y.nrows(),
        });
    }
    if y.ncols() != 1 && y.ncols() != columns {
        let expected = format!("one series, or as many as x has ({columns})");
        return Err(Error::argument("y", expected, y.ncols()));
    }
    Ok(())
}
