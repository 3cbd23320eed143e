//! The lowest and the highest value of a bin.

use std::ops::Range;

use crate::float::Float;

/// Values looked at side by side.
const SIDE: usize = 16;

/// Adds the rows of the lowest and the highest value of `bin` to `candidates`, in order, and the
/// first row that misses a value to `missing`.
pub(super) fn of<T: Float>(
    y: &[T],
    bin: Range<usize>,
    candidates: &mut Vec<usize>,
    missing: &mut Vec<usize>,
) {
    let (first, values) = (bin.start, &y[bin]);
    let (low, high, complete) = range(values);
    if !complete {
        let gap = values.iter().position(|v| v.to_f64().is_nan());
        missing.extend(gap.map(|row| first + row));
    }
    if low > high {
        return;
    }
    // Found a second time rather than carried along: a bin is short and in the nearest cache.
    let at = |value: f64| values.iter().position(|v| v.to_f64() == value);
    let (Some(low), Some(high)) = (at(low), at(high)) else {
        return;
    };
    candidates.push(first + low.min(high));
    if low != high {
        candidates.push(first + low.max(high));
    }
}

/// Lowest and highest value, the first greater if there is none, and whether none is missing.
fn range<T: Float>(values: &[T]) -> (f64, f64, bool) {
    let mut low = [f64::INFINITY; SIDE];
    let mut high = [f64::NEG_INFINITY; SIDE];
    let mut doubt = [0u64; SIDE];
    let mut see = |lane: usize, v: f64| {
        // Written so that NaN changes nothing.
        low[lane] = if v < low[lane] { v } else { low[lane] };
        high[lane] = if v > high[lane] { v } else { high[lane] };
        doubt[lane] |= u64::from(v.is_nan());
    };
    let chunks = values.chunks_exact(SIDE);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, v) in chunk.iter().enumerate() {
            see(lane, v.to_f64());
        }
    }
    for (lane, v) in rest.iter().enumerate() {
        see(lane, v.to_f64());
    }
    (
        low.into_iter().fold(f64::INFINITY, f64::min),
        high.into_iter().fold(f64::NEG_INFINITY, f64::max),
        doubt.iter().all(|&d| d == 0),
    )
}
