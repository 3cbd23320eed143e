//! The comoments of two series as a state.
//!
//! Sums of squares and products about the means, each series relative to an anchor in the window,
//! merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
//! sample variances", 1979.

use crate::rolling::queue::State;
use crate::rolling::queue::vector::Vector;

/// The state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comoments<V> {
    pub(super) n: V,
    anchor_x: V,
    anchor_y: V,
    /// Sums of the deviations from the anchors; the sums of products are about the means.
    sum_x: V,
    sum_y: V,
    xx: V,
    yy: V,
    xy: V,
}

impl<V: Vector> State for Comoments<V> {
    /// A pair with NaN is missing.
    type Item = (V, V);

    #[inline(always)]
    fn identity() -> Self {
        let zero = V::all(0.0);
        Comoments {
            n: zero,
            anchor_x: zero,
            anchor_y: zero,
            sum_x: zero,
            sum_y: zero,
            xx: zero,
            yy: zero,
            xy: zero,
        }
    }

    #[inline(always)]
    fn push(&mut self, (x, y): (V, V)) {
        let present = x.present() * y.present();
        self.anchor_x = self.n.choose(self.anchor_x, present.keep(x));
        self.anchor_y = self.n.choose(self.anchor_y, present.keep(y));
        let (x, y) = (
            present.keep(x - self.anchor_x),
            present.keep(y - self.anchor_y),
        );
        let before = self.n;
        self.n = before + present;
        self.sum_x = self.sum_x + x;
        self.sum_y = self.sum_y + y;
        let (x, y) = (self.n * x - self.sum_x, self.n * y - self.sum_y);
        let pairs = present.keep(self.n * before);
        // The first pair and missing ones change no sum of products.
        let (step_x, step_y) = (pairs.keep(x / pairs), pairs.keep(y / pairs));
        self.xx = self.xx + x * step_x;
        self.yy = self.yy + y * step_y;
        self.xy = self.xy + x * step_y;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let (n, product) = (front.n + back.n, front.n * back.n);
        let shift_x = product.keep(back.anchor_x - front.anchor_x);
        let shift_y = product.keep(back.anchor_y - front.anchor_y);
        let x = (back.sum_x * front.n - front.sum_x * back.n) + shift_x * product;
        let y = (back.sum_y * front.n - front.sum_y * back.n) + shift_y * product;
        let all = product * n;
        let (step_x, step_y) = (product.keep(x / all), product.keep(y / all));
        Comoments {
            n,
            anchor_x: front.n.choose(front.anchor_x, back.anchor_x),
            anchor_y: front.n.choose(front.anchor_y, back.anchor_y),
            sum_x: front.sum_x + (back.sum_x + shift_x * back.n),
            sum_y: front.sum_y + (back.sum_y + shift_y * back.n),
            xx: front.xx + back.xx + x * step_x,
            yy: front.yy + back.yy + y * step_y,
            xy: front.xy + back.xy + x * step_y,
        }
    }
}

impl<V: Vector> Comoments<V> {
    #[inline(always)]
    pub(super) fn cov(&self, ddof: f64) -> V {
        let freedom = self.n - V::all(ddof);
        let enough = freedom.at_least(V::all(1.0));
        // A single infinite pair has no product, and yet no covariance.
        let infinite = (self.sum_x + self.sum_y) * V::all(0.0);
        enough.choose(self.xy / freedom + infinite, V::all(f64::NAN))
    }

    #[inline(always)]
    pub(super) fn corr(&self) -> V {
        let (one, none) = (V::all(1.0), V::all(f64::NAN));
        let square = self.xx * self.yy;
        // One root gives exactly 1 for equal series; two where the product leaves the range.
        let inside = square.at_least(V::all(1e-280)) * V::all(1e300).at_least(square);
        let scale = inside.choose(square.sqrt(), self.xx.sqrt() * self.yy.sqrt());
        let value = self.xy / scale;
        let value = value.at_least(one).choose(one, value);
        let value = (V::all(-1.0)).at_least(value).choose(V::all(-1.0), value);
        let tiny = V::all(f64::MIN_POSITIVE);
        (self.xx.at_least(tiny) * self.yy.at_least(tiny)).choose(value, none)
    }

    #[inline(always)]
    pub(super) fn slope(&self) -> V {
        let varies = self.yy.at_least(V::all(f64::MIN_POSITIVE));
        varies.choose(self.xy / self.yy, V::all(f64::NAN))
    }
}
