//! Running joins of a block from its front and from its back, four values at a time.
//!
//! A window of `width` values ends inside one block of `width` values and begins inside the one
//! before. Its sum (or minimum) is the join of a suffix of the one with a prefix of the other, so
//! nothing is ever subtracted (van Herk 1992; Gil and Werman 1993). Both scans join inside four
//! lanes first, so that only one join in four waits for the one before it.

use crate::float::Float;

/// An associative operation with an identity.
pub trait Join {
    /// Joins with any value to that value.
    const IDENTITY: f64;
    /// Whether a value may be joined twice without changing the result.
    const IDEMPOTENT: bool;
    /// The join of two values.
    fn join(a: f64, b: f64) -> f64;
}

/// Addition.
pub struct Plus;
/// The smaller value.
pub struct Lesser;
/// The larger value.
pub struct Greater;

impl Join for Plus {
    const IDENTITY: f64 = 0.0;
    const IDEMPOTENT: bool = false;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
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
}

impl Join for Greater {
    const IDENTITY: f64 = f64::NEG_INFINITY;
    const IDEMPOTENT: bool = true;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        if a > b { a } else { b }
    }
}

type Lanes = [f64; 4];

#[inline(always)]
fn join<J: Join>(a: Lanes, b: Lanes) -> Lanes {
    [
        J::join(a[0], b[0]),
        J::join(a[1], b[1]),
        J::join(a[2], b[2]),
        J::join(a[3], b[3]),
    ]
}

/// `out[j]` = join of `carry` and `value(v, m)` of the first `j + 1` values and their marks; the
/// join of all is returned, to carry on from.
#[inline(always)]
pub fn prefixes<J: Join, V: Copy, M: Copy>(
    values: &[V],
    marks: &[M],
    value: impl Fn(V, M) -> f64,
    carry: f64,
    out: &mut [f64],
) -> f64 {
    let mut carry = carry;
    let whole = values.len() / 4 * 4;
    let fours = values.chunks_exact(4).zip(marks.chunks_exact(4));
    for ((v, m), o) in fours.zip(out.chunks_exact_mut(4)) {
        let v = [
            value(v[0], m[0]),
            value(v[1], m[1]),
            value(v[2], m[2]),
            value(v[3], m[3]),
        ];
        let pairs = join::<J>(v, [J::IDENTITY, v[0], v[1], v[2]]);
        let all = join::<J>(pairs, [J::IDENTITY, J::IDENTITY, pairs[0], pairs[1]]);
        o.copy_from_slice(&join::<J>(all, [carry; 4]));
        carry = J::join(carry, all[3]);
    }
    for ((&v, &m), o) in values[whole..]
        .iter()
        .zip(&marks[whole..])
        .zip(&mut out[whole..])
    {
        carry = J::join(carry, value(v, m));
        *o = carry;
    }
    carry
}

/// `out[j]` = join of `value(v, m)` of the values after `j`: what remains of a block when its
/// first `j + 1` values have left.
#[inline(always)]
pub fn suffixes<J: Join, V: Copy, M: Copy>(
    values: &[V],
    marks: &[M],
    value: impl Fn(V, M) -> f64,
    out: &mut Vec<f64>,
) {
    out.resize(values.len(), 0.0);
    let Some(last) = out.last_mut() else { return };
    *last = J::IDENTITY;
    let (values, marks) = (&values[1..], &marks[1..]);
    let head = values.len() % 4;
    let mut carry = J::IDENTITY;
    let fours = values[head..]
        .chunks_exact(4)
        .zip(marks[head..].chunks_exact(4));
    for ((v, m), o) in fours.zip(out[head..].chunks_exact_mut(4)).rev() {
        let v = [
            value(v[0], m[0]),
            value(v[1], m[1]),
            value(v[2], m[2]),
            value(v[3], m[3]),
        ];
        let pairs = join::<J>(v, [v[1], v[2], v[3], J::IDENTITY]);
        let all = join::<J>(pairs, [pairs[2], pairs[3], J::IDENTITY, J::IDENTITY]);
        o.copy_from_slice(&join::<J>(all, [carry; 4]));
        carry = J::join(carry, all[0]);
    }
    for ((&v, &m), o) in values[..head]
        .iter()
        .zip(&marks[..head])
        .zip(&mut out[..head])
        .rev()
    {
        carry = J::join(value(v, m), carry);
        *o = carry;
    }
}

/// Rows that `direct` answers side by side.
const ROWS: usize = 16;

/// `out[i]` = join of `values[i..i + width]`, for windows so narrow that reading each anew is
/// quicker than two scans. `fours` is scratch.
#[inline(always)]
pub fn direct<T: Float, J: Join>(
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
pub fn all_finite<T: Float>(values: &[T]) -> bool {
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

    #[test]
    fn scans_join_from_both_ends() {
        for n in 0..12 {
            let values: Vec<f64> = (1..=n).map(f64::from).collect();
            let n = values.len();
            let mut out = vec![0.0; n];
            let whole = prefixes::<Plus, _, _>(&values, &values, |v, _| v, 1.0, &mut out);
            assert_eq!(whole, 1.0 + values.iter().sum::<f64>());
            for j in 0..n {
                assert_eq!(out[j], 1.0 + values[..=j].iter().sum::<f64>());
            }
            suffixes::<Plus, _, _>(&values, &values, |v, _| v, &mut out);
            for j in 0..n {
                assert_eq!(out[j], values[j + 1..].iter().sum::<f64>());
            }
            suffixes::<Lesser, _, _>(&values, &values, |v, _| v, &mut out);
            for j in 0..n {
                assert_eq!(out[j], values.get(j + 1).copied().unwrap_or(f64::INFINITY));
            }
        }
    }

    #[test]
    fn direct_joins_each_window() {
        let values: Vec<f32> = (0..150u8).map(|i| f32::from(i * 7 % 11)).collect();
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
