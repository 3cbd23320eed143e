//! The ranks of the values of a stretch of rows.
//!
//! A value's bits, read as an integer that keeps the order, are counted from the smallest value's
//! and shifted until the highest bit is in use. The top half travels with its row through a radix
//! sort by the least significant digit; rows whose top halves are equal are put in order by their
//! whole keys afterwards. Few are, unless their values are.

use std::ops::Range;

use crate::float::Float;
use crate::parallel::is_cancelled;
use crate::rolling::task::Task;

/// Below this many values a comparison sort is faster.
const FEW: usize = 200;

/// Values with their ranks, and room that is used again for the next stretch.
#[derive(Default)]
pub(super) struct Sorter {
    /// The rank of each row; `values.len()` if it is missing. Equal values have ranks of their own.
    pub ranks: Vec<u32>,
    /// The present values in order.
    pub values: Vec<f64>,
    keys: Vec<u64>,
    pairs: Vec<u64>,
    spare: Vec<u64>,
}

impl Sorter {
    /// Ranks the present values of `rows`, unless the work is cancelled.
    #[inline(always)]
    pub fn sort<T: Float>(&mut self, task: &Task<T>, rows: Range<usize>) {
        let (smallest, largest, count) = self.read(task, rows);
        let shift = (largest - smallest).leading_zeros() % 64;
        self.pack(smallest, shift, count);
        if count < FEW {
            self.pairs.sort_unstable();
        } else if count < 2000 {
            self.radix::<8, 256, 4>();
        } else {
            self.radix::<11, 2048, 3>();
        }
        if is_cancelled() {
            return;
        }
        self.mend();
        self.ranks.clear();
        self.ranks.resize(self.keys.len(), count as u32);
        self.values.clear();
        self.values.resize(count, 0.0);
        for (rank, (place, pair)) in self.values.iter_mut().zip(&self.pairs).enumerate() {
            if rank % (1 << 16) == 0 && is_cancelled() {
                return;
            }
            let row = *pair as u32 as usize;
            self.ranks[row] = rank as u32;
            *place = value(self.keys[row]);
        }
    }

    /// Reads the keys of `rows`; gives the smallest and largest present one and their count.
    #[inline(always)]
    fn read<T: Float>(&mut self, task: &Task<T>, rows: Range<usize>) -> (u64, u64, usize) {
        let (mut smallest, mut largest, mut count) = (MISSING, 0, 0);
        self.keys.clear();
        self.keys.resize(rows.len(), 0);
        for (place, row) in self.keys.iter_mut().zip(rows) {
            let key = key(task.value(row));
            let is_present = key != MISSING;
            smallest = smallest.min(key);
            largest = largest.max(if is_present { key } else { 0 });
            count += usize::from(is_present);
            *place = key;
        }
        (smallest.min(largest), largest, count)
    }

    /// The top half of each present key, over its row.
    #[inline(always)]
    fn pack(&mut self, smallest: u64, shift: u32, count: usize) {
        self.pairs.clear();
        self.pairs.resize(count + 1, 0);
        let mut at = 0;
        for (row, &key) in self.keys.iter().enumerate() {
            let top = (key.wrapping_sub(smallest) << shift) & TOP;
            self.pairs[at] = top | row as u64;
            at += usize::from(key != MISSING);
        }
        self.pairs.truncate(count);
    }

    /// Sorts the pairs by the top half, `PASSES` digits of `BITS` bits.
    #[inline(always)]
    fn radix<const BITS: u32, const DIGITS: usize, const PASSES: usize>(&mut self) {
        let mut places = [[0_u32; DIGITS]; PASSES];
        let digit =
            |pair: u64, pass: usize| (pair >> (32 + BITS * pass as u32)) as usize & (DIGITS - 1);
        for &pair in &self.pairs {
            for (pass, places) in places.iter_mut().enumerate() {
                places[digit(pair, pass)] += 1;
            }
        }
        self.spare.clear();
        self.spare.resize(self.pairs.len(), 0);
        for (pass, places) in places.iter_mut().enumerate() {
            let first = digit(self.pairs[0], pass);
            if places[first] as usize == self.pairs.len() {
                continue;
            }
            // A pass over ten million rows takes a moment.
            if is_cancelled() {
                return;
            }
            let mut sum = 0;
            for place in places.iter_mut() {
                sum += std::mem::replace(place, sum);
            }
            for &pair in &self.pairs {
                let place = &mut places[digit(pair, pass)];
                self.spare[*place as usize] = pair;
                *place += 1;
            }
            std::mem::swap(&mut self.pairs, &mut self.spare);
        }
    }

    /// Puts rows with equal top halves in the order of their whole keys.
    #[inline(always)]
    fn mend(&mut self) {
        let keys = &self.keys;
        let whole = |pair: &u64| keys[*pair as u32 as usize];
        let mut first = 0;
        while first + 1 < self.pairs.len() {
            let top = self.pairs[first] & TOP;
            if self.pairs[first + 1] & TOP != top {
                first += 1;
                continue;
            }
            let rest = &mut self.pairs[first..];
            let size = rest.iter().take_while(|&pair| pair & TOP == top).count();
            let run = &mut rest[..size];
            if !run.is_sorted_by_key(whole) {
                run.sort_unstable_by_key(whole);
            }
            first += size;
        }
    }
}

const TOP: u64 = 0xFFFF_FFFF_0000_0000;
const SIGN: u64 = 1 << 63;
const MISSING: u64 = u64::MAX;

/// An integer that orders as the values do, with one zero only; `MISSING` for NaN.
#[inline(always)]
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    let key = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    if value.is_nan() { MISSING } else { key }
}

/// The value of a key.
#[inline(always)]
fn value(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rolling::Windows;

    fn sorted(x: &[f64]) -> Sorter {
        let task = Task {
            x,
            y: None,
            windows: Windows::Expanding { shift: 0 },
            answers: 0..x.len(),
            min_periods: 1,
            infinity: crate::Infinity::Ieee,
        };
        let mut sorter = Sorter::default();
        sorter.sort(&task, 0..x.len());
        sorter
    }

    #[test]
    fn a_key_orders_as_its_value_and_leads_back() {
        let values = [
            f64::NEG_INFINITY,
            -2.0,
            -1e-310,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        assert!(values.is_sorted_by_key(|&v| key(v)));
        assert!(values.iter().all(|&v| value(key(v)) == v));
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn ranks_are_the_order_of_values_however_close_they_are() {
        for n in [0_usize, 1, 2, 150, 300, 5000] {
            let mut state = 7_u64;
            let x: Vec<f64> = (0..n)
                .map(|_| {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    match state >> 61 {
                        0 => f64::NAN,
                        1 => f64::NEG_INFINITY,
                        2 => -1e300,
                        // These share the top half of their keys.
                        _ => 1.0 + (state >> 50 & 255) as f64 * f64::EPSILON,
                    }
                })
                .collect();
            let sorter = sorted(&x);
            let mut expected: Vec<f64> = x.iter().copied().filter(|v| !v.is_nan()).collect();
            expected.sort_by(f64::total_cmp);
            assert_eq!(sorter.values, expected);
            let mut seen = vec![false; n];
            for (row, &rank) in sorter.ranks.iter().enumerate() {
                if x[row].is_nan() {
                    assert_eq!(rank as usize, expected.len());
                } else {
                    assert_eq!(x[row], expected[rank as usize]);
                    assert!(!std::mem::replace(&mut seen[rank as usize], true));
                }
            }
        }
    }
}
