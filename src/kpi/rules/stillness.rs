//! Rules of values that stand still or are gone.

use crate::kpi::rules::{Level, Row};

/// A value that repeats for longer than the series is used to.
#[derive(Debug, Clone, PartialEq)]
pub struct FlatRun {
    pub(crate) min_length: f64,
    pub(crate) tolerance: f64,
    pub(crate) warm_up: u64,
    pub(crate) factor: f64,
    pub(crate) seen: u64,
    pub(crate) first: f64,
    pub(crate) length: u64,
    pub(crate) longest: u64,
    pub(crate) fired: bool,
}

impl FlatRun {
    /// Fires at `min_length` rows within `tolerance` of the first, and at `factor` times the
    /// longest run that ended without firing.
    pub fn new(min_length: f64, tolerance: f64, warm_up: u64, factor: f64) -> Self {
        FlatRun {
            min_length,
            tolerance,
            warm_up,
            factor,
            seen: 0,
            first: f64::NAN,
            length: 0,
            longest: 0,
            fired: false,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row) -> Level {
        let x = row.value;
        if x.is_nan() {
            return Level::NONE;
        }
        self.seen += 1;
        if self.length > 0 && (x - self.first).abs() <= self.tolerance {
            self.length += 1;
        } else {
            if self.length > 0 && !self.fired {
                self.longest = self.longest.max(self.length);
            }
            self.first = x;
            self.length = 1;
            self.fired = false;
        }
        if self.seen <= self.warm_up || self.longest == 0 {
            return Level::NONE;
        }
        let usual = self.factor * self.longest as f64;
        let level = self.length as f64 / self.min_length.max(usual);
        self.fired |= level >= 1.0;
        Level {
            level,
            direction: 0,
        }
    }
}

/// Rows without a value, or with zero, where something is expected.
#[derive(Debug, Clone, PartialEq)]
pub struct DropOut {
    pub(crate) min_length: f64,
    pub(crate) margin: f64,
    pub(crate) length: u64,
}

impl DropOut {
    /// Fires at `min_length` rows where the baseline is more than `margin` scales above zero.
    pub fn new(min_length: f64, margin: f64) -> Self {
        DropOut {
            min_length,
            margin,
            length: 0,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row) -> Level {
        let gone = row.value.is_nan() || row.value == 0.0;
        // False without a baseline.
        if gone && row.baseline - self.margin * row.scale > 0.0 {
            self.length += 1;
        } else {
            self.length = 0;
        }
        Level {
            level: self.length as f64 / self.min_length,
            direction: -1,
        }
    }
}
