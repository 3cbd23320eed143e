//! Weighted mean and products of deviations, one value at a time.
//!
//! The recurrences are those of Finch, "Incremental calculation of weighted mean and variance",
//! 2009. The mean is kept relative to the newest value, so only differences of values are rounded:
//! a large common level costs no digits, constants have a variance of exactly 0 and no variance is
//! negative. Weights depend on no value, which keeps their divisions off the chain of dependent
//! operations.

use super::EwmStatistic;

/// Weighted means and products of deviations; the weights before the newest value add up to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighted<const JOINT: bool, const SQUARES: bool> {
    pub(super) count: usize,
    /// Weight of all values so far, faded since the newest.
    pub(super) weight: f64,
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

impl<const JOINT: bool, const SQUARES: bool> Weighted<JOINT, SQUARES> {
    pub(super) fn new() -> Self {
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
    pub(super) fn fade(&mut self, decay: f64) {
        self.weight *= decay;
        self.sum *= decay;
    }

    /// Takes a value of weight `share`.
    #[inline(always)]
    pub(super) fn push(&mut self, x: f64, y: f64, decay: f64, share: f64, adjust: bool) {
        self.count += 1;
        self.fade(decay);
        self.sum += x;
        // The first value finds no weight and takes all of it.
        let total = self.weight + share;
        let inverse = 1.0 / total;
        let (kept, taken) = (self.weight * inverse, share * inverse);
        // From the mean before: the step from the newest value plus that value's distance.
        let dx = (x - self.x) + self.above_x;
        (self.x, self.above_x) = (x, kept * dx);
        if SQUARES {
            self.xx = kept * (self.xx + taken * dx * dx);
            self.spread = kept * (kept * self.spread + 2.0 * taken);
        }
        if JOINT {
            let dy = (y - self.y) + self.above_y;
            (self.y, self.above_y) = (y, kept * dy);
            self.yy = kept * (self.yy + taken * dy * dy);
            self.xy = kept * (self.xy + taken * dx * dy);
        }
        self.weight = if adjust { total } else { 1.0 };
    }

    #[inline(always)]
    pub(super) fn value(&self, statistic: EwmStatistic, bias: bool) -> f64 {
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
