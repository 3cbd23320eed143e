//! Which rows and columns a tree is grown on.

use crate::error::Error;
use crate::random::Stream;

/// How rows are drawn for each tree.
#[derive(Debug)]
pub(crate) struct Rows {
    n: usize,
    draws: usize,
    replace: bool,
    /// Sums of the weights up to and with each row.
    cumulative: Option<Vec<f64>>,
}

impl Rows {
    /// `draws` of `n` rows, with chances in proportion to `weight` if given.
    pub fn new(
        n: usize,
        draws: usize,
        replace: bool,
        weight: Option<&[f64]>,
    ) -> Result<Self, Error> {
        let cumulative = weight.map(|w| cumulative(w, n)).transpose()?;
        if let (Some(weight), false) = (weight, replace) {
            let positive = weight.iter().filter(|&&w| w > 0.0).count();
            if positive < draws {
                let expected = format!(
                    "positive in at least max_samples = {draws} rows, as each is drawn once \
                     (lower max_samples or set bootstrap=True)"
                );
                return Err(Error::argument("sample_weight", expected, positive));
            }
        }
        Ok(Rows {
            n,
            draws,
            replace,
            cumulative,
        })
    }

    /// The different rows of one tree.
    pub fn draw(&self, random: &mut Stream) -> Vec<u32> {
        match &self.cumulative {
            Some(cumulative) => self.weighted(cumulative, random),
            None if self.replace => {
                let mut rows: Vec<u32> = (0..self.draws)
                    .map(|_| random.below(self.n as u64) as u32)
                    .collect();
                rows.sort_unstable();
                rows.dedup();
                rows
            }
            None if self.draws == self.n => (0..self.n as u32).collect(),
            None if self.draws > self.n / 8 => without_replacement(self.n, self.draws, random),
            None => floyd(self.n, self.draws, random),
        }
    }

    /// Rows one after the other, each among those not drawn yet in proportion to its weight.
    fn weighted(&self, cumulative: &[f64], random: &mut Stream) -> Vec<u32> {
        let total = cumulative[self.n - 1];
        let mut one = || {
            let u = random.unit() * total;
            cumulative.partition_point(|&c| c <= u).min(self.n - 1) as u32
        };
        let mut taken = Seen::new(self.draws);
        let mut rows = Vec::with_capacity(self.draws);
        if self.replace {
            for _ in 0..self.draws {
                let row = one();
                if taken.insert(row) {
                    rows.push(row);
                }
            }
            return rows;
        }
        // To pass over a row drawn before is to draw among the others. When that gets slow, the
        // rest is drawn by exponential waiting times, which give the same chances.
        for _ in 0..8 * self.draws {
            let row = one();
            let weight = cumulative[row as usize] - previous(cumulative, row as usize);
            if weight > 0.0 && taken.insert(row) {
                rows.push(row);
                if rows.len() == self.draws {
                    return rows;
                }
            }
        }
        let mut waits: Vec<(f64, u32)> = (0..self.n)
            .filter_map(|row| {
                let weight = cumulative[row] - previous(cumulative, row);
                (weight > 0.0 && !taken.contains(row as u32))
                    .then(|| (-(1.0 - random.unit()).ln() / weight, row as u32))
            })
            .collect();
        waits.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.extend(waits.iter().take(self.draws - rows.len()).map(|w| w.1));
        rows
    }
}

fn previous(cumulative: &[f64], row: usize) -> f64 {
    if row == 0 { 0.0 } else { cumulative[row - 1] }
}

fn cumulative(weight: &[f64], n: usize) -> Result<Vec<f64>, Error> {
    if weight.len() != n {
        return Err(Error::Length {
            name: "sample_weight",
            expected: n,
            found: weight.len(),
        });
    }
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(n);
    for (row, &w) in weight.iter().enumerate() {
        if !(w >= 0.0 && w.is_finite()) {
            let found = format!("{w} in row {row}");
            return Err(Error::argument(
                "sample_weight",
                "finite and not negative",
                found,
            ));
        }
        sum += w;
        sums.push(sum);
    }
    if !(sum > 0.0 && sum.is_finite()) {
        let expected = "weights whose sum is positive and finite";
        return Err(Error::argument("sample_weight", expected, sum));
    }
    Ok(sums)
}

/// `k` different numbers of 0..`n`, by Floyd's algorithm (Bentley, J., Floyd, B. (1987). A sample
/// of brilliance. CACM 30(9), 754-757).
pub(crate) fn floyd(n: usize, k: usize, random: &mut Stream) -> Vec<u32> {
    let mut seen = Seen::new(k);
    (n - k..n)
        .map(|j| {
            let row = random.below(j as u64 + 1) as u32;
            if seen.insert(row) {
                row
            } else {
                seen.insert(j as u32);
                j as u32
            }
        })
        .collect()
}

/// `k` different numbers of 0..`n` in order, each looked at once (Knuth, The Art of Computer
/// Programming 2, algorithm S).
fn without_replacement(n: usize, k: usize, random: &mut Stream) -> Vec<u32> {
    let mut rows = Vec::with_capacity(k);
    for row in 0..n {
        let (left, wanted) = ((n - row) as u64, (k - rows.len()) as u64);
        if wanted == 0 {
            break;
        }
        if random.below(left) < wanted {
            rows.push(row as u32);
        }
    }
    rows
}

/// `k` of `p` columns, ascending.
pub(crate) fn columns(p: usize, k: usize, random: &mut Stream) -> Vec<u32> {
    if k == p {
        return (0..p as u32).collect();
    }
    let mut columns = floyd(p, k, random);
    columns.sort_unstable();
    columns
}

/// A set of rows below `u32::MAX`: open addressing, at most half full.
struct Seen {
    slots: Vec<u32>,
}

impl Seen {
    const EMPTY: u32 = u32::MAX;

    fn new(capacity: usize) -> Self {
        Seen {
            slots: vec![Self::EMPTY; (2 * capacity).next_power_of_two().max(16)],
        }
    }

    fn slot(&self, row: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = (u64::from(row).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as usize & mask;
        while self.slots[at] != row && self.slots[at] != Self::EMPTY {
            at = (at + 1) & mask;
        }
        at
    }

    /// Whether `row` was new.
    fn insert(&mut self, row: u32) -> bool {
        let at = self.slot(row);
        let new = self.slots[at] != row;
        self.slots[at] = row;
        new
    }

    fn contains(&self, row: u32) -> bool {
        self.slots[self.slot(row)] == row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_draw_gives_different_rows_with_equal_chances() {
        for (n, k) in [(40, 2), (40, 20), (10, 10), (1, 1)] {
            let rows = Rows::new(n, k, false, None).unwrap();
            let mut counts = vec![0; n];
            for t in 0..4000 {
                let mut drawn = rows.draw(&mut Stream::new(5, t));
                drawn.sort_unstable();
                drawn.dedup();
                assert_eq!(drawn.len(), k);
                drawn.iter().for_each(|&row| counts[row as usize] += 1);
            }
            let expected = 4000.0 * k as f64 / n as f64;
            let off = |&c: &i32| (f64::from(c) - expected).abs() < 5.0 * expected.sqrt() + 1.0;
            assert!(counts.iter().all(off), "{n} {k} {counts:?}");
        }
    }

    #[test]
    fn weights_are_chances_and_rows_of_none_never_come() {
        // The second of two draws: 1/3 for row 0 first then 2/2; see Horvitz and Thompson.
        let weight = [1.0, 2.0, 0.0];
        let rows = Rows::new(3, 1, false, Some(&weight)).unwrap();
        let first = (0..9000)
            .filter(|&t| rows.draw(&mut Stream::new(1, t)) == [0])
            .count();
        assert!((2800..3200).contains(&first), "{first}");
        let both = Rows::new(3, 2, false, Some(&weight)).unwrap();
        let mut drawn = both.draw(&mut Stream::new(1, 1));
        drawn.sort_unstable();
        assert_eq!(drawn, [0, 1]);
    }

    #[test]
    fn a_heavy_row_does_not_keep_the_others_out() {
        let mut weight = vec![1.0; 50];
        weight[7] = 1e12;
        let rows = Rows::new(50, 50, false, Some(&weight)).unwrap();
        let mut drawn = rows.draw(&mut Stream::new(1, 0));
        drawn.sort_unstable();
        assert_eq!(drawn, (0..50).collect::<Vec<u32>>());
    }

    #[test]
    fn weights_that_cannot_be_chances_are_refused() {
        let error = |w: &[f64], k| Rows::new(3, k, false, Some(w)).unwrap_err().to_string();
        assert_eq!(
            error(&[1.0, -1.0, 0.0], 1),
            "sample_weight must be finite and not negative, got -1 in row 1"
        );
        assert_eq!(
            error(&[0.0; 3], 1),
            "sample_weight must be weights whose sum is positive and finite, got 0"
        );
        assert!(error(&[1.0, 0.0, 0.0], 2).contains("positive in at least max_samples = 2 rows"));
        assert_eq!(error(&[1.0], 1), "sample_weight has 1 values, expected 3");
    }
}
