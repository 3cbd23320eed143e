//! Rules that say at each row of one KPI of one cell how far it is from usual.
//!
//! Every rule is a small state with a `push`: it takes one row and gives a [`Level`], which is 1 or
//! more where the rule fires and NaN where it has no answer. Rows come in time order and nothing
//! looks ahead, so a batch and a stream give the same levels. A missing value changes no state (but
//! for [`DropOut`], which counts it). The cumulative sums follow Page, "Continuous inspection
//! schemes", Biometrika 41, 1954, and Hinkley, "Inference about the change-point from cumulative
//! sum tests", Biometrika 58, 1971.

mod change;
mod stillness;
mod value;

pub use change::{Reference, SeasonalBreak, Sums, VarianceShift};
pub use stillness::{DropOut, FlatRun};
pub use value::{EwmaError, Hysteresis, NewExtreme};

/// What a rule says of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The statistic of the rule in units of its threshold; NaN without an answer.
    pub level: f64,
    /// 1 above usual, -1 below, 0 where a rule has no side.
    pub direction: i8,
}

impl Level {
    pub(crate) const NONE: Level = Level {
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
    /// A lasting change of level: [`Sums`] that rise fast.
    LevelShift(Sums),
    /// A slow one: [`Sums`] that rise slowly and high.
    Drift(Sums),
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
        let mut rule = Sums::new(0.5, 3.0, 2.0, 1.5, f64::INFINITY, 0);
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
