//! Exponentially weighted mean, sum, variance, covariance and correlation.
//!
//! The semantics are those of pandas, the recurrences those of Finch, "Incremental calculation of
//! weighted mean and variance", 2009. The mean is kept relative to the newest value, so only
//! differences of values are rounded: a large common level costs no digits, constants have a
//! variance of exactly 0 and no variance is negative. Weights depend on no value, which keeps
//! their divisions off the chain of dependent operations.

use crate::{Error, Float};

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
    let alone = statistics.iter().any(|s| !s.is_joint());
    if alone {
        pass::<T, false>(x, x, deltas, options, statistics, out);
    }
    if let Some(y) = y.filter(|_| statistics.iter().any(|s| s.is_joint())) {
        pass::<T, true>(x, y, deltas, options, statistics, out);
    }
    Ok(())
}

/// One pass: the statistics of `x` alone, or those of pairs.
fn pass<T: Float, const JOINT: bool>(
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
    let mut state = Weighted::<JOINT>::new();
    for (i, (x, y)) in x.iter().zip(y).enumerate() {
        let decay = match deltas {
            Some(deltas) if i > 0 => fade.powf(deltas[i - 1]),
            _ => fade,
        };
        let (x, y) = (x.to_f64(), y.to_f64());
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
        for (statistic, out) in &mut wanted {
            out[i] = T::from_f64(if state.count >= need {
                state.value(*statistic, options.bias)
            } else {
                f64::NAN
            });
        }
    }
}

/// Weighted means and products of deviations; the weights before the newest value add up to 1.
#[derive(Debug, Clone, Copy)]
struct Weighted<const JOINT: bool> {
    count: usize,
    /// Weight of all values so far, faded since the newest.
    weight: f64,
    sum: f64,
    /// The newest value, and how far it is above the mean.
    x: f64,
    y: f64,
    above_x: f64,
    above_y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
    /// 1 less the sum of the squared weights; 0 for one value.
    spread: f64,
}

impl<const JOINT: bool> Weighted<JOINT> {
    fn new() -> Self {
        Weighted {
            count: 0,
            weight: 0.0,
            sum: 0.0,
            x: 0.0,
            y: 0.0,
            above_x: 0.0,
            above_y: 0.0,
            xx: 0.0,
            yy: 0.0,
            xy: 0.0,
            spread: 0.0,
        }
    }

    /// Takes a row without a value.
    #[inline(always)]
    fn fade(&mut self, decay: f64) {
        self.weight *= decay;
        self.sum *= decay;
    }

    /// Takes a value of weight `share`.
    #[inline(always)]
    fn push(&mut self, x: f64, y: f64, decay: f64, share: f64, adjust: bool) {
        if self.count == 0 {
            *self = Weighted {
                count: 1,
                weight: 1.0,
                sum: x,
                x,
                y,
                ..Self::new()
            };
            return;
        }
        self.count += 1;
        self.fade(decay);
        self.sum += x;
        let total = self.weight + share;
        let (kept, taken) = (self.weight / total, share / total);
        // From the mean before: the step from the newest value plus that value's distance.
        let dx = (x - self.x) + self.above_x;
        let dy = (y - self.y) + self.above_y;
        (self.x, self.above_x) = (x, kept * dx);
        self.xx = kept * (self.xx + taken * dx * dx);
        if JOINT {
            (self.y, self.above_y) = (y, kept * dy);
            self.yy = kept * (self.yy + taken * dy * dy);
            self.xy = kept * (self.xy + taken * dx * dy);
        }
        self.spread = kept * (kept * self.spread + 2.0 * taken);
        self.weight = if adjust { total } else { 1.0 };
    }

    #[inline(always)]
    fn value(&self, statistic: EwmStatistic, bias: bool) -> f64 {
        match statistic {
            EwmStatistic::Mean => self.x - self.above_x,
            EwmStatistic::Sum => self.sum,
            EwmStatistic::Var => self.corrected(self.xx, bias),
            EwmStatistic::Std => self.corrected(self.xx, bias).sqrt(),
            EwmStatistic::Cov => self.corrected(self.xy, bias),
            EwmStatistic::Corr => (self.xy / (self.xx * self.yy).sqrt()).clamp(-1.0, 1.0),
        }
    }

    #[inline(always)]
    fn corrected(&self, value: f64, bias: bool) -> f64 {
        if bias {
            value
        } else if self.spread > 0.0 {
            value / self.spread
        } else {
            f64::NAN
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
