//! The one-sided power spectrum of a window, and what is read off it.
//!
//! As the periodogram of scipy.signal: the mean is taken off, bins that stand for two frequencies
//! count twice, the zero frequency is 0. Bin k stands for k / n cycles per sample.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::entropy::entropy;
use crate::Error;
use crate::wavelet::lanes::{Kernel, Lanes, Real};

/// Spectra of windows of one length.
pub struct Spectrum<T> {
    plan: Arc<dyn RealToComplex<T>>,
    samples: Vec<T>,
    bins: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
    power: Vec<f64>,
}

impl<T: Real> Spectrum<T> {
    /// For windows of `window` samples.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for fewer than 2.
    pub fn new(window: usize) -> Result<Self, Error> {
        if window < 2 {
            return Err(Error::argument(
                "window",
                "at least 2 for a spectrum",
                window,
            ));
        }
        let plan = RealFftPlanner::<T>::new().plan_fft_forward(window);
        Ok(Spectrum {
            samples: plan.make_input_vec(),
            bins: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            power: vec![0.0; window / 2 + 1],
            plan,
        })
    }

    /// Density of each bin for one sample a second; its sum times the bin width `1 / n` is the
    /// variance. All zeros for equal values.
    ///
    /// # Panics
    ///
    /// If the window is not as long as said.
    pub fn power(&mut self, window: &[T]) -> &[f64] {
        assert_eq!(window.len(), self.samples.len());
        if window.iter().all(|v| *v == window[0]) {
            self.power.fill(0.0);
            return &self.power;
        }
        T::dispatch(Center(window, &mut self.samples));
        let done =
            self.plan
                .process_with_scratch(&mut self.samples, &mut self.bins, &mut self.scratch);
        done.expect("lengths are those of the plan");
        let n = window.len();
        T::dispatch(Squares(&self.bins, 2.0 / n as f64, &mut self.power));
        self.power[0] = 0.0;
        if n.is_multiple_of(2) {
            self.power[n / 2] *= 0.5;
        }
        &self.power
    }
}

/// Takes the mean off.
struct Center<'a, T>(&'a [T], &'a mut [T]);

impl<T: Real> Kernel<T> for Center<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        let mut sums = [0.0_f64; 16];
        let chunks = self.0.chunks_exact(16);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *sum += v.to_f64();
            }
        }
        let total = sums.iter().sum::<f64>() + rest.iter().map(|v| v.to_f64()).sum::<f64>();
        let mean = T::of(total / self.0.len() as f64);
        for (out, v) in self.1.iter_mut().zip(self.0) {
            *out = *v - mean;
        }
    }
}

/// Squared amounts times a factor.
struct Squares<'a, T>(&'a [Complex<T>], f64, &'a mut [f64]);

impl<T: Real> Kernel<T> for Squares<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        for (out, bin) in self.2.iter_mut().zip(self.0) {
            let (re, im) = (bin.re.to_f64(), bin.im.to_f64());
            *out = self.1 * (re * re + im * im);
        }
    }
}

/// Entropy of the spectrum in bits, over that of a flat one if `normalize`.
pub fn spectral_entropy(power: &[f64], normalize: bool) -> f64 {
    let bits = entropy(power) / std::f64::consts::LN_2;
    if normalize {
        bits / (power.len() as f64).log2()
    } else {
        bits
    }
}

/// Power between two frequencies, the lower one included, in the squared unit of the samples.
///
/// Frequencies are in cycles per sample; `n` is the length of the window. The highest frequency, 0.5,
/// belongs to a band that ends there.
pub fn band_power(power: &[f64], n: usize, low: f64, high: f64) -> f64 {
    let inside = |k: &usize| {
        let frequency = *k as f64 / n as f64;
        frequency >= low && (frequency < high || (high >= 0.5 && frequency <= high))
    };
    let sum: f64 = (0..power.len()).filter(inside).map(|k| power[k]).sum();
    sum / n as f64
}

/// The frequency with the most power, in cycles per sample; 0 without any.
pub fn dominant_frequency(power: &[f64], n: usize) -> f64 {
    let mut best = 0;
    for (k, p) in power.iter().enumerate() {
        if *p > power[best] {
            best = k;
        }
    }
    best as f64 / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_has_its_power_in_one_bin() {
        for n in [64, 63] {
            let wave = |i: usize| (std::f64::consts::TAU * 8.0 * i as f64 / n as f64).sin() + 5.0;
            let window: Vec<f64> = (0..n).map(wave).collect();
            let mut spectrum = Spectrum::new(n).unwrap();
            let power = spectrum.power(&window).to_vec();
            assert!((dominant_frequency(&power, n) - 8.0 / n as f64).abs() < 1e-15);
            assert!((band_power(&power, n, 0.0, 0.5) - 0.5).abs() < 1e-12);
            assert!(band_power(&power, n, 0.2, 0.5) < 1e-25);
            assert!(spectral_entropy(&power, true) < 1e-10);
            assert_eq!(spectral_entropy(spectrum.power(&vec![0.1; n]), true), 0.0);
        }
        assert!(Spectrum::<f64>::new(1).is_err());
    }

    #[test]
    fn power_adds_up_to_the_variance() {
        for n in [2, 3, 10, 257] {
            let window: Vec<f64> = (0..n).map(|i| ((i * i) as f64).sin()).collect();
            let mean = window.iter().sum::<f64>() / n as f64;
            let variance = window.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            let mut spectrum = Spectrum::new(n).unwrap();
            let total = band_power(spectrum.power(&window), n, 0.0, 0.5);
            assert!((total - variance).abs() < 1e-12);
        }
    }
}
