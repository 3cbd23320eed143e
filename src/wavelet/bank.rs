//! The four filters of a discrete wavelet, built-in ones by name.
//!
//! Only the scaling filters are tabled. The high-pass filters are their alternating flips:
//! `dec_hi[i] = -(-1)^i rec_lo[i]`, `rec_hi[i] = (-1)^i dec_lo[i]`.

use super::table::{BIOR, COIF, DB, DMEY, SYM};
use crate::{Error, Float};

/// Analysis and synthesis filters of one even length.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank<T = f64> {
    /// Analysis, low-pass.
    pub dec_lo: Vec<T>,
    /// Analysis, high-pass.
    pub dec_hi: Vec<T>,
    /// Synthesis, low-pass.
    pub rec_lo: Vec<T>,
    /// Synthesis, high-pass.
    pub rec_hi: Vec<T>,
}

/// Names of all built-in discrete wavelets, a family after the other.
pub fn names() -> Vec<String> {
    let mut names = vec!["haar".to_owned()];
    names.extend((1..=DB.len()).map(|n| format!("db{n}")));
    names.extend((2..2 + SYM.len()).map(|n| format!("sym{n}")));
    names.extend((1..=COIF.len()).map(|n| format!("coif{n}")));
    for family in ["bior", "rbio"] {
        names.extend(BIOR.iter().map(|(name, ..)| format!("{family}{name}")));
    }
    names.push("dmey".to_owned());
    names
}

impl Bank {
    /// The filters of a built-in wavelet.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if there is none of this name.
    pub fn named(name: &str) -> Result<Bank, Error> {
        let number = |family: &str, first: usize| {
            let number: usize = name.strip_prefix(family)?.parse().ok()?;
            number.checked_sub(first)
        };
        let orthogonal = match name {
            "haar" => Some(DB[0]),
            "dmey" => Some(DMEY),
            _ => number("db", 1)
                .and_then(|i| DB.get(i))
                .or_else(|| number("sym", 2).and_then(|i| SYM.get(i)))
                .or_else(|| number("coif", 1).and_then(|i| COIF.get(i)))
                .copied(),
        };
        let reversed = |taps: &[f64]| taps.iter().rev().copied().collect::<Vec<_>>();
        if let Some(taps) = orthogonal {
            return Ok(Bank::of(reversed(taps), taps.to_vec()));
        }
        let pair = |family: &str| {
            let numbers = name.strip_prefix(family)?;
            BIOR.iter().find(|(known, ..)| *known == numbers)
        };
        if let Some((_, analysis, synthesis)) = pair("bior") {
            return Ok(Bank::of(analysis.to_vec(), synthesis.to_vec()));
        }
        if let Some((_, analysis, synthesis)) = pair("rbio") {
            return Ok(Bank::of(reversed(synthesis), reversed(analysis)));
        }
        Err(Error::argument(
            "wavelet",
            "the name of a discrete wavelet",
            format!("{name:?}"),
        ))
    }

    /// The bank of two scaling filters of one even length.
    fn of(dec_lo: Vec<f64>, rec_lo: Vec<f64>) -> Bank {
        let alternate = |taps: &[f64], sign: f64| {
            let turn = |(i, tap): (usize, &f64)| if i % 2 == 0 { sign * tap } else { -sign * tap };
            taps.iter().enumerate().map(turn).collect()
        };
        Bank {
            dec_hi: alternate(&rec_lo, -1.0),
            rec_hi: alternate(&dec_lo, 1.0),
            dec_lo,
            rec_lo,
        }
    }

    /// The same filters in another precision, each multiplied by `factor`.
    pub fn cast<T: Float>(&self, factor: f64) -> Bank<T> {
        let cast = |taps: &[f64]| taps.iter().map(|tap| T::from_f64(tap * factor)).collect();
        Bank {
            dec_lo: cast(&self.dec_lo),
            dec_hi: cast(&self.dec_hi),
            rec_lo: cast(&self.rec_lo),
            rec_hi: cast(&self.rec_hi),
        }
    }
}

impl<T> Bank<T> {
    /// Taps of each filter.
    pub fn taps(&self) -> usize {
        self.dec_lo.len()
    }

    /// Levels at which at least one coefficient of `n` values is free of the boundary.
    pub fn max_level(&self, n: usize) -> usize {
        max_level(n, self.taps())
    }
}

/// Levels at which at least one coefficient of `n` values is free of the boundary.
pub fn max_level(n: usize, taps: usize) -> usize {
    if taps < 2 || n < taps - 1 {
        return 0;
    }
    (n / (taps - 1)).ilog2() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sum over k of a[k] b[k + shift], with the rounding of each product and sum carried along.
    fn product(a: &[f64], b: &[f64], shift: usize) -> f64 {
        let (mut sum, mut rest) = (0.0_f64, 0.0_f64);
        for k in 0..b.len() - shift {
            let p = a[k] * b[k + shift];
            rest += a[k].mul_add(b[k + shift], -p);
            let t = sum + p;
            let virtual_p = t - sum;
            rest += (sum - (t - virtual_p)) + (p - virtual_p);
            sum = t;
        }
        sum + rest
    }

    #[test]
    fn orthogonal_filters_are_so_below_1e_15() {
        for name in names() {
            let bank = Bank::named(&name).unwrap();
            if name == "dmey" || name.contains("bio") {
                continue;
            }
            for shift in (0..bank.taps()).step_by(2) {
                let expected = if shift == 0 { 1.0 } else { 0.0 };
                let found = product(&bank.rec_lo, &bank.rec_lo, shift);
                assert!((found - expected).abs() < 1e-15, "{name} {shift} {found:e}");
            }
        }
    }

    #[test]
    fn biorthogonal_filters_are_so_below_1e_15() {
        for name in names().iter().filter(|name| name.contains("bio")) {
            let bank = Bank::named(name).unwrap();
            let analysis: Vec<f64> = bank.dec_lo.iter().rev().copied().collect();
            for shift in (0..bank.taps()).step_by(2) {
                let expected = if shift == 0 { 1.0 } else { 0.0 };
                for (a, b) in [(&analysis, &bank.rec_lo), (&bank.rec_lo, &analysis)] {
                    let found = product(a, b, shift);
                    assert!((found - expected).abs() < 1e-15, "{name} {shift} {found:e}");
                }
            }
        }
    }

    #[test]
    fn there_are_106_and_unknown_ones_are_refused() {
        assert_eq!(names().len(), 106);
        for name in ["db39", "sym1", "bior2.3", "db", "dbx", "db-1", "gaus1"] {
            assert!(Bank::named(name).is_err(), "{name}");
        }
    }

    #[test]
    fn levels_are_those_of_the_definition() {
        let levels = |n, taps| max_level(n, taps);
        assert_eq!([levels(256, 8), levels(50, 8), levels(6, 8)], [5, 2, 0]);
        assert_eq!([levels(0, 2), levels(1, 2), levels(2, 2)], [0, 0, 1]);
    }
}
