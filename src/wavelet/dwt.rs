//! The decimated transform and its inverse, one level or many.
//!
//! S. Mallat, A theory for multiresolution signal decomposition, IEEE Transactions on Pattern
//! Analysis and Machine Intelligence 11 (1989), 674-693. A block of even and odd samples is
//! gathered, extended where it leaves the signal, and filtered; see `fir.rs`. Lengths, offsets and
//! modes are those of PyWavelets.

use super::bank::Bank;
use super::fir::{Input, Taps, filter};
use super::lanes::{Kernel, Lanes, Real};
use super::mode::Mode;
use crate::Error;
use crate::parallel::is_cancelled;

/// Outputs filtered at a time: their inputs stay in the first-level cache.
const BLOCK: usize = 512;

/// Taps two by two, for the analysis with the filters `lo` and `hi`.
fn analysis_taps<T: Real>(lo: &[T], hi: &[T]) -> Vec<[T; 4]> {
    let pairs = lo.chunks_exact(2).zip(hi.chunks_exact(2));
    pairs.map(|(l, h)| [l[0], l[1], h[0], h[1]]).collect()
}

/// Writes `x` extended by `mode` from place `start` on, every other value from there on to `a`,
/// the value before each of them to `b`.
fn gather<T: Real>(x: &[T], mode: Mode, start: isize, a: &mut [T], b: &mut [T]) {
    let n = x.len() as isize;
    let at = |k: isize| mode.at(|i| x[i], x.len(), k);
    // Places k with both samples inside: 2k + start - 1 >= 0 and 2k + start < n.
    let first = (2 - start).max(0) / 2;
    let end = ((n - start + 1).max(0) / 2).max(first);
    let (first, end) = (first as usize, end as usize);
    let (first, end) = (first.min(a.len()), end.min(a.len()));
    for k in (0..first).chain(end..a.len()) {
        let place = 2 * k as isize + start;
        (a[k], b[k]) = (at(place), at(place - 1));
    }
    if first < end {
        let inside = (2 * first as isize + start - 1) as usize;
        T::dispatch(Pairs(&x[inside..], &mut a[first..end], &mut b[first..end]));
    }
}

/// Takes pairs of samples apart: the second of each to `a`, the first to `b`.
struct Pairs<'a, T>(&'a [T], &'a mut [T], &'a mut [T]);

impl<T: Real> Kernel<T> for Pairs<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) {
        for ((pair, a), b) in self.0.chunks_exact(2).zip(self.1).zip(self.2) {
            (*a, *b) = (pair[1], pair[0]);
        }
    }
}

/// Approximation and detail of one level; `hi` may be empty if nobody asks for it.
///
/// `out` slices have [`Mode::coefficients`] values; the mode has been checked.
fn analyze<T: Real>(
    x: &[T],
    filters: (&[T], &[T]),
    mode: Mode,
    lo: &mut [T],
    hi: &mut [T],
    scratch: &mut Vec<T>,
) {
    let taps = analysis_taps(filters.0, filters.1);
    let before = taps.len() - 1;
    let start = match mode {
        Mode::Periodization => taps.len() as isize,
        _ => 1,
    };
    scratch.resize(2 * (BLOCK + before), T::ZERO);
    let (a, b) = scratch.split_at_mut(BLOCK + before);
    let mut i = 0;
    while i < lo.len() {
        let end = (i + BLOCK).min(lo.len());
        let size = end - i + before;
        let from = 2 * (i as isize - before as isize) + start;
        gather(x, mode, from, &mut a[..size], &mut b[..size]);
        let input = Input {
            a: &a[..size],
            b: &b[..size],
        };
        let hi = if hi.is_empty() {
            &mut []
        } else {
            &mut hi[i..end]
        };
        filter(input, &taps, 1, &mut lo[i..end], hi);
        i = end;
    }
}

/// One level: approximation into `lo`, detail into `hi`.
///
/// # Errors
///
/// [`Error::Argument`] if the mode is not defined for so few values.
pub fn dwt<T: Real>(
    x: &[T],
    bank: &Bank<T>,
    mode: Mode,
    lo: &mut [T],
    hi: &mut [T],
) -> Result<(), Error> {
    mode.check(x.len())?;
    analyze(
        x,
        (&bank.dec_lo, &bank.dec_hi),
        mode,
        lo,
        hi,
        &mut Vec::new(),
    );
    Ok(())
}

/// Lengths of the bands of `n` values: the approximation, then the details from coarse to fine.
pub fn band_lengths(mut n: usize, taps: usize, mode: Mode, level: usize) -> Vec<usize> {
    let mut lengths = Vec::with_capacity(level + 1);
    for _ in 0..level {
        n = mode.coefficients(n, taps);
        lengths.push(n);
    }
    lengths.push(n);
    lengths.reverse();
    lengths
}

/// `level` levels into bands as [`band_lengths`] has them.
///
/// # Errors
///
/// [`Error::Argument`] if the mode is not defined for so few values; [`Error::Cancelled`].
pub fn wavedec<T: Real>(
    x: &[T],
    bank: &Bank<T>,
    mode: Mode,
    bands: &mut [&mut [T]],
) -> Result<(), Error> {
    let level = bands.len() - 1;
    let filters = (bank.dec_lo.as_slice(), bank.dec_hi.as_slice());
    let mut scratch = Vec::new();
    let (mut from, mut to) = (Vec::new(), Vec::new());
    if level == 0 {
        bands[0].copy_from_slice(x);
    }
    for j in 0..level {
        let source = if j == 0 { x } else { from.as_slice() };
        mode.check(source.len())?;
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let (coarse, detail) = bands.split_at_mut(level - j);
        let detail = &mut *detail[0];
        if j + 1 == level {
            analyze(source, filters, mode, coarse[0], detail, &mut scratch);
        } else {
            to.resize(detail.len(), T::ZERO);
            analyze(source, filters, mode, &mut to, detail, &mut scratch);
            std::mem::swap(&mut from, &mut to);
        }
    }
    Ok(())
}

/// The coefficients of level `level` alone: the approximation, or the detail.
///
/// # Errors
///
/// [`Error::Argument`] if the mode is not defined for so few values.
pub fn downcoef<T: Real>(
    x: &[T],
    bank: &Bank<T>,
    mode: Mode,
    level: usize,
    is_detail: bool,
) -> Result<Vec<T>, Error> {
    let mut from = x.to_vec();
    let mut scratch = Vec::new();
    for j in 1..=level {
        mode.check(from.len())?;
        let taps = if is_detail && j == level {
            &bank.dec_hi
        } else {
            &bank.dec_lo
        };
        let mut to = vec![T::ZERO; mode.coefficients(from.len(), bank.taps())];
        analyze(&from, (taps, taps), mode, &mut to, &mut [], &mut scratch);
        from = to;
    }
    Ok(from)
}

/// What stands beyond the ends of coefficients.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// Nothing is read there.
    Valid,
    /// The coefficients again.
    Circular,
    /// Zeros.
    Full,
}

/// Samples that `n` coefficients make, as `idwt` does it.
///
/// # Errors
///
/// [`Error::Argument`] for too few coefficients.
pub fn samples(n: usize, taps: usize, mode: Mode) -> Result<usize, Error> {
    let length = match mode {
        Mode::Periodization => 2 * n,
        _ => (2 * n + 2).saturating_sub(taps),
    };
    if length == 0 {
        let least = match mode {
            Mode::Periodization => 1,
            _ => taps / 2,
        };
        let expected = format!("at least {least} values long for a filter of {taps} taps");
        return Err(Error::argument("coefficients", expected, n));
    }
    Ok(length)
}

/// Samples from approximation and detail, two by two.
fn synthesize<T: Real>(ca: &[T], cd: &[T], filters: (&[T], &[T]), ends: Ends, out: &mut [T]) {
    let half = filters.0.len() / 2;
    let n = ca.len();
    // Even samples read the taps of parity p[0] from place q[0] on, odd ones those of p[1].
    let (p, q): ([usize; 2], [usize; 2]) = match ends {
        Ends::Circular if half.is_multiple_of(2) => ([1, 0], [(half - 2) / 2, half / 2]),
        Ends::Circular => ([0, 1], [(half - 1) / 2; 2]),
        Ends::Valid => ([0, 1], [half - 1; 2]),
        Ends::Full => ([0, 1], [0, 0]),
    };
    let shift = q[1] - q[0];
    let mut taps: Vec<[T; 4]> = vec![[T::ZERO; 4]; half + shift];
    for m in 0..half {
        taps[m + shift][0] = filters.0[2 * m + p[0]];
        taps[m + shift][1] = filters.1[2 * m + p[0]];
        taps[m][2] = filters.0[2 * m + p[1]];
        taps[m][3] = filters.1[2 * m + p[1]];
    }
    let before = taps.len() - 1;
    let outputs = out.len() / 2;
    let mut scratch = vec![T::ZERO; 4 * BLOCK + 2 * before];
    let (even, rest) = scratch.split_at_mut(BLOCK);
    let (odd, rest) = rest.split_at_mut(BLOCK);
    let (a, b) = rest.split_at_mut(BLOCK + before);
    let mut i = 0;
    while i < outputs {
        let size = BLOCK.min(outputs - i);
        let first = (i + q[1]) as isize - before as isize;
        let span = size + before;
        let inside = first >= 0 && first as usize + span <= n;
        let input = if inside {
            let first = first as usize;
            Input {
                a: &ca[first..first + span],
                b: &cd[first..first + span],
            }
        } else {
            for k in 0..span {
                let place = first + k as isize;
                let known = (0..n as isize).contains(&place);
                (a[k], b[k]) = match ends {
                    Ends::Circular => {
                        let place = place.rem_euclid(n as isize) as usize;
                        (ca[place], cd[place])
                    }
                    _ if known => (ca[place as usize], cd[place as usize]),
                    _ => (T::ZERO, T::ZERO),
                };
            }
            Input {
                a: &a[..span],
                b: &b[..span],
            }
        };
        filter(input, &taps, 1, &mut even[..size], &mut odd[..size]);
        let pairs = out[2 * i..2 * (i + size)].chunks_exact_mut(2);
        for ((pair, even), odd) in pairs.zip(&even[..size]).zip(&odd[..size]) {
            (pair[0], pair[1]) = (*even, *odd);
        }
        i += size;
    }
}

/// Samples of one level from approximation `ca` and detail `cd`, as many as [`samples`] says.
///
/// # Errors
///
/// [`Error::Length`] if `cd` is not as long as `ca`, [`Error::Argument`] if they are too short.
pub fn idwt<T: Real>(
    ca: &[T],
    cd: &[T],
    bank: &Bank<T>,
    mode: Mode,
    out: &mut [T],
) -> Result<(), Error> {
    if ca.len() != cd.len() {
        return Err(Error::Length {
            name: "cD",
            expected: ca.len(),
            found: cd.len(),
        });
    }
    samples(ca.len(), bank.taps(), mode)?;
    let ends = match mode {
        Mode::Periodization => Ends::Circular,
        _ => Ends::Valid,
    };
    synthesize(ca, cd, (&bank.rec_lo, &bank.rec_hi), ends, out);
    Ok(())
}

/// The full reconstruction from the approximation (or detail) coefficients of one level alone.
pub fn upcoef<T: Real>(
    coefficients: &[T],
    bank: &Bank<T>,
    level: usize,
    is_detail: bool,
) -> Vec<T> {
    let mut from = coefficients.to_vec();
    for j in 0..level {
        let taps = if is_detail && j == 0 {
            &bank.rec_hi
        } else {
            &bank.rec_lo
        };
        let mut to = vec![T::ZERO; 2 * from.len() + taps.len() - 2];
        // The second input is the first again, with taps of zero.
        let zeros = vec![T::ZERO; taps.len()];
        synthesize(&from, &from, (taps, &zeros), Ends::Full, &mut to);
        from = to;
    }
    from
}

/// Taps that read one input at `stride`: even taps from `a`, odd ones from `b`, a stride before.
pub(super) fn undecimated_taps<T: Real>(lo: &[T], hi: &[T]) -> Vec<[T; 4]> {
    analysis_taps(lo, hi)
}

/// Taps that join two inputs tap by tap into one output.
pub(super) fn joining_taps<T: Real>(lo: &[T], hi: &[T]) -> Box<Taps<T>> {
    let join = |(l, h): (&T, &T)| [*l, *h, T::ZERO, T::ZERO];
    lo.iter().zip(hi).map(join).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directly(x: &[f64], taps: &[f64], mode: Mode) -> Vec<f64> {
        let start = if mode == Mode::Periodization {
            taps.len() as isize / 2
        } else {
            1
        };
        let n = mode.coefficients(x.len(), taps.len());
        let value = |i: usize| {
            let at = |j: usize| mode.at(|k| x[k], x.len(), 2 * i as isize + start - j as isize);
            taps.iter().enumerate().map(|(j, tap)| tap * at(j)).sum()
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn a_level_is_the_sum_over_its_taps_and_turns_back() {
        for name in ["haar", "db4", "sym5", "bior2.4", "rbio3.3", "coif3"] {
            let bank = Bank::named(name).unwrap();
            for n in [2, 3, 7, 8, 31, 256, 2100, 5001] {
                let x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
                for mode in Mode::NAMES {
                    let mode = Mode::parse(mode).unwrap();
                    let size = mode.coefficients(n, bank.taps());
                    let (mut lo, mut hi) = (vec![0.0; size], vec![0.0; size]);
                    dwt(&x, &bank, mode, &mut lo, &mut hi).unwrap();
                    let expected = [&bank.dec_lo, &bank.dec_hi].map(|f| directly(&x, f, mode));
                    for (found, expected) in [&lo, &hi].into_iter().zip(&expected) {
                        for (f, e) in found.iter().zip(expected) {
                            assert!(
                                (f - e).abs() < 1e-12 * (1.0 + e.abs()),
                                "{name} {n} {mode:?}"
                            );
                        }
                    }
                    let mut back = vec![0.0; samples(size, bank.taps(), mode).unwrap()];
                    idwt(&lo, &hi, &bank, mode, &mut back).unwrap();
                    for (b, x) in back.iter().zip(&x) {
                        assert!((b - x).abs() < 1e-9, "{name} {n} {mode:?}");
                    }
                }
            }
        }
    }
}
