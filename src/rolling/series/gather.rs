//! Columns gathered from rows, and answers scattered back to them.

use std::ops::Range;

use ndarray::ArrayView2;

use super::call::Output;
use crate::float::Float;

/// Columns of a row-major table read together, a cache line of `f64`, and rows turned together.
pub(super) const SIDE: usize = 8;

/// Makes room, and keeps what is there: it is overwritten anyway.
pub(super) fn at_least<T: Float>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::NAN);
    }
}

/// Some rows of a table, in order.
pub(super) enum Places<'a> {
    Stretch(Range<usize>),
    Listed(&'a [usize]),
}

impl Places<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Places::Stretch(rows) => rows.len(),
            Places::Listed(rows) => rows.len(),
        }
    }

    #[inline(always)]
    pub(super) fn row(&self, k: usize) -> usize {
        match self {
            Places::Stretch(rows) => rows.start + k,
            Places::Listed(rows) => rows[k],
        }
    }
}

/// A square of values, rows and columns swapped.
#[inline(always)]
pub(super) fn turned<T: Float>(square: [&[T; SIDE]; SIDE]) -> [[T; SIDE]; SIDE] {
    std::array::from_fn(|i| std::array::from_fn(|j| square[j][i]))
}

/// Copies some rows of some columns, each column contiguous. Goes by squares whose sides are cache
/// lines: value by value takes five times as long.
pub(super) fn gather<T: Float>(
    x: &ArrayView2<T>,
    columns: &Range<usize>,
    places: &Places,
    into: &mut Vec<T>,
) {
    let len = places.len();
    at_least(into, len * columns.len());
    let line = |k: usize| -> Option<&[T; SIDE]> {
        let row = x.row(places.row(k));
        row.to_slice()?[columns.clone()].try_into().ok()
    };
    let mut done = 0;
    if columns.len() == SIDE && x.strides()[1] == 1 {
        while done + SIDE <= len {
            let lines: [Option<&[T; SIDE]>; SIDE] = std::array::from_fn(|j| line(done + j));
            let [
                Some(a),
                Some(b),
                Some(c),
                Some(d),
                Some(e),
                Some(f),
                Some(g),
                Some(h),
            ] = lines
            else {
                break;
            };
            let square = turned([a, b, c, d, e, f, g, h]);
            for (into, values) in into.chunks_exact_mut(len).zip(&square) {
                into[done..done + SIDE].copy_from_slice(values);
            }
            done += SIDE;
        }
    }
    for (into, column) in into.chunks_exact_mut(len.max(1)).zip(columns.clone()) {
        let values = x.column(column);
        for (k, into) in into.iter_mut().enumerate().skip(done) {
            *into = values[places.row(k)];
        }
    }
}

/// Copies answers, column after column, to some rows of the output.
///
/// # Safety
///
/// Rows and columns must lie inside the output, and no other thread may use them.
pub(super) unsafe fn scatter<T: Float>(
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
