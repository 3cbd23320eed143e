//! Where to part the values of a node.

use crate::random::Stream;

/// A threshold drawn evenly between `min` and `max`, which are different: at least `min`, less
/// than `max`, so that neither side is empty.
pub(crate) fn uniform(min: f64, max: f64, random: &mut Stream) -> f64 {
    let u = random.unit();
    let range = max - min;
    let threshold = if range.is_finite() {
        min + u * range
    } else {
        min * (1.0 - u) + max * u
    };
    if threshold >= min && threshold < max {
        threshold
    } else {
        min
    }
}

/// The threshold that leaves the least spread on its two sides.
///
/// The pooled gain of a split is 1 - (n_l s_l + n_r s_r) / (n s), with s the standard deviation
/// (divisor n) of all values, of those on the left and of those on the right. The best split lies
/// halfway between two neighbouring values; the first of equal ones counts. `values` are put in
/// order; at least two differ.
pub(crate) fn pooled(values: &mut [f64], scratch: &mut Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    // n times the spread of the last values, from each on.
    scratch.clear();
    scratch.resize(n, 0.0);
    let mut right = Running::default();
    for i in (0..n).rev() {
        right.push(values[i]);
        scratch[i] = right.spread();
    }
    let (mut left, mut best, mut at) = (Running::default(), f64::INFINITY, 0);
    for i in 0..n - 1 {
        left.push(values[i]);
        let spread = left.spread() + scratch[i + 1];
        if values[i] < values[i + 1] && (spread < best || best.is_infinite()) {
            (best, at) = (spread, i);
        }
    }
    let (low, high) = (values[at], values[at + 1]);
    let middle = low + (high - low) / 2.0;
    if middle >= low && middle < high {
        middle
    } else {
        low
    }
}

/// Mean and sum of squared distances from it, value by value (Welford 1962).
#[derive(Default)]
struct Running {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Running {
    #[inline]
    fn push(&mut self, x: f64) {
        self.n += 1.0;
        let distance = x - self.mean;
        self.mean += distance / self.n;
        self.squares += distance * (x - self.mean);
    }

    /// n times the standard deviation.
    #[inline]
    fn spread(&self) -> f64 {
        (self.n * self.squares).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_found_at_its_middle() {
        let mut values = [9.0, 1.0, 2.0, 10.0, 1.5];
        assert_eq!(pooled(&mut values, &mut Vec::new()), 5.5);
    }

    #[test]
    fn neighbouring_numbers_are_told_apart() {
        let (low, high) = (1e9, f64::next_up(1e9));
        assert_eq!(pooled(&mut [high, low, low], &mut Vec::new()), low);
        let mut random = Stream::new(0, 0);
        for _ in 0..100 {
            assert_eq!(uniform(low, high, &mut random), low);
        }
    }

    #[test]
    fn the_widest_range_has_thresholds_inside() {
        let mut random = Stream::new(0, 0);
        for _ in 0..100 {
            let threshold = uniform(-f64::MAX, f64::MAX, &mut random);
            assert!((-f64::MAX..f64::MAX).contains(&threshold));
        }
        let middle = pooled(&mut [-f64::MAX, f64::MAX], &mut Vec::new());
        assert!((-f64::MAX..f64::MAX).contains(&middle));
    }
}
