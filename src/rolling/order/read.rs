//! How each statistic is read off an ordered window.
//!
//! Quantiles and ranks follow pandas to the last bit. The median absolute deviation is not scaled;
//! the robust z-score is 0.6745 (x - median) / mad (Iglewicz, B. and Hoaglin, D. C. (1993). How to
//! detect and handle outliers. ASQC Quality Press); the Hampel filter replaces what lies too far
//! from the median (Hampel, F. R. (1974). The influence curve and its role in robust estimation.
//! Journal of the American Statistical Association 69, 383-393).

use super::ordered::{Middle, Ordered};
use super::statistic::{Interpolation, OrderStatistic, RankMethod};

/// Where an answer stands, besides its window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The value at the answer's row, NaN if missing.
    pub value: f64,
    /// The last row of the window, and its value; NaN if it is missing or the window empty.
    pub last: (usize, f64),
    /// Values that must be present.
    pub min_periods: usize,
}

/// Centre and scale of one window, worked out for the first statistic that asks.
#[derive(Default)]
pub(super) struct Spread {
    middle: Option<Middle>,
    mad: Option<f64>,
}

impl Spread {
    // No closures here: one that is not inlined is not compiled for AVX2 with its caller.
    #[inline(always)]
    fn middle(&mut self, window: &mut impl Ordered) -> Middle {
        if let Some(middle) = self.middle {
            return middle;
        }
        let count = window.count();
        let is_even = count.is_multiple_of(2);
        let (low, high) = window.pair(0, (count - 1) / 2, is_even);
        let middle = Middle(low, if is_even { high } else { low });
        self.middle = Some(middle);
        middle
    }

    #[inline(always)]
    fn mad(&mut self, window: &mut impl Ordered) -> f64 {
        if let Some(mad) = self.mad {
            return mad;
        }
        let middle = self.middle(window);
        let mad = mad(window, middle) + 0.0; // -0.0, of a distance of nothing, becomes 0.0
        self.mad = Some(mad);
        mad
    }

    /// Whether `value` is an outlier; `None` where that cannot be said.
    #[inline(always)]
    fn is_outlier(
        &mut self,
        window: &mut impl Ordered,
        value: f64,
        threshold: f64,
    ) -> Option<bool> {
        let mad = self.mad(window);
        let distance = self.middle(window).above(value);
        match mad {
            _ if value.is_nan() || mad.is_nan() => None,
            0.0 => Some(distance != 0.0),
            _ => Some((0.6745 * distance / mad).abs() > threshold),
        }
    }
}

/// The value of one statistic for one window; NaN where there is none.
#[inline(always)]
pub(super) fn read<W: Ordered>(
    window: &mut W,
    spread: &mut Spread,
    (statistic, pointer): (OrderStatistic, usize),
    place: &Place,
) -> f64 {
    let count = window.count();
    if count < place.min_periods.max(1) {
        return match statistic {
            // As pandas: an empty window has 0 distinct values if that is enough of them.
            OrderStatistic::NUnique if place.min_periods == 0 => 0.0,
            OrderStatistic::HampelRepair { .. } => place.value,
            _ => f64::NAN,
        };
    }
    match statistic {
        OrderStatistic::Median => spread.middle(window).median(),
        OrderStatistic::Quantile { q, interpolation } => {
            quantile(window, pointer, q, interpolation)
        }
        OrderStatistic::Mad => spread.mad(window),
        OrderStatistic::RobustZScore => {
            let mad = spread.mad(window);
            let distance = spread.middle(window).above(place.value);
            if mad == 0.0 {
                f64::NAN
            } else {
                0.6745 * distance / mad
            }
        }
        OrderStatistic::HampelFlag { threshold } => {
            match spread.is_outlier(window, place.value, threshold) {
                Some(flag) => f64::from(u8::from(flag)),
                None => f64::NAN,
            }
        }
        OrderStatistic::HampelRepair { threshold } => {
            match spread.is_outlier(window, place.value, threshold) {
                Some(true) => spread.middle(window).median(),
                _ => place.value,
            }
        }
        OrderStatistic::Rank { .. } if place.last.1.is_nan() => f64::NAN,
        OrderStatistic::Rank {
            method,
            ascending,
            pct,
        } => {
            let (mut below, mut upto) = window.position(place.last);
            if !ascending {
                (below, upto) = (count - upto, count - below);
            }
            let rank = match method {
                RankMethod::Average => f64::from((below + 1 + upto) as u32) / 2.0,
                RankMethod::Min => f64::from((below + 1) as u32),
                RankMethod::Max => f64::from(upto as u32),
            };
            if pct { rank / count as f64 } else { rank }
        }
        OrderStatistic::NUnique => window.distinct() as f64,
    }
}

#[inline(always)]
fn quantile(
    window: &mut impl Ordered,
    pointer: usize,
    q: f64,
    interpolation: Interpolation,
) -> f64 {
    // Through u32, which there are instructions for.
    let exact = q * f64::from((window.count() - 1) as u32);
    let below = exact as u32;
    let part = exact - f64::from(below);
    let below = below as usize;
    let (low, high) = window.pair(pointer, below, part > 0.0);
    // Equal neighbours first: two infinities have no difference.
    if part == 0.0 || low == high {
        return low;
    }
    match interpolation {
        // Nothing lies between an infinite value and another.
        Interpolation::Linear if low.is_infinite() => low,
        Interpolation::Linear => low + (high - low) * part,
        Interpolation::Lower => low,
        Interpolation::Higher => high,
        Interpolation::Midpoint => (low + high) / 2.0,
        Interpolation::Nearest if part == 0.5 && below.is_multiple_of(2) => low,
        Interpolation::Nearest if part < 0.5 => low,
        Interpolation::Nearest => high,
    }
}

/// The half of the values nearest to the median is a run of the ordered ones, so its farther end is
/// the median deviation.
#[inline(always)]
fn mad(window: &mut impl Ordered, middle: Middle) -> f64 {
    if !middle.median().is_finite() {
        return f64::NAN;
    }
    let count = window.count();
    let half = count / 2 + 1;
    let first = window.nearest(middle, half);
    let wants_two = count.is_multiple_of(2);
    let (low, next) = window.pair(1, first, wants_two);
    let (before, high) = window.last_two(2, first + half - 1, wants_two);
    let (left, right) = (-middle.above(low), middle.above(high));
    if !wants_two {
        return left.max(right);
    }
    // The farthest of the run, and the farthest once it is gone.
    if left >= right {
        (left + (-middle.above(next)).max(right)) / 2.0
    } else {
        (right + left.max(middle.above(before))) / 2.0
    }
}
