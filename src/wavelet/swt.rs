//! Transforms without decimation: stationary and maximal-overlap, and their inverses.
//!
//! Every level filters the whole signal, taken as periodic, with taps `2^(level-1)` apart. The
//! stationary transform has the offsets and the scale of PyWavelets; the maximal-overlap transform
//! those of D. B. Percival and A. T. Walden, Wavelet Methods for Time Series Analysis (Cambridge
//! University Press 2000), chapter 5: its energy is that of the signal, for any length.

use super::bank::Bank;
use super::dwt::{joining_taps, undecimated_taps};
use super::fir::{Input, filter};
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
    let mut extended = Vec::new();
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
        let step = step(start_level + j, bank.taps())?;
        let offset = match kind {
            Kind::Stationary => half * step,
            Kind::MaximalOverlap => 0,
        };
        let before = (half - 1) * 2 * step;
        extended.resize(x.len() + before + step, T::ZERO);
        let start = offset as isize - before as isize - step as isize;
        circle(from, start, &mut extended);
        let input = Input {
            a: &extended[step..],
            b: &extended[..x.len() + before],
        };
        let [lo, hi] = pair else {
            unreachable!("chunks of two")
        };
        filter(input, &taps, 2 * step, lo, hi);
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
    let half_of = |filter: &[T], reverse: bool| -> Vec<T> {
        let half = T::of(0.5);
        let filter = filter.iter();
        match kind {
            Kind::Stationary => filter.map(|tap| half * *tap).collect(),
            Kind::MaximalOverlap if reverse => filter.rev().copied().collect(),
            Kind::MaximalOverlap => filter.copied().collect(),
        }
    };
    let lo = half_of(&bank.rec_lo, true);
    let hi = half_of(&bank.rec_hi, true);
    let joined = joining_taps(&lo, &hi);
    let mut coarse = approximation.to_vec();
    let (mut a, mut d) = (Vec::new(), Vec::new());
    let n = approximation.len();
    for (j, detail) in details.iter().enumerate() {
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let step = step(details.len() - 1 - j, taps)?;
        let before = (taps - 1) * step;
        let offset = match kind {
            Kind::Stationary => (taps / 2 - 1) * step,
            Kind::MaximalOverlap => (taps - 1) * step,
        };
        let start = offset as isize - before as isize;
        a.resize(n + before, T::ZERO);
        d.resize(n + before, T::ZERO);
        circle(&coarse, start, &mut a);
        circle(detail, start, &mut d);
        let to = if j + 1 == details.len() {
            &mut *out
        } else {
            &mut coarse
        };
        filter(Input { a: &a, b: &d }, &joined, step, to, &mut []);
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
