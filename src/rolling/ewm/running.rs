//! The weighted mean and variance of a series that goes on, one row at a time.

use super::weighted::Weighted;

/// Mean and variance so far, as [`super::ewm`] has them with adjusted weights.
#[derive(Debug, Clone, Copy)]
pub struct Running(Weighted<false, true>);

impl Default for Running {
    fn default() -> Self {
        Running::new()
    }
}

impl Running {
    /// Of no rows.
    pub fn new() -> Self {
        Running(Weighted::new())
    }

    /// Takes a row, after the weights of those before have faded by `decay`. A value that is not
    /// finite is missing.
    #[inline(always)]
    pub fn push(&mut self, x: f64, decay: f64) {
        if x.is_finite() {
            self.0.push(x, x, decay, 1.0, true);
        } else {
            self.0.fade(decay);
        }
    }

    /// Values so far.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// The mean; 0 before the first value.
    pub fn mean(&self) -> f64 {
        self.0.x - self.0.above_x
    }

    /// The variance, corrected for bias; NaN for fewer than two values.
    pub fn var(&self) -> f64 {
        if self.0.spread > 0.0 {
            self.0.xx / self.0.spread
        } else {
            f64::NAN
        }
    }

    /// All there is to keep of it: the count, and six numbers.
    pub fn parts(&self) -> (usize, [f64; 6]) {
        let w = &self.0;
        (w.count, [w.weight, w.sum, w.x, w.above_x, w.xx, w.spread])
    }

    /// What [`parts`](Running::parts) were of.
    pub fn of_parts(count: usize, [weight, sum, x, above_x, xx, spread]: [f64; 6]) -> Self {
        Running(Weighted {
            count,
            weight,
            sum,
            x,
            above_x,
            xx,
            spread,
            ..Weighted::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rolling::ewm::{EwmOptions, EwmStatistic, ewm};

    #[test]
    fn one_row_at_a_time_is_the_whole_series_bit_for_bit() {
        let x: [f64; 7] = [3.0, 1e9, f64::NAN, -4.5, 0.1, f64::INFINITY, 7.0];
        let options = EwmOptions {
            alpha: 0.3,
            adjust: true,
            ignore_na: false,
            bias: false,
            min_periods: 1,
        };
        let (mut mean, mut var) = ([0.0; 7], [0.0; 7]);
        let statistics = [EwmStatistic::Mean, EwmStatistic::Var];
        let out = &mut [&mut mean[..], &mut var[..]];
        ewm(&x, None, None, &options, &statistics, out).unwrap();
        let mut running = Running::new();
        for (i, &x) in x.iter().enumerate() {
            running.push(x, 0.7);
            let (count, parts) = running.parts();
            running = Running::of_parts(count, parts);
            assert_eq!(running.mean().to_bits(), mean[i].to_bits());
            assert!(running.var().to_bits() == var[i].to_bits() || var[i].is_nan());
        }
    }
}
