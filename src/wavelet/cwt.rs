//! The continuous transform: a signal filtered with one kernel for each scale.
//!
//! Convolution in blocks (overlap-save). A kernel of `m` values takes blocks of at least `4 (m - 1)`
//! samples, a power of two, so that transforms stay in the cache; blocks of one size are transformed
//! once for all scales that use it. Two real scales in one complex transform took 1.3 times as long,
//! the parts of a complex one in two real transforms 1.1 (f64) and 1.2 times (f32). Buffers go from
//! scale to scale: fresh ones are fresh pages.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

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

/// Transforms planned so far, which the next signal can use.
pub struct Plans<T: Real> {
    real: RealFftPlanner<T>,
    complex: FftPlanner<T>,
}

impl<T: Real> Default for Plans<T> {
    fn default() -> Self {
        Plans {
            real: RealFftPlanner::new(),
            complex: FftPlanner::new(),
        }
    }
}

/// Values in the smallest block.
const LEAST: usize = 256;

/// `out[t] = sum over j of kernel[j] x[t + center - j]` for every scale, with `x` zero outside.
///
/// `out` holds the `x.len()` answers of the first scale, of the second, ...; real and imaginary
/// parts alternate if there are two, which all scales have or none.
///
/// # Errors
///
/// [`Error::Cancelled`]; [`Error::Argument`] if the system cannot start the threads.
///
/// # Panics
///
/// If scales differ in their parts.
pub fn cwt<T: Real>(
    x: &[T],
    scales: &[Scale<T>],
    plans: &mut Plans<T>,
    threads: usize,
    monitor: &Monitor,
    out: &mut [T],
) -> Result<(), Error> {
    let Some(first) = scales.first() else {
        return Ok(());
    };
    let parts = first.parts.len();
    assert!(scales.iter().all(|scale| scale.parts.len() == parts));
    let mut tasks: Vec<(usize, &Scale<T>, &mut [T])> = scales
        .iter()
        .zip(out.chunks_exact_mut((parts * x.len()).max(1)))
        .map(|(scale, out)| (block(scale.parts[0].len()), scale, out))
        .collect();
    tasks.sort_by_key(|task| task.0);
    while let Some(size) = tasks.first().map(|task| task.0) {
        let rest = tasks.split_off(tasks.partition_point(|task| task.0 == size));
        let longest = tasks.iter().map(|task| task.1.parts[0].len()).max();
        let cut = Cut {
            size,
            length: x.len(),
            // Answers are wanted up to place `x.len() + center` of the whole convolution.
            count: (x.len() + longest.unwrap_or(0)).div_ceil(size - size / 4),
        };
        if parts == 1 {
            let blocks = RealBlocks::new(cut, &mut plans.real, x);
            for_each(tasks, threads, |(_, scale, out)| {
                blocks.filter(scale, monitor, out)
            })?;
        } else {
            let blocks = ComplexBlocks::new(cut, &mut plans.complex, x);
            for_each(tasks, threads, |(_, scale, out)| {
                blocks.filter(scale, monitor, out)
            })?;
        }
        tasks = rest;
    }
    Ok(())
}

/// Samples in a block for a kernel of `m`.
fn block(m: usize) -> usize {
    (4 * m.saturating_sub(1)).next_power_of_two().max(LEAST)
}

/// How a signal is cut into blocks that overlap by a quarter.
struct Cut {
    size: usize,
    length: usize,
    count: usize,
}

impl Cut {
    /// Answers of a block: the others have met its other end.
    fn step(&self) -> usize {
        self.size - self.size / 4
    }

    /// The samples of block `q` and the place of the first in it; the other places are zero.
    fn samples<'a, T>(&self, q: usize, x: &'a [T]) -> (usize, &'a [T]) {
        let (step, before) = (self.step(), self.size / 4);
        let first = (q * step).saturating_sub(before).min(x.len());
        let end = (q * step + step).min(x.len()).max(first);
        ((first + before).saturating_sub(q * step), &x[first..end])
    }

    /// Where the answers of block `q`, which are places `q * step` to `(q + 1) * step` of the whole
    /// convolution, stand in the block and in the output of a kernel with this center.
    fn answers(&self, q: usize, center: usize) -> Option<(Range<usize>, Range<usize>)> {
        let begin = q * self.step();
        let first = begin.max(center);
        let end = (begin + self.step()).min(self.length + center);
        (first < end).then(|| {
            let from = self.size / 4 + first - begin;
            (from..from + end - first, first - center..end - center)
        })
    }
}

/// Buffers that go from one scale to the next.
struct Rooms<R>(Mutex<Vec<R>>);

impl<R> Rooms<R> {
    fn with<A>(&self, make: impl FnOnce() -> R, work: impl FnOnce(&mut R) -> A) -> A {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = free().pop();
        let mut room = kept.unwrap_or_else(make);
        let answer = work(&mut room);
        free().push(room);
        answer
    }
}

/// Spectra of the blocks of a signal for real kernels.
struct RealBlocks<T> {
    cut: Cut,
    forward: Arc<dyn RealToComplex<T>>,
    inverse: Arc<dyn ComplexToReal<T>>,
    spectra: Vec<Complex<T>>,
    rooms: Rooms<RealRoom<T>>,
}

struct RealRoom<T> {
    samples: Vec<T>,
    kernel: Vec<Complex<T>>,
    product: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Real> RealBlocks<T> {
    fn new(cut: Cut, planner: &mut RealFftPlanner<T>, x: &[T]) -> Self {
        let mut blocks = RealBlocks {
            forward: planner.plan_fft_forward(cut.size),
            inverse: planner.plan_fft_inverse(cut.size),
            spectra: Vec::new(),
            rooms: Rooms(Mutex::default()),
            cut,
        };
        let mut room = blocks.room();
        let bins = room.kernel.len();
        let mut spectra = vec![nothing(); blocks.cut.count * bins];
        for (q, spectrum) in spectra.chunks_exact_mut(bins).enumerate() {
            let (place, samples) = blocks.cut.samples(q, x);
            room.samples.fill(T::ZERO);
            room.samples[place..place + samples.len()].copy_from_slice(samples);
            blocks.transform(&mut room, spectrum);
        }
        blocks.spectra = spectra;
        blocks
    }

    fn room(&self) -> RealRoom<T> {
        let scratch = self.forward.get_scratch_len();
        RealRoom {
            samples: self.forward.make_input_vec(),
            kernel: self.forward.make_output_vec(),
            product: self.inverse.make_input_vec(),
            scratch: vec![nothing(); scratch.max(self.inverse.get_scratch_len())],
        }
    }

    /// The spectrum of the samples of `room`, which are lost.
    fn transform(&self, room: &mut RealRoom<T>, spectrum: &mut [Complex<T>]) {
        let (samples, scratch) = (&mut room.samples, &mut room.scratch);
        let done = self
            .forward
            .process_with_scratch(samples, spectrum, scratch);
        done.expect("lengths are those of the plan");
    }

    fn filter(&self, scale: &Scale<T>, monitor: &Monitor, out: &mut [T]) -> Result<(), Error> {
        self.rooms
            .with(|| self.room(), |room| self.fill(scale, monitor, room, out))
    }

    fn fill(
        &self,
        scale: &Scale<T>,
        monitor: &Monitor,
        room: &mut RealRoom<T>,
        out: &mut [T],
    ) -> Result<(), Error> {
        let unit = T::of(1.0 / self.cut.size as f64);
        room.samples.fill(T::ZERO);
        for (place, value) in room.samples.iter_mut().zip(&scale.parts[0]) {
            *place = *value * unit;
        }
        let mut kernel = std::mem::take(&mut room.kernel);
        self.transform(room, &mut kernel);
        room.kernel = kernel;
        let bins = room.kernel.len();
        for (q, spectrum) in self.spectra.chunks_exact(bins).enumerate() {
            let Some((from, to)) = self.cut.answers(q, scale.center) else {
                continue;
            };
            T::dispatch(Product(spectrum, &room.kernel, &mut room.product));
            // A real answer has real ends of its spectrum; rounding must not say otherwise.
            room.product[0].im = T::ZERO;
            room.product[bins - 1].im = T::ZERO;
            let (product, samples) = (&mut room.product, &mut room.samples);
            let done = self
                .inverse
                .process_with_scratch(product, samples, &mut room.scratch);
            done.expect("lengths are those of the plan");
            monitor.tick(to.len() as u64)?;
            out[to].copy_from_slice(&samples[from]);
        }
        Ok(())
    }
}

/// Spectra of the blocks of a signal for complex kernels, with the halves that mirror each other.
struct ComplexBlocks<T> {
    cut: Cut,
    forward: Arc<dyn Fft<T>>,
    inverse: Arc<dyn Fft<T>>,
    spectra: Vec<Complex<T>>,
    rooms: Rooms<ComplexRoom<T>>,
}

struct ComplexRoom<T> {
    kernel: Vec<Complex<T>>,
    product: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Real> ComplexBlocks<T> {
    fn new(cut: Cut, planner: &mut FftPlanner<T>, x: &[T]) -> Self {
        let mut blocks = ComplexBlocks {
            forward: planner.plan_fft_forward(cut.size),
            inverse: planner.plan_fft_inverse(cut.size),
            spectra: Vec::new(),
            rooms: Rooms(Mutex::default()),
            cut,
        };
        let mut scratch = blocks.room().scratch;
        let mut spectra = vec![nothing(); blocks.cut.count * blocks.cut.size];
        for (q, spectrum) in spectra.chunks_exact_mut(blocks.cut.size).enumerate() {
            let (place, samples) = blocks.cut.samples(q, x);
            for (bin, sample) in spectrum[place..].iter_mut().zip(samples) {
                bin.re = *sample;
            }
            blocks.forward.process_with_scratch(spectrum, &mut scratch);
        }
        blocks.spectra = spectra;
        blocks
    }

    fn room(&self) -> ComplexRoom<T> {
        let scratch = self.forward.get_inplace_scratch_len();
        ComplexRoom {
            kernel: vec![nothing(); self.cut.size],
            product: vec![nothing(); self.cut.size],
            scratch: vec![nothing(); scratch.max(self.inverse.get_inplace_scratch_len())],
        }
    }

    fn filter(&self, scale: &Scale<T>, monitor: &Monitor, out: &mut [T]) -> Result<(), Error> {
        self.rooms
            .with(|| self.room(), |room| self.fill(scale, monitor, room, out))
    }

    fn fill(
        &self,
        scale: &Scale<T>,
        monitor: &Monitor,
        room: &mut ComplexRoom<T>,
        out: &mut [T],
    ) -> Result<(), Error> {
        let unit = T::of(1.0 / self.cut.size as f64);
        let ComplexRoom {
            kernel,
            product,
            scratch,
        } = room;
        kernel.fill(nothing());
        let both = scale.parts[0].iter().zip(&scale.parts[1]);
        for (place, (re, im)) in kernel.iter_mut().zip(both) {
            *place = Complex::new(*re * unit, *im * unit);
        }
        self.forward.process_with_scratch(kernel, scratch);
        for (q, spectrum) in self.spectra.chunks_exact(self.cut.size).enumerate() {
            let Some((from, to)) = self.cut.answers(q, scale.center) else {
                continue;
            };
            T::dispatch(Product(spectrum, kernel, product));
            self.inverse.process_with_scratch(product, scratch);
            monitor.tick(to.len() as u64)?;
            let out = out[2 * to.start..2 * to.end].chunks_exact_mut(2);
            for (out, answer) in out.zip(&product[from]) {
                (out[0], out[1]) = (answer.re, answer.im);
            }
        }
        Ok(())
    }
}

fn nothing<T: Real>() -> Complex<T> {
    Complex::new(T::ZERO, T::ZERO)
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
            let mut plans = Plans::default();
            for threads in [1, 2] {
                let monitor = Monitor::default();
                cwt(&x, &scales, &mut plans, threads, &monitor, &mut out).unwrap();
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
