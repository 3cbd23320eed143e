//! Power spectra of several windows at once, a window in each lane.
//!
//! The samples of a window of `2 N` values are taken for `N` complex numbers, transformed in passes of
//! radix 4 that put their answers in order themselves (T. G. Stockham, High-speed convolution and
//! correlation, AFIPS Spring Joint Computer Conference (1966), 229-233), and told apart at the end.
//! No value ever changes its lane, so every operation is on whole registers. Of the time of a spectral
//! entropy of 256 samples half is now the logarithms, and a third of the other half waiting for memory.

use std::f64::consts::TAU;

use crate::float::Float;
use crate::wavelet::lanes::{Ahead, Kernel, Lanes, Real, transpose, width};

/// The longest windows whose transform stays in the cache side by side.
const LONGEST: usize = 1024;

/// Plan and scratch memory for windows of one length.
pub struct Batch<T> {
    window: usize,
    /// For each pass and place cosine and sine of one, two and three steps.
    turns: Vec<[T; 6]>,
    /// Cosine and sine that tell the halves apart.
    splits: Vec<[T; 2]>,
    from: Vec<T>,
    to: Vec<T>,
}

impl<T: Real> Batch<T> {
    /// For windows of `window` samples, if they are a power of two from 8 to 1024.
    pub fn new(window: usize) -> Option<Self> {
        if !window.is_power_of_two() || !(8..=LONGEST).contains(&window) {
            return None;
        }
        let turn = |steps: usize, of: usize| {
            let angle = TAU * steps as f64 / of as f64;
            [T::of(angle.cos()), T::of(angle.sin())]
        };
        let mut turns = Vec::new();
        let mut n = window / 2;
        while n >= 4 {
            for p in 0..n / 4 {
                let ([a, b], [c, d], [e, f]) = (turn(p, n), turn(2 * p, n), turn(3 * p, n));
                turns.push([a, b, c, d, e, f]);
            }
            n /= 4;
        }
        let places = window * width::<T>();
        Some(Batch {
            window,
            turns,
            splits: (0..=window / 4).map(|k| turn(k, window)).collect(),
            from: vec![T::ZERO; places],
            to: vec![T::ZERO; places],
        })
    }

    /// Power of up to [`width`] windows: `window / 2 + 1` bins, of each one number for every lane.
    ///
    /// Lanes without a window repeat the last one.
    ///
    /// # Panics
    ///
    /// If a window is not as long as said, there are none or too many, or `power` does not fit.
    pub fn power(&mut self, windows: &[&[T]], power: &mut [f64]) {
        assert!((1..=width::<T>()).contains(&windows.len()));
        assert!(windows.iter().all(|w| w.len() == self.window));
        assert_eq!(power.len(), (self.window / 2 + 1) * width::<T>());
        T::dispatch(Transform {
            batch: self,
            windows,
            power,
        });
    }
}

struct Transform<'a, T> {
    batch: &'a mut Batch<T>,
    windows: &'a [&'a [T]],
    power: &'a mut [f64],
}

impl<T: Real> Kernel<T> for Transform<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        let Transform {
            batch,
            windows,
            power,
        } = self;
        let window = batch.window;
        let (mut from, mut to) = (batch.from.as_mut_ptr(), batch.to.as_mut_ptr());
        // SAFETY: both buffers hold `window` registers, and every pass reads and writes each once;
        // `Batch::power` has checked the windows and the places for the answers.
        unsafe {
            transpose::<V>(windows, from);
            let mean = mean::<V>(from, window);
            let (mut n, mut stride) = (window / 2, 1);
            let mut turns = batch.turns.as_slice();
            let mut ahead = Ahead::of(windows);
            while n >= 4 {
                let (now, later) = turns.split_at(n / 4);
                turns = later;
                if stride == 1 {
                    pass::<V, true>(from, to, now, stride, mean, &mut ahead);
                } else {
                    pass::<V, false>(from, to, now, stride, mean, &mut ahead);
                }
                std::mem::swap(&mut from, &mut to);
                (n, stride) = (n / 4, stride * 4);
            }
            if n == 2 {
                for q in 0..2 * stride {
                    let (a, b) = (from.add(q * V::N), from.add((q + 2 * stride) * V::N));
                    let (x, y) = (V::load(a), V::load(b));
                    x.add(y).store(a);
                    x.sub(y).store(b);
                }
            }
            tell_apart::<V>(from, window, &batch.splits, power, &mut ahead);
        }
    }
}

/// Means of the lanes.
///
/// # Safety
///
/// `window` registers, a multiple of four, can be read.
#[inline(always)]
unsafe fn mean<V: Lanes>(samples: *const V::Scalar, window: usize) -> V {
    // Four sums, because an addition takes longer than the two loads of a step of two.
    let zero = V::splat(V::Scalar::ZERO);
    let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
    for k in (0..window).step_by(4) {
        // SAFETY: see the function.
        unsafe {
            a = a.add(V::load(samples.add(k * V::N)));
            b = b.add(V::load(samples.add((k + 1) * V::N)));
            c = c.add(V::load(samples.add((k + 2) * V::N)));
            d = d.add(V::load(samples.add((k + 3) * V::N)));
        }
    }
    let unit = V::Scalar::of(1.0 / window as f64);
    a.add(c).add(b.add(d)).mul(V::splat(unit))
}

/// A complex number in each lane.
#[derive(Clone, Copy)]
struct Pair<V>(V, V);

impl<V: Lanes> Pair<V> {
    /// # Safety
    ///
    /// The two registers at `place` can be read.
    #[inline(always)]
    unsafe fn load(place: *const V::Scalar) -> Self {
        // SAFETY: see the function.
        unsafe { Pair(V::load(place), V::load(place.add(V::N))) }
    }

    /// # Safety
    ///
    /// The two registers at `place` can be written.
    #[inline(always)]
    unsafe fn store(self, place: *mut V::Scalar) {
        // SAFETY: see the function.
        unsafe {
            self.0.store(place);
            self.1.store(place.add(V::N));
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Pair(self.0.add(other.0), self.1.add(other.1))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Pair(self.0.sub(other.0), self.1.sub(other.1))
    }

    /// Times `cos - i sin`.
    #[inline(always)]
    fn turn(self, cos: V, sin: V) -> Self {
        let re = self.0.mul(cos);
        let im = self.1.mul(cos);
        Pair(self.1.mul_add(sin, re), self.0.neg_mul_add(sin, im))
    }
}

/// A pass of radix 4, in the first of which the mean is taken off.
///
/// # Safety
///
/// `4 * stride` complex registers for each of `turns` can be read and written.
#[inline(always)]
unsafe fn pass<V: Lanes, const FIRST: bool>(
    from: *const V::Scalar,
    to: *mut V::Scalar,
    turns: &[[V::Scalar; 6]],
    stride: usize,
    mean: V,
    ahead: &mut Ahead<V::Scalar>,
) {
    let quarter = turns.len();
    for (p, turn) in turns.iter().enumerate() {
        let [a, b, c, d, e, f] = *turn;
        let one = (V::splat(a), V::splat(b));
        let two = (V::splat(c), V::splat(d));
        let three = (V::splat(e), V::splat(f));
        for q in 0..stride {
            ahead.line::<V>();
            let read = |part: usize| 2 * (q + stride * (p + part * quarter)) * V::N;
            let write = |part: usize| 2 * (q + stride * (4 * p + part)) * V::N;
            // SAFETY: p is below a quarter and q below the stride; see the function.
            unsafe {
                let mut a = Pair::<V>::load(from.add(read(0)));
                let mut b = Pair::<V>::load(from.add(read(1)));
                let mut c = Pair::<V>::load(from.add(read(2)));
                let mut d = Pair::<V>::load(from.add(read(3)));
                if FIRST {
                    let mean = Pair(mean, mean);
                    (a, b, c, d) = (a.sub(mean), b.sub(mean), c.sub(mean), d.sub(mean));
                }
                let (sum, difference) = (a.add(c), a.sub(c));
                let (other, turned) = (b.add(d), b.sub(d));
                // `difference` less and plus i times `turned`.
                let less = Pair(difference.0.add(turned.1), difference.1.sub(turned.0));
                let plus = Pair(difference.0.sub(turned.1), difference.1.add(turned.0));
                sum.add(other).store(to.add(write(0)));
                if p == 0 {
                    less.store(to.add(write(1)));
                    sum.sub(other).store(to.add(write(2)));
                    plus.store(to.add(write(3)));
                } else {
                    less.turn(one.0, one.1).store(to.add(write(1)));
                    sum.sub(other).turn(two.0, two.1).store(to.add(write(2)));
                    plus.turn(three.0, three.1).store(to.add(write(3)));
                }
            }
        }
    }
}

/// Power of the window's bins from the transform of its pairs.
///
/// # Safety
///
/// `window` registers can be read at `z`, and `power` holds a number for each lane and bin.
#[inline(always)]
unsafe fn tell_apart<V: Lanes>(
    z: *const V::Scalar,
    window: usize,
    splits: &[[V::Scalar; 2]],
    power: &mut [f64],
    ahead: &mut Ahead<V::Scalar>,
) {
    let half = window / 2;
    let density = 2.0 / window as f64;
    power[..V::N].fill(0.0);
    // SAFETY: see the function; bins k and `half - k` are from 1 to `half - 1`.
    unsafe {
        let first = Pair::<V>::load(z);
        let last = Pair(first.0.sub(first.1), V::splat(V::Scalar::ZERO));
        squares(last, 0.5 * density, power.as_mut_ptr().add(half * V::N));
        for (k, [cos, sin]) in splits.iter().enumerate().skip(1) {
            ahead.line::<V>();
            let (a, b) = (
                Pair::<V>::load(z.add(2 * k * V::N)),
                Pair::<V>::load(z.add(2 * (half - k) * V::N)),
            );
            // Twice the transforms of the even and of the odd samples.
            let even = Pair(a.0.add(b.0), a.1.sub(b.1));
            let odd = Pair(a.1.add(b.1), b.0.sub(a.0));
            let odd = odd.turn(V::splat(*cos), V::splat(*sin));
            let place = power.as_mut_ptr();
            squares(even.add(odd), 0.25 * density, place.add(k * V::N));
            squares(even.sub(odd), 0.25 * density, place.add((half - k) * V::N));
        }
    }
}

/// Squared amounts times a factor; in 64 bits, which the square of no single overflows.
///
/// # Safety
///
/// `V::N` numbers can be written.
#[inline(always)]
unsafe fn squares<V: Lanes>(bin: Pair<V>, factor: f64, to: *mut f64) {
    let (mut re, mut im) = ([V::Scalar::ZERO; 8], [V::Scalar::ZERO; 8]);
    // SAFETY: no lanes are more than eight; see the function.
    unsafe {
        bin.0.store(re.as_mut_ptr());
        bin.1.store(im.as_mut_ptr());
        for l in 0..V::N {
            let (re, im) = (re[l].to_f64(), im[l].to_f64());
            *to.add(l) = factor * (re * re + im * im);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_those_of_the_definition() {
        for n in [8, 16, 32, 64, 128, 256, 512, 1024] {
            let mut batch = Batch::<f64>::new(n).unwrap();
            let x: Vec<f64> = (0..3 * n)
                .map(|i| ((i * i) as f64 * 0.37).sin() + 7.0)
                .collect();
            let windows: Vec<&[f64]> = x.chunks(n).collect();
            let mut power = vec![0.0; (n / 2 + 1) * width::<f64>()];
            batch.power(&windows, &mut power);
            for (l, window) in windows.iter().enumerate() {
                let mean = window.iter().sum::<f64>() / n as f64;
                for k in 0..=n / 2 {
                    let (mut re, mut im) = (0.0, 0.0);
                    for (i, v) in window.iter().enumerate() {
                        let (sin, cos) = (TAU * ((k * i) % n) as f64 / n as f64).sin_cos();
                        re += (v - mean) * cos;
                        im += (v - mean) * sin;
                    }
                    let sides = if k == n / 2 { 1.0 } else { 2.0 };
                    let expected = match k {
                        0 => 0.0,
                        _ => sides * (re * re + im * im) / n as f64,
                    };
                    let found = power[k * width::<f64>() + l];
                    assert!(
                        (found - expected).abs() < 1e-11,
                        "{n} {k} {found} {expected}"
                    );
                }
            }
        }
        assert!(Batch::<f64>::new(100).is_none() && Batch::<f64>::new(4).is_none());
    }
}
