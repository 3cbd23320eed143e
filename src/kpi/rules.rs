//! Rules that say at each row of one KPI of one cell how far it is from usual.
//!
//! Every rule is a small state with a `push`: it takes one row and gives a [`Level`], which is 1 or
//! more where the rule fires and NaN where it has no answer. Rows come in time order and nothing
//! looks ahead, so a batch and a stream give the same levels. A missing value changes no state (but
//! for [`DropOut`], which counts it). The cumulative sums follow Page, "Continuous inspection
//! schemes", Biometrika 41, 1954, and Hinkley, "Inference about the change-point from cumulative
//! sum tests", Biometrika 58, 1971.

use super::baseline::Ewma;

/// What a rule says of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The statistic of the rule in units of its threshold; NaN without an answer.
    pub level: f64,
    /// 1 above usual, -1 below, 0 where a rule has no side.
    pub direction: i8,
}

impl Level {
    const NONE: Level = Level {
        level: f64::NAN,
        direction: 0,
    };
}

/// Which direction of a KPI counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// High values are worse.
    High,
    /// Low values are worse.
    Low,
    /// Both count.
    Both,
}

impl Side {
    /// The part of `z` that counts, not negative, with its direction.
    #[inline]
    pub fn of(self, z: f64) -> (f64, i8) {
        match self {
            Side::High => (z.max(0.0), 1),
            Side::Low => ((-z).max(0.0), -1),
            Side::Both => (z.abs(), if z < 0.0 { -1 } else { 1 }),
        }
    }

    /// The sum that counts of those upwards and downwards.
    #[inline]
    fn of_sums(self, up: f64, down: f64) -> (f64, i8) {
        match self {
            Side::High => (up, 1),
            Side::Low => (down, -1),
            Side::Both if up >= down => (up, 1),
            Side::Both => (down, -1),
        }
    }
}

/// One row of one KPI of one cell.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The value; NaN if missing.
    pub value: f64,
    /// What is expected; NaN if not known.
    pub baseline: f64,
    /// The usual distance from it; NaN if not known.
    pub scale: f64,
    /// The distance in scales.
    pub z: f64,
}

impl Row {
    /// A row with its distance: 0 within rounding of the baseline, infinite off a baseline without
    /// variation, NaN where something is missing.
    #[inline]
    pub fn new(value: f64, baseline: f64, scale: f64) -> Self {
        let away = value - baseline;
        let z = if away.is_nan() || scale.is_nan() {
            f64::NAN
        } else if away.abs() <= 1e-9 * baseline.abs() {
            0.0
        } else {
            away / scale
        };
        Row {
            value,
            baseline,
            scale,
            z,
        }
    }
}

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

/// Cumulative sum of distances beyond an allowance.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelShift {
    pub(crate) k: f64,
    pub(crate) h: f64,
    pub(crate) top: f64,
    pub(crate) reference: Reference,
    pub(crate) up: f64,
    pub(crate) down: f64,
}

impl LevelShift {
    /// Allowance `k`, threshold `h`; a distance counts up to `clip`, a sum up to `cap * h`, and the
    /// reference has the weights of `span` rows.
    pub fn new(k: f64, h: f64, clip: f64, cap: f64, span: f64, warm_up: u64) -> Self {
        LevelShift {
            k,
            h,
            top: cap * h,
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
        self.up = (self.up + away - self.k).max(0.0).min(self.top);
        self.down = (self.down - away - self.k).max(0.0).min(self.top);
        let (sum, direction) = side.of_sums(self.up, self.down);
        Level {
            level: sum / self.h,
            direction,
        }
    }
}

/// The Page-Hinkley test: how far the sum of distances from their reference is from its extreme.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    pub(crate) delta: f64,
    pub(crate) threshold: f64,
    pub(crate) top: f64,
    pub(crate) reference: Reference,
    pub(crate) up: f64,
    pub(crate) down: f64,
}

impl Drift {
    /// Allowance `delta`, threshold of the sums; a distance counts up to `clip`, a sum up to
    /// `cap * threshold`, and the reference has the weights of `span` rows.
    pub fn new(delta: f64, threshold: f64, clip: f64, cap: f64, span: f64, warm_up: u64) -> Self {
        Drift {
            delta,
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
        self.up = (self.up + away - self.delta).max(0.0).min(self.top);
        self.down = (self.down - away - self.delta).max(0.0).min(self.top);
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

/// A rule with its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The distance from the baseline.
    Z {
        /// Fires from here on.
        threshold: f64,
    },
    /// A distance or level that was computed elsewhere, by its place among those given.
    Given {
        /// Which of those given.
        place: usize,
        /// Fires from here on.
        threshold: f64,
        /// Whether it has a sign that the side of the KPI picks from.
        signed: bool,
    },
    /// See [`Hysteresis`].
    Hysteresis(Hysteresis),
    /// See [`NewExtreme`].
    NewExtreme(NewExtreme),
    /// See [`EwmaError`].
    EwmaError(EwmaError),
    /// See [`FlatRun`].
    FlatRun(FlatRun),
    /// See [`DropOut`].
    DropOut(DropOut),
    /// See [`LevelShift`].
    LevelShift(LevelShift),
    /// See [`Drift`].
    Drift(Drift),
    /// See [`VarianceShift`].
    VarianceShift(VarianceShift),
    /// See [`SeasonalBreak`].
    SeasonalBreak(SeasonalBreak),
}

impl Rule {
    /// The level at the next row; `given` has what was computed elsewhere for it.
    #[inline]
    pub fn push(&mut self, row: &Row, side: Side, given: impl Fn(usize) -> f64) -> Level {
        match self {
            Rule::Z { threshold } => sided(row.z, *threshold, side),
            Rule::Given {
                place,
                threshold,
                signed,
            } => {
                let value = given(*place);
                if *signed {
                    sided(value, *threshold, side)
                } else {
                    Level {
                        level: value / *threshold,
                        direction: if row.z < 0.0 { -1 } else { 1 },
                    }
                }
            }
            Rule::Hysteresis(rule) => rule.push(row, side),
            Rule::NewExtreme(rule) => rule.push(row, side),
            Rule::EwmaError(rule) => rule.push(row, side),
            Rule::FlatRun(rule) => rule.push(row),
            Rule::DropOut(rule) => rule.push(row),
            Rule::LevelShift(rule) => rule.push(row, side),
            Rule::Drift(rule) => rule.push(row, side),
            Rule::VarianceShift(rule) => rule.push(row),
            Rule::SeasonalBreak(rule) => rule.push(row),
        }
    }
}

#[inline]
fn sided(z: f64, threshold: f64, side: Side) -> Level {
    if z.is_nan() {
        return Level::NONE;
    }
    let (q, direction) = side.of(z);
    Level {
        level: q / threshold,
        direction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    fn row(value: f64) -> Row {
        Row::new(value, 0.0, 1.0)
    }

    fn levels(values: &[f64], mut push: impl FnMut(&Row) -> Level) -> Vec<f64> {
        values.iter().map(|&x| push(&row(x)).level).collect()
    }

    #[test]
    fn a_distance_needs_value_baseline_and_scale() {
        assert_eq!(Row::new(3.0, 1.0, 2.0).z, 1.0);
        assert_eq!(Row::new(1.0, 1.0, 0.0).z, 0.0);
        assert_eq!(Row::new(2.0, 1.0, 0.0).z, f64::INFINITY);
        assert!(Row::new(1.0, 1.0, NAN).z.is_nan());
    }

    #[test]
    fn a_threshold_with_hysteresis_stays_on_between_its_levels() {
        let mut rule = Hysteresis::new(4.0, 2.0, false);
        let found = levels(&[3.0, 4.0, 3.0, NAN, 2.0, 1.0, 3.0], |r| {
            rule.push(r, Side::Both)
        });
        assert_eq!(found[..3], [0.75, 1.0, 1.0]);
        assert!(found[3].is_nan());
        assert_eq!(found[4..], [1.0, 0.25, 0.75]);
        let mut low = Hysteresis::new(95.0, 97.0, true);
        let found = levels(&[96.0, 94.0, 96.0, 98.0, 96.0], |r| low.push(r, Side::High));
        assert_eq!(found, [0.0, 1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_new_extreme_is_measured_in_ranges() {
        let mut rule = NewExtreme::new(0.5, 2);
        let found = levels(&[0.0, 10.0, 5.0, 15.0, -15.0], |r| rule.push(r, Side::High));
        assert_eq!(found[2..], [0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_flat_run_must_be_longer_than_usual() {
        let mut rule = FlatRun::new(2.0, 0.0, 3, 2.0);
        let x = [1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0];
        let found = levels(&x, |r| rule.push(r));
        assert!(found[..3].iter().all(|level| level.is_nan()));
        assert_eq!(found[3..], [0.25, 0.5, 0.75, 1.0, 1.25, 0.25, 0.5]);
    }

    #[test]
    fn a_shift_adds_up_and_fades() {
        let mut rule = LevelShift::new(0.5, 3.0, 2.0, 1.5, f64::INFINITY, 0);
        let found = levels(&[9.0, 9.0, 9.0, 9.0, 0.0, 0.0, 0.0, 0.0], |r| {
            rule.push(r, Side::Both)
        });
        let sums: Vec<f64> = found.iter().map(|level| level * 3.0).collect();
        assert_eq!(sums, [1.5, 3.0, 4.5, 4.5, 4.0, 3.5, 3.0, 2.5]);
    }

    #[test]
    fn missing_rows_drop_out_where_traffic_is_expected() {
        let mut rule = DropOut::new(2.0, 3.0);
        let found: Vec<f64> = [(NAN, 10.0), (0.0, 10.0), (1.0, 10.0), (0.0, 2.0)]
            .map(|(x, baseline)| rule.push(&Row::new(x, baseline, 1.0)).level)
            .to_vec();
        assert_eq!(found, [0.5, 1.0, 0.0, 0.0]);
    }
}
