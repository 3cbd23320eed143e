//! Windows of a fixed number of rows, block by block.
//!
//! The positions at which windows end are cut into blocks as wide as a window. A kernel is handed
//! the block before and the block itself, as plain `f64` with missing values marked, and answers
//! every window that ends in the block. Rows before the first and after the last are missing, so
//! that the ends of a series need no code of their own.

use super::task::Task;
use super::window::Windows;
use crate::float::Float;

/// Up to this width a window is read anew for each answer, which vectorizes without scans.
pub const NARROW: usize = 16;

/// A stretch of a series: the values with 0 in place of the missing ones, and a 1 for each present.
#[derive(Default)]
pub struct Stretch {
    /// Values, 0 where missing.
    pub values: Vec<f64>,
    /// 1 where a value is present, 0 where it is missing.
    pub present: Vec<f64>,
    /// Whether none is missing.
    pub complete: bool,
}

impl Stretch {
    /// Reads the rows `from..from + len`; rows outside the series are missing.
    #[inline(always)]
    pub fn read<T: Float>(&mut self, task: &Task<T>, from: isize, len: usize) {
        let n = task.x.len() as isize;
        self.values.resize(len, 0.0);
        self.present.resize(len, 0.0);
        let first = from.clamp(0, n);
        let last = (from + len as isize).clamp(0, n);
        let (before, inside) = ((first - from) as usize, (last - first) as usize);
        if inside < len {
            self.values.fill(0.0);
            self.present.fill(0.0);
        }
        let x = &task.x[first as usize..last as usize];
        let values = &mut self.values[before..before + inside];
        let present = &mut self.present[before..before + inside];
        // An infinite value under the IEEE rule makes the stretch incomplete in no way: the
        // callers ask `finite` and leave such blocks to the general kernel.
        let mut missing = 0u64;
        for ((&x, v), p) in x.iter().zip(values).zip(present) {
            let x = x.to_f64();
            let absent = task.infinity.is_missing(x);
            missing |= u64::from(absent);
            *v = if absent { 0.0 } else { x };
            *p = if absent { 0.0 } else { 1.0 };
        }
        self.complete = missing == 0 && inside == len;
    }

    /// Whether every value is finite; only under the IEEE rule can one be infinite.
    #[inline(always)]
    pub fn finite(&self) -> bool {
        self.values.iter().fold(0.0, |sum, v| sum + v * 0.0) == 0.0
    }

    /// Puts `sentinel` where a value is missing.
    #[inline(always)]
    pub fn mark(&mut self, sentinel: f64) {
        if !self.complete {
            for (v, &p) in self.values.iter_mut().zip(&self.present) {
                *v = if p == 0.0 { sentinel } else { *v };
            }
        }
    }
}

/// The width and shift of a task's fixed windows, if they are fixed and a block of them is worth
/// its memory.
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
