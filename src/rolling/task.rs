//! One piece of work for a rolling kernel: some answers of one series.

use std::ops::Range;

use super::window::Windows;
use crate::float::{Float, Infinity};

/// Some answers of one series. Kernels of every family take one of these and a place to write.
///
/// A kernel is right for any windows; it is fast when neither end of them moves back.
#[derive(Debug, Clone)]
pub struct Task<'a, T> {
    /// The whole series (one group, one column), contiguous, in the order of its rows.
    pub x: &'a [T],
    /// A second series of the same length, for statistics of pairs.
    pub y: Option<&'a [T]>,
    /// The windows of every answer of the series.
    pub windows: Windows<'a>,
    /// The answers to compute; the output has as many places.
    pub answers: Range<usize>,
    /// Values that must be present in a window for an answer. 0 counts as pandas has it: an empty
    /// window has sum 0 and count 0, and every other statistic is missing.
    pub min_periods: usize,
    /// What an infinite value means.
    pub infinity: Infinity,
}

impl<T: Float> Task<'_, T> {
    /// The value of row `i`, NaN if it is missing by the task's rule.
    #[inline(always)]
    pub fn value(&self, i: usize) -> f64 {
        let value = self.x[i].to_f64();
        if self.infinity.is_missing(value) {
            f64::NAN
        } else {
            value
        }
    }
}
