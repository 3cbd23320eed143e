//! Distinct values and their entropy.

use super::sweep::{Pairs, Sweep};
use crate::error::Error;

pub(super) fn distinct(sweep: &Sweep, pairs: &Pairs, out: &mut [f64]) -> Result<(), Error> {
    sweep.run(
        vec![0u32; pairs.n],
        0u32,
        out,
        |counts, distinct, row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *distinct += u32::from(*count == 0);
                *count += 1;
            }
            f64::from(*distinct)
        },
        |counts, distinct, row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *count -= 1;
                *distinct -= u32::from(*count == 0);
            }
        },
    )
}

/// The entropy of counts c with sum n is ln n - (sum of c ln c) / n. The sum is kept in steps of
/// 2^-40, so that what is added can be taken away again exactly.
pub(super) fn entropy(sweep: &Sweep, pairs: &Pairs, out: &mut [f64]) -> Result<(), Error> {
    const STEP: f64 = (1u64 << 40) as f64;
    let table: Vec<i64> = (0..1u32 << 12)
        .map(|count| exact(count, STEP) as i64)
        .collect();
    let weight = |count: u32| match table.get(count as usize) {
        Some(&weight) => i128::from(weight),
        None => exact(count, STEP),
    };
    sweep.run(
        vec![0u32; pairs.n],
        (0u32, 0i128),
        out,
        |counts, (n, sum), row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *sum += weight(*count + 1) - weight(*count);
                *count += 1;
                *n += 1;
            }
            if *sum == weight(*n) {
                return 0.0; // none, or all the same: exactly nothing
            }
            let n = f64::from(*n);
            (n.ln() - *sum as f64 / STEP / n).max(0.0)
        },
        |counts, (n, sum), row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *sum -= weight(*count) - weight(*count - 1);
                *count -= 1;
                *n -= 1;
            }
        },
    )
}

/// c ln c in steps.
fn exact(count: u32, step: f64) -> i128 {
    let count = f64::from(count.max(1));
    (count * count.ln() * step).round() as i128
}
