//! Running joins of a block from its front and from its back, four values at a time.
//!
//! A window of `width` values ends inside one block of `width` values and begins inside the one
//! before. Its sum (or minimum) is the join of a suffix of the one with a prefix of the other, so
//! nothing is ever subtracted (van Herk 1992; Gil and Werman 1993). Both scans join inside four
//! lanes first, so that only one join in four waits for the one before it.

/// An associative operation with an identity.
pub trait Join {
    /// Joins with any value to that value.
    const IDENTITY: f64;
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
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
}

// Written as comparisons because they are one instruction; `f64::min` spends three on NaN, which
// never comes here.
impl Join for Lesser {
    const IDENTITY: f64 = f64::INFINITY;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        if a < b { a } else { b }
    }
}

impl Join for Greater {
    const IDENTITY: f64 = f64::NEG_INFINITY;
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

#[inline(always)]
fn lanes(values: &[f64]) -> Lanes {
    [values[0], values[1], values[2], values[3]]
}

/// `out[j]` = join of `values[..=j]`.
#[inline(always)]
pub fn prefixes<J: Join>(values: &[f64], out: &mut [f64]) {
    let out = &mut out[..values.len()];
    let mut carry = J::IDENTITY;
    let whole = values.len() / 4 * 4;
    for (v, o) in values.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
        let v = lanes(v);
        let pairs = join::<J>(v, [J::IDENTITY, v[0], v[1], v[2]]);
        let all = join::<J>(pairs, [J::IDENTITY, J::IDENTITY, pairs[0], pairs[1]]);
        o.copy_from_slice(&join::<J>(all, [carry; 4]));
        carry = J::join(carry, all[3]);
    }
    for (&v, o) in values[whole..].iter().zip(&mut out[whole..]) {
        carry = J::join(carry, v);
        *o = carry;
    }
}

/// `out[j]` = join of `values[j + 1..]`: what remains of a block when its first `j + 1` values
/// have left.
#[inline(always)]
pub fn suffixes<J: Join>(values: &[f64], out: &mut [f64]) {
    let n = values.len();
    if n == 0 {
        return;
    }
    let out = &mut out[..n];
    out[n - 1] = J::IDENTITY;
    let (values, out) = (&values[1..], &mut out[..n - 1]);
    let mut carry = J::IDENTITY;
    let head = values.len() % 4;
    for (v, o) in values[head..]
        .chunks_exact(4)
        .rev()
        .zip(out[head..].chunks_exact_mut(4).rev())
    {
        let v = lanes(v);
        let pairs = join::<J>(v, [v[1], v[2], v[3], J::IDENTITY]);
        let all = join::<J>(pairs, [pairs[2], pairs[3], J::IDENTITY, J::IDENTITY]);
        o.copy_from_slice(&join::<J>(all, [carry; 4]));
        carry = J::join(carry, all[0]);
    }
    for (&v, o) in values[..head].iter().zip(&mut out[..head]).rev() {
        carry = J::join(v, carry);
        *o = carry;
    }
}

/// `out[i]` = join of `values[i..i + width]`, for windows so narrow that reading each anew is
/// quicker than two scans.
#[inline(always)]
pub fn direct<J: Join>(values: &[f64], width: usize, out: &mut [f64]) {
    const ROWS: usize = 16;
    let n = out.len();
    let whole = n / ROWS * ROWS;
    for i in (0..whole).step_by(ROWS) {
        let mut total = [J::IDENTITY; ROWS];
        for k in 0..width {
            let v: &[f64; ROWS] = values[i + k..i + k + ROWS].try_into().expect("ROWS values");
            for (t, &v) in total.iter_mut().zip(v) {
                *t = J::join(*t, v);
            }
        }
        out[i..i + ROWS].copy_from_slice(&total);
    }
    for i in whole..n {
        out[i] = values[i..i + width].iter().copied().fold(J::IDENTITY, J::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_join_from_both_ends() {
        for n in 0..12 {
            let values: Vec<f64> = (1..=n).map(f64::from).collect();
            let mut out = vec![0.0; values.len()];
            prefixes::<Plus>(&values, &mut out);
            for j in 0..values.len() {
                assert_eq!(out[j], values[..=j].iter().sum::<f64>());
            }
            suffixes::<Plus>(&values, &mut out);
            for j in 0..values.len() {
                assert_eq!(out[j], values[j + 1..].iter().sum::<f64>());
            }
            suffixes::<Lesser>(&values, &mut out);
            for j in 0..values.len() {
                assert_eq!(out[j], values.get(j + 1).copied().unwrap_or(f64::INFINITY));
            }
        }
    }

    #[test]
    fn direct_joins_each_window() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 11)).collect();
        for width in 1..9 {
            let mut out = vec![0.0; values.len() + 1 - width];
            direct::<Greater>(&values, width, &mut out);
            for (i, &o) in out.iter().enumerate() {
                let window = &values[i..i + width];
                assert_eq!(o, window.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
}
