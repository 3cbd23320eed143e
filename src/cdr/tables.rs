//! Distributions as tables of quantiles: one look-up a draw, the same on every system.

/// The quantiles of a distribution, read with linear interpolation.
#[derive(Debug, Clone)]
pub struct Quantiles(Vec<f32>);

/// Small enough that the tables of a call stay in the nearest cache together.
const STEPS: usize = 1024;

impl Quantiles {
    /// Tabulates `quantile`, a function of a probability in (0, 1).
    pub fn new(quantile: impl Fn(f64) -> f64) -> Self {
        // Half a step from either end, so that the tails end where a sample of 2,048 would.
        let at = |i: usize| {
            let p = (i as f64 / STEPS as f64).clamp(0.5 / STEPS as f64, 1.0 - 0.5 / STEPS as f64);
            quantile(p) as f32
        };
        Quantiles((0..=STEPS).map(at).collect())
    }

    /// The value that 32 random bits choose.
    #[inline(always)]
    pub fn at(&self, bits: u32) -> f32 {
        let i = (bits >> 22) as usize;
        let part = (bits & 0x3F_FFFF) as f32 * (1.0 / 4_194_304.0);
        let (low, high) = (self.0[i], self.0[i + 1]);
        low + (high - low) * part
    }

    /// The mean of what [`at`](Self::at) gives.
    pub fn mean(&self) -> f64 {
        let pairs = self.0.windows(2);
        pairs.map(|w| f64::from(w[0] + w[1]) / 2.0).sum::<f64>() / STEPS as f64
    }

    /// The mean of `f` of what [`at`](Self::at) gives.
    pub fn mean_of(&self, f: impl Fn(f64) -> f64) -> f64 {
        let pairs = self.0.windows(2);
        pairs.map(|w| f(f64::from(w[0] + w[1]) / 2.0)).sum::<f64>() / STEPS as f64
    }

    /// All values times `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        for value in &mut self.0 {
            *value = (f64::from(*value) * factor) as f32;
        }
        self
    }
}

/// Log-normal multipliers whose mean is exactly 1.
pub fn noise(sigma: f64) -> Quantiles {
    let table = Quantiles::new(|p| libm::exp(sigma * normal_quantile(p)));
    let mean = table.mean();
    table.scaled(1.0 / mean)
}

/// The quantile of the standard normal distribution at p in (0, 1), to about 1e-9.
///
/// A rational start value in t = sqrt(-2 ln p) (Abramowitz and Stegun, Handbook of Mathematical
/// Functions, 26.2.23) and Newton steps on the complementary error function.
pub fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let t = libm::sqrt(-2.0 * libm::log(tail));
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - above / under;
    for _ in 0..3 {
        let excess = 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2) - tail;
        let density = libm::exp(-0.5 * z * z) / libm::sqrt(std::f64::consts::TAU);
        z += excess / density;
    }
    if p < 0.5 { -z } else { z }
}

/// Splits `total` by `weights` into whole numbers that add up to it (largest remainder).
pub fn apportion(total: u64, weights: &[f64]) -> Vec<u64> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights.iter().map(|w| total as f64 * (w / sum)).collect();
    let mut parts: Vec<u64> = exact.iter().map(|e| e.floor() as u64).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_by(|&a, &b| {
        let rest = |i: usize| exact[i] - exact[i].floor();
        rest(b).total_cmp(&rest(a)).then(a.cmp(&b))
    });
    let mut missing = total - parts.iter().sum::<u64>().min(total);
    while missing > 0 {
        for &i in order.iter().take(missing.min(order.len() as u64) as usize) {
            parts[i] += 1;
            missing -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_is_the_known_one() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959_963_985), (0.001, -3.090_232_306)] {
            assert!((normal_quantile(p) - z).abs() < 1e-8, "{p}");
        }
    }

    #[test]
    fn noise_has_mean_one() {
        for sigma in [0.0, 0.5, 1.2] {
            assert!((noise(sigma).mean() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn parts_add_up_and_follow_the_weights() {
        assert_eq!(apportion(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(apportion(7, &[0.0, 2.0, 5.0]), [0, 2, 5]);
        assert_eq!(apportion(0, &[1.0]), [0]);
    }
}
