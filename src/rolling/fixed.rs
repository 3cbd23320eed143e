//! Windows of a fixed number of rows, block by block.
//!
//! The positions at which windows end are cut into blocks as wide as a window. A kernel reads the
//! block before and the block itself, and answers every window that ends in the block. Blocks
//! without a missing value are read where they lie. Others are copied first, with 0 for what is
//! missing and a mark for what is present; rows before the first and after the last are missing, so
//! that the ends of a series need no code of their own.

use std::ops::Range;

use super::scan::all_finite;
use super::task::Task;
use super::window::Windows;
use crate::float::Float;

/// Answers finished together, so that what lies between two steps stays in the nearest cache.
pub const TILE: usize = 512;

/// A copied stretch of a series.
#[derive(Default)]
pub struct Stretch {
    /// Values, 0 where missing.
    pub values: Vec<f64>,
    /// 1 where a value is present, 0 where it is missing.
    pub present: Vec<f64>,
}

impl Stretch {
    /// Copies the rows `from..from + len`, of which those outside the series are missing. False if
    /// an infinite value takes part, as it may under the IEEE rule.
    pub fn copy<T: Float>(&mut self, task: &Task<T>, from: isize, len: usize) -> bool {
        let n = task.x.len() as isize;
        for column in [&mut self.values, &mut self.present] {
            column.clear();
            column.resize(len, 0.0);
        }
        let inside = from.clamp(0, n)..(from + len as isize).clamp(0, n);
        // Nothing is copied where the stretch lies outside.
        let skip = (inside.start - from).clamp(0, len as isize) as usize;
        let x = &task.x[inside.start as usize..inside.end as usize];
        let mut finite = true;
        let places = self.values[skip..]
            .iter_mut()
            .zip(&mut self.present[skip..]);
        for (x, (value, present)) in x.iter().zip(places) {
            let x = x.to_f64();
            let missing = task.infinity.is_missing(x);
            *value = if missing { 0.0 } else { x };
            *present = if missing { 0.0 } else { 1.0 };
            finite &= value.is_finite();
        }
        finite
    }

    /// Puts `sentinel` where a value is missing.
    pub fn mark(&mut self, sentinel: f64) {
        for (value, &present) in self.values.iter_mut().zip(&self.present) {
            *value = if present == 0.0 { sentinel } else { *value };
        }
    }

    /// The first value present, or 0.
    pub fn first(&self) -> f64 {
        let first = self.present.iter().position(|&p| p == 1.0);
        first.map_or(0.0, |i| self.values[i])
    }

    /// The last value present, or 0.
    pub fn last(&self) -> f64 {
        let last = self.present.iter().rposition(|&p| p == 1.0);
        last.map_or(0.0, |i| self.values[i])
    }
}

/// Width and shift of a task's windows, if they are of a fixed number of rows.
pub fn of<T: Float>(task: &Task<T>) -> Option<(usize, isize)> {
    match task.windows {
        // A window wider than twice the series gains nothing from blocks and would only cost the
        // memory for its missing rows.
        Windows::Fixed { width, shift } if width > 0 && width <= 2 * task.x.len() => {
            Some((width, shift))
        }
        _ => None,
    }
}

#[derive(Default)]
/// Which blocks lie inside the series and miss nothing.
pub struct Completeness {
    /// Where the last block asked for ends, if it was complete.
    complete_to: Option<isize>,
}

impl Completeness {
    /// The rows of the `width` before `position` and the `len` from it on, if all are present.
    /// The answer for the rows before is remembered from the call before.
    #[inline(always)]
    pub fn of<T: Float>(
        &mut self,
        x: &[T],
        position: isize,
        width: usize,
        len: usize,
    ) -> Option<Range<usize>> {
        let (from, to) = (position - width as isize, position + len as isize);
        let inside = from >= 0 && to <= x.len() as isize;
        let known = inside && self.complete_to == Some(position);
        let complete = inside
            && (known || all_finite(&x[from as usize..position as usize]))
            && all_finite(&x[position as usize..to as usize]);
        self.complete_to = complete.then_some(to);
        complete.then_some(from as usize..to as usize)
    }
}
