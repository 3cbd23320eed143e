//! Sums and extremes as states.

use super::State;

/// The sum of the values.
#[derive(Debug, Clone, Copy)]
pub struct Sum(pub f64);

impl State for Sum {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        Sum(0.0)
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        self.0 += x;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        Sum(front.0 + back.0)
    }
}

/// The sum of the values with all that rounding took away (Knuth's two-sum), so that what is left
/// after large values cancel is right as well.
#[derive(Debug, Clone, Copy)]
pub struct CompensatedSum {
    /// The sum as plain addition gives it.
    pub sum: f64,
    /// What is missing from it.
    pub rest: f64,
}

impl CompensatedSum {
    /// The sum of the values, rounded once.
    #[inline(always)]
    pub fn value(&self) -> f64 {
        // The rest of an infinite sum is not a number.
        if self.sum.is_finite() {
            self.sum + self.rest
        } else {
            self.sum
        }
    }

    #[inline(always)]
    fn add(&mut self, x: f64, rest: f64) {
        let sum = self.sum + x;
        let of_x = sum - self.sum;
        self.rest += (self.sum - (sum - of_x)) + (x - of_x) + rest;
        self.sum = sum;
    }
}

impl State for CompensatedSum {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        CompensatedSum {
            sum: 0.0,
            rest: 0.0,
        }
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        self.add(x, 0.0);
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let mut whole = *front;
        whole.add(back.sum, back.rest);
        whole
    }
}

/// The smallest value; infinity if there is none.
#[derive(Debug, Clone, Copy)]
pub struct Min(pub f64);

impl State for Min {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        Min(f64::INFINITY)
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        self.0 = if x < self.0 { x } else { self.0 };
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        Min(if front.0 < back.0 { front.0 } else { back.0 })
    }
}

/// The largest value; minus infinity if there is none.
#[derive(Debug, Clone, Copy)]
pub struct Max(pub f64);

impl State for Max {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        Max(f64::NEG_INFINITY)
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        self.0 = if x > self.0 { x } else { self.0 };
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        Max(if front.0 > back.0 { front.0 } else { back.0 })
    }
}

/// The smallest value and the last row that holds it; items are `(value, row)`.
#[derive(Debug, Clone, Copy)]
pub struct ArgMin {
    /// The smallest value, NaN if there is none.
    pub value: f64,
    /// Its row.
    pub row: usize,
}

impl ArgMin {
    /// Rows between the extreme and the last row of a window that ends before `end`.
    #[inline(always)]
    pub fn age(&self, end: usize) -> usize {
        end - 1 - self.row
    }
}

impl State for ArgMin {
    type Item = (f64, usize);

    #[inline(always)]
    fn identity() -> Self {
        ArgMin {
            value: f64::NAN,
            row: usize::MAX,
        }
    }

    // The comparisons are turned around so that the NaN of an empty state gives way.
    #[inline(always)]
    fn push(&mut self, (value, row): (f64, usize)) {
        let stays = self.value < value;
        *self = if stays { *self } else { ArgMin { value, row } };
    }

    #[inline(always)]
    fn push_front(&mut self, (value, row): (f64, usize)) {
        let stays = self.value <= value;
        *self = if stays { *self } else { ArgMin { value, row } };
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        let takes_back = back.value <= front.value || front.value.is_nan();
        if takes_back { *back } else { *front }
    }
}

/// The largest value and the last row that holds it; items are `(value, row)`.
#[derive(Debug, Clone, Copy)]
pub struct ArgMax(ArgMin);

impl ArgMax {
    /// Rows between the extreme and the last row of a window that ends before `end`.
    #[inline(always)]
    pub fn age(&self, end: usize) -> usize {
        self.0.age(end)
    }
}

impl State for ArgMax {
    type Item = (f64, usize);

    #[inline(always)]
    fn identity() -> Self {
        ArgMax(ArgMin::identity())
    }

    #[inline(always)]
    fn push(&mut self, (value, row): (f64, usize)) {
        self.0.push((-value, row));
    }

    #[inline(always)]
    fn push_front(&mut self, (value, row): (f64, usize)) {
        self.0.push_front((-value, row));
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        ArgMax(ArgMin::merge(&front.0, &back.0))
    }
}
