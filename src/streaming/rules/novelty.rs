//! How far a series is outside everything it has shown, in four views of it.
//!
//! A view is the value itself, its distance from an exponentially weighted mean (a sudden change),
//! the mean of the last values (a level that moved) and the logarithm of their standard deviation
//! (they scatter more, or stand still). Each is measured by the range it has covered so far, so that
//! a series that jumps is used to jumps; the score is the largest of the four.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;
use super::super::queue::Queue;
use crate::rolling::queue::MomentSums;

/// The rule.
#[derive(Debug, Clone, Copy)]
pub struct Novelty {
    /// Values in the mean and the standard deviation; also the span of the weighted mean.
    pub span: usize,
    /// Values a view must have shown.
    pub warm_up: u64,
    /// The least standard deviation, in units of the range of the values.
    pub floor: f64,
}

/// What a view has covered.
#[derive(Debug, Clone, Copy)]
struct Covered {
    low: f64,
    high: f64,
    seen: u64,
}

impl Covered {
    const NOTHING: Covered = Covered {
        low: f64::INFINITY,
        high: f64::NEG_INFINITY,
        seen: 0,
    };

    /// Distance outside the range so far, in ranges; then the value joins.
    #[inline(always)]
    fn push(&mut self, value: f64, warm_up: u64) -> f64 {
        if value.is_nan() {
            return f64::NAN;
        }
        let outside = (value - self.high).max(self.low - value).max(0.0);
        let novelty = if self.seen < warm_up {
            f64::NAN
        } else if outside > 0.0 {
            outside / (self.high - self.low)
        } else {
            0.0
        };
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        self.seen += 1;
        novelty
    }
}

/// What is known of a key.
#[derive(Debug)]
pub struct Views {
    mean: f64,
    window: Queue<MomentSums>,
    covered: [Covered; 4],
}

impl Rule for Novelty {
    type State = Views;

    fn outputs(&self) -> usize {
        5
    }

    fn start(&self) -> Views {
        Views {
            mean: f64::NAN,
            window: Queue::new(),
            covered: [Covered::NOTHING; 4],
        }
    }

    #[inline(always)]
    fn push(&self, state: &mut Views, _: i64, value: f64, out: &mut [f64]) {
        if value.is_nan() {
            out.fill(f64::NAN);
            return;
        }
        let change = value - state.mean;
        state.mean = if state.mean.is_nan() {
            value
        } else {
            state.mean + 2.0 / (self.span as f64 + 1.0) * change
        };
        state.window.push(value);
        if state.window.len() > self.span {
            state.window.pop();
        }
        let [values, ..] = &mut state.covered;
        let of_value = values.push(value, self.warm_up.max(2));
        let range = values.high - values.low;
        let (mut level, mut spread) = (f64::NAN, f64::NAN);
        if state.window.len() == self.span {
            let moments = state.window.whole().state.moments();
            level = moments.mean();
            if range > 0.0 {
                let std = moments.var(1.0).sqrt();
                spread = std.max(self.floor * range).ln();
            }
        }
        let [_, rest @ ..] = &mut state.covered;
        let mut score = of_value;
        out[1] = of_value;
        for ((covered, view), out) in rest
            .iter_mut()
            .zip([change, level, spread])
            .zip(&mut out[2..])
        {
            *out = covered.push(view, self.warm_up.max(2));
            // A view that has no answer yet does not count.
            score = score.max(*out);
        }
        out[0] = score;
    }

    fn write(&self, state: &Views, to: &mut Writer) {
        to.f64(state.mean);
        for covered in &state.covered {
            to.u64(covered.seen);
            to.all(&[covered.low, covered.high]);
        }
        state.window.write(to);
    }

    fn read(&self, from: &mut Reader) -> Option<Views> {
        let mut state = self.start();
        state.mean = from.f64()?;
        for covered in &mut state.covered {
            covered.seen = from.u64()?;
            (covered.low, covered.high) = (from.f64()?, from.f64()?);
        }
        state.window = Queue::read(from, self.span)?;
        Some(state)
    }
}
