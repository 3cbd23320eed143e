//! Means and standard deviations of whole numbers, and the times between rows.

use super::rows::Rows;
use super::sweep::{BLOCK, Sweep};
use crate::error::Error;
use crate::packets::keys::NONE;

/// Seconds in a nanosecond.
const SECOND: f64 = 1e-9;

/// Count, sum and sum of squares of whole numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: u32,
    sum: u128,
    squares: u128,
}

impl Moments {
    #[inline(always)]
    pub(super) fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.squares += u128::from(value) * u128::from(value);
    }

    #[inline(always)]
    pub(super) fn remove(&mut self, value: u64) {
        self.count -= 1;
        self.sum -= u128::from(value);
        self.squares -= u128::from(value) * u128::from(value);
    }

    #[inline(always)]
    pub(super) fn mean(&self) -> f64 {
        self.sum as f64 / f64::from(self.count)
    }

    /// Of the population. NaN for none.
    #[inline(always)]
    pub(super) fn std(&self) -> f64 {
        let count = u128::from(self.count);
        // The difference that would cancel is taken while it is exact.
        let scaled = match self.squares.checked_mul(count) {
            Some(squares) => match self.sum.checked_mul(self.sum) {
                Some(square) => (squares - square) as f64,
                None => return self.std_of_huge(),
            },
            None => return self.std_of_huge(),
        };
        scaled.sqrt() / f64::from(self.count)
    }

    /// Sums beyond 64 bits: gaps of months in a window of years.
    #[cold]
    fn std_of_huge(&self) -> f64 {
        let mean = self.mean();
        (self.squares as f64 / f64::from(self.count) - mean * mean)
            .max(0.0)
            .sqrt()
    }
}

pub(super) fn inter_arrival(sweep: &Sweep, out: &mut [f64]) -> Result<(), Error> {
    let Rows {
        keys,
        times,
        n_keys,
        ..
    } = *sweep.rows;
    let mut last = vec![i64::MIN; n_keys];
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let rows = block * BLOCK..block * BLOCK + out.len();
        for ((&key, &time), out) in keys[rows.clone()].iter().zip(&times[rows]).zip(&mut *out) {
            *out = f64::NAN;
            if key == NONE {
                continue;
            }
            let before = &mut last[key as usize];
            if *before != i64::MIN {
                *out = time.wrapping_sub(*before) as u64 as f64 * SECOND;
            }
            *before = time;
        }
        sweep.monitor.tick(out.len() as u64)?;
    }
    Ok(())
}

/// The times between the rows of a key in the window.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    moments: Moments,
    /// The last row of the key.
    last: u32,
    /// Rows in the window.
    count: u32,
}

pub(super) fn gaps(
    sweep: &Sweep,
    out: &mut [f64],
    answer: impl Fn(&Moments) -> f64,
) -> Result<(), Error> {
    let times = sweep.rows.times;
    let origin = sweep.origin();
    let empty = Gaps {
        moments: Moments::default(),
        last: NONE,
        count: 0,
    };
    sweep.run(
        // The time from a row to the next of its key, which leaves together with the row.
        vec![0u64; sweep.part.end - origin],
        empty,
        out,
        |after, gaps, row| {
            if gaps.count > 0 {
                let gap = times[row].wrapping_sub(times[gaps.last as usize]) as u64;
                gaps.moments.add(gap);
                after[gaps.last as usize - origin] = gap;
            }
            gaps.last = row as u32;
            gaps.count += 1;
            if gaps.moments.count == 0 {
                f64::NAN
            } else {
                answer(&gaps.moments) * SECOND
            }
        },
        |after, gaps, row| {
            gaps.count -= 1;
            if gaps.count > 0 {
                gaps.moments.remove(after[row - origin]);
            }
        },
    )
}
