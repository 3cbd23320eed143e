//! Rules of lasting changes: of level, of scatter, of rhythm.

use crate::kpi::baseline::Ewma;
use crate::kpi::rules::{Level, Row, Side};

/// A reference that follows the distances, so that a lasting change is usual in the end.
///
/// It begins at zero, where distances from a baseline belong, and is an exponentially weighted mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub(crate) clip: f64,
    pub(crate) alpha: f64,
    pub(crate) warm_up: u64,
    pub(crate) seen: u64,
    pub(crate) mean: f64,
}

impl Reference {
    fn new(clip: f64, span: f64, warm_up: u64) -> Self {
        Reference {
            clip,
            alpha: 2.0 / (span + 1.0),
            warm_up,
            seen: 0,
            mean: 0.0,
        }
    }

    /// How far a distance, which counts up to the clip, is from the reference, which it then joins;
    /// whether there were enough before it.
    #[inline]
    fn push(&mut self, z: f64) -> (f64, bool) {
        let away = z.clamp(-self.clip, self.clip) - self.mean;
        self.mean += self.alpha * away;
        self.seen += 1;
        (away, self.seen > self.warm_up)
    }
}

/// Sums of distances beyond an allowance, one for each direction: a cumulative sum, and with the
/// extreme at zero the Page-Hinkley test.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    pub(crate) allowance: f64,
    pub(crate) threshold: f64,
    pub(crate) top: f64,
    pub(crate) reference: Reference,
    pub(crate) up: f64,
    pub(crate) down: f64,
}

impl Sums {
    /// Fires where a sum reaches `threshold`; a distance counts up to `clip`, a sum up to
    /// `cap * threshold`, and the reference has the weights of `span` rows.
    pub fn new(
        allowance: f64,
        threshold: f64,
        clip: f64,
        cap: f64,
        span: f64,
        warm_up: u64,
    ) -> Self {
        Sums {
            allowance,
            threshold,
            top: cap * threshold,
            reference: Reference::new(clip, span, warm_up),
            up: 0.0,
            down: 0.0,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row, side: Side) -> Level {
        if row.z.is_nan() {
            return Level::NONE;
        }
        let (away, known) = self.reference.push(row.z);
        if !known {
            return Level::NONE;
        }
        self.up = (self.up + away - self.allowance).max(0.0).min(self.top);
        self.down = (self.down - away - self.allowance).max(0.0).min(self.top);
        let (sum, direction) = side.of_sums(self.up, self.down);
        Level {
            level: sum / self.threshold,
            direction,
        }
    }
}

/// Distances that scatter more than they should.
#[derive(Debug, Clone, PartialEq)]
pub struct VarianceShift {
    pub(crate) threshold: f64,
    pub(crate) clip: f64,
    pub(crate) warm_up: u64,
    pub(crate) seen: u64,
    pub(crate) scatter: Ewma,
}

impl VarianceShift {
    /// Fires where the exponentially weighted standard deviation of the distances, each up to
    /// `clip`, reaches `threshold`.
    pub fn new(threshold: f64, span: f64, clip: f64, warm_up: u64) -> Self {
        VarianceShift {
            threshold,
            clip,
            warm_up,
            seen: 0,
            scatter: Ewma::new(span),
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row) -> Level {
        if row.z.is_nan() {
            return Level::NONE;
        }
        self.scatter.push(row.z.clamp(-self.clip, self.clip));
        self.seen += 1;
        if self.seen < self.warm_up {
            return Level::NONE;
        }
        Level {
            level: self.scatter.std() / self.threshold,
            direction: 0,
        }
    }
}

/// Values that no longer follow the rhythm of their baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct SeasonalBreak {
    pub(crate) threshold: f64,
    pub(crate) margin: f64,
    pub(crate) warm_up: u64,
    pub(crate) seen: u64,
    pub(crate) value: Ewma,
    pub(crate) baseline: Ewma,
    pub(crate) joint: f64,
}

impl SeasonalBreak {
    /// Fires where the exponentially weighted correlation of values and baselines falls to
    /// `threshold`, while the baselines vary by `margin` scales or more.
    pub fn new(threshold: f64, span: f64, warm_up: u64, margin: f64) -> Self {
        SeasonalBreak {
            threshold,
            margin,
            warm_up,
            seen: 0,
            value: Ewma::new(span),
            baseline: Ewma::new(span),
            joint: 0.0,
        }
    }

    /// The level at the next row.
    #[inline]
    pub fn push(&mut self, row: &Row) -> Level {
        if row.z.is_nan() {
            return Level::NONE;
        }
        if self.seen > 0 {
            let dx = row.value - self.value.mean();
            let db = row.baseline - self.baseline.mean();
            let a = self.value.alpha();
            self.joint = (1.0 - a) * (self.joint + a * dx * db);
        }
        self.value.push(row.value);
        self.baseline.push(row.baseline);
        self.seen += 1;
        if self.seen < self.warm_up {
            return Level::NONE;
        }
        let rhythm = self.baseline.std();
        let level = if rhythm > 0.0 && rhythm >= self.margin * row.scale {
            let spread = self.value.std();
            let rho = if spread > 0.0 {
                self.joint / (spread * rhythm)
            } else {
                0.0
            };
            (1.0 - rho) / (1.0 - self.threshold)
        } else {
            0.0
        };
        Level {
            level,
            direction: 0,
        }
    }
}
