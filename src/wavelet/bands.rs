//! Energies of the bands of many windows of one length, with windows side by side in the lanes.
//!
//! A register holds the same sample of four (f64) or eight (f32) windows; details are squared and
//! added up, never stored. Filters of an orthogonal wavelet go by as a lattice (`lattice.rs`); with
//! others four outputs of both stay in registers while the taps go by. What lies beyond the ends is a
//! fixed combination of samples, worked out once for each level. A first version that left the
//! registers to the compiler took 1.5 times as long, filters in place of the lattice 1.25 times.

use std::cell::{Cell, RefCell};

use super::bank::Bank;
use super::lanes::{Ahead, Kernel, Lanes, Real, transpose, width};
use super::lattice::Lattice;
use super::mode::Mode;
use crate::Error;

/// A sample beyond the ends: its place, and the samples and factors that make it.
type Beyond<T> = (isize, Vec<(usize, T)>);

/// The filters that split windows of any length.
pub struct Filters<T> {
    lo: Vec<T>,
    hi: Vec<T>,
    /// Tangents of the lattice and its scale, if the filters have one.
    lattice: Option<(Vec<T>, T)>,
}

impl<T: Real> Filters<T> {
    /// The analysis filters of `bank`.
    pub fn new(bank: &Bank) -> Self {
        let cast: Bank<T> = bank.cast(1.0);
        let lattice = Lattice::of(&bank.dec_lo, &bank.dec_hi).map(|lattice| {
            let tangents = lattice.tangents.iter().map(|k| T::of(*k));
            (tangents.collect(), T::of(lattice.scale))
        });
        Filters {
            lo: cast.dec_lo,
            hi: cast.dec_hi,
            lattice,
        }
    }
}

/// How windows of one length are split into bands.
pub struct Bands<'a, T> {
    filters: &'a Filters<T>,
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

impl<'a, T: Real> Bands<'a, T> {
    /// Bands of windows of `window` samples.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the mode is not defined for so few samples.
    pub fn new(
        filters: &'a Filters<T>,
        mode: Mode,
        level: usize,
        window: usize,
    ) -> Result<Self, Error> {
        let taps = filters.lo.len();
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
            filters,
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
        let taps = self.filters.lo.len();
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

struct Energies<'a, 'b, T> {
    bands: &'a mut Bands<'b, T>,
    windows: &'a [&'a [T]],
    out: &'a mut [T],
}

impl<T: Real> Kernel<T> for Energies<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        // The usual lengths are unrolled.
        match self.bands.filters.lo.len() {
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

impl<T: Real> Energies<'_, '_, T> {
    /// For filters of `F` taps, or of any length if that is 0.
    #[inline(always)]
    fn of<V: Lanes<Scalar = T>, const F: usize>(self) {
        let Energies {
            bands,
            windows,
            out,
        } = self;
        let filters = bands.filters;
        let taps = if F == 0 { filters.lo.len() } else { F };
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
                let sum = match &filters.lattice {
                    Some((tangents, scale)) if F > 0 => {
                        let tangents = &tangents[..F / 2];
                        let to = to.add(taps * n);
                        let ahead = (j == 0).then(|| Ahead::of(windows));
                        lattice::<V, F>(tangents, *scale, base, to, level.outputs, ahead)
                    }
                    _ => {
                        let to = to.add(taps * n);
                        direct::<V, F>(&filters.lo, &filters.hi, base, to, level.outputs)
                    }
                };
                let place = out.as_mut_ptr().add((levels - j) * n);
                sum.add(bad).store(place);
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

/// Writes `outputs` outputs of the first filter from `to` on, and sums up the squares of the second.
///
/// # Safety
///
/// The samples from `taps - 1` registers before `base` to `2 * outputs + 6` after it can be read, and
/// four registers more than the outputs written.
#[inline(always)]
unsafe fn direct<V: Lanes, const F: usize>(
    lo: &[V::Scalar],
    hi: &[V::Scalar],
    base: *const V::Scalar,
    to: *mut V::Scalar,
    outputs: usize,
) -> V {
    let n = V::N;
    // Two sums by name: an array of them went to memory and back for every output.
    let zero = V::splat(V::Scalar::ZERO);
    let (mut even, mut odd) = (zero, zero);
    let whole = outputs / 4 * 4;
    let mut i = 0;
    // SAFETY: see the function.
    unsafe {
        while i < whole {
            let (low, high) = block::<V, F>(lo, hi, base.add(2 * i * n));
            let place = to.add(i * n);
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
        if i < outputs {
            let (low, high) = block::<V, F>(lo, hi, base.add(2 * i * n));
            // What is beyond the outputs is not counted, and written anew before it is read.
            for u in 0..4 {
                low[u].store(to.add((i + u) * n));
                if i + u < outputs {
                    even = high[u].mul_add(high[u], even);
                }
            }
        }
    }
    even.add(odd)
}

/// As [`direct`], by the lattice of filters of `F` taps.
///
/// # Safety
///
/// As there; a pair is read from `base` and the register before it.
#[inline(always)]
unsafe fn lattice<V: Lanes, const F: usize>(
    tangents: &[V::Scalar],
    scale: V::Scalar,
    base: *const V::Scalar,
    to: *mut V::Scalar,
    outputs: usize,
    mut ahead: Option<Ahead<V::Scalar>>,
) -> V {
    let n = V::N as isize;
    let zero = V::splat(V::Scalar::ZERO);
    let stages = F / 2;
    let mut turns = [zero; 8];
    for (turn, k) in turns.iter_mut().zip(tangents) {
        *turn = V::splat(*k);
    }
    let factor = V::splat(scale);
    // What each stage but the first holds back.
    let mut held = [zero; 8];
    let mut sum = zero;
    // SAFETY: see the function; the first `stages - 1` pairs only fill what is held.
    unsafe {
        let mut pair = base.offset(-2 * (stages as isize - 1) * n);
        for _ in 1..stages {
            turn::<V, F>(pair, &turns, &mut held);
            pair = pair.offset(2 * n);
        }
        for i in 0..outputs {
            // An output of the first level is worth two samples of each lane: a line.
            if let Some(ahead) = &mut ahead {
                ahead.line::<V>();
            }
            let (low, high) = turn::<V, F>(pair, &turns, &mut held);
            low.mul(factor).store(to.add(i * V::N));
            sum = high.mul_add(high, sum);
            pair = pair.offset(2 * n);
        }
    }
    sum.mul(factor.mul(factor))
}

/// One pair through all stages.
///
/// # Safety
///
/// `pair` and the register before it can be read.
#[inline(always)]
unsafe fn turn<V: Lanes, const F: usize>(
    pair: *const V::Scalar,
    turns: &[V; 8],
    held: &mut [V; 8],
) -> (V, V) {
    // SAFETY: see the function.
    let (mut a, mut b) = unsafe { (V::load(pair), V::load(pair.offset(-(V::N as isize)))) };
    for s in 0..F / 2 {
        if s > 0 {
            std::mem::swap(&mut b, &mut held[s]);
        }
        (a, b) = (b.mul_add(turns[s], a), a.neg_mul_add(turns[s], b));
    }
    (a, b)
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

#[cfg(test)]
mod tests {
    use super::super::dwt::{band_lengths, wavedec};
    use super::*;

    #[test]
    fn energies_are_those_of_the_coefficients() {
        for name in ["haar", "db4", "sym7", "bior3.5", "coif5"] {
            let bank = Bank::named(name).unwrap();
            let filters = Filters::new(&bank);
            for mode in Mode::NAMES {
                let mode = Mode::parse(mode).unwrap();
                for (window, level) in [(2, 1), (5, 2), (31, 2), (64, 3), (257, 4)] {
                    let x: Vec<f64> = (0..window * 3)
                        .map(|i| ((i * i) as f64 * 0.37).sin())
                        .collect();
                    let windows: Vec<&[f64]> = x.chunks(window).collect();
                    let Ok(mut bands) = Bands::new(&filters, mode, level, window) else {
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
