//! Mean and variance as a state.
//!
//! Values are taken relative to an anchor, one of them, so that a large common level costs no
//! digits and equal values have a variance of exactly 0. The sum of squares about the mean grows
//! by Youngs and Cramer, "Some results relevant to choice of sum and sum-of-product algorithms",
//! Technometrics 13(3), 1971, and is merged as Chan, Golub and LeVeque do. Both keep the sum and
//! not the mean of the deviations, which spares the chain of divisions of Welford's recurrence.

use super::State;

/// The state: sums of deviations from the anchor.
#[derive(Debug, Clone, Copy)]
pub struct MomentSums {
    /// Number of values.
    pub n: f64,
    /// The value that the others are taken relative to.
    pub anchor: f64,
    /// Sum of the deviations from the anchor.
    pub sum: f64,
    /// Sum of the squared deviations from the mean.
    pub m2: f64,
}

impl MomentSums {
    /// The moments of the values in the state.
    #[inline(always)]
    pub fn moments(&self) -> Moments {
        Moments {
            n: self.n,
            anchor: self.anchor,
            mean: self.sum / self.n,
            m2: self.m2,
        }
    }
}

impl State for MomentSums {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        MomentSums {
            n: 0.0,
            anchor: 0.0,
            sum: 0.0,
            m2: 0.0,
        }
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        if self.n == 0.0 {
            // An infinite anchor would turn an infinite mean into NaN.
            self.anchor = if x.is_finite() { x } else { 0.0 };
        }
        let deviation = x - self.anchor;
        self.n += 1.0;
        self.sum += deviation;
        let excess = self.n * deviation - self.sum;
        // The first value has no excess; `max` only keeps its quotient from being 0 / 0.
        self.m2 += excess * (excess / (self.n * (self.n - 1.0).max(1.0)));
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        if front.n == 0.0 {
            return *back;
        }
        if back.n == 0.0 {
            return *front;
        }
        let n = front.n + back.n;
        let product = front.n * back.n;
        let shift = back.anchor - front.anchor;
        let excess = (back.sum * front.n - front.sum * back.n) + shift * product;
        MomentSums {
            n,
            anchor: front.anchor,
            sum: front.sum + (back.sum + shift * back.n),
            m2: front.m2 + back.m2 + excess * (excess / (product * n)),
        }
    }
}

/// Number, mean and spread of the values of a window.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// Number of values.
    pub n: f64,
    /// A value of the window that the others are taken relative to.
    pub anchor: f64,
    /// The mean, relative to the anchor.
    pub mean: f64,
    /// Sum of the squared deviations from the mean.
    pub m2: f64,
}

impl Moments {
    /// The mean.
    #[inline(always)]
    pub fn mean(&self) -> f64 {
        self.anchor + self.mean
    }

    /// The variance; NaN unless there are more than `ddof` values.
    #[inline(always)]
    pub fn var(&self, ddof: f64) -> f64 {
        let freedom = self.n - ddof;
        if freedom > 0.0 {
            self.m2 / freedom
        } else {
            f64::NAN
        }
    }

    /// How far `x` is from the mean.
    #[inline(always)]
    pub fn deviation(&self, x: f64) -> f64 {
        (x - self.anchor) - self.mean
    }
}
