//! Exponentially weighted mean, sum, variance, covariance and correlation.
//!
//! The semantics are those of pandas; the arithmetic is in `weighted`.

use crate::{Error, Float};

mod running;
mod weighted;

pub use running::Running;
use weighted::{BLOCK, Block, Weighted};

/// An exponentially weighted statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EwmStatistic {
    /// Weighted mean.
    Mean,
    /// Weighted sum.
    Sum,
    /// Weighted variance.
    Var,
    /// Root of the variance.
    Std,
    /// Weighted covariance with `y`.
    Cov,
    /// Weighted correlation with `y`.
    Corr,
}

impl EwmStatistic {
    /// The statistic of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            "var" => Ok(Self::Var),
            "std" => Ok(Self::Std),
            "cov" => Ok(Self::Cov),
            "corr" => Ok(Self::Corr),
            _ => Err(Error::argument(
                "statistic",
                "one of mean, sum, var, std, cov, corr",
                format_args!("{name:?}"),
            )),
        }
    }

    /// Whether it takes two series.
    pub fn is_joint(self) -> bool {
        matches!(self, EwmStatistic::Cov | EwmStatistic::Corr)
    }
}

/// How weights fade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EwmOptions {
    /// Share of the newest value, above 0 and at most 1.
    pub alpha: f64,
    /// Divide by the weights so far, rather than take the first value for all before it.
    pub adjust: bool,
    /// Let weights fade with values only, not with missing rows.
    pub ignore_na: bool,
    /// Leave variance and covariance uncorrected for bias.
    pub bias: bool,
    /// Values (pairs, for covariance and correlation) needed for an answer; at least 1.
    pub min_periods: usize,
}

/// Exponentially weighted statistics of a series, up to each of its rows.
///
/// Values that are not finite are missing. With `deltas`, the time from row `i` to row `i + 1` is
/// `deltas[i]` and weights fade by `(1 - alpha)^delta`: with `alpha` 0.5 these are half-lives.
///
/// # Errors
///
/// [`Error::Argument`] if `alpha` is out of range, a sum is asked for without `adjust` (the weights
/// would not add up to anything) or a covariance without `y`; [`Error::Length`] if `y` or `deltas`
/// does not fit.
pub fn ewm<T: Float>(
    x: &[T],
    y: Option<&[T]>,
    deltas: Option<&[f64]>,
    options: &EwmOptions,
    statistics: &[EwmStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    check(x.len(), y.map(<[T]>::len), deltas, options, statistics)?;
    let squares = |s: &EwmStatistic| matches!(s, EwmStatistic::Var | EwmStatistic::Std);
    if statistics.iter().any(squares) {
        pass::<T, false, true>(x, x, deltas, options, statistics, out);
    } else if statistics.iter().any(|s| !s.is_joint()) {
        pass::<T, false, false>(x, x, deltas, options, statistics, out);
    }
    if let Some(y) = y.filter(|_| statistics.iter().any(|s| s.is_joint())) {
        pass::<T, true, true>(x, y, deltas, options, statistics, out);
    }
    Ok(())
}

/// One pass: the statistics of `x` alone, or those of pairs; with squares or without.
fn pass<T: Float, const JOINT: bool, const SQUARES: bool>(
    x: &[T],
    y: &[T],
    deltas: Option<&[f64]>,
    options: &EwmOptions,
    statistics: &[EwmStatistic],
    out: &mut [&mut [T]],
) {
    let fade = 1.0 - options.alpha;
    let need = options.min_periods.max(1);
    let mut wanted: Vec<(EwmStatistic, &mut [T])> = statistics
        .iter()
        .zip(out)
        .filter(|(s, _)| s.is_joint() == JOINT)
        .map(|(s, out)| (*s, &mut out[..]))
        .collect();
    let mut state = Weighted::<JOINT, SQUARES>::new();
    let mut block = Block::new();
    for first in (0..x.len()).step_by(BLOCK) {
        let rows = first..x.len().min(first + BLOCK);
        let mut unknown = 0;
        for (j, i) in rows.clone().enumerate() {
            let decay = match deltas {
                Some(deltas) if i > 0 => fade.powf(deltas[i - 1]),
                _ => fade,
            };
            let (x, y) = (x[i].to_f64(), y[i].to_f64());
            if x.is_finite() && y.is_finite() {
                let share = if options.adjust {
                    1.0
                } else if deltas.is_some() {
                    // The old weight has faded over the whole gap; the new value takes the rest.
                    1.0 - state.weight * decay
                } else {
                    options.alpha
                };
                state.push(x, y, decay, share, options.adjust);
            } else if !options.ignore_na {
                state.fade(decay);
            }
            block.keep(j, &state);
            unknown += usize::from(state.count < need);
        }
        for (statistic, out) in &mut wanted {
            let out = &mut out[rows.clone()];
            block.give(*statistic, options.bias, out);
            out[..unknown].fill(T::NAN);
        }
    }
}

fn check(
    n: usize,
    y: Option<usize>,
    deltas: Option<&[f64]>,
    options: &EwmOptions,
    statistics: &[EwmStatistic],
) -> Result<(), Error> {
    if !(options.alpha > 0.0 && options.alpha <= 1.0) {
        let expected = "above 0 and at most 1";
        return Err(Error::argument("alpha", expected, options.alpha));
    }
    if !options.adjust && statistics.contains(&EwmStatistic::Sum) {
        return Err(Error::argument("adjust", "true for a sum", "false"));
    }
    if y.is_none() && statistics.iter().any(|s| s.is_joint()) {
        let expected = "a second series for covariance and correlation";
        return Err(Error::argument("y", expected, "none"));
    }
    let lengths = [
        ("y", y, n),
        ("deltas", deltas.map(<[f64]>::len), n.saturating_sub(1)),
    ];
    for (name, found, expected) in lengths {
        if let Some(found) = found.filter(|found| *found != expected) {
            return Err(Error::Length {
                name,
                expected,
                found,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
