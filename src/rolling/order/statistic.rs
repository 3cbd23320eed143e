//! The statistics of order and the names of their variants, which are those of pandas.

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
