//! From series to answers: cuts series, columns and groups into tasks and puts the answers back.
//!
//! Kernels read one contiguous series. A column that lies so is read in place; others (the columns
//! of a row-major table, the scattered rows of a group) are gathered a few at a time, and their
//! answers scattered back. How the work is cut depends on the data and the window alone, never on
//! the number of threads, so that the answers do not either.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::{ArrayView2, ArrayViewMut2};

use super::settings::{Settings, Span};
use super::statistic::{Statistic, answer};
use super::task::Task;
use super::window::Windows;
use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};
use crate::simd::dispatch;

/// Rows that make a piece of work worth handing to a thread.
const PIECE: usize = 16_384;
/// Columns of a row-major table read together, a cache line of `f64`, and rows turned together.
const SIDE: usize = 8;
/// Bytes of a piece that is gathered, its values and answers: half of a cache of the second level.
const GATHERED: usize = 1 << 19;

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
        settings,
        seconds,
        kernel,
        order: &order,
        in_place: in_place(&x, &y, &order, &outputs),
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

fn check_times(times: Option<&[i64]>, order: &Order) -> Result<(), Error> {
    let Some(times) = times else { return Ok(()) };
    for series in &order.series {
        let mut rows = series.start + 1..series.end;
        let fall = match &order.rows {
            None if is_sorted(&times[series.clone()]) => None,
            _ => rows.find(|&i| times[order.row(i)] < times[order.row(i - 1)]),
        };
        if let Some(i) = fall {
            return Err(Error::Unsorted {
                name: "times",
                row: order.row(i),
                before: order.row(i - 1),
            });
        }
    }
    Ok(())
}

dispatch! {
    /// Whether no value is below the one before it.
    fn is_sorted<T: PartialOrd>(values: &[T]) -> bool = never_falls
}

#[inline(always)]
fn never_falls<T: PartialOrd>(values: &[T]) -> bool {
    // One question for many values; a question for each would keep them from being compared at once.
    (0..values.len()).step_by(256).all(|start| {
        let values = &values[start..values.len().min(start + 257)];
        let falls = |falls, (a, b): (&T, &T)| falls | (b < a);
        !values.iter().zip(&values[1..]).fold(false, falls)
    })
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
                series: std::iter::once(0..n).collect(),
                outside: Vec::new(),
            };
        };
        if let Some(series) = stretches(groups) {
            return Order {
                rows: None,
                series,
                outside: Vec::new(),
            };
        }
        let outside: Vec<usize> = (0..n).filter(|&i| groups[i] < 0).collect();
        let mut rows: Vec<usize> = (0..n).filter(|&i| groups[i] >= 0).collect();
        // Stable, so that rows of a group stay in time order.
        rows.sort_by_key(|&i| groups[i]);
        let mut series = Vec::new();
        let mut start = 0;
        for i in 1..=rows.len() {
            if i == rows.len() || groups[rows[i]] != groups[rows[start]] {
                series.push(start..i);
                start = i;
            }
        }
        Order {
            rows: Some(rows),
            series,
            outside,
        }
    }

    #[inline(always)]
    fn row(&self, place: usize) -> usize {
        self.rows.as_ref().map_or(place, |rows| rows[place])
    }
}

/// The stretches of equal groups, if groups are sorted and every row has one.
fn stretches(groups: &[i64]) -> Option<Vec<Range<usize>>> {
    /// Rows compared at once.
    const ROWS: usize = 64;
    let n = groups.len();
    if groups.first().is_some_and(|&first| first < 0) {
        return None;
    }
    let mut series = Vec::new();
    let mut start = 0;
    for from in (0..n).step_by(ROWS) {
        let here = &groups[from..n.min(from + ROWS)];
        let group = groups[start];
        // Most rows have the group of the row before, which takes no order to see.
        if here.iter().fold(0, |other, &g| other | (g ^ group)) == 0 {
            continue;
        }
        for (i, &g) in (from..).zip(here) {
            if g != groups[start] {
                if g < groups[start] {
                    return None;
                }
                series.push(start..i);
                start = i;
            }
        }
    }
    if n > 0 {
        series.push(start..n);
    }
    Some(series)
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

    #[inline(always)]
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

/// Whether columns are contiguous and in order, so that nothing need be copied.
fn in_place<T: Float>(
    x: &ArrayView2<T>,
    y: &Option<ArrayView2<T>>,
    order: &Order,
    outputs: &[Output<T>],
) -> bool {
    let contiguous = |strides: &[isize], n: usize| n <= 1 || strides[0] == 1;
    order.rows.is_none()
        && contiguous(x.strides(), x.nrows())
        && y.as_ref()
            .is_none_or(|y| contiguous(y.strides(), y.nrows()))
        && outputs.iter().all(|o| contiguous(&o.strides, 2))
}

struct Call<'a, T> {
    x: ArrayView2<'a, T>,
    y: Option<ArrayView2<'a, T>>,
    settings: &'a Settings<'a>,
    seconds: bool,
    kernel: &'a Kernel<'a, T>,
    order: &'a Order,
    outputs: &'a [Output<T>],
    in_place: bool,
    /// Buffers that no piece uses at the moment. New memory for each piece would be handed out by
    /// the system page by page, which takes longer than a mean.
    spare: Mutex<Vec<Scratch<T>>>,
}

impl<T: Float> Call<'_, T> {
    /// All the work, cut up.
    fn pieces(&self) -> Vec<Piece> {
        let mut stretches: Vec<(Range<usize>, Option<Range<usize>>, usize)> = Vec::new();
        let longest = self.order.series.iter().map(|s| s.len()).max().unwrap_or(0);
        let times = self.settings.times.filter(|_| self.order.rows.is_none());
        let reach = self.settings.reach(longest, times).max(1);
        let least = if self.in_place {
            PIECE
        } else {
            let arrays = 1 + usize::from(self.y.is_some()) + self.outputs.len();
            (GATHERED / (SIDE * size_of::<T>() * arrays)).clamp(1024, PIECE)
        };
        // Each piece looks back by one window, so it must be several windows long; whole windows
        // leave no block half used.
        let whole = least.checked_next_multiple_of(reach).unwrap_or(reach);
        let piece = reach.saturating_mul(4).max(whole);
        let mut start = 0;
        let mut rows = 0;
        let series = &self.order.series;
        for (k, one) in series.iter().enumerate() {
            if one.len() / 2 > piece {
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
            if rows >= least {
                stretches.push((start..k + 1, None, rows));
                (start, rows) = (k + 1, 0);
            }
        }
        if start < series.len() {
            stretches.push((start..series.len(), None, rows));
        }
        let together = if self.in_place { 1 } else { SIDE };
        let count = self.x.ncols();
        let tiles = || {
            (0..count)
                .step_by(together)
                .map(|c| c..(c + together).min(count))
        };
        let piece = |columns: Range<usize>,
                     stretch: &(Range<usize>, Option<Range<usize>>, usize)| {
            let (series, answers, rows) = stretch.clone();
            Piece {
                columns,
                series,
                answers,
                rows,
            }
        };
        if self.in_place {
            tiles()
                .flat_map(|columns| stretches.iter().map(move |s| piece(columns.clone(), s)))
                .collect()
        } else {
            // Tiles beside each other share pages of memory.
            stretches
                .iter()
                .flat_map(|s| tiles().map(move |columns| piece(columns, s)))
                .collect()
        }
    }

    fn answer(&self, piece: &Piece) -> Result<(), Error> {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = spare().pop().unwrap_or_default();
        let answered = if self.in_place {
            self.answer_in_place(piece, &mut scratch)
        } else {
            self.answer_gathered(piece, &mut scratch)
        };
        spare().push(scratch);
        answered
    }

    /// The answers of the piece that belong to a series.
    fn answers(&self, piece: &Piece, series: &Range<usize>) -> Range<usize> {
        let all = || 0..series.len().div_ceil(self.settings.step);
        piece.answers.clone().unwrap_or_else(all)
    }

    /// Reads and writes columns where they lie. Nothing is allocated for a series, as there may be
    /// many of a few rows.
    fn answer_in_place(&self, piece: &Piece, scratch: &mut Scratch<T>) -> Result<(), Error> {
        let mut out: Vec<&mut [T]> = Vec::with_capacity(self.outputs.len());
        for column in piece.columns.clone() {
            let x = self.x.column(column);
            let x = x.to_slice().unwrap_or_default();
            let y = self.y.as_ref().map(|y| y.column(column.min(y.ncols() - 1)));
            let y = y.map(|y| y.to_slice().unwrap_or_default());
            for series in &self.order.series[piece.series.clone()] {
                let answers = self.answers(piece, series);
                let times = self.settings.times.map(|times| &times[series.clone()]);
                self.set_seconds(times, &mut scratch.seconds);
                let Scratch { start, end, .. } = scratch;
                let windows = self.windows(series.len(), times, answers.clone(), start, end);
                let x = &x[series.clone()];
                let y = y.map(|y| &y[series.clone()]);
                let task = self.task(x, y, windows, answers.clone());
                out.clear();
                out.extend(self.outputs.iter().map(|output| {
                    let first = output.place(series.start + answers.start, column);
                    // SAFETY: `in_place` checked that the column is contiguous, and this piece
                    // alone has these answers of it.
                    unsafe { std::slice::from_raw_parts_mut(first, answers.len()) }
                }));
                self.run(&task, &scratch.seconds, &mut out)?;
            }
        }
        Ok(())
    }

    /// Copies the rows that the answers need, a few columns at a time, and the answers back.
    fn answer_gathered(&self, piece: &Piece, scratch: &mut Scratch<T>) -> Result<(), Error> {
        let columns = &piece.columns;
        for series in &self.order.series[piece.series.clone()] {
            let answers = self.answers(piece, series);
            let Scratch {
                x,
                y,
                times,
                seconds,
                out,
                start,
                end,
            } = scratch;
            let times = self.settings.times.map(|all| match &self.order.rows {
                None => &all[series.clone()],
                Some(rows) => {
                    times.clear();
                    times.extend(rows[series.clone()].iter().map(|&i| all[i]));
                    &times[..]
                }
            });
            self.set_seconds(times, seconds);
            let windows = self.windows(series.len(), times, answers.clone(), start, end);
            let (rows, local) = needed(windows, &answers, series.len());
            let windows = match windows {
                Windows::Bounds { step, first, .. } => {
                    for bound in start.iter_mut().chain(end.iter_mut()) {
                        *bound = bound.saturating_sub(rows.start as i64);
                    }
                    Windows::Bounds {
                        start,
                        end,
                        step,
                        first: first - rows.start / step,
                    }
                }
                regular => regular,
            };
            let seconds = seconds.get(rows.clone()).unwrap_or_default();
            let places = self.places(series.start + rows.start..series.start + rows.end);
            gather(&self.x, columns, &places, x);
            if let Some(second) = &self.y {
                let columns = if second.ncols() == 1 {
                    &(0..1)
                } else {
                    columns
                };
                gather(second, columns, &places, y);
            }
            let (n, len) = (rows.len(), answers.len());
            out.resize(self.outputs.len(), Vec::new());
            for out in out.iter_mut() {
                at_least(out, len * columns.len());
            }
            for c in 0..columns.len() {
                let x = &x[c * n..(c + 1) * n];
                let y = self.y.as_ref().map(|second| {
                    let c = if second.ncols() == 1 { 0 } else { c };
                    &y[c * n..(c + 1) * n]
                });
                let task = self.task(x, y, windows, local.clone());
                let mut places: Vec<&mut [T]> = out
                    .iter_mut()
                    .map(|o| &mut o[c * len..(c + 1) * len])
                    .collect();
                self.run(&task, seconds, &mut places)?;
            }
            let places = self.places(series.start + answers.start..series.start + answers.end);
            for (output, out) in self.outputs.iter().zip(out.iter()) {
                // SAFETY: rows and columns lie inside the output, whose shape was checked against
                // that of the input, and this piece alone has these places.
                unsafe { scatter(out, columns, &places, output) };
            }
        }
        Ok(())
    }

    /// The rows of the table at some places of the order.
    fn places(&self, places: Range<usize>) -> Places<'_> {
        match &self.order.rows {
            None => Places::Stretch(places),
            Some(rows) => Places::Listed(&rows[places]),
        }
    }

    fn set_seconds(&self, times: Option<&[i64]>, seconds: &mut Vec<f64>) {
        seconds.clear();
        if let Some(times) = times
            && self.seconds
        {
            let since = times.first().copied().unwrap_or(0);
            let in_seconds = |&t: &i64| (t - since) as f64 * self.settings.time_unit;
            seconds.extend(times.iter().map(in_seconds));
        }
    }

    /// The windows of some answers of a series of `n` rows.
    fn windows<'s>(
        &self,
        n: usize,
        times: Option<&[i64]>,
        answers: Range<usize>,
        start: &'s mut Vec<i64>,
        end: &'s mut Vec<i64>,
    ) -> Windows<'s> {
        if let Some(windows) = self.settings.regular() {
            return windows;
        }
        let first = answers.start;
        self.settings.bounds(n, times, answers, start, end);
        Windows::Bounds {
            start,
            end,
            step: self.settings.step,
            first,
        }
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

/// The rows of `n` that some answers need, and the answers counted from the first of these rows.
fn needed(windows: Windows, answers: &Range<usize>, n: usize) -> (Range<usize>, Range<usize>) {
    let (low, high, step) = match windows {
        Windows::Fixed { width, shift } => {
            let low = (answers.start as isize + 1 + shift).saturating_sub_unsigned(width);
            (low, answers.end as isize + shift, 1)
        }
        Windows::Expanding { .. } => (0, n as isize, 1),
        Windows::Bounds {
            start, end, step, ..
        } => {
            let low = start.iter().min().copied().unwrap_or(0);
            let high = end.iter().max().copied().unwrap_or(0);
            (low as isize, high as isize, step)
        }
    };
    // The rows that the answers belong to are read too. Answers stay a step apart.
    let low = low.clamp(0, (answers.start * step).min(n) as isize) as usize / step * step;
    let last = (answers.end.saturating_sub(1) * step + 1).min(n);
    let high = (high.clamp(0, n as isize) as usize).max(last);
    let skipped = low / step;
    (low..high, answers.start - skipped..answers.end - skipped)
}

/// Buffers of one piece.
struct Scratch<T> {
    x: Vec<T>,
    y: Vec<T>,
    times: Vec<i64>,
    seconds: Vec<f64>,
    out: Vec<Vec<T>>,
    start: Vec<i64>,
    end: Vec<i64>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch {
            x: Vec::new(),
            y: Vec::new(),
            times: Vec::new(),
            seconds: Vec::new(),
            out: Vec::new(),
            start: Vec::new(),
            end: Vec::new(),
        }
    }
}

/// Makes room, and keeps what is there: it is overwritten anyway.
fn at_least<T: Float>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::NAN);
    }
}

/// Some rows of a table, in order.
enum Places<'a> {
    Stretch(Range<usize>),
    Listed(&'a [usize]),
}

impl Places<'_> {
    fn len(&self) -> usize {
        match self {
            Places::Stretch(rows) => rows.len(),
            Places::Listed(rows) => rows.len(),
        }
    }

    #[inline(always)]
    fn row(&self, k: usize) -> usize {
        match self {
            Places::Stretch(rows) => rows.start + k,
            Places::Listed(rows) => rows[k],
        }
    }
}

/// A square of values, rows and columns swapped.
#[inline(always)]
fn turned<T: Float>(square: [&[T; SIDE]; SIDE]) -> [[T; SIDE]; SIDE] {
    std::array::from_fn(|i| std::array::from_fn(|j| square[j][i]))
}

/// Copies some rows of some columns, each column contiguous. Goes by squares whose sides are cache
/// lines: value by value takes five times as long.
fn gather<T: Float>(x: &ArrayView2<T>, columns: &Range<usize>, places: &Places, into: &mut Vec<T>) {
    let len = places.len();
    at_least(into, len * columns.len());
    let line = |k: usize| -> Option<&[T; SIDE]> {
        let row = x.row(places.row(k));
        row.to_slice()?[columns.clone()].try_into().ok()
    };
    let mut k = 0;
    while k < len {
        let lines: [Option<&[T; SIDE]>; SIDE] =
            std::array::from_fn(|j| if k + SIDE <= len { line(k + j) } else { None });
        if let [
            Some(a),
            Some(b),
            Some(c),
            Some(d),
            Some(e),
            Some(f),
            Some(g),
            Some(h),
        ] = lines
        {
            let square = turned([a, b, c, d, e, f, g, h]);
            for (into, values) in into.chunks_exact_mut(len).zip(&square) {
                into[k..k + SIDE].copy_from_slice(values);
            }
            k += SIDE;
            continue;
        }
        let row = x.row(places.row(k));
        for (c, column) in columns.clone().enumerate() {
            into[c * len + k] = row[column];
        }
        k += 1;
    }
}

/// Copies answers, column after column, to some rows of the output.
///
/// # Safety
///
/// Rows and columns must lie inside the output, and no other thread may use them.
unsafe fn scatter<T: Float>(
    from: &[T],
    columns: &Range<usize>,
    places: &Places,
    output: &Output<T>,
) {
    let len = places.len();
    let squares = columns.len() == SIDE && output.strides[1] == 1;
    let mut k = 0;
    while k < len {
        if squares && k + SIDE <= len {
            let lanes: [[T; SIDE]; SIDE] = std::array::from_fn(|c| {
                let lane = &from[c * len + k..][..SIDE];
                std::array::from_fn(|j| lane[j])
            });
            for (j, values) in turned(lanes.each_ref()).into_iter().enumerate() {
                let line = output.place(places.row(k + j), columns.start);
                // SAFETY: as the caller promises; the columns of a row are side by side.
                unsafe { line.cast::<[T; SIDE]>().write(values) };
            }
            k += SIDE;
            continue;
        }
        for (c, column) in columns.clone().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { output.place(places.row(k), column).write(from[c * len + k]) };
        }
        k += 1;
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
