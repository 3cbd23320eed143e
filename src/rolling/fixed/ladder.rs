//! Joins of windows from joins of shorter ones.
//!
//! The joins of every 5 rows in turn are made first, from these the joins of every 25, and so on;
//! a window of 60 rows is then two of 25 and two of 5. Each step reads two or more stretches of
//! memory side by side, so nothing is moved between lanes and nothing waits.

use super::narrow::Last;
use crate::float::Float;
use crate::rolling::scan::{Join, load, store};
use crate::simd::{Four, dispatch};

/// The widest window that is quicker to climb to than to scan for.
pub(super) const WIDEST: usize = 40;
/// Most joins taken together in one step.
const MOST: usize = 6;
/// Answers given side by side.
pub(super) const SIDE: usize = 16;

/// A type of values and what they are joined by.
pub(super) trait Kind {
    type Value: Float;
    type Join: Join;
}

impl<V: Float, J: Join> Kind for (V, J) {
    type Value = V;
    type Join = J;
}

/// How a window is put together.
#[derive(Clone, Copy)]
struct Plan {
    /// Rows in a short join.
    short: usize,
    /// Short joins in a long one; 1 if there is no need for these.
    long: usize,
}

/// For each width the plan that reads least.
static PLANS: [Plan; WIDEST + 1] = plans();

const fn plans() -> [Plan; WIDEST + 1] {
    let mut plans = [Plan { short: 1, long: 1 }; WIDEST + 1];
    let mut width = 2;
    while width <= WIDEST {
        let mut least = usize::MAX;
        let mut short = 1;
        while short <= MOST && short <= width {
            let mut long = 1;
            while long <= MOST && short * long <= width {
                let top = short * long;
                let rest = if long > 1 { width % top / short } else { 0 };
                // Writing a step counts as a read.
                let steps = short + 1 + if long > 1 { long + 1 } else { 0 };
                let reads = steps + width / top + rest + width % short;
                if reads < least {
                    least = reads;
                    plans[width] = Plan { short, long };
                }
                long += 1;
            }
            short += 1;
        }
        width += 1;
    }
    plans
}

/// Scratch of [`answer`].
#[derive(Default)]
pub(super) struct Steps {
    shorts: Vec<f64>,
    longs: Vec<f64>,
}

/// Answers windows of `width` rows, up to [`WIDEST`], the first of which begins with the first
/// row. There are at least [`SIDE`] answers.
#[inline(always)]
pub(super) fn answer<K: Kind, F: Four, T: Float>(
    rows: &[K::Value],
    width: usize,
    steps: &mut Steps,
    last: impl Last<F>,
    out: &mut [T],
) {
    let Plan { short, long } = PLANS[width];
    let Steps { shorts, longs } = steps;
    step::<K>(rows, short, 1, shorts);
    let (tops, top) = if long > 1 {
        step::<(f64, K::Join)>(shorts, long, short, longs);
        (&longs[..], short * long)
    } else {
        (&shorts[..], short)
    };
    let from_shorts = width / top * top;
    let from_rows = from_shorts + (width - from_shorts) / short * short;
    // Two joins may overlap where that does not matter.
    let over = (K::Join::IDEMPOTENT && from_shorts < width).then(|| width - top);
    for j in stretches(out.len()) {
        let mut joins = sixteen::<F, _>(&tops[j..]);
        for k in (top..from_shorts).step_by(top) {
            add::<F, _, K::Join>(&mut joins, &tops[j + k..]);
        }
        if let Some(over) = over {
            add::<F, _, K::Join>(&mut joins, &tops[j + over..]);
        } else {
            for k in (from_shorts..from_rows).step_by(short) {
                add::<F, _, K::Join>(&mut joins, &shorts[j + k..]);
            }
            for k in from_rows..width {
                add::<F, _, K::Join>(&mut joins, &rows[j + k..]);
            }
        }
        let out = &mut out[j..j + SIDE];
        for (i, joins) in joins.into_iter().enumerate() {
            store(last.answers(joins, j + 4 * i), out, 4 * i, 4);
        }
    }
}

/// The first [`SIDE`] values. Spelled out, because the copy for AVX2 would call a closure.
#[inline(always)]
fn sixteen<F: Four, V: Float>(values: &[V]) -> [F; SIDE / 4] {
    let values = &values[..SIDE];
    [
        load(values, 0, 4),
        load(values, 4, 4),
        load(values, 8, 4),
        load(values, 12, 4),
    ]
}

/// Joins values side by side with those before.
#[inline(always)]
fn add<F: Four, V: Float, J: Join>(joins: &mut [F; SIDE / 4], values: &[V]) {
    let values = &values[..SIDE];
    for (i, joins) in joins.iter_mut().enumerate() {
        *joins = J::fours(*joins, load(values, 4 * i, 4));
    }
}

/// First places of stretches of [`SIDE`] that cover `n` places, no fewer than one stretch; the
/// last may overlap the one before.
#[inline(always)]
fn stretches(n: usize) -> impl Iterator<Item = usize> {
    (0..n.div_ceil(SIDE)).map(move |k| (k * SIDE).min(n - SIDE))
}

dispatch! {
    /// Joins of `count` values `by` apart, from each value on as far as they reach.
    fn step<K: Kind>(values: &[K::Value], count: usize, by: usize, out: &mut Vec<f64>) = step_up
        with Four
}

#[inline(always)]
fn step_up<K: Kind, F: Four>(values: &[K::Value], count: usize, by: usize, out: &mut Vec<f64>) {
    out.resize(values.len() - (count - 1) * by, 0.0);
    match count {
        1 => step_of::<K, F, 1>(values, by, out),
        2 => step_of::<K, F, 2>(values, by, out),
        3 => step_of::<K, F, 3>(values, by, out),
        4 => step_of::<K, F, 4>(values, by, out),
        5 => step_of::<K, F, 5>(values, by, out),
        _ => step_of::<K, F, 6>(values, by, out),
    }
}

#[inline(always)]
fn step_of<K: Kind, F: Four, const COUNT: usize>(values: &[K::Value], by: usize, out: &mut [f64]) {
    for j in stretches(out.len()) {
        let values = &values[j..j + (COUNT - 1) * by + SIDE];
        let mut joins = sixteen::<F, _>(values);
        for k in 1..COUNT {
            add::<F, _, K::Join>(&mut joins, &values[k * by..]);
        }
        let out = &mut out[j..j + SIDE];
        for (i, joins) in joins.into_iter().enumerate() {
            store(joins, out, 4 * i, 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rolling::scan::{Greater, Plus};
    use crate::simd::Plain;

    #[derive(Clone, Copy)]
    struct Same;

    impl Last<Plain> for Same {
        fn answers(&self, joins: Plain, _: usize) -> Plain {
            joins
        }
    }

    #[test]
    fn steps_lead_to_the_join_of_each_window() {
        let values: Vec<f32> = (0..150u16).map(|i| f32::from(i * 7 % 11)).collect();
        for width in 1..=WIDEST {
            let mut steps = Steps::default();
            let mut out = vec![0.0; values.len() + 1 - width];
            let mut sums = out.clone();
            answer::<(f32, Greater), Plain, f64>(&values, width, &mut steps, Same, &mut out);
            answer::<(f32, Plus), Plain, f64>(&values, width, &mut steps, Same, &mut sums);
            for i in 0..out.len() {
                let window = values[i..i + width].iter().map(|&v| f64::from(v));
                assert_eq!(sums[i], window.clone().sum::<f64>());
                assert_eq!(out[i], window.fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
}
