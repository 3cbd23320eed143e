//! How far a value lies outside everything seen before it.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;

/// The rule: the smallest and the largest value before the current one, and its distance outside
/// them in units of the range between them; 0 inside, infinite outside a range of no width.
#[derive(Debug, Clone, Copy)]
pub struct Extremes {
    /// Values that must have been seen.
    pub min_periods: usize,
}

/// The range of a key.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    low: f64,
    high: f64,
    count: u64,
}

impl Rule for Extremes {
    type State = Seen;

    fn outputs(&self) -> usize {
        3
    }

    fn start(&self) -> Seen {
        Seen {
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            count: 0,
        }
    }

    #[inline(always)]
    fn push(&self, seen: &mut Seen, _: i64, value: f64, out: &mut [f64]) {
        let Seen { low, high, count } = *seen;
        if count >= self.min_periods.max(1) as u64 {
            let outside = if value > high {
                value - high
            } else if value < low {
                low - value
            } else {
                0.0
            };
            // Nothing outside nothing is nothing; a missing value is no distance.
            let novelty = if outside > 0.0 {
                outside / (high - low)
            } else {
                outside
            };
            out.copy_from_slice(&[low, high, if value.is_nan() { value } else { novelty }]);
        } else {
            out.fill(f64::NAN);
        }
        if !value.is_nan() {
            *seen = Seen {
                low: if value < low { value } else { low },
                high: if value > high { value } else { high },
                count: count + 1,
            };
        }
    }

    fn write(&self, seen: &Seen, to: &mut Writer) {
        to.u64(seen.count);
        to.f64(seen.low);
        to.f64(seen.high);
    }

    fn read(&self, from: &mut Reader) -> Option<Seen> {
        Some(Seen {
            count: from.u64()?,
            low: from.f64()?,
            high: from.f64()?,
        })
    }
}
