//! What each packet's source sent in the window that ends at the packet.
//!
//! The window of a row holds the rows of its key with a time in (t - window, t], the row itself and
//! no row after it: of rows with the same time, each sees those above it and not those below. Rows
//! are taken in order of time. As one row enters, those that have left the window of any key leave
//! the sums of theirs, so a row costs the same whatever the window. Sums are whole numbers (times in
//! nanoseconds, entropies in 2^-40), which a subtraction leaves exact.

mod count;
mod distinct;
mod extremum;
mod feature;
mod gaps;
mod rows;
mod spectrum;
mod statistic;
mod sweep;

use std::ops::Range;

pub use feature::{BANDS, Feature};
pub use rows::Rows;
use rows::{Sorted, check, refuse_back};
pub use spectrum::BINS;
use sweep::{Sets, Sweep};

use crate::error::Error;
use crate::parallel::{self, Monitor};

/// The features of each row, in the order of the rows; NaN for a row without key.
///
/// `window` is in nanoseconds, at least 1. Rows need not be in order of time as a whole, but those
/// of a key must be.
///
/// # Errors
///
/// [`Error::Unsorted`] if a key goes back in time, [`Error::Length`] if a column that is asked for
/// is too short or too long, [`Error::Cancelled`].
pub fn features(
    rows: &Rows,
    features: &[Feature],
    window: i64,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut outs = vec![vec![0.0; rows.times.len()]; features.len()];
    let slices = outs.iter_mut().map(Vec::as_mut_slice).collect();
    fill(rows, features, window, threads, monitor, slices)?;
    Ok(outs)
}

/// [`features`] into memory of the caller's, one slice for each feature.
///
/// # Errors
///
/// Those of [`features`]; [`Error::Length`] if a slice has another length than the rows.
pub fn fill(
    rows: &Rows,
    features: &[Feature],
    window: i64,
    threads: usize,
    monitor: &Monitor,
    outs: Vec<&mut [f64]>,
) -> Result<(), Error> {
    check(rows, features, window)?;
    let n = rows.times.len();
    let lengths = outs.iter().map(|out| out.len());
    if let Some(found) = lengths.into_iter().find(|&length| length != n) {
        return Err(Error::Length {
            name: "outs",
            expected: n,
            found,
        });
    }
    let steps = || rows.times.windows(2);
    if !steps().fold(false, |any, step| any | (step[1] < step[0])) {
        return in_order(rows, features, window, threads, monitor, outs);
    }
    let back = 1 + steps()
        .position(|step| step[1] < step[0])
        .unwrap_or_default();
    refuse_back(rows, back)?;
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by_key(|&row| rows.times[row as usize]); // stable: the order of equal times stays
    let sorted = Sorted::new(rows, &order);
    let mut answers = vec![vec![0.0; n]; features.len()];
    let slices = answers.iter_mut().map(Vec::as_mut_slice).collect();
    let sorted_rows = sorted.rows(rows.n_keys);
    in_order(&sorted_rows, features, window, threads, monitor, slices)?;
    for (out, answer) in outs.into_iter().zip(answers) {
        for (&row, value) in order.iter().zip(answer) {
            out[row as usize] = value;
        }
    }
    Ok(())
}

/// Rows that are worth a thread.
const SHARE: usize = 1 << 16;

/// One feature at a time, and the rows in as many parts as there are threads. A part warms up on
/// the rows that its first window holds.
fn in_order(
    rows: &Rows,
    features: &[Feature],
    window: i64,
    threads: usize,
    monitor: &Monitor,
    outs: Vec<&mut [f64]>,
) -> Result<(), Error> {
    let n = rows.times.len();
    let parts = threads.min(n / SHARE).max(1);
    let bounds: Vec<usize> = (0..=parts).map(|part| n * part / parts).collect();
    let sets = Sets::new(rows, features);
    let mut tasks = Vec::new();
    let mut spectral = Vec::new();
    for (feature, out) in features.iter().zip(outs) {
        if feature.is_spectral() {
            spectral.push((*feature, out));
        } else if *feature == Feature::InterArrival {
            // It looks back without limit, so it is not parted.
            tasks.push((0..n, vec![(*feature, out)]));
        } else {
            let outs = vec![(*feature, out)];
            tasks.extend(in_parts(&bounds, outs));
        }
    }
    if !spectral.is_empty() {
        tasks.extend(in_parts(&bounds, spectral));
    }
    parallel::for_each(tasks, threads, |(part, mut outs)| {
        let sweep = Sweep {
            rows,
            window,
            part,
            monitor,
        };
        if outs.iter().any(|(feature, _)| feature.is_spectral()) {
            return spectrum::spectrum(&sweep, outs);
        }
        outs.iter_mut()
            .try_for_each(|(feature, out)| feature.sweep(&sweep, &sets, out))
    })
}

/// Features with the memory for their answers.
type Outs<'a> = Vec<(Feature, &'a mut [f64])>;

/// The memory of each part between two of `bounds`.
fn in_parts<'a>(bounds: &[usize], mut outs: Outs<'a>) -> Vec<(Range<usize>, Outs<'a>)> {
    let part = |bound: &[usize]| {
        let mut own = Vec::with_capacity(outs.len());
        for (feature, out) in &mut outs {
            let (first, rest) = std::mem::take(out).split_at_mut(bound[1] - bound[0]);
            *out = rest;
            own.push((*feature, first));
        }
        (bound[0]..bound[1], own)
    };
    bounds.windows(2).map(part).collect()
}
