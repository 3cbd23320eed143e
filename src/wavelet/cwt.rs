//! The continuous transform: a signal filtered with one kernel for each scale.
//!
//! Convolution in blocks (overlap-save). A kernel of `m` values takes blocks of at least `4 (m - 1)`
//! samples, a power of two, so that transforms stay in the cache; blocks of one size are transformed
//! once for all scales that use it. A complex kernel is two real ones: one complex transform for both,
//! with blocks twice as long, took 1.1 times as long, and 1.3 times for two real scales at once. About
//! half of the time is the inverse transforms, a sixth the products, the rest memory.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::lanes::{Kernel, Lanes, Real};
use crate::Error;
use crate::parallel::{Monitor, for_each};

/// The filter of one scale: its real part and, of a complex wavelet, its imaginary part.
pub struct Scale<T> {
    /// Real and imaginary parts, of one length.
    pub parts: Vec<Vec<T>>,
    /// Place of the kernel that falls on the current sample.
    pub center: usize,
}

/// Values in the smallest block.
const LEAST: usize = 256;

/// `out[t] = sum over j of kernel[j] x[t + center - j]` for every scale, with `x` zero outside.
///
/// `out` holds the `x.len()` answers of the first scale, of the second, ...; real and imaginary
/// parts alternate if there are two.
///
/// # Errors
///
/// [`Error::Cancelled`]; [`Error::Argument`] if the system cannot start the threads.
pub fn cwt<T: Real>(
    x: &[T],
    scales: &[Scale<T>],
    threads: usize,
    monitor: &Monitor,
    out: &mut [T],
) -> Result<(), Error> {
    let Some(first) = scales.first() else {
        return Ok(());
    };
    let width = first.parts.len() * x.len();
    let mut tasks: Vec<(usize, &Scale<T>, &mut [T])> = scales
        .iter()
        .zip(out.chunks_exact_mut(width.max(1)))
        .map(|(scale, out)| (block(scale.parts[0].len()), scale, out))
        .collect();
    tasks.sort_by_key(|task| task.0);
    while let Some(size) = tasks.first().map(|task| task.0) {
        let rest = tasks.split_off(tasks.partition_point(|task| task.0 == size));
        let blocks = Blocks::new(x, size, tasks.iter().map(|t| t.1.parts[0].len()).max());
        for_each(tasks, threads, |(_, scale, out)| {
            blocks.filter(scale, monitor, out)
        })?;
        tasks = rest;
    }
    Ok(())
}

/// Samples in a block for a kernel of `m`.
fn block(m: usize) -> usize {
    (4 * m.saturating_sub(1)).next_power_of_two().max(LEAST)
}

/// The spectra of overlapping blocks of a signal.
struct Blocks<T> {
    size: usize,
    length: usize,
    spectra: Vec<Complex<T>>,
    forward: std::sync::Arc<dyn realfft::RealToComplex<T>>,
    inverse: std::sync::Arc<dyn realfft::ComplexToReal<T>>,
}

impl<T: Real> Blocks<T> {
    /// Answers of a block: the others have met its other end.
    fn step(size: usize) -> usize {
        size - size / 4
    }

    fn bins(&self) -> usize {
        self.size / 2 + 1
    }

    fn new(x: &[T], size: usize, longest: Option<usize>) -> Self {
        let mut planner = RealFftPlanner::<T>::new();
        let (forward, inverse) = (
            planner.plan_fft_forward(size),
            planner.plan_fft_inverse(size),
        );
        let mut blocks = Blocks {
            size,
            length: x.len(),
            spectra: Vec::new(),
            forward,
            inverse,
        };
        let step = Self::step(size);
        // Answers are wanted up to place `x.len() + center` of the whole convolution.
        let count = (x.len() + longest.unwrap_or(0)).div_ceil(step);
        blocks.spectra = vec![Complex::new(T::ZERO, T::ZERO); count * blocks.bins()];
        let mut samples = blocks.forward.make_input_vec();
        let mut scratch = blocks.forward.make_scratch_vec();
        let before = size / 4;
        let bins = blocks.bins();
        for (q, spectrum) in blocks.spectra.chunks_exact_mut(bins).enumerate() {
            samples.fill(T::ZERO);
            let first = (q * step).saturating_sub(before).min(x.len());
            let end = (q * step + step).min(x.len());
            if first < end {
                let place = first + before - q * step;
                samples[place..place + end - first].copy_from_slice(&x[first..end]);
            }
            let done = blocks
                .forward
                .process_with_scratch(&mut samples, spectrum, &mut scratch);
            done.expect("lengths are those of the plan");
        }
        blocks
    }

    fn filter(&self, scale: &Scale<T>, monitor: &Monitor, out: &mut [T]) -> Result<(), Error> {
        let width = scale.parts.len();
        let (step, bins) = (Self::step(self.size), self.bins());
        let mut scratch = self.inverse.make_scratch_vec();
        scratch.resize(
            scratch.len().max(self.forward.get_scratch_len()),
            Complex::new(T::ZERO, T::ZERO),
        );
        let mut samples = self.forward.make_input_vec();
        let mut other = self.forward.make_input_vec();
        let unit = T::of(1.0 / self.size as f64);
        let mut kernels = Vec::with_capacity(width);
        for part in &scale.parts {
            samples.fill(T::ZERO);
            for (place, value) in samples.iter_mut().zip(part) {
                *place = *value * unit;
            }
            let mut kernel = self.forward.make_output_vec();
            let done = self
                .forward
                .process_with_scratch(&mut samples, &mut kernel, &mut scratch);
            done.expect("lengths are those of the plan");
            kernels.push(kernel);
        }
        let mut product = self.inverse.make_input_vec();
        // Block q answers places q * step to (q + 1) * step of the whole convolution.
        for (q, spectrum) in self.spectra.chunks_exact(bins).enumerate() {
            let first = (q * step).max(scale.center);
            let end = (q * step + step).min(self.length + scale.center);
            if first >= end {
                continue;
            }
            for (kernel, samples) in kernels.iter().zip([&mut samples, &mut other]) {
                T::dispatch(Product(spectrum, kernel, &mut product));
                // A real answer has real ends of its spectrum; rounding must not say otherwise.
                product[0].im = T::ZERO;
                product[bins - 1].im = T::ZERO;
                let done = self
                    .inverse
                    .process_with_scratch(&mut product, samples, &mut scratch);
                done.expect("lengths are those of the plan");
            }
            let from = self.size / 4 + first - q * step;
            let range = from..from + end - first;
            let out = &mut out[width * (first - scale.center)..width * (end - scale.center)];
            if width == 1 {
                out.copy_from_slice(&samples[range]);
            } else {
                T::dispatch(Alternate(&samples[range.clone()], &other[range], out));
            }
            monitor.tick((end - first) as u64)?;
        }
        Ok(())
    }
}

/// Products of spectra.
struct Product<'a, T>(&'a [Complex<T>], &'a [Complex<T>], &'a mut [Complex<T>]);

impl<T: Real> Kernel<T> for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        for ((p, s), k) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *p = Complex::new(s.re * k.re - s.im * k.im, s.re * k.im + s.im * k.re);
        }
    }
}

/// Values of two rows by turns.
struct Alternate<'a, T>(&'a [T], &'a [T], &'a mut [T]);

impl<T: Real> Kernel<T> for Alternate<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        let both = self.0.iter().zip(self.1);
        for (out, (first, second)) in self.2.chunks_exact_mut(2).zip(both) {
            (out[0], out[1]) = (*first, *second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_is_its_convolution() {
        for n in [1, 2, 63, 300, 1000] {
            let x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
            let kernel = |m: usize, turn: f64| (0..m).map(|j| (j as f64 * turn).cos()).collect();
            let scales: Vec<Scale<f64>> = [2_usize, 5, 64, 66, 301]
                .iter()
                .map(|m| Scale {
                    parts: vec![kernel(*m, 0.3), kernel(*m, 0.7)],
                    center: m / 2,
                })
                .collect();
            let mut out = vec![f64::NAN; 2 * n * scales.len()];
            for threads in [1, 2] {
                cwt(&x, &scales, threads, &Monitor::default(), &mut out).unwrap();
                for (scale, out) in scales.iter().zip(out.chunks_exact(2 * n)) {
                    for (part, kernel) in scale.parts.iter().enumerate() {
                        for t in 0..n {
                            let term = |(j, k): (usize, &f64)| {
                                let place = (t + scale.center).checked_sub(j)?;
                                Some(k * x.get(place)?)
                            };
                            let expected: f64 = kernel.iter().enumerate().filter_map(term).sum();
                            assert!((out[2 * t + part] - expected).abs() < 1e-11);
                        }
                    }
                }
            }
        }
    }
}
