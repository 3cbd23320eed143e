//! Sums of powers of the deviations from the mean as a state.
//!
//! The state holds the sums of the second, third and fourth powers of deviations from the mean
//! and is merged as in Pébay, "Formulas for robust, one-pass parallel computation of covariances
//! and arbitrary-order statistical moments", Sandia report SAND2008-6212. Values are taken
//! relative to an anchor in the window, so a common level costs no digits.

use crate::rolling::queue::State;
use crate::rolling::queue::vector::Vector;

/// The state; the fourth power is kept only where it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Powers<V, const FOURTH: bool> {
    n: V,
    anchor: V,
    /// Sum of the deviations from the anchor; the sums of powers are about the mean.
    sum: V,
    m2: V,
    m3: V,
    m4: V,
}

impl<V: Vector, const FOURTH: bool> State for Powers<V, FOURTH> {
    /// NaN is missing.
    type Item = V;

    #[inline(always)]
    fn identity() -> Self {
        let zero = V::all(0.0);
        Powers {
            n: zero,
            anchor: zero,
            sum: zero,
            m2: zero,
            m3: zero,
            m4: zero,
        }
    }

    #[inline(always)]
    fn push(&mut self, x: V) {
        let [two, three, four, six] = [2.0, 3.0, 4.0, 6.0].map(V::all);
        let present = x.present();
        self.anchor = self.n.choose(self.anchor, present.keep(x));
        let deviation = present.keep(x - self.anchor);
        let before = self.n;
        let n = before + present;
        self.n = n;
        self.sum = self.sum + deviation;
        let excess = n * deviation - self.sum;
        let pairs = present.keep(n * before);
        // By how much the mean moves; the first value and missing ones do not move it.
        let step = pairs.keep(excess / pairs);
        let gain = excess * step;
        let cube = gain * step;
        if FOURTH {
            self.m4 = self.m4
                + cube * step * (n * n - three * n + three)
                + step * (six * step * self.m2 - four * self.m3);
        }
        self.m3 = self.m3 + cube * (n - two) - three * step * self.m2;
        self.m2 = self.m2 + gain;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let [three, four, six] = [3.0, 4.0, 6.0].map(V::all);
        let (a, b) = (front.n, back.n);
        let (n, product) = (a + b, a * b);
        let shift = product.keep(back.anchor - front.anchor);
        let excess = (back.sum * a - front.sum * b) + shift * product;
        let step = product.keep(excess / (product * n));
        let gain = excess * step;
        let cube = gain * step;
        let (a2, b2) = (a * back.m2, b * front.m2);
        let m4 = if FOURTH {
            front.m4
                + back.m4
                + cube * step * (a * a - product + b * b)
                + step * (six * step * (a * a2 + b * b2) + four * (a * back.m3 - b * front.m3))
        } else {
            front.m4
        };
        Powers {
            n,
            anchor: a.choose(front.anchor, back.anchor),
            sum: front.sum + (back.sum + shift * b),
            m2: front.m2 + back.m2 + gain,
            m3: front.m3 + back.m3 + cube * (a - b) + three * step * (a2 - b2),
            m4,
        }
    }
}

impl<V: Vector, const FOURTH: bool> Powers<V, FOURTH> {
    #[inline(always)]
    pub(super) fn skew(&self, need: f64) -> V {
        let (n, m2) = (self.n, self.m2);
        let value = n * (n - V::all(1.0)).sqrt() * (self.m3 / m2) / (m2.sqrt() * (n - V::all(2.0)));
        self.where_defined(need.max(3.0), value)
    }

    #[inline(always)]
    pub(super) fn kurt(&self, need: f64) -> V {
        let (n, m2) = (self.n, self.m2);
        let [one, two, three] = [1.0, 2.0, 3.0].map(V::all);
        let raw = n * (n + one) * (self.m4 / m2 / m2) - three * (n - one);
        let value = (n - one) * raw / ((n - two) * (n - three));
        self.where_defined(need.max(4.0), value)
    }

    /// Equal values have no shape: their `m2` is exactly 0.
    #[inline(always)]
    fn where_defined(&self, need: f64, value: V) -> V {
        let enough = self.n.at_least(V::all(need));
        let varies = self.m2.at_least(V::all(f64::MIN_POSITIVE));
        (enough * varies).choose(value, V::all(f64::NAN))
    }
}
