//! Running joins of a block from its front and from its back, four values at a time.
//!
//! A window of `width` values ends inside one block of `width` values and begins inside the one
//! before. Its sum (or minimum) is the join of a suffix of the one with a prefix of the other, so
//! nothing is ever subtracted (van Herk 1992; Gil and Werman 1993). Both scans join inside four
//! lanes first, so that only one join in four waits for the one before it.

use std::marker::PhantomData;

use crate::float::Float;
use crate::simd::Four;

/// An associative operation with an identity.
pub(crate) trait Join {
    /// Joins with any value to that value.
    const IDENTITY: f64;
    /// Whether a value may be joined twice without changing the result.
    const IDEMPOTENT: bool;
    /// The join of two values.
    fn join(a: f64, b: f64) -> f64;
    /// The joins of four pairs of values.
    fn fours<F: Four>(a: F, b: F) -> F;
}

/// Addition.
pub(crate) struct Plus;
/// The smaller value.
pub(crate) struct Lesser;
/// The larger value.
pub(crate) struct Greater;

impl Join for Plus {
    const IDENTITY: f64 = 0.0;
    const IDEMPOTENT: bool = false;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn fours<F: Four>(a: F, b: F) -> F {
        a.add(b)
    }
}

// Written as comparisons because they are one instruction; `f64::min` spends three on NaN, which
// never comes here.
impl Join for Lesser {
    const IDENTITY: f64 = f64::INFINITY;
    const IDEMPOTENT: bool = true;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn fours<F: Four>(a: F, b: F) -> F {
        a.lesser(b)
    }
}

impl Join for Greater {
    const IDENTITY: f64 = f64::NEG_INFINITY;
    const IDEMPOTENT: bool = true;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn fours<F: Four>(a: F, b: F) -> F {
        a.greater(b)
    }
}

/// Runs a body for each four of `n` places from the first on: those from `j`, of which `len` there
/// are. A macro, because a closure would not always be compiled into the copy for AVX2, and calls
/// between the two copies are slow.
macro_rules! each_four {
    ($n:expr, |$j:ident, $len:ident| $body:block) => {
        let n: usize = $n;
        let whole = n / 4 * 4;
        let mut j = 0;
        while j < whole {
            let ($j, $len) = (j, 4);
            $body
            j += 4;
        }
        if whole < n {
            let ($j, $len) = (whole, n - whole);
            $body
        }
    };
}

pub(crate) use each_four;

/// The `len` values from `j` on, and then zeros.
#[inline(always)]
pub(crate) fn load<F: Four, T: Float>(values: &[T], j: usize, len: usize) -> F {
    if len == 4 {
        match values[j..].first_chunk() {
            Some(four) => T::four(four),
            None => unreachable!("four values from place {j} on"),
        }
    } else {
        F::of(|l| if l < len { values[j + l].to_f64() } else { 0.0 })
    }
}

/// Puts the first `len` lanes from place `j` on.
#[inline(always)]
pub(crate) fn store<F: Four, T: Float>(lanes: F, out: &mut [T], j: usize, len: usize) {
    let lanes = lanes.lanes().map(T::from_f64);
    if len == 4 {
        out[j..j + 4].copy_from_slice(&lanes);
    } else {
        out[j..j + len].copy_from_slice(&lanes[..len]);
    }
}

/// In each lane the join of it with those after it.
#[inline(always)]
fn scan_down<F: Four, J: Join>(v: F) -> F {
    let none = F::all(J::IDENTITY);
    let pairs = J::fours(v, v.down(none));
    J::fours(pairs, pairs.down_two(none))
}

/// `out[j]` = join of `read(value)` of the values from `j` on.
#[inline(always)]
pub(crate) fn suffixes<F: Four, T: Float, J: Join>(
    values: &[T],
    mut read: impl FnMut(F) -> F,
    out: &mut [f64],
) {
    let (n, head) = (values.len(), values.len() % 4);
    let mut carry = F::all(J::IDENTITY);
    let mut j = n;
    while j > head {
        j -= 4;
        let all = scan_down::<F, J>(read(load(values, j, 4)));
        store(J::fours(all, carry), out, j, 4);
        carry = J::fours(all.first(), carry);
    }
    if head > 0 {
        // The values move to the last lanes: what comes before them does not count.
        let v = F::of(|l| values[(l + head).saturating_sub(4)].to_f64());
        let all = J::fours(scan_down::<F, J>(read(v)), carry).lanes();
        out[..head].copy_from_slice(&all[4 - head..]);
    }
}

/// Joins of all values up to each, four at a time.
pub(crate) struct Prefixes<F, J> {
    carry: F,
    join: PhantomData<J>,
}

impl<F: Four, J: Join> Prefixes<F, J> {
    /// Begins with a value.
    #[inline(always)]
    pub(crate) fn from(carry: f64) -> Self {
        Prefixes {
            carry: F::all(carry),
            join: PhantomData,
        }
    }

    /// The joins up to each of the next four values.
    #[inline(always)]
    pub(crate) fn next(&mut self, v: F) -> F {
        let none = F::all(J::IDENTITY);
        let pairs = J::fours(v.up(none), v);
        let all = J::fours(pairs.up_two(none), pairs);
        let joins = J::fours(self.carry, all);
        self.carry = J::fours(self.carry, all.last());
        joins
    }

    /// The join of all so far.
    #[inline(always)]
    pub(crate) fn total(&self) -> f64 {
        self.carry.lanes()[0]
    }
}

/// Rows that `direct` answers side by side.
const ROWS: usize = 16;

/// `out[i]` = join of `values[i..i + width]`, for windows so narrow that reading each anew is
/// quicker than two scans. `fours` is scratch.
#[inline(always)]
pub(crate) fn direct<T: Float, J: Join>(
    values: &[T],
    width: usize,
    fours: &mut Vec<f64>,
    out: &mut [f64],
) {
    if width < 8 {
        gather::<T, J>(values, width, 1, out);
        return;
    }
    // Joins of four values each, then every fourth of those.
    fours.resize(values.len() - 3, 0.0);
    gather::<T, J>(values, 4, 1, fours);
    gather::<f64, J>(fours, width / 4, 4, out);
    let rest = width % 4;
    if rest > 0 && J::IDEMPOTENT {
        for (o, &v) in out.iter_mut().zip(&fours[width - 4..]) {
            *o = J::join(*o, v);
        }
    } else {
        for k in width - rest..width {
            for (o, &v) in out.iter_mut().zip(&values[k..]) {
                *o = J::join(*o, v.to_f64());
            }
        }
    }
}

/// `out[i]` = join of the `count` values `values[i]`, `values[i + step]`, ...
#[inline(always)]
fn gather<T: Float, J: Join>(values: &[T], count: usize, step: usize, out: &mut [f64]) {
    let n = out.len();
    let whole = n / ROWS * ROWS;
    for i in (0..whole).step_by(ROWS) {
        let mut total = [J::IDENTITY; ROWS];
        for k in 0..count {
            let v = &values[i + k * step..][..ROWS];
            for (t, v) in total.iter_mut().zip(v) {
                *t = J::join(*t, v.to_f64());
            }
        }
        out[i..i + ROWS].copy_from_slice(&total);
    }
    for i in whole..n {
        out[i] = (0..count).fold(J::IDENTITY, |t, k| {
            J::join(t, values[i + k * step].to_f64())
        });
    }
}

/// Whether every value is finite.
#[inline(always)]
pub(crate) fn all_finite<T: Float>(values: &[T]) -> bool {
    // Zero times a value is zero, unless the value is NaN or infinite.
    let mut doubt = [0.0; ROWS];
    let chunks = values.chunks_exact(ROWS);
    let rest = chunks
        .remainder()
        .iter()
        .fold(0.0, |d, v| d + v.to_f64() * 0.0);
    for chunk in chunks {
        for (d, v) in doubt.iter_mut().zip(chunk) {
            *d += v.to_f64() * 0.0;
        }
    }
    doubt.iter().sum::<f64>() + rest == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Plain;

    #[test]
    fn scans_join_from_both_ends() {
        for n in 0..14 {
            let values: Vec<f64> = (1..=n).map(|i| f64::from(i * 5 % 7)).collect();
            let n = values.len();
            let mut out = vec![0.0; n];
            let mut sums = out.clone();
            let mut prefixes = Prefixes::<Plain, Plus>::from(1.0);
            each_four!(n, |j, len| {
                store(prefixes.next(load(&values, j, len)), &mut out, j, len);
            });
            assert_eq!(prefixes.total(), 1.0 + values.iter().sum::<f64>());
            suffixes::<Plain, _, Plus>(&values, |v| v, &mut sums);
            for j in 0..n {
                assert_eq!(out[j], 1.0 + values[..=j].iter().sum::<f64>());
                assert_eq!(sums[j], values[j..].iter().sum::<f64>());
            }
            suffixes::<Plain, _, Lesser>(&values, |v| v, &mut out);
            for j in 0..n {
                assert_eq!(
                    out[j],
                    values[j..].iter().copied().fold(f64::INFINITY, f64::min)
                );
            }
        }
    }

    #[test]
    fn direct_joins_each_window() {
        let values: Vec<f32> = (0..150u16).map(|i| f32::from(i * 7 % 11)).collect();
        for width in 1..70 {
            let mut out = vec![0.0; values.len() + 1 - width];
            let mut sums = out.clone();
            direct::<f32, Greater>(&values, width, &mut Vec::new(), &mut out);
            direct::<f32, Plus>(&values, width, &mut Vec::new(), &mut sums);
            for i in 0..out.len() {
                let window = values[i..i + width].iter().map(|&v| f64::from(v));
                assert_eq!(sums[i], window.clone().sum::<f64>());
                assert_eq!(out[i], window.fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }

    #[test]
    fn infinity_and_nan_are_not_finite() {
        for n in [0, 1, 15, 16, 17, 40] {
            let mut values = vec![1e308f64; n];
            assert!(all_finite(&values));
            for i in 0..n {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    values[i] = bad;
                    assert!(!all_finite(&values));
                }
                values[i] = -1.0;
            }
        }
    }
}
