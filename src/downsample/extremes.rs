//! The lowest and the highest value of a bin.

use std::ops::Range;

use crate::float::Float;
use crate::simd::{Four, dispatch};

/// Values whose extremes are found together; a value is searched for in one such stretch.
const STRETCH: usize = 64;

/// Adds the rows of the lowest and the highest value of `bin` to `candidates`, in order, and the
/// first row that misses a value to `missing`.
pub(super) fn of<T: Float>(
    y: &[T],
    bin: Range<usize>,
    candidates: &mut Vec<usize>,
    missing: &mut Vec<usize>,
) {
    let (first, values) = (bin.start, &y[bin]);
    let found = look(values);
    if found.doubt {
        let gap = values.iter().position(|v| v.to_f64().is_nan());
        missing.extend(gap.map(|row| first + row));
    }
    let at = |(value, stretch): (f64, usize)| {
        let begin = stretch * STRETCH;
        let end = values.len().min(begin + STRETCH);
        let row = values[begin..end].iter().position(|v| v.to_f64() == value);
        row.map(|row| first + begin + row)
    };
    let (Some(low), Some(high)) = (at(found.low), at(found.high)) else {
        return;
    };
    candidates.push(low.min(high));
    if low != high {
        candidates.push(low.max(high));
    }
}

/// Values and the stretches they are first met in.
struct Found {
    low: (f64, usize),
    high: (f64, usize),
    /// A value may be missing.
    doubt: bool,
}

dispatch! {
    fn look<T: Float>(values: &[T]) -> Found = look_through with Four
}

#[inline(always)]
fn look_through<T: Float, F: Four>(values: &[T]) -> Found {
    let mut found = Found {
        low: (f64::INFINITY, 0),
        high: (f64::NEG_INFINITY, 0),
        doubt: false,
    };
    let mut doubt = [F::all(0.0); 2];
    let stretches = values.chunks_exact(STRETCH);
    let rest = stretches.remainder();
    let mut stretch = 0;
    for some in stretches {
        let mut low = [F::all(f64::INFINITY); 2];
        let mut high = [F::all(f64::NEG_INFINITY); 2];
        let (fours, _) = some.as_chunks::<4>();
        for (j, four) in fours.iter().enumerate() {
            let (v, lane) = (T::four::<F>(four), j % 2);
            // NaN changes neither, and shows in what zero times it adds up to.
            low[lane] = v.lesser(low[lane]);
            high[lane] = v.greater(high[lane]);
            doubt[lane] = doubt[lane].add(v.mul(F::all(0.0)));
        }
        let lowest = low[0].lesser(low[1]).lanes();
        let highest = high[0].greater(high[1]).lanes();
        for v in lowest {
            if v < found.low.0 {
                found.low = (v, stretch);
            }
        }
        for v in highest {
            if v > found.high.0 {
                found.high = (v, stretch);
            }
        }
        stretch += 1;
    }
    for v in rest {
        let v = v.to_f64();
        if v < found.low.0 {
            found.low = (v, stretch);
        }
        if v > found.high.0 {
            found.high = (v, stretch);
        }
        found.doubt |= v.is_nan();
    }
    let doubt = doubt[0].add(doubt[1]).lanes();
    found.doubt |= doubt.iter().any(|d| d.is_nan());
    found
}
