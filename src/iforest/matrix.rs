//! Blocks of rows of a matrix of any strides, checked while they are copied.

use std::sync::Mutex;

use ndarray::{ArrayView2, s};

use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};

/// The refusal of an infinite value.
pub(crate) fn infinite(value: f64, row: usize, column: usize) -> Error {
    let found = format!("{value} in row {row}, column {column}");
    Error::argument("X", "finite or missing (NaN)", found)
}

/// The largest code of a category.
pub(crate) const LAST_CODE: f64 = 65_535.0;

/// Refuses a value of a categorical column that is no code.
#[inline]
pub(crate) fn check_code(value: f64, row: usize, column: usize) -> Result<(), Error> {
    if value.is_nan() || (0.0..=LAST_CODE).contains(&value) && value.fract() == 0.0 {
        return Ok(());
    }
    let expected = "whole category codes from 0 to 65535 in a categorical column";
    let found = format!("{value} in row {row}, column {column}");
    Err(Error::argument("X", expected, found))
}

/// A number that a forest reads.
pub trait Value: Float + Default {
    /// `self + (v - v)`.
    fn add_less_itself(self, v: Self) -> Self;
}

impl Value for f32 {
    #[inline(always)]
    fn add_less_itself(self, v: f32) -> f32 {
        self + (v - v)
    }
}

impl Value for f64 {
    #[inline(always)]
    fn add_less_itself(self, v: f64) -> f64 {
        self + (v - v)
    }
}

/// Copies the rows of `x` into `block` in groups of `LANES`: in a group the values of the first
/// column, then those of the next. The last row stands in for those that a group lacks. Gives
/// whether a value is missing.
///
/// # Errors
///
/// [`Error::Argument`] if a value is infinite, or no code in a column of `categorical`; `first`
/// is the number of the first row, as the caller counts.
pub(crate) fn copy_groups<T: Value, const LANES: usize>(
    x: ArrayView2<T>,
    first: usize,
    categorical: &[u32],
    block: &mut Vec<T>,
) -> Result<bool, Error> {
    let (rows, columns) = x.dim();
    block.clear();
    block.resize(rows.next_multiple_of(LANES) * columns, T::NAN);
    for (g, group) in block.chunks_exact_mut(LANES * columns).enumerate() {
        let start = g * LANES;
        let part = x.slice(s![start..rows.min(start + LANES), ..]);
        if let Some(values) = part.as_slice()
            && part.nrows() == LANES
        {
            for (j, lanes) in group.chunks_exact_mut(LANES).enumerate() {
                for (lane, value) in lanes.iter_mut().enumerate() {
                    *value = values[lane * columns + j];
                }
            }
            continue;
        }
        for (lanes, column) in group.chunks_exact_mut(LANES).zip(part.columns()) {
            let mut last = T::NAN;
            for (place, &value) in lanes.iter_mut().zip(column) {
                *place = value;
                last = value;
            }
            lanes[part.nrows()..].fill(last);
        }
    }
    let row_column = |i: usize| {
        let (group, within) = (i / (LANES * columns), i % (LANES * columns));
        (first + group * LANES + within % LANES, within / LANES)
    };
    for &column in categorical {
        let column = column as usize;
        for row in 0..rows {
            let i = (row / LANES * columns + column) * LANES + row % LANES;
            check_code(block[i].to_f64(), first + row, column)?;
        }
    }
    if finite(block) {
        return Ok(false);
    }
    let infinities = (0..block.len()).filter(|&i| block[i].to_f64().is_infinite());
    match infinities.min_by_key(|&i| row_column(i)) {
        Some(i) => {
            let (row, column) = row_column(i);
            Err(infinite(block[i].to_f64(), row, column))
        }
        None => Ok(true),
    }
}

crate::simd::dispatch! {
    /// Whether all values are finite.
    fn finite<T: Value>(values: &[T]) -> bool = finite_body
}

#[inline(always)]
fn finite_body<T: Value>(values: &[T]) -> bool {
    // A value less itself is 0 unless it is infinite or NaN. The lanes keep the sums apart, so
    // that they are added side by side.
    let mut lanes = [T::default(); 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane = lane.add_less_itself(v);
        }
    }
    let rest = rest
        .iter()
        .fold(T::default(), |sum, &v| sum.add_less_itself(v));
    lanes.iter().all(|&lane| lane == T::default()) && rest == T::default()
}

/// The first infinite value, row by row, as (row, column).
///
/// # Errors
///
/// [`Error::Cancelled`] if the caller asked for a stop.
pub fn find_infinite<T: Value>(
    x: ArrayView2<T>,
    threads: usize,
    monitor: &Monitor,
) -> Result<Option<(usize, usize)>, Error> {
    let (rows, columns) = x.dim();
    if rows == 0 || columns == 0 {
        return Ok(None);
    }
    let step = (1usize << 18).div_ceil(columns).max(1);
    let found: Mutex<Option<(usize, usize)>> = Mutex::new(None);
    let starts = (0..rows).step_by(step).collect();
    for_each(starts, threads, |start: usize| {
        let part = x.slice(s![start..rows.min(start + step), ..]);
        let hit = match part.as_slice_memory_order() {
            Some(values) if finite(values) => None,
            _ => part
                .indexed_iter()
                .find(|(_, v)| v.to_f64().is_infinite())
                .map(|((i, j), _)| (start + i, j)),
        };
        if let Some(hit) = hit {
            let mut found = found.lock().expect("no thread panics with it");
            *found = Some(found.map_or(hit, |other| other.min(hit)));
        }
        monitor.tick(part.nrows() as u64)
    })?;
    Ok(found.into_inner().expect("no thread panics with it"))
}
