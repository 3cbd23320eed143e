//! Rules of single rows: levels, extremes, errors of a forecast.

use crate::kpi::rules::{Level, Row, Side};

/// A level crossed upwards starts, a lower one crossed downwards ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Hysteresis {
    pub(crate) on: f64,
    pub(crate) off: f64,
    pub(crate) of_value: bool,
    pub(crate) is_on: bool,
}

impl Hysteresis {
    /// Levels of the distance, or of the value itself if `of_value` (with `on` below `off`, low
    /// values fire).
    pub fn new(on: f64, off: f64, of_value: bool) -> Self {
        Hysteresis {
            on,
            off,
            of_value,
            is_on: false,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row, side: Side) -> Level {
        if self.of_value {
            let x = row.value;
            if x.is_nan() {
                return Level::NONE;
            }
            let low = self.on < self.off;
            let (crossed_on, crossed_off) = if low {
                (x <= self.on, x > self.off)
            } else {
                (x >= self.on, x < self.off)
            };
            self.is_on = crossed_on || (self.is_on && !crossed_off);
            return Level {
                level: f64::from(self.is_on),
                direction: if low { -1 } else { 1 },
            };
        }
        if row.z.is_nan() {
            return Level::NONE;
        }
        let (q, direction) = side.of(row.z);
        self.is_on = q >= self.on || (self.is_on && q >= self.off);
        let level = q / self.on;
        Level {
            level: if self.is_on { level.max(1.0) } else { level },
            direction,
        }
    }
}

/// Distance outside all values seen, in units of their range.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExtreme {
    pub(crate) threshold: f64,
    pub(crate) warm_up: u64,
    pub(crate) seen: u64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl NewExtreme {
    /// Fires at `threshold` ranges outside, after `warm_up` values.
    pub fn new(threshold: f64, warm_up: u64) -> Self {
        NewExtreme {
            threshold,
            warm_up,
            seen: 0,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row, side: Side) -> Level {
        let x = row.value;
        if x.is_nan() {
            return Level::NONE;
        }
        let answer = if self.seen < self.warm_up.max(2) {
            Level::NONE
        } else {
            let range = self.high - self.low;
            let outside = if x > self.high {
                (x - self.high) / range
            } else if x < self.low {
                -(self.low - x) / range
            } else {
                0.0
            };
            let (d, direction) = side.of(outside);
            Level {
                level: d / self.threshold,
                direction,
            }
        };
        self.seen += 1;
        self.low = self.low.min(x);
        self.high = self.high.max(x);
        answer
    }
}

/// Error of the exponentially weighted mean as a forecast, in units of its usual size.
#[derive(Debug, Clone, PartialEq)]
pub struct EwmaError {
    pub(crate) threshold: f64,
    pub(crate) alpha: f64,
    pub(crate) beta: f64,
    pub(crate) warm_up: u64,
    pub(crate) mean: f64,
    pub(crate) square: f64,
    pub(crate) errors: u64,
}

impl EwmaError {
    /// Fires at `threshold` root mean square errors; spans count rows.
    pub fn new(threshold: f64, span: f64, scale_span: f64, warm_up: u64) -> Self {
        EwmaError {
            threshold,
            alpha: 2.0 / (span + 1.0),
            beta: 2.0 / (scale_span + 1.0),
            warm_up,
            mean: f64::NAN,
            square: 0.0,
            errors: 0,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row, side: Side) -> Level {
        let x = row.value;
        if x.is_nan() {
            return Level::NONE;
        }
        if self.mean.is_nan() {
            self.mean = x;
            return Level::NONE;
        }
        let error = x - self.mean;
        let answer = if self.errors < self.warm_up.max(1) {
            Level::NONE
        } else {
            let ratio = if error == 0.0 {
                0.0
            } else {
                error / self.square.sqrt()
            };
            let (q, direction) = side.of(ratio);
            Level {
                level: q / self.threshold,
                direction,
            }
        };
        self.errors += 1;
        let weight = self.beta.max(1.0 / self.errors as f64);
        self.square += weight * (error * error - self.square);
        self.mean += self.alpha * error;
        answer
    }
}
