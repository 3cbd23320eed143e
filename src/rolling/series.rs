//! From series to answers: cuts series, columns and groups into tasks and puts the answers back.
//!
//! Kernels read one contiguous series. A column that lies so is read in place; others (the columns
//! of a row-major table, the scattered rows of a group) are gathered a few at a time, and their
//! answers scattered back. How the work is cut depends on the data and the window alone, never on
//! the number of threads, so that the answers do not either.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::settings::{Settings, Span};
use super::statistic::{Statistic, answer};
use super::task::Task;
use super::window::Windows;
use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};

/// Rows that make a piece of work worth handing to a thread.
const PIECE: usize = 16_384;
/// Columns of a row-major table read together: a cache line of `f64`.
const COLUMNS: usize = 8;

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
    each_series(x, y, settings, seconds, &kernel, out, threads, monitor)
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
    let call = Call {
        x,
        y,
        settings,
        seconds,
        kernel,
        order: &order,
        outputs: &outputs,
    };
    for_each(call.pieces(), threads, |piece| {
        call.answer(&piece)?;
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

fn check_times(times: Option<&[i64]>, order: &Order) -> Result<(), Error> {
    let Some(times) = times else { return Ok(()) };
    for series in &order.series {
        for i in series.start + 1..series.end {
            let (before, row) = (order.row(i - 1), order.row(i));
            if times[row] < times[before] {
                return Err(Error::Unsorted {
                    name: "times",
                    row,
                    before,
                });
            }
        }
    }
    Ok(())
}

/// Rows ordered so that each group is a stretch.
struct Order {
    /// The row at each place; none if rows are in order already.
    rows: Option<Vec<usize>>,
    /// The stretches.
    series: Vec<Range<usize>>,
    /// Rows of no group.
    outside: Vec<usize>,
}

impl Order {
    fn of(groups: Option<&[i64]>, n: usize) -> Self {
        let Some(groups) = groups else {
            return Order {
                rows: None,
                series: vec![0..n],
                outside: Vec::new(),
            };
        };
        let outside: Vec<usize> = (0..n).filter(|&i| groups[i] < 0).collect();
        let rows = if outside.is_empty() && groups.is_sorted() {
            None
        } else {
            let mut rows: Vec<usize> = (0..n).filter(|&i| groups[i] >= 0).collect();
            // Stable, so that rows of a group stay in time order.
            rows.sort_by_key(|&i| groups[i]);
            Some(rows)
        };
        let mut order = Order {
            rows,
            series: Vec::new(),
            outside,
        };
        let total = n - order.outside.len();
        let mut start = 0;
        for i in 1..=total {
            if i == total || groups[order.row(i)] != groups[order.row(start)] {
                order.series.push(start..i);
                start = i;
            }
        }
        order
    }

    #[inline(always)]
    fn row(&self, place: usize) -> usize {
        self.rows.as_ref().map_or(place, |rows| rows[place])
    }
}

/// Where the answers of one statistic go. Pieces write through it from several threads.
struct Output<T> {
    first: *mut T,
    strides: [isize; 2],
}

// SAFETY: `Call::pieces` gives each place to one piece only, so no two threads touch the same.
unsafe impl<T: Send> Sync for Output<T> {}
// SAFETY: as above; the pointer is valid on any thread while `rolling` holds the borrow.
unsafe impl<T: Send> Send for Output<T> {}

impl<T: Float> Output<T> {
    fn of(view: &mut ArrayViewMut2<T>) -> Self {
        let strides = [view.strides()[0], view.strides()[1]];
        Output {
            first: view.as_mut_ptr(),
            strides,
        }
    }

    fn place(&self, answer: usize, column: usize) -> *mut T {
        self.first
            .wrapping_offset(answer as isize * self.strides[0] + column as isize * self.strides[1])
    }
}

/// Some columns of some series: either whole series, or some answers of one.
struct Piece {
    columns: Range<usize>,
    series: Range<usize>,
    answers: Option<Range<usize>>,
    rows: usize,
}

struct Call<'a, T> {
    x: ArrayView2<'a, T>,
    y: Option<ArrayView2<'a, T>>,
    settings: &'a Settings<'a>,
    seconds: bool,
    kernel: &'a Kernel<'a, T>,
    order: &'a Order,
    outputs: &'a [Output<T>],
}

impl<T: Float> Call<'_, T> {
    /// All the work, cut up.
    fn pieces(&self) -> Vec<Piece> {
        let mut stretches: Vec<(Range<usize>, Option<Range<usize>>, usize)> = Vec::new();
        let longest = self.order.series.iter().map(|s| s.len()).max().unwrap_or(0);
        let times = self.settings.times.filter(|_| self.order.rows.is_none());
        let reach = self.settings.reach(longest, times).max(1);
        // Each piece looks back by one window, so it must be several windows long; whole windows
        // leave no block half used.
        let piece = (4 * reach).max(PIECE.next_multiple_of(reach));
        let mut start = 0;
        let mut rows = 0;
        let series = &self.order.series;
        for (k, one) in series.iter().enumerate() {
            if one.len() > 2 * piece {
                if start < k {
                    stretches.push((start..k, None, rows));
                }
                let answers = one.len().div_ceil(self.settings.step);
                let each = piece.div_ceil(self.settings.step);
                for first in (0..answers).step_by(each) {
                    let last = (first + each).min(answers);
                    stretches.push((k..k + 1, Some(first..last), last - first));
                }
                (start, rows) = (k + 1, 0);
                continue;
            }
            rows += one.len();
            if rows >= PIECE {
                stretches.push((start..k + 1, None, rows));
                (start, rows) = (k + 1, 0);
            }
        }
        if start < series.len() {
            stretches.push((start..series.len(), None, rows));
        }
        let columns = self.x.ncols();
        let together = if self.in_place() { 1 } else { COLUMNS };
        let tiles = (0..columns).step_by(together);
        tiles
            .flat_map(|c| {
                let columns = c..(c + together).min(columns);
                stretches.iter().map(move |(series, answers, rows)| Piece {
                    columns: columns.clone(),
                    series: series.clone(),
                    answers: answers.clone(),
                    rows: *rows,
                })
            })
            .collect()
    }

    /// Whether columns are contiguous and in order.
    fn in_place(&self) -> bool {
        let contiguous = |strides: &[isize], n: usize| n <= 1 || strides[0] == 1;
        self.order.rows.is_none()
            && contiguous(self.x.strides(), self.x.nrows())
            && self
                .y
                .as_ref()
                .is_none_or(|y| contiguous(y.strides(), y.nrows()))
            && self.outputs.iter().all(|o| contiguous(&o.strides, 2))
    }

    fn answer(&self, piece: &Piece) -> Result<(), Error> {
        let mut scratch = Scratch::default();
        for series in &self.order.series[piece.series.clone()] {
            let all = 0..series.len().div_ceil(self.settings.step);
            let answers = piece.answers.clone().unwrap_or(all);
            self.answer_series(series, answers, &piece.columns, &mut scratch)?;
        }
        Ok(())
    }

    fn answer_series(
        &self,
        series: &Range<usize>,
        answers: Range<usize>,
        columns: &Range<usize>,
        scratch: &mut Scratch<T>,
    ) -> Result<(), Error> {
        let n = series.len();
        let (start, end);
        let times = self.settings.times.map(|times| match &self.order.rows {
            None => &times[series.clone()],
            Some(rows) => {
                scratch.times.clear();
                scratch
                    .times
                    .extend(rows[series.clone()].iter().map(|&i| times[i]));
                &scratch.times[..]
            }
        });
        scratch.seconds.clear();
        if let Some(times) = times
            && self.seconds
        {
            let since = times.first().copied().unwrap_or(0);
            let seconds = |&t: &i64| (t - since) as f64 * self.settings.time_unit;
            scratch.seconds.extend(times.iter().map(seconds));
        }
        let windows = match self.settings.regular() {
            Some(windows) => windows,
            None => {
                (start, end) = self.settings.bounds(n, times, answers.start, answers.len());
                let (step, first) = (self.settings.step, answers.start);
                Windows::Bounds {
                    start: &start,
                    end: &end,
                    step,
                    first,
                }
            }
        };
        if self.in_place() {
            for column in columns.clone() {
                let x = self.x.column(column);
                let x = x.to_slice().map(|x| &x[series.clone()]).unwrap_or_default();
                let y = self.y.as_ref().map(|y| y.column(column.min(y.ncols() - 1)));
                let y = y.map(|y| y.to_slice().map(|y| &y[series.clone()]).unwrap_or_default());
                let task = self.task(x, y, windows, answers.clone());
                let mut out: Vec<&mut [T]> = self
                    .outputs
                    .iter()
                    .map(|output| {
                        let first = output.place(series.start + answers.start, column);
                        // SAFETY: `in_place` checked that the column is contiguous, and this piece
                        // alone has these answers of it.
                        unsafe { std::slice::from_raw_parts_mut(first, answers.len()) }
                    })
                    .collect();
                self.run(&task, &scratch.seconds, &mut out)?;
            }
            return Ok(());
        }
        self.gathered(series, answers, columns, windows, scratch)
    }

    /// Copies the rows that the answers need, a few columns at a time, and the answers back.
    fn gathered(
        &self,
        series: &Range<usize>,
        answers: Range<usize>,
        columns: &Range<usize>,
        windows: Windows,
        scratch: &mut Scratch<T>,
    ) -> Result<(), Error> {
        let n = series.len();
        let rows = match windows {
            // Windows of fixed rows look the same wherever a stretch begins.
            Windows::Fixed { width, shift } => {
                let low = (answers.start as isize + 1 + shift).saturating_sub_unsigned(width);
                let high = (answers.end as isize + shift).max(answers.end as isize);
                let low = low.min(answers.start as isize).max(0) as usize;
                low..(high.max(0) as usize).min(n)
            }
            _ => 0..n,
        };
        let local = answers.start - rows.start..answers.end - rows.start;
        let local = if matches!(windows, Windows::Fixed { .. }) {
            local
        } else {
            answers.clone()
        };
        let width = columns.len();
        let Scratch {
            x, y, out, seconds, ..
        } = scratch;
        let seconds = if seconds.is_empty() {
            &[]
        } else {
            &seconds[rows.clone()]
        };
        let place = |i: usize| self.order.row(series.start + i);
        gather(&self.x, columns, rows.clone(), place, x);
        if let Some(second) = &self.y {
            let columns = if second.ncols() == 1 {
                0..1
            } else {
                columns.clone()
            };
            gather(second, &columns, rows.clone(), place, y);
        }
        let len = answers.len();
        out.resize(self.outputs.len(), Vec::new());
        for out in out.iter_mut() {
            out.resize(len * width, T::NAN);
        }
        for c in 0..width {
            let x = &x[c * rows.len()..(c + 1) * rows.len()];
            let y = self.y.as_ref().map(|second| {
                let c = if second.ncols() == 1 { 0 } else { c };
                &y[c * rows.len()..(c + 1) * rows.len()]
            });
            let task = self.task(x, y, windows, local.clone());
            let mut places: Vec<&mut [T]> = out
                .iter_mut()
                .map(|o| &mut o[c * len..(c + 1) * len])
                .collect();
            self.run(&task, seconds, &mut places)?;
        }
        for (output, out) in self.outputs.iter().zip(out.iter()) {
            for (k, answer) in answers.clone().enumerate() {
                let row = if self.order.rows.is_some() {
                    place(answer)
                } else {
                    series.start + answer
                };
                for (c, column) in columns.clone().enumerate() {
                    // SAFETY: row and column lie inside the output, whose shape the caller of
                    // `rolling` matched to the input, and this piece alone has this place.
                    unsafe { output.place(row, column).write(out[c * len + k]) };
                }
            }
        }
        Ok(())
    }

    fn task<'t>(
        &self,
        x: &'t [T],
        y: Option<&'t [T]>,
        windows: Windows<'t>,
        answers: Range<usize>,
    ) -> Task<'t, T> {
        Task {
            x,
            y,
            windows,
            answers,
            min_periods: self.settings.min_periods(),
            infinity: self.settings.infinity,
        }
    }

    fn run(&self, task: &Task<T>, seconds: &[f64], out: &mut [&mut [T]]) -> Result<(), Error> {
        let seconds = Some(seconds).filter(|s| !s.is_empty());
        (self.kernel)(task, seconds, out)
    }
}

/// Buffers of one piece.
struct Scratch<T> {
    x: Vec<T>,
    y: Vec<T>,
    times: Vec<i64>,
    seconds: Vec<f64>,
    out: Vec<Vec<T>>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch {
            x: Vec::new(),
            y: Vec::new(),
            times: Vec::new(),
            seconds: Vec::new(),
            out: Vec::new(),
        }
    }
}

/// Copies some rows of some columns, each column contiguous.
fn gather<T: Float>(
    x: &ArrayView2<T>,
    columns: &Range<usize>,
    rows: Range<usize>,
    place: impl Fn(usize) -> usize,
    into: &mut Vec<T>,
) {
    let len = rows.len();
    into.clear();
    into.resize(len * columns.len(), T::NAN);
    for (k, row) in rows.enumerate() {
        let values = x.row(place(row));
        for (c, column) in columns.clone().enumerate() {
            into[c * len + k] = values[column];
        }
    }
}

impl Settings<'_> {
    /// Trailing windows, the current row included, an infinite value missing, no groups.
    pub fn new(span: Span<'_>) -> Settings<'_> {
        Settings {
            span,
            center: false,
            closed: None,
            step: 1,
            min_periods: None,
            include_current: true,
            infinity: Default::default(),
            times: None,
            time_unit: 1e-9,
            groups: None,
        }
    }
}
