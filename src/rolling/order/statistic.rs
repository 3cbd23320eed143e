//! The statistics of order: what they are called and how each is read off an ordered window.
//!
//! Quantiles and ranks follow pandas to the last bit. The median absolute deviation is not scaled;
//! the robust z-score is 0.6745 (x - median) / mad (Iglewicz, B. and Hoaglin, D. C. (1993). How to
//! detect and handle outliers. ASQC Quality Press); the Hampel filter replaces what lies too far
//! from the median (Hampel, F. R. (1974). The influence curve and its role in robust estimation.
//! Journal of the American Statistical Association 69, 383-393).

use super::ordered::Ordered;
use crate::error::Error;

/// A statistic that depends on the order of the values in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OrderStatistic {
    /// The middle value, or the mean of the two in the middle.
    Median,
    /// The value below which a part `q` of the values lies.
    Quantile {
        /// From 0 to 1.
        q: f64,
        /// What to take between two values.
        interpolation: Interpolation,
    },
    /// Median of the absolute deviations from the median, unscaled; NaN if the median is infinite.
    Mad,
    /// Distance of the answer's value from the median, 0.6745 for each `mad`; NaN if `mad` is 0.
    RobustZScore,
    /// 1 if the absolute robust z-score of the answer's value exceeds the threshold, 0 if not.
    /// Where `mad` is 0, 1 for every value other than the median.
    HampelFlag {
        /// As an absolute robust z-score; 3 is usual.
        threshold: f64,
    },
    /// The median where the Hampel filter flags the answer's value, the value itself elsewhere.
    HampelRepair {
        /// As for the flag.
        threshold: f64,
    },
    /// Position of the window's last value among the values of the window, from 1.
    Rank {
        /// What equal values share.
        method: RankMethod,
        /// Whether the smallest value has rank 1.
        ascending: bool,
        /// Whether to divide by the count of values.
        pct: bool,
    },
    /// Count of distinct values.
    NUnique,
}

/// What a quantile is where it falls between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// On the straight line between them.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Their mean.
    Midpoint,
    /// The nearer one; half way, the one at an even position.
    Nearest,
}

/// The rank that equal values share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RankMethod {
    /// The mean of their positions.
    #[default]
    Average,
    /// The first of their positions.
    Min,
    /// The last of their positions.
    Max,
}

impl Interpolation {
    /// The interpolation that pandas knows by this name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "linear" => Interpolation::Linear,
            "lower" => Interpolation::Lower,
            "higher" => Interpolation::Higher,
            "midpoint" => Interpolation::Midpoint,
            "nearest" => Interpolation::Nearest,
            _ => {
                return Err(Error::argument(
                    "interpolation",
                    "\"linear\", \"lower\", \"higher\", \"midpoint\" or \"nearest\"",
                    format_args!("{name:?}"),
                ));
            }
        })
    }
}

impl RankMethod {
    /// The method that pandas knows by this name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "average" => RankMethod::Average,
            "min" => RankMethod::Min,
            "max" => RankMethod::Max,
            _ => {
                return Err(Error::argument(
                    "method",
                    "\"average\", \"min\" or \"max\"",
                    format_args!("{name:?}"),
                ));
            }
        })
    }
}

impl OrderStatistic {
    /// Refuses parameters for which the statistic is not defined.
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            OrderStatistic::Quantile { q, .. } if !(0.0..=1.0).contains(&q) => {
                Err(Error::argument("q", "between 0 and 1", q))
            }
            OrderStatistic::HampelFlag { threshold }
            | OrderStatistic::HampelRepair { threshold }
                if threshold.is_nan() || threshold < 0.0 =>
            {
                Err(Error::argument("threshold", "at least 0", threshold))
            }
            _ => Ok(()),
        }
    }
}

/// Where an answer stands, besides its window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The value at the answer's row, NaN if missing.
    pub value: f64,
    /// The last row of the window, and its value; NaN if it is missing or the window empty.
    pub last: (usize, f64),
    /// Values that must be present.
    pub min_periods: usize,
}

/// Centre and scale of one window, worked out for the first statistic that asks.
#[derive(Default)]
pub(super) struct Spread {
    median: Option<f64>,
    mad: Option<f64>,
}

impl Spread {
    #[inline(always)]
    fn median(&mut self, window: &mut impl Ordered) -> f64 {
        *self.median.get_or_insert_with(|| median(window))
    }

    #[inline(always)]
    fn mad(&mut self, window: &mut impl Ordered) -> f64 {
        let centre = self.median(window);
        *self.mad.get_or_insert_with(|| mad(window, centre))
    }

    /// Whether `value` is an outlier; `None` where that cannot be said.
    #[inline(always)]
    fn is_outlier(
        &mut self,
        window: &mut impl Ordered,
        value: f64,
        threshold: f64,
    ) -> Option<bool> {
        let mad = self.mad(window);
        let distance = value - self.median(window);
        match mad {
            _ if value.is_nan() || mad.is_nan() => None,
            0.0 => Some(distance != 0.0),
            _ => Some((0.6745 * distance / mad).abs() > threshold),
        }
    }
}

/// The value of statistic number `index` for one window; NaN where there is none.
#[inline(always)]
pub(super) fn read<W: Ordered>(
    window: &mut W,
    spread: &mut Spread,
    (statistic, pointer): (OrderStatistic, usize),
    place: &Place,
) -> f64 {
    let count = window.count();
    if count < place.min_periods.max(1) {
        return match statistic {
            // As pandas: an empty window has 0 distinct values if that is enough of them.
            OrderStatistic::NUnique if place.min_periods == 0 => 0.0,
            OrderStatistic::HampelRepair { .. } => place.value,
            _ => f64::NAN,
        };
    }
    match statistic {
        OrderStatistic::Median => spread.median(window),
        OrderStatistic::Quantile { q, interpolation } => {
            quantile(window, pointer, q, interpolation)
        }
        OrderStatistic::Mad => spread.mad(window),
        OrderStatistic::RobustZScore => {
            let mad = spread.mad(window);
            let distance = place.value - spread.median(window);
            if mad == 0.0 {
                f64::NAN
            } else {
                0.6745 * distance / mad
            }
        }
        OrderStatistic::HampelFlag { threshold } => {
            match spread.is_outlier(window, place.value, threshold) {
                Some(flag) => f64::from(u8::from(flag)),
                None => f64::NAN,
            }
        }
        OrderStatistic::HampelRepair { threshold } => {
            match spread.is_outlier(window, place.value, threshold) {
                Some(true) => spread.median(window),
                _ => place.value,
            }
        }
        OrderStatistic::Rank { .. } if place.last.1.is_nan() => f64::NAN,
        OrderStatistic::Rank {
            method,
            ascending,
            pct,
        } => {
            let (mut below, mut upto) = window.position(place.last);
            if !ascending {
                (below, upto) = (count - upto, count - below);
            }
            let rank = match method {
                RankMethod::Average => (below + 1 + upto) as f64 / 2.0,
                RankMethod::Min => (below + 1) as f64,
                RankMethod::Max => upto as f64,
            };
            if pct { rank / count as f64 } else { rank }
        }
        OrderStatistic::NUnique => window.distinct() as f64,
    }
}

#[inline(always)]
fn median(window: &mut impl Ordered) -> f64 {
    let count = window.count();
    let is_even = count % 2 == 0;
    let (low, high) = window.pair(0, (count - 1) / 2, is_even);
    if is_even { (low + high) / 2.0 } else { low }
}

#[inline(always)]
fn quantile(
    window: &mut impl Ordered,
    pointer: usize,
    q: f64,
    interpolation: Interpolation,
) -> f64 {
    let exact = q * (window.count() - 1) as f64;
    let below = exact as usize;
    let part = exact - below as f64;
    let (low, high) = window.pair(pointer, below, part > 0.0);
    // Equal neighbours first: two infinities have no difference.
    if part == 0.0 || low == high {
        return low;
    }
    match interpolation {
        Interpolation::Linear => low + (high - low) * part,
        Interpolation::Lower => low,
        Interpolation::Higher => high,
        Interpolation::Midpoint => (low + high) / 2.0,
        Interpolation::Nearest if part == 0.5 && below % 2 == 0 => low,
        Interpolation::Nearest if part < 0.5 => low,
        Interpolation::Nearest => high,
    }
}

/// The half of the values nearest to the median is a run of the ordered ones, so its farther end is
/// the median deviation.
#[inline(always)]
fn mad(window: &mut impl Ordered, median: f64) -> f64 {
    if !median.is_finite() {
        return f64::NAN;
    }
    let count = window.count();
    let half = count / 2 + 1;
    let first = window.nearest(median, half);
    let wants_two = count % 2 == 0;
    let (low, next) = window.pair(1, first, wants_two);
    let (before, high) = window.last_two(2, first + half - 1, wants_two);
    let (left, right) = (median - low, high - median);
    if !wants_two {
        return left.max(right);
    }
    // The farthest of the run, and the farthest once it is gone.
    if left >= right {
        (left + (median - next).max(right)) / 2.0
    } else {
        (right + left.max(before - median)) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_pandas() {
        assert_eq!(Interpolation::parse("nearest"), Ok(Interpolation::Nearest));
        assert_eq!(RankMethod::parse("min"), Ok(RankMethod::Min));
        assert_eq!(
            RankMethod::parse("dense").unwrap_err().to_string(),
            "method must be \"average\", \"min\" or \"max\", got \"dense\""
        );
    }

    #[test]
    fn a_quantile_lies_between_0_and_1() {
        let interpolation = Interpolation::Linear;
        let error = OrderStatistic::Quantile {
            q: 1.5,
            interpolation,
        }
        .check()
        .unwrap_err();
        assert_eq!(error.to_string(), "q must be between 0 and 1, got 1.5");
        assert!(
            OrderStatistic::Quantile {
                q: f64::NAN,
                interpolation
            }
            .check()
            .is_err()
        );
        assert!(
            OrderStatistic::HampelFlag { threshold: -1.0 }
                .check()
                .is_err()
        );
    }
}
