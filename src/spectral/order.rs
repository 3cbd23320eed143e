//! What the order of neighbouring values tells: permutation entropy and Teager energy.
//!
//! C. Bandt and B. Pompe, Permutation entropy: a natural complexity measure for time series,
//! Physical Review Letters 88 (2002), 174102. J. F. Kaiser, On a simple algorithm to calculate the
//! energy of a signal, ICASSP (1990), 381-384.

use super::entropy::entropy;
use crate::Error;
use crate::float::Float;

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patterns {
    order: usize,
    delay: usize,
}

impl Patterns {
    /// Patterns of `order` values, `delay` rows apart.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] unless the order is from 2 to 8 and the delay at least 1.
    pub fn new(order: usize, delay: usize) -> Result<Self, Error> {
        if !(2..=8).contains(&order) {
            return Err(Error::argument("order", "from 2 to 8", order));
        }
        if delay == 0 {
            return Err(Error::argument("delay", "at least 1", delay));
        }
        Ok(Patterns { order, delay })
    }

    /// Values that make one pattern.
    pub fn span(&self) -> usize {
        (self.order - 1)
            .saturating_mul(self.delay)
            .saturating_add(1)
    }

    fn kinds(&self) -> usize {
        (1..=self.order).product()
    }

    /// Entropy of the patterns in bits, over that of equal shares if `normalize`; NaN for a window
    /// too short for a pattern. Of equal values the earlier counts as the smaller.
    pub fn entropy<T: Float>(&self, window: &[T], normalize: bool, counts: &mut Vec<f64>) -> f64 {
        if window.len() < self.span() {
            return f64::NAN;
        }
        counts.clear();
        counts.resize(self.kinds(), 0.0);
        let patterns = window.len() - self.span() + 1;
        if self.order == 3 {
            self.count_three(window, counts);
        } else {
            for first in 0..patterns {
                counts[self.rank(&window[first..])] += 1.0;
            }
        }
        let bits = entropy(counts) / std::f64::consts::LN_2;
        if normalize {
            bits / (self.kinds() as f64).log2()
        } else {
            bits
        }
    }

    /// Patterns of three: their comparisons are the number of the pattern.
    fn count_three<T: Float>(&self, window: &[T], counts: &mut [f64]) {
        let d = self.delay;
        // Four tables, so that a pattern that comes again does not wait for the last count.
        let mut tables = [[0_u32; 8]; 4];
        let thirds = window.iter().zip(&window[d..]).zip(&window[2 * d..]);
        for (i, ((a, b), c)) in thirds.enumerate() {
            let kind = usize::from(b < a) | usize::from(c < a) << 1 | usize::from(c < b) << 2;
            tables[i % 4][kind] += 1;
        }
        let kinds = (0..8).map(|kind| tables.iter().map(|t| t[kind]).sum::<u32>());
        // Two of the eight cannot be: a <= b <= c with c < a, and b < a <= c with c < b.
        let possible = kinds.enumerate().filter(|(kind, _)| ![2, 5].contains(kind));
        for (count, (_, found)) in counts.iter_mut().zip(possible) {
            *count = f64::from(found);
        }
    }

    /// The number of the pattern at the start of `window`: its Lehmer code.
    fn rank<T: Float>(&self, window: &[T]) -> usize {
        let mut rank = 0;
        for i in 0..self.order {
            let value = window[i * self.delay];
            let later = (i + 1..self.order).filter(|j| window[j * self.delay] < value);
            rank = rank * (self.order - i) + later.count();
        }
        rank
    }
}

/// Mean of `x[i]^2 - x[i-1] x[i+1]` over the inner values; NaN for fewer than three.
pub fn teager_energy<T: Float>(window: &[T]) -> f64 {
    if window.len() < 3 {
        return f64::NAN;
    }
    let mut sums = [0.0; 4];
    for (i, w) in window.windows(3).enumerate() {
        let [a, b, c] = [w[0].to_f64(), w[1].to_f64(), w[2].to_f64()];
        sums[i % 4] += b * b - a * c;
    }
    sums.iter().sum::<f64>() / (window.len() - 2) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_bandt_and_pompe() {
        let x = [4.0, 7.0, 9.0, 10.0, 6.0, 11.0, 3.0];
        let mut counts = Vec::new();
        let of = |order| Patterns::new(order, 1).unwrap();
        let two = of(2).entropy(&x, false, &mut counts);
        assert!((two - 0.918_295_834_054_489_6).abs() < 1e-12);
        let three = of(3).entropy(&x, false, &mut counts);
        assert!((three - 1.521_928_094_887_362_3).abs() < 1e-12);
        assert!(of(8).entropy(&x, false, &mut counts).is_nan());
    }

    #[test]
    fn three_at_a_time_is_the_general_way() {
        let x: Vec<f64> = (0..300).map(|i| ((i * i) as f64).sin().round()).collect();
        for delay in [1, 2, 7] {
            let patterns = Patterns::new(3, delay).unwrap();
            let mut counts = Vec::new();
            let found = patterns.entropy(&x, true, &mut counts);
            let mut general = vec![0.0; 6];
            for first in 0..=x.len() - patterns.span() {
                general[patterns.rank(&x[first..])] += 1.0;
            }
            let expected = entropy(&general) / 6.0_f64.ln();
            assert!((found - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn a_wave_has_the_energy_of_amplitude_and_frequency() {
        let x: Vec<f64> = (0..100).map(|i| 3.0 * (0.2 * i as f64).sin()).collect();
        let expected = (3.0 * 0.2_f64.sin()).powi(2);
        assert!((teager_energy(&x) - expected).abs() < 1e-12);
        assert!(teager_energy(&x[..2]).is_nan());
        assert!(Patterns::new(9, 1).is_err() && Patterns::new(3, 0).is_err());
    }
}
