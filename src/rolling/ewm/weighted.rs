//! Weighted mean and products of deviations, one value at a time.
//!
//! The recurrences are those of Finch, "Incremental calculation of weighted mean and variance",
//! 2009. The mean is kept relative to the newest value, so only differences of values are rounded:
//! a large common level costs no digits, constants have a variance of exactly 0 and no variance is
//! negative. Weights depend on no value, which keeps their divisions off the chain of dependent
//! operations.

use super::EwmStatistic;
use crate::Float;

/// Weighted means and products of deviations; the weights before the newest value add up to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighted<const JOINT: bool, const SQUARES: bool> {
    pub(super) count: usize,
    /// Weight of all values so far, faded since the newest.
    pub(super) weight: f64,
    pub(super) sum: f64,
    /// The newest value, and how far it is above the mean.
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) above_x: f64,
    pub(super) above_y: f64,
    pub(super) xx: f64,
    pub(super) yy: f64,
    pub(super) xy: f64,
    /// 1 less the sum of the squared weights; 0 for one value.
    pub(super) spread: f64,
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
}

/// Rows in a block.
pub(super) const BLOCK: usize = 256;

/// What is known after each of some rows. Answers are made of it afterwards, one statistic at a
/// time: a choice for each row would compute the roots and quotients of all of them.
pub(super) struct Block {
    mean: [f64; BLOCK],
    sum: [f64; BLOCK],
    xx: [f64; BLOCK],
    yy: [f64; BLOCK],
    xy: [f64; BLOCK],
    spread: [f64; BLOCK],
}

impl Block {
    pub(super) fn new() -> Self {
        Block {
            mean: [0.0; BLOCK],
            sum: [0.0; BLOCK],
            xx: [0.0; BLOCK],
            yy: [0.0; BLOCK],
            xy: [0.0; BLOCK],
            spread: [0.0; BLOCK],
        }
    }

    /// Keeps the state after the block's row `j`.
    #[inline(always)]
    pub(super) fn keep<const JOINT: bool, const SQUARES: bool>(
        &mut self,
        j: usize,
        state: &Weighted<JOINT, SQUARES>,
    ) {
        self.mean[j] = state.x - state.above_x;
        self.sum[j] = state.sum;
        if SQUARES {
            self.xx[j] = state.xx;
            self.spread[j] = state.spread;
        }
        if JOINT {
            self.yy[j] = state.yy;
            self.xy[j] = state.xy;
        }
    }

    /// Writes a statistic of the block's first rows.
    pub(super) fn give<T: Float>(&self, statistic: EwmStatistic, bias: bool, out: &mut [T]) {
        let corrected = |value: f64, spread: f64| {
            if bias {
                value
            } else if spread > 0.0 {
                value / spread
            } else {
                f64::NAN
            }
        };
        let (xx, yy, xy, spread) = (&self.xx, &self.yy, &self.xy, &self.spread);
        match statistic {
            EwmStatistic::Mean => write(out, |j| self.mean[j]),
            EwmStatistic::Sum => write(out, |j| self.sum[j]),
            EwmStatistic::Var => write(out, |j| corrected(xx[j], spread[j])),
            EwmStatistic::Std => write(out, |j| corrected(xx[j], spread[j]).sqrt()),
            EwmStatistic::Cov => write(out, |j| corrected(xy[j], spread[j])),
            EwmStatistic::Corr => write(out, |j| (xy[j] / (xx[j] * yy[j]).sqrt()).clamp(-1.0, 1.0)),
        }
    }
}

#[inline(always)]
fn write<T: Float>(out: &mut [T], value: impl Fn(usize) -> f64) {
    for (j, out) in out.iter_mut().enumerate() {
        *out = T::from_f64(value(j));
    }
}
