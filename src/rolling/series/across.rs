//! Row-major tables whose columns need not be gathered.

use std::ops::Range;

use super::call::Output;
use super::gather::at_least;
use crate::float::{Float, Infinity};
use crate::rolling::extrema::{Extreme, ExtremeStatistic};
use crate::rolling::fixed::Finish;
use crate::rolling::fixed::across::{Block, Joins, Table, answer, constant};
use crate::rolling::moments::{Mean, MomentStatistic, Sum, exact};
use crate::rolling::scan::{Greater, Join, Lesser, Plus};
use crate::rolling::settings::Settings;
use crate::rolling::statistic::Statistic;
use crate::rolling::task::Task;
use crate::rolling::window::Windows;
use crate::simd::{Four, dispatch};

/// The narrowest window whose joins are worth keeping.
const NARROWEST: usize = 4;
/// The same of sums, which are searched for windows of equal values besides.
const NARROWEST_SUM: usize = 8;
/// Columns answered by a piece: more do not share a page.
pub(super) const COLUMNS: usize = 512;
/// Bytes of the rows of a block, which is read twice.
const READ_TWICE: usize = 1 << 19;

/// A table and what is asked of it.
#[derive(Clone, Copy)]
pub(super) struct Across<'a, T> {
    table: Table<'a, T>,
    statistics: &'a [Statistic],
    width: usize,
    shift: isize,
    min_periods: usize,
}

impl<'a, T: Float> Across<'a, T> {
    /// None if columns have to be gathered.
    pub(super) fn of(
        x: &ndarray::ArrayView2<'a, T>,
        statistics: &'a [Statistic],
        settings: &Settings,
        outputs: &[Output<T>],
    ) -> Option<Self> {
        let Some(Windows::Fixed { width, shift }) = settings.regular() else {
            return None;
        };
        let is_known = |s: &Statistic| match *s {
            Statistic::Moment(MomentStatistic::Sum { compensated })
            | Statistic::Moment(MomentStatistic::Mean { compensated }) => {
                !compensated && width >= NARROWEST_SUM
            }
            Statistic::Extreme(_) => width >= NARROWEST,
            _ => false,
        };
        let fits = settings.infinity == Infinity::Missing
            && !statistics.is_empty()
            && statistics.iter().all(is_known)
            && outputs.iter().all(|output| output.strides[1] == 1)
            && width >= settings.min_periods()
            && width <= READ_TWICE / size_of::<T>() / super::gather::SIDE;
        let table = Table {
            values: x.to_slice()?,
            columns: x.ncols(),
        };
        fits.then_some(Across {
            table,
            statistics,
            width,
            shift,
            min_periods: settings.min_periods(),
        })
    }

    /// Columns of a piece, so that a block stays in the cache until it is read again.
    pub(super) fn together(&self) -> usize {
        let side = super::gather::SIDE;
        let most = READ_TWICE / (size_of::<T>() * self.width);
        (most / side * side).clamp(side, COLUMNS)
    }

    /// Those of some answers of a series of `n` rows whose windows lie in it, if they are many
    /// enough.
    pub(super) fn inner(&self, answers: &Range<usize>, n: usize) -> Option<Range<usize>> {
        let inside = |k: isize| k.clamp(answers.start as isize, answers.end as isize) as usize;
        let first = inside(self.width as isize - 1 - self.shift);
        let last = inside(n as isize - self.shift).max(first);
        (last - first >= self.width).then_some(first..last)
    }

    /// Writes such answers of the series that begins with row `start`.
    pub(super) fn answer(
        &self,
        columns: &Range<usize>,
        start: usize,
        answers: Range<usize>,
        outputs: &[Output<T>],
        scratch: &mut Scratch<T>,
    ) {
        scratch.joins = Joins::default();
        for (statistic, output) in self.statistics.iter().zip(outputs) {
            let mut stretch = Stretch {
                across: self,
                columns,
                start,
                answers: answers.clone(),
                output,
                scratch,
            };
            blocks(*statistic, &mut stretch);
        }
    }
}

/// Scratch of a piece.
pub(super) struct Scratch<T> {
    joins: Joins,
    column: Vec<T>,
    out: Vec<T>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch {
            joins: Joins::default(),
            column: Vec::new(),
            out: Vec::new(),
        }
    }
}

struct Stretch<'a, T> {
    across: &'a Across<'a, T>,
    columns: &'a Range<usize>,
    /// First row of the series.
    start: usize,
    answers: Range<usize>,
    output: &'a Output<T>,
    scratch: &'a mut Scratch<T>,
}

dispatch! {
    fn blocks<T: Float>(statistic: Statistic, stretch: &mut Stretch<T>) = blocks_of with Four
}

#[inline(always)]
fn blocks_of<T: Float, F: Four>(statistic: Statistic, stretch: &mut Stretch<T>) {
    let width = stretch.across.width as f64;
    let needed = stretch.across.min_periods;
    let least = needed.max(1) as f64;
    match statistic {
        Statistic::Moment(moment @ MomentStatistic::Mean { .. }) => {
            stretch.answer::<F, Plus>(Mean { width, least }, Some(moment));
        }
        Statistic::Moment(moment) => {
            let least = needed as f64;
            stretch.answer::<F, Plus>(Sum { least }, Some(moment));
        }
        Statistic::Extreme(ExtremeStatistic::Min) => {
            stretch.answer::<F, Lesser>(Extreme { least }, None);
        }
        _ => stretch.answer::<F, Greater>(Extreme { least }, None),
    }
}

impl<T: Float> Stretch<'_, T> {
    #[inline(always)]
    fn answer<F: Four, J: Join>(
        &mut self,
        finish: impl Finish<F>,
        moment: Option<MomentStatistic>,
    ) {
        let Across {
            table,
            width,
            shift,
            ..
        } = *self.across;
        let (output, columns) = (self.output, self.columns);
        for first in self.answers.clone().step_by(width) {
            let row = (self.start + first + 1).wrapping_add_signed(shift) - width;
            let block = Block {
                row,
                width,
                answers: width.min(self.answers.end - first),
            };
            let first = self.start + first;
            let place = |j: usize, columns: &Range<usize>| {
                let out = output.place(first + j, columns.start);
                // SAFETY: the columns of an answer lie side by side in the output, and this piece
                // alone has them.
                unsafe { std::slice::from_raw_parts_mut(out, columns.len()) }
            };
            answer::<F, T, J>(
                table,
                columns,
                &block,
                &mut self.scratch.joins,
                finish,
                place,
            );
            if let Some(moment) = moment {
                constant::<F, T>(table, columns, &block, |column| {
                    self.scratch
                        .exact(self.across, moment, &block, column, |j| {
                            output.place(first + j, column)
                        });
                });
            }
        }
    }
}

impl<T: Float> Scratch<T> {
    /// Sums and means of windows of equal values, in one column of a block.
    #[inline(never)]
    fn exact(
        &mut self,
        across: &Across<T>,
        moment: MomentStatistic,
        block: &Block,
        column: usize,
        place: impl Fn(usize) -> *mut T,
    ) {
        let Table { values, columns } = across.table;
        let rows = block.width + block.answers - 1;
        at_least(&mut self.column, rows);
        at_least(&mut self.out, block.answers);
        let values = values[block.row * columns + column..].iter();
        for (into, &value) in self
            .column
            .iter_mut()
            .zip(values.step_by(columns))
            .take(rows)
        {
            *into = value;
        }
        let out = &mut self.out[..block.answers];
        for (j, out) in out.iter_mut().enumerate() {
            // SAFETY: the place was written a moment ago, by this piece.
            *out = unsafe { place(j).read() };
        }
        let task = Task {
            x: &self.column[..rows],
            y: None,
            windows: Windows::Fixed {
                width: block.width,
                shift: 0,
            },
            answers: block.width - 1..rows,
            min_periods: across.min_periods,
            infinity: Infinity::Missing,
        };
        exact(&task, moment, out);
        for (j, &out) in out.iter().enumerate() {
            // SAFETY: as above.
            unsafe { place(j).write(out) };
        }
    }
}
