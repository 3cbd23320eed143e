//! The work of a call, cut into pieces, and what answers a piece.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::{ArrayView2, ArrayViewMut2};

use super::Kernel;
use super::across::{self, Across};
use super::gather::{Places, SIDE, at_least, gather, scatter};
use super::order::Order;
use crate::error::Error;
use crate::float::Float;
use crate::rolling::settings::Settings;
use crate::rolling::task::Task;
use crate::rolling::window::Windows;

/// Rows that make a piece of work worth handing to a thread.
const PIECE: usize = 16_384;
/// Bytes of a piece that is gathered, its values and answers: half of a cache of the second level.
const GATHERED: usize = 1 << 19;
/// Values of a piece that is answered across columns.
const VALUES: usize = 1 << 20;

/// Where the answers of one statistic go. Pieces write through it from several threads.
pub(super) struct Output<T> {
    pub(super) first: *mut T,
    pub(super) strides: [isize; 2],
}

// SAFETY: `Call::pieces` gives each place to one piece only, so no two threads touch the same.
unsafe impl<T: Send> Sync for Output<T> {}
// SAFETY: as above; the pointer is valid on any thread while `rolling` holds the borrow.
unsafe impl<T: Send> Send for Output<T> {}

impl<T: Float> Output<T> {
    pub(super) fn of(view: &mut ArrayViewMut2<T>) -> Self {
        let strides = [view.strides()[0], view.strides()[1]];
        Output {
            first: view.as_mut_ptr(),
            strides,
        }
    }

    #[inline(always)]
    pub(super) fn place(&self, answer: usize, column: usize) -> *mut T {
        self.first
            .wrapping_offset(answer as isize * self.strides[0] + column as isize * self.strides[1])
    }
}

/// Some columns of some series: either whole series, or some answers of one.
pub(super) struct Piece {
    pub(super) columns: Range<usize>,
    pub(super) series: Range<usize>,
    pub(super) answers: Option<Range<usize>>,
    pub(super) rows: usize,
}

/// Whether columns are contiguous and in order, so that nothing need be copied.
pub(super) fn in_place<T: Float>(
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

pub(super) struct Call<'a, T> {
    pub(super) x: ArrayView2<'a, T>,
    pub(super) y: Option<ArrayView2<'a, T>>,
    pub(super) settings: &'a Settings<'a>,
    pub(super) seconds: bool,
    pub(super) kernel: &'a Kernel<'a, T>,
    pub(super) order: &'a Order,
    pub(super) outputs: &'a [Output<T>],
    pub(super) in_place: bool,
    /// If columns side by side are answered together.
    pub(super) across: Option<Across<'a, T>>,
    /// Buffers that no piece uses at the moment. New memory for each piece would be handed out by
    /// the system page by page, which takes longer than a mean.
    pub(super) spare: Mutex<Vec<Scratch<T>>>,
}

impl<T: Float> Call<'_, T> {
    /// All the work, cut up.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut stretches: Vec<(Range<usize>, Option<Range<usize>>, usize)> = Vec::new();
        let longest = self.order.series.iter().map(|s| s.len()).max().unwrap_or(0);
        let times = self.settings.times.filter(|_| self.order.rows.is_none());
        let reach = self.settings.reach(longest, times).max(1);
        let together = match &self.across {
            _ if self.in_place => 1,
            Some(across) => across.together().min(self.x.ncols().max(1)),
            None => SIDE,
        };
        let least = if self.in_place {
            PIECE
        } else if self.across.is_some() {
            (VALUES / together).clamp(1024, PIECE)
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

    pub(super) fn answer(&self, piece: &Piece) -> Result<(), Error> {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = spare().pop().unwrap_or_default();
        let answered = if self.in_place {
            self.answer_in_place(piece, &mut scratch)
        } else if let Some(across) = &self.across {
            self.answer_across(across, piece, &mut scratch)
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

    /// Answers columns side by side; those windows that the ends of a series cut are gathered.
    fn answer_across(
        &self,
        across: &Across<T>,
        piece: &Piece,
        scratch: &mut Scratch<T>,
    ) -> Result<(), Error> {
        for k in piece.series.clone() {
            let series = &self.order.series[k];
            let answers = self.answers(piece, series);
            let inner = across.inner(&answers, series.len());
            let inner = inner.unwrap_or(answers.end..answers.end);
            if !inner.is_empty() {
                let (answers, across_scratch) = (inner.clone(), &mut scratch.across);
                across.answer(
                    &piece.columns,
                    series.start,
                    answers,
                    self.outputs,
                    across_scratch,
                );
            }
            for rest in [answers.start..inner.start, inner.end..answers.end] {
                if rest.is_empty() {
                    continue;
                }
                for first in piece.columns.clone().step_by(SIDE) {
                    let piece = Piece {
                        columns: first..piece.columns.end.min(first + SIDE),
                        series: k..k + 1,
                        answers: Some(rest.clone()),
                        rows: rest.len(),
                    };
                    self.answer_gathered(&piece, scratch)?;
                }
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
                ..
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
pub(super) fn needed(
    windows: Windows,
    answers: &Range<usize>,
    n: usize,
) -> (Range<usize>, Range<usize>) {
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
pub(super) struct Scratch<T> {
    x: Vec<T>,
    y: Vec<T>,
    times: Vec<i64>,
    seconds: Vec<f64>,
    out: Vec<Vec<T>>,
    start: Vec<i64>,
    end: Vec<i64>,
    across: across::Scratch<T>,
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
            across: across::Scratch::default(),
        }
    }
}
