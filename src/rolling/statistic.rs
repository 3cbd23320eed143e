//! The statistics by name, and the families that answer them.

use super::entropy::entropy;
use super::extrema::{ExtremeStatistic, extrema};
use super::moments::{MomentStatistic, moments};
use super::order::{Interpolation, OrderStatistic, RankMethod, order};
use super::pair::{PairStatistic, autocorr, pair, slope};
use super::position::{PositionStatistic, position};
use super::shape::{ShapeStatistic, shape};
use super::task::Task;
use crate::error::Error;
use crate::float::Float;

/// A rolling statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// Count, sum, mean, variance and what follows from them.
    Moment(MomentStatistic),
    /// Minimum and maximum.
    Extreme(ExtremeStatistic),
    /// Median, quantiles and what follows from the order of values.
    Order(OrderStatistic),
    /// Skewness and kurtosis.
    Shape(ShapeStatistic),
    /// Covariance and correlation of two series.
    Pair(PairStatistic),
    /// Least-squares slope over rows or time.
    Slope,
    /// Correlation of a window with itself, some rows later.
    Autocorr {
        /// How many rows.
        lag: usize,
    },
    /// First, last, and where the extremes stand.
    Position(PositionStatistic),
    /// Shannon entropy.
    Entropy {
        /// Bins of equal width across the range of the window.
        bins: usize,
    },
}

/// Parameters of the statistics; each reads its own.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// Of var, std, sem, zscore, cov.
    pub ddof: u32,
    /// Of quantile.
    pub q: f64,
    /// Of quantile.
    pub interpolation: String,
    /// Of rank.
    pub method: String,
    /// Of rank.
    pub ascending: bool,
    /// Of rank.
    pub pct: bool,
    /// Of hampel and hampel_repair.
    pub threshold: f64,
    /// Of autocorr.
    pub lag: usize,
    /// Of entropy.
    pub bins: usize,
    /// Of sum and mean.
    pub compensated: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            ddof: 1,
            q: 0.5,
            interpolation: "linear".into(),
            method: "average".into(),
            ascending: true,
            pct: false,
            threshold: 3.0,
            lag: 1,
            bins: 10,
            compensated: false,
        }
    }
}

impl Statistic {
    /// The statistics by name.
    pub const NAMES: &[&str] = &[
        "sum",
        "mean",
        "var",
        "std",
        "sem",
        "count",
        "zscore",
        "min",
        "max",
        "argmin",
        "argmax",
        "first",
        "last",
        "median",
        "quantile",
        "mad",
        "robust_zscore",
        "hampel",
        "hampel_repair",
        "rank",
        "nunique",
        "skew",
        "kurt",
        "cov",
        "corr",
        "autocorr",
        "slope",
        "entropy",
    ];

    /// What an answer takes, in nanoseconds, roughly.
    pub fn cost(&self) -> u64 {
        match self {
            Self::Moment(_) | Self::Extreme(_) => 4,
            Self::Position(_) | Self::Shape(_) | Self::Pair(_) => 12,
            Self::Slope | Self::Autocorr { .. } => 15,
            Self::Order(_) => 80,
            Self::Entropy { .. } => 300,
        }
    }

    /// The statistic of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for an unknown name or a parameter outside its range.
    pub fn parse(name: &str, parameters: &Parameters) -> Result<Self, Error> {
        let p = parameters;
        let (ddof, compensated, threshold) = (p.ddof, p.compensated, p.threshold);
        let quantile = || {
            let interpolation = Interpolation::parse(&p.interpolation)?;
            Ok(OrderStatistic::Quantile {
                q: p.q,
                interpolation,
            })
        };
        let rank = || {
            let method = RankMethod::parse(&p.method)?;
            Ok(OrderStatistic::Rank {
                method,
                ascending: p.ascending,
                pct: p.pct,
            })
        };
        Ok(match name {
            "sum" => Self::Moment(MomentStatistic::Sum { compensated }),
            "mean" => Self::Moment(MomentStatistic::Mean { compensated }),
            "var" => Self::Moment(MomentStatistic::Var { ddof }),
            "std" => Self::Moment(MomentStatistic::Std { ddof }),
            "sem" => Self::Moment(MomentStatistic::Sem { ddof }),
            "count" => Self::Position(PositionStatistic::Count),
            "zscore" => Self::Moment(MomentStatistic::ZScore { ddof }),
            "min" => Self::Extreme(ExtremeStatistic::Min),
            "max" => Self::Extreme(ExtremeStatistic::Max),
            "argmin" => Self::Position(PositionStatistic::ArgMin),
            "argmax" => Self::Position(PositionStatistic::ArgMax),
            "first" => Self::Position(PositionStatistic::First),
            "last" => Self::Position(PositionStatistic::Last),
            "median" => Self::Order(OrderStatistic::Median),
            "quantile" => Self::Order(quantile()?),
            "mad" => Self::Order(OrderStatistic::Mad),
            "robust_zscore" => Self::Order(OrderStatistic::RobustZScore),
            "hampel" => Self::Order(OrderStatistic::HampelFlag { threshold }),
            "hampel_repair" => Self::Order(OrderStatistic::HampelRepair { threshold }),
            "rank" => Self::Order(rank()?),
            "nunique" => Self::Order(OrderStatistic::NUnique),
            "skew" => Self::Shape(ShapeStatistic::Skew),
            "kurt" => Self::Shape(ShapeStatistic::Kurt),
            "cov" => Self::Pair(PairStatistic::Cov { ddof }),
            "corr" => Self::Pair(PairStatistic::Corr),
            "autocorr" => Self::Autocorr { lag: p.lag },
            "slope" => Self::Slope,
            "entropy" => Self::Entropy { bins: p.bins },
            _ => {
                let expected = format!("one of {}", Self::NAMES.join(", "));
                return Err(Error::argument(
                    "statistic",
                    expected,
                    format_args!("{name:?}"),
                ));
            }
        })
    }

    /// Whether it needs a second series.
    pub fn needs_y(&self) -> bool {
        matches!(self, Self::Pair(_))
    }
}

/// Answers a task: `out[s]` receives statistic `s`.
///
/// `seconds` are the times of the rows, for the slope.
///
/// # Errors
///
/// Those of the families.
pub fn answer<T: Float>(
    task: &Task<T>,
    seconds: Option<&[f64]>,
    statistics: &[Statistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    macro_rules! family {
        ($variant:ident, $kernel:path) => {{
            // Short series are many, and lists on the heap would cost as much as their answers.
            if let [Statistic::$variant(statistic)] = statistics {
                return $kernel(task, &[*statistic], out);
            }
            let (mut wanted, mut places) = (Vec::new(), Vec::new());
            for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
                if let Statistic::$variant(statistic) = statistic {
                    wanted.push(*statistic);
                    places.push(&mut **out);
                }
            }
            if !wanted.is_empty() {
                $kernel(task, &wanted, &mut places)?;
            }
        }};
    }
    family!(Moment, moments);
    family!(Extreme, extrema);
    family!(Order, order);
    family!(Shape, shape);
    family!(Pair, pair);
    family!(Position, position);
    for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
        match (statistic, seconds) {
            (Statistic::Autocorr { lag }, _) => autocorr(task, *lag, out)?,
            (Statistic::Entropy { bins }, _) => entropy(task, *bins, out)?,
            (Statistic::Slope, Some(seconds)) => slope(task, seconds, out)?,
            (Statistic::Slope, None) => {
                let task = Task {
                    y: None,
                    ..task.clone()
                };
                pair(&task, &[PairStatistic::Slope], &mut [&mut **out])?;
            }
            _ => {}
        }
    }
    Ok(())
}
