//! Energies of the bands of many windows of one length, with windows side by side in the lanes.
//!
//! A register holds the same sample of four (f64) or eight (f32) windows. Four outputs of both
//! filters stay in registers while the taps go by; details are squared and added up, never stored.
//! What lies beyond the ends is a fixed combination of samples, worked out once for each level. A
//! first version that left the registers to the compiler took 1.5 times as long.

use std::cell::{Cell, RefCell};

use super::bank::Bank;
use super::lanes::{Kernel, Lanes, Real, width};
use super::mode::Mode;
use crate::Error;

/// A sample beyond the ends: its place, and the samples and factors that make it.
type Beyond<T> = (isize, Vec<(usize, T)>);

/// How windows of one length are split into bands.
pub struct Bands<T> {
    lo: Vec<T>,
    hi: Vec<T>,
    /// First sample of output 0 is `start - (taps - 1)`.
    start: isize,
    window: usize,
    levels: Vec<Level<T>>,
    even: Vec<T>,
    odd: Vec<T>,
}

struct Level<T> {
    outputs: usize,
    /// Samples beyond the ends that are another one times a factor: place, other, factor.
    copies: Vec<(isize, usize, T)>,
    /// The others.
    sums: Vec<Beyond<T>>,
}

impl<T: Real> Bands<T> {
    /// Bands of windows of `window` samples.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the mode is not defined for so few samples.
    pub fn new(bank: &Bank, mode: Mode, level: usize, window: usize) -> Result<Self, Error> {
        let cast: Bank<T> = bank.cast(1.0);
        let taps = bank.taps();
        let start = match mode {
            Mode::Periodization => taps as isize / 2,
            _ => 1,
        };
        let mut levels = Vec::with_capacity(level);
        let mut n = window;
        for _ in 0..level {
            mode.check(n)?;
            let outputs = mode.coefficients(n, taps);
            let first = start - (taps as isize - 1);
            let end = 2 * (outputs as isize - 1) + start + 1;
            let places = (first..0).chain(n as isize..end);
            let mut level = Level {
                outputs,
                copies: Vec::new(),
                sums: Vec::new(),
            };
            for place in places {
                match copy(mode, n, place) {
                    Some(copy) => level.copies.push(copy),
                    None => level.sums.push(beyond(mode, n, place)),
                }
            }
            levels.push(level);
            n = outputs;
        }
        Ok(Bands {
            lo: cast.dec_lo,
            hi: cast.dec_hi,
            start,
            window,
            levels,
            even: Vec::new(),
            odd: Vec::new(),
        })
    }

    /// Energies of up to [`width`] windows: for each band, coarse ones first, one for each lane.
    ///
    /// `out` has `(levels + 1) * width` places; the answers of lanes without a window are those of
    /// the last one. A window with a value that is not finite has NaN in every band.
    ///
    /// # Panics
    ///
    /// If a window is not as long as said, or there are none or too many.
    pub fn energies(&mut self, windows: &[&[T]], out: &mut [T]) {
        assert!((1..=width::<T>()).contains(&windows.len()));
        assert!(windows.iter().all(|w| w.len() == self.window));
        assert_eq!(out.len(), (self.levels.len() + 1) * width::<T>());
        let taps = self.lo.len();
        let places = (self.window.max(taps) + 2 * taps + 8) * width::<T>();
        self.even.resize(places, T::ZERO);
        self.odd.resize(places, T::ZERO);
        T::dispatch(Energies {
            bands: self,
            windows,
            out,
        });
    }
}

/// Samples and factors that make the sample at `place`, found by asking the mode.
fn beyond<T: Real>(mode: Mode, n: usize, place: isize) -> Beyond<T> {
    let asked = RefCell::new(Vec::new());
    mode.at(
        |i| {
            asked.borrow_mut().push(i);
            0.0_f64
        },
        n,
        place,
    );
    let mut asked = asked.into_inner();
    asked.sort_unstable();
    asked.dedup();
    let factor = |i: usize| mode.at(|k| if k == i { 1.0_f64 } else { 0.0 }, n, place);
    let terms = asked.iter().map(|i| (*i, T::of(factor(*i))));
    (place, terms.collect())
}

/// The sample and the factor that make the sample at `place`, if it is but one.
fn copy<T: Real>(mode: Mode, n: usize, place: isize) -> Option<(isize, usize, T)> {
    let (asked, times) = (Cell::new(0), Cell::new(0));
    let factor = mode.at(
        |i| {
            asked.set(i);
            times.set(times.get() + 1);
            1.0_f64
        },
        n,
        place,
    );
    (times.get() == 1).then(|| (place, asked.get(), T::of(factor)))
}

struct Energies<'a, T> {
    bands: &'a mut Bands<T>,
    windows: &'a [&'a [T]],
    out: &'a mut [T],
}

impl<T: Real> Kernel<T> for Energies<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        // The usual lengths are unrolled.
        match self.bands.lo.len() {
            2 => self.of::<V, 2>(),
            4 => self.of::<V, 4>(),
            6 => self.of::<V, 6>(),
            8 => self.of::<V, 8>(),
            10 => self.of::<V, 10>(),
            12 => self.of::<V, 12>(),
            16 => self.of::<V, 16>(),
            _ => self.of::<V, 0>(),
        }
    }
}

impl<T: Real> Energies<'_, T> {
    /// For filters of `F` taps, or of any length if that is 0.
    #[inline(always)]
    fn of<V: Lanes<Scalar = T>, const F: usize>(self) {
        let Energies {
            bands,
            windows,
            out,
        } = self;
        let taps = if F == 0 { bands.lo.len() } else { F };
        let n = V::N;
        let zero = V::splat(T::ZERO);
        let (mut from, mut to) = (bands.even.as_mut_ptr(), bands.odd.as_mut_ptr());
        // SAFETY: both buffers hold `max(window, taps) + 2 taps + 8` registers. Sample k of a level is
        // register `taps + k`. A level has at most as many samples as the window or the taps (n
        // samples make at most (n + taps) / 2); a block reads from `taps` before its first sample to
        // taps + 6 beyond the last one, and writes three beyond the outputs.
        unsafe {
            let bad = transpose::<V>(windows, from.add(taps * n));
            let mut samples = bands.window;
            let levels = bands.levels.len();
            for (j, level) in bands.levels.iter().enumerate() {
                for (place, other, factor) in &level.copies {
                    let sample = V::load(from.add((taps + other) * n));
                    let value = sample.mul(V::splat(*factor));
                    value.store(from.offset((taps as isize + place) * n as isize));
                }
                for (place, terms) in &level.sums {
                    let mut value = zero;
                    for (i, factor) in terms {
                        let sample = V::load(from.add((taps + i) * n));
                        value = sample.mul_add(V::splat(*factor), value);
                    }
                    value.store(from.add((taps as isize + place) as usize * n));
                }
                let base = from.add((taps as isize + bands.start) as usize * n);
                // Two sums by name: an array of them went to memory and back for every output.
                let (mut even, mut odd) = (bad, zero);
                let whole = level.outputs / 4 * 4;
                let mut i = 0;
                while i < whole {
                    let (low, high) = block::<V, F>(&bands.lo, &bands.hi, base.add(2 * i * n));
                    let place = to.add((taps + i) * n);
                    low[0].store(place);
                    low[1].store(place.add(n));
                    low[2].store(place.add(2 * n));
                    low[3].store(place.add(3 * n));
                    even = high[0].mul_add(high[0], even);
                    odd = high[1].mul_add(high[1], odd);
                    even = high[2].mul_add(high[2], even);
                    odd = high[3].mul_add(high[3], odd);
                    i += 4;
                }
                if i < level.outputs {
                    let (low, high) = block::<V, F>(&bands.lo, &bands.hi, base.add(2 * i * n));
                    // What is beyond the outputs is not counted, and written anew before it is read.
                    for u in 0..4 {
                        low[u].store(to.add((taps + i + u) * n));
                        if i + u < level.outputs {
                            even = high[u].mul_add(high[u], even);
                        }
                    }
                }
                let sum = even.add(odd);
                sum.store(out.as_mut_ptr().add((levels - j) * n));
                samples = level.outputs;
                std::mem::swap(&mut from, &mut to);
            }
            let (mut even, mut odd) = (bad, zero);
            for k in (0..samples / 2 * 2).step_by(2) {
                let (a, b) = (
                    V::load(from.add((taps + k) * n)),
                    V::load(from.add((taps + k + 1) * n)),
                );
                even = a.mul_add(a, even);
                odd = b.mul_add(b, odd);
            }
            if samples % 2 == 1 {
                let last = V::load(from.add((taps + samples - 1) * n));
                even = last.mul_add(last, even);
            }
            even.add(odd).store(out.as_mut_ptr());
        }
    }
}

/// Four outputs of both filters; `base` is the newest sample of the first.
///
/// # Safety
///
/// The samples from `taps - 1` registers before `base` to 6 after it can be read.
#[inline(always)]
unsafe fn block<V: Lanes, const F: usize>(
    lo: &[V::Scalar],
    hi: &[V::Scalar],
    base: *const V::Scalar,
) -> ([V; 4], [V; 4]) {
    let zero = V::splat(V::Scalar::ZERO);
    let (mut low, mut high) = ([zero; 4], [zero; 4]);
    let taps = if F == 0 { lo.len() } else { F };
    let (lo, hi) = (&lo[..taps], &hi[..taps]);
    for j in 0..taps {
        let (l, h) = (V::splat(lo[j]), V::splat(hi[j]));
        for u in 0..4 {
            // SAFETY: see the function.
            let sample =
                unsafe { V::load(base.offset((2 * u as isize - j as isize) * V::N as isize)) };
            low[u] = sample.mul_add(l, low[u]);
            high[u] = sample.mul_add(h, high[u]);
        }
    }
    (low, high)
}

/// Writes sample i of every window side by side from `to + i N` on; the answer is NaN in the lanes of
/// windows with a value that is not finite, and 0 in the others.
///
/// # Safety
///
/// `to` has place for `N` times the samples of a window, which are alike in length.
#[inline(always)]
unsafe fn transpose<V: Lanes>(windows: &[&[V::Scalar]], to: *mut V::Scalar) -> V {
    let length = windows[0].len();
    let zero = V::splat(V::Scalar::ZERO);
    let (mut bad, mut more) = (zero, zero);
    let mut rows = [std::ptr::null(); 8];
    for (l, row) in rows[..V::N].iter_mut().enumerate() {
        *row = windows[l.min(windows.len() - 1)].as_ptr();
    }
    let mut i = 0;
    while i + V::N <= length {
        // The next windows of a series that is cut end to end are asked for ahead of time.
        if i % (2 * V::N) == 0 {
            for row in &rows[..V::N] {
                V::prefetch(row.wrapping_add(V::N * length + i));
            }
        }
        // SAFETY: N samples from i on are in every row, and N registers at the target.
        unsafe { V::transpose(&rows, i, to.add(i * V::N)) };
        for k in (0..V::N).step_by(2) {
            // SAFETY: just written; N is even.
            let (a, b) = unsafe {
                let place = to.add((i + k) * V::N);
                (V::load(place), V::load(place.add(V::N)))
            };
            bad = bad.add(a.sub(a));
            more = more.add(b.sub(b));
        }
        i += V::N;
    }
    while i < length {
        for (l, row) in rows[..V::N].iter().enumerate() {
            // SAFETY: sample i is in every row, and register i at the target.
            unsafe { *to.add(i * V::N + l) = *row.add(i) };
        }
        // SAFETY: just written.
        let sample = unsafe { V::load(to.add(i * V::N)) };
        bad = bad.add(sample.sub(sample));
        i += 1;
    }
    bad.add(more)
}

#[cfg(test)]
mod tests {
    use super::super::dwt::{band_lengths, wavedec};
    use super::*;

    #[test]
    fn energies_are_those_of_the_coefficients() {
        for name in ["haar", "db4", "sym7", "bior3.5", "coif5"] {
            let bank = Bank::named(name).unwrap();
            for mode in Mode::NAMES {
                let mode = Mode::parse(mode).unwrap();
                for (window, level) in [(2, 1), (5, 2), (31, 2), (64, 3), (257, 4)] {
                    let x: Vec<f64> = (0..window * 3)
                        .map(|i| ((i * i) as f64 * 0.37).sin())
                        .collect();
                    let windows: Vec<&[f64]> = x.chunks(window).collect();
                    let Ok(mut bands) = Bands::new(&bank, mode, level, window) else {
                        continue;
                    };
                    let mut out = vec![0.0; (level + 1) * width::<f64>()];
                    bands.energies(&windows, &mut out);
                    for (l, w) in windows.iter().enumerate() {
                        let lengths = band_lengths(window, bank.taps(), mode, level);
                        let mut expected: Vec<Vec<f64>> =
                            lengths.iter().map(|n| vec![0.0; *n]).collect();
                        let mut places: Vec<&mut [f64]> =
                            expected.iter_mut().map(|b| &mut b[..]).collect();
                        wavedec(w, &bank, mode, &mut places).unwrap();
                        for (band, expected) in expected.iter().enumerate() {
                            let expected: f64 = expected.iter().map(|v| v * v).sum();
                            let found = out[band * width::<f64>() + l];
                            assert!(
                                (found - expected).abs() <= 1e-11 * (1.0 + expected),
                                "{name} {mode:?} {window} {band}: {found} {expected}"
                            );
                        }
                    }
                }
            }
        }
    }
}
