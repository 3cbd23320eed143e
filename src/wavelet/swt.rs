//! Transforms without decimation: stationary and maximal-overlap, and their inverses.
//!
//! Every level filters the whole signal, taken as periodic, with taps `2^(level-1)` apart. The
//! stationary transform has the offsets and the scale of PyWavelets; the maximal-overlap transform
//! those of D. B. Percival and A. T. Walden, Wavelet Methods for Time Series Analysis (Cambridge
//! University Press 2000), chapter 5: its energy is that of the signal, for any length.

use std::ops::Range;

use super::bank::Bank;
use super::dwt::{joining_taps, undecimated_taps};
use super::fir::{Input, Taps, filter};
use super::lanes::Real;
use crate::Error;
use crate::parallel::is_cancelled;

/// Which of the two transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Stationary: filters as they are, centred.
    Stationary,
    /// Maximal overlap: filters over the root of 2, causal.
    MaximalOverlap,
}

/// `x`, taken as periodic, from place `start` on.
fn circle<T: Real>(x: &[T], start: isize, out: &mut [T]) {
    let mut from = start.rem_euclid(x.len() as isize) as usize;
    let mut to = 0;
    while to < out.len() {
        let size = (x.len() - from).min(out.len() - to);
        out[to..to + size].copy_from_slice(&x[from..from + size]);
        (to, from) = (to + size, 0);
    }
}

/// Two signals taken as periodic, and the place that the oldest tap of output 0 reads in each.
struct Circles<'a, T> {
    a: (&'a [T], isize),
    b: (&'a [T], isize),
}

impl<T: Real> Circles<'_, T> {
    /// Filters both; only the ends are copied to be continued.
    fn filter(
        &self,
        taps: &Taps<T>,
        stride: usize,
        out0: &mut [T],
        out1: &mut [T],
        scratch: &mut [Vec<T>; 2],
    ) {
        let n = out0.len();
        let before = (taps.len() - 1) * stride;
        let (low, high) = (self.a.1.min(self.b.1), self.a.1.max(self.b.1));
        let first = (-low).clamp(0, n as isize);
        let end = (n as isize - before as isize - high).clamp(first, n as isize);
        let (first, end) = (first as usize, end as usize);
        let mut ends = |range: Range<usize>, out0: &mut [T], out1: &mut [T]| {
            let [a, b] = &mut *scratch;
            for (copy, (x, start)) in [(&mut *a, self.a), (&mut *b, self.b)] {
                copy.resize(range.len() + before, T::ZERO);
                circle(x, start + range.start as isize, copy);
            }
            let out1 = if out1.is_empty() {
                out1
            } else {
                &mut out1[range.clone()]
            };
            filter(Input { a, b }, taps, stride, &mut out0[range], out1);
        };
        if first > 0 {
            ends(0..first, out0, out1);
        }
        if end < n {
            ends(end..n, out0, out1);
        }
        if first < end {
            let part = |(x, start): (&[T], isize)| {
                let from = (start + first as isize) as usize;
                from..(from + end - first + before).min(x.len())
            };
            let input = Input {
                a: &self.a.0[part(self.a)],
                b: &self.b.0[part(self.b)],
            };
            let out1 = if out1.is_empty() {
                out1
            } else {
                &mut out1[first..end]
            };
            filter(input, taps, stride, &mut out0[first..end], out1);
        }
    }
}

/// Levels after `start_level` of `x`: bands in the order `lo, hi` of the first, of the second, ...
///
/// # Errors
///
/// [`Error::Argument`] if the tap distance of the last level is beyond the address space;
/// [`Error::Cancelled`].
pub fn forward<T: Real>(
    x: &[T],
    bank: &Bank<T>,
    kind: Kind,
    start_level: usize,
    bands: &mut [&mut [T]],
) -> Result<(), Error> {
    let half = bank.taps() / 2;
    let mut from = x;
    let mut scratch = [Vec::new(), Vec::new()];
    // The caller's filters are causal in Percival and Walden's sense if reversed.
    let turned = |taps: &[T]| taps.iter().rev().copied().collect::<Vec<_>>();
    let taps = match kind {
        Kind::Stationary => undecimated_taps(&bank.dec_lo, &bank.dec_hi),
        Kind::MaximalOverlap => undecimated_taps(&turned(&bank.dec_lo), &turned(&bank.dec_hi)),
    };
    for (j, pair) in bands.chunks_exact_mut(2).enumerate() {
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let step = step(start_level + j, bank.taps())? as isize;
        let offset = match kind {
            Kind::Stationary => half as isize * step,
            Kind::MaximalOverlap => 0,
        };
        let start = offset - (half as isize - 1) * 2 * step;
        let circles = Circles {
            a: (from, start),
            b: (from, start - step),
        };
        let [lo, hi] = pair else {
            unreachable!("chunks of two")
        };
        circles.filter(&taps, 2 * step as usize, lo, hi, &mut scratch);
        from = lo;
    }
    Ok(())
}

/// The signal from an approximation and details, coarse ones first.
///
/// # Errors
///
/// As for [`forward`].
pub fn inverse<T: Real>(
    approximation: &[T],
    details: &[&[T]],
    bank: &Bank<T>,
    kind: Kind,
    out: &mut [T],
) -> Result<(), Error> {
    let taps = bank.taps();
    let half_of = |filter: &[T]| -> Vec<T> {
        let half = T::of(0.5);
        let filter = filter.iter();
        match kind {
            Kind::Stationary => filter.map(|tap| half * *tap).collect(),
            Kind::MaximalOverlap => filter.rev().copied().collect(),
        }
    };
    let joined = joining_taps(&half_of(&bank.rec_lo), &half_of(&bank.rec_hi));
    let mut scratch = [Vec::new(), Vec::new()];
    // Levels are written to `out` and `other` by turns, the last one to `out`.
    let mut other = vec![T::ZERO; if details.len() > 1 { out.len() } else { 0 }];
    for (j, detail) in details.iter().enumerate() {
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let left = details.len() - 1 - j;
        let step = step(left, taps)? as isize;
        let before = (taps as isize - 1) * step;
        let start = match kind {
            Kind::Stationary => (taps as isize / 2 - 1) * step - before,
            Kind::MaximalOverlap => 0,
        };
        let (to, from) = if left.is_multiple_of(2) {
            (&mut *out, other.as_slice())
        } else {
            (other.as_mut_slice(), &*out)
        };
        let coarse = if j == 0 { approximation } else { from };
        let circles = Circles {
            a: (coarse, start),
            b: (detail, start),
        };
        circles.filter(&joined, step as usize, to, &mut [], &mut scratch);
    }
    if details.is_empty() {
        out.copy_from_slice(approximation);
    }
    Ok(())
}

/// Distance of the taps `level` levels down.
fn step(level: usize, taps: usize) -> Result<usize, Error> {
    let step = u32::try_from(level)
        .ok()
        .and_then(|l| 1_usize.checked_shl(l));
    step.filter(|step| step.checked_mul(2 * taps).is_some_and(|all| all < 1 << 40))
        .ok_or_else(|| {
            Error::argument(
                "level",
                "small enough for its filter to fit in memory",
                level,
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_transforms_turn_back() {
        for name in ["haar", "db4", "bior2.4", "rbio3.5", "coif2"] {
            for (kind, n, factor) in [
                (Kind::Stationary, 96, 1.0),
                (Kind::MaximalOverlap, 37, 0.5_f64.sqrt()),
                (Kind::MaximalOverlap, 3, 0.5_f64.sqrt()),
            ] {
                let bank: Bank = Bank::named(name).unwrap().cast(factor);
                let x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
                let mut bands = vec![vec![0.0; n]; 8];
                let mut refs: Vec<&mut [f64]> = bands.iter_mut().map(|b| &mut b[..]).collect();
                forward(&x, &bank, kind, 0, &mut refs).unwrap();
                let details: Vec<&[f64]> = [7, 5, 3, 1].map(|k| &bands[k][..]).to_vec();
                let mut back = vec![0.0; n];
                inverse(&bands[6], &details, &bank, kind, &mut back).unwrap();
                for (b, x) in back.iter().zip(&x) {
                    assert!((b - x).abs() < 1e-12, "{name} {kind:?} {b} {x}");
                }
                if kind == Kind::MaximalOverlap && !name.contains("bio") {
                    let energy = |band: &[f64]| band.iter().map(|v| v * v).sum::<f64>();
                    let parts: f64 = [1, 3, 5, 7, 6].iter().map(|k| energy(&bands[*k])).sum();
                    assert!((parts - energy(&x)).abs() < 1e-12 * parts);
                }
            }
        }
    }
}
