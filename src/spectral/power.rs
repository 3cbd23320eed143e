//! The one-sided power spectrum of a window, and what is read off it.
//!
//! As the periodogram of scipy.signal: the mean is taken off, bins that stand for two frequencies
//! count twice, the zero frequency is 0. Bin k stands for k / n cycles per sample.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::batch::Batch;
use super::entropy::{entropies, entropy};
use crate::Error;
use crate::wavelet::lanes::{Kernel, Lanes, Real, width};

/// Spectra of windows of one length, several at once.
///
/// Density of each bin for one sample a second; its sum times the bin width `1 / n` is the variance.
/// All zeros for equal values.
pub struct Spectra<T> {
    how: How<T>,
    /// Bins of all lanes; of a batch one number for every lane, else a lane after the other.
    power: Vec<f64>,
    bins: usize,
}

enum How<T> {
    Batch(Batch<T>),
    Each {
        plan: Arc<dyn RealToComplex<T>>,
        samples: Vec<T>,
        out: Vec<Complex<T>>,
        scratch: Vec<Complex<T>>,
    },
}

impl<T: Real> Spectra<T> {
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
        let how = match Batch::new(window) {
            Some(batch) => How::Batch(batch),
            None => {
                let plan = RealFftPlanner::<T>::new().plan_fft_forward(window);
                How::Each {
                    samples: plan.make_input_vec(),
                    out: plan.make_output_vec(),
                    scratch: plan.make_scratch_vec(),
                    plan,
                }
            }
        };
        let bins = window / 2 + 1;
        Ok(Spectra {
            how,
            power: vec![0.0; bins * width::<T>()],
            bins,
        })
    }

    /// Looks at up to [`width`] windows.
    ///
    /// # Panics
    ///
    /// If there are none or too many, or one is not as long as said.
    pub fn look(&mut self, windows: &[&[T]]) {
        assert!((1..=width::<T>()).contains(&windows.len()));
        match &mut self.how {
            How::Batch(batch) => batch.power(windows, &mut self.power),
            How::Each {
                plan,
                samples,
                out,
                scratch,
            } => {
                for (window, power) in windows.iter().zip(self.power.chunks_exact_mut(self.bins)) {
                    assert_eq!(window.len(), samples.len());
                    T::dispatch(Center(window, samples));
                    let done = plan.process_with_scratch(samples, out, scratch);
                    done.expect("lengths are those of the plan");
                    let n = window.len();
                    T::dispatch(Squares(out, 2.0 / n as f64, power));
                    power[0] = 0.0;
                    if n.is_multiple_of(2) {
                        power[n / 2] *= 0.5;
                    }
                }
            }
        }
        for (lane, window) in windows.iter().enumerate() {
            // Rounding of the mean must not look like a spectrum.
            if window.iter().all(|v| *v == window[0]) {
                match &self.how {
                    How::Batch(_) => {
                        let own = self.power.iter_mut().skip(lane).step_by(width::<T>());
                        own.for_each(|power| *power = 0.0);
                    }
                    How::Each { .. } => {
                        self.power[lane * self.bins..(lane + 1) * self.bins].fill(0.0);
                    }
                }
            }
        }
    }

    /// Power of the bins of window `lane` of those looked at.
    pub fn power(&self, lane: usize, out: &mut Vec<f64>) {
        out.clear();
        match &self.how {
            How::Batch(_) => out.extend(self.power.iter().skip(lane).step_by(width::<T>())),
            How::Each { .. } => {
                out.extend_from_slice(&self.power[lane * self.bins..(lane + 1) * self.bins]);
            }
        }
    }

    /// Entropy in nats of the spectrum of each of the first `count` windows looked at.
    pub fn entropies(&self, count: usize) -> [f64; 8] {
        match &self.how {
            How::Batch(_) => entropies(&self.power, width::<T>()),
            How::Each { .. } => {
                let mut all = [0.0; 8];
                let spectra = self.power.chunks_exact(self.bins).take(count);
                for (entropy_of, power) in all.iter_mut().zip(spectra) {
                    *entropy_of = entropy(power);
                }
                all
            }
        }
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

/// Entropy of a spectrum of `n` samples in bits, over that of a flat one if `normalize`.
pub fn spectral_entropy(nats: f64, n: usize, normalize: bool) -> f64 {
    let bits = nats / std::f64::consts::LN_2;
    if normalize {
        bits / ((n / 2 + 1) as f64).log2()
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

    fn of(window: &[f64]) -> (Vec<f64>, f64) {
        let mut spectra = Spectra::new(window.len()).unwrap();
        spectra.look(&[window]);
        let mut power = Vec::new();
        spectra.power(0, &mut power);
        let nats = spectra.entropies(1)[0];
        (power, spectral_entropy(nats, window.len(), true))
    }

    #[test]
    fn a_wave_has_its_power_in_one_bin() {
        for n in [64, 63] {
            let wave = |i: usize| (std::f64::consts::TAU * 8.0 * i as f64 / n as f64).sin() + 5.0;
            let window: Vec<f64> = (0..n).map(wave).collect();
            let (power, entropy) = of(&window);
            assert!((dominant_frequency(&power, n) - 8.0 / n as f64).abs() < 1e-15);
            assert!((band_power(&power, n, 0.0, 0.5) - 0.5).abs() < 1e-12);
            assert!(band_power(&power, n, 0.2, 0.5) < 1e-25);
            assert!(entropy < 1e-10);
            assert_eq!(of(&vec![0.1; n]), (vec![0.0; n / 2 + 1], 0.0));
        }
        assert!(Spectra::<f64>::new(1).is_err());
    }

    #[test]
    fn power_adds_up_to_the_variance() {
        for n in [2, 3, 8, 10, 256, 257] {
            let window: Vec<f64> = (0..n).map(|i| ((i * i) as f64).sin()).collect();
            let mean = window.iter().sum::<f64>() / n as f64;
            let variance = window.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            let total = band_power(&of(&window).0, n, 0.0, 0.5);
            assert!((total - variance).abs() < 1e-12);
        }
    }
}
