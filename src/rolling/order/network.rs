//! Windows of a few rows without missing values: four windows side by side, sorted in registers.
//!
//! Neighbouring values change places round after round, odd and even pairs in turn (Knuth, D. E.
//! (1973). The art of computer programming 3, 5.3.4). The pairs are known to the compiler, so the
//! values of four windows stay in as many registers as a window has rows. Stretches with a missing,
//! infinite or huge value go the way of all windows; both ways give the same bits.

use super::ordered::Plan;
use super::small::small;
use super::statistic::OrderStatistic;
use crate::float::Float;
use crate::rolling::task::Task;
use crate::rolling::window::Windows;
use crate::simd::{Four, dispatch};

/// Rows of the widest window that this is for. Registers hold 14 rows and room to exchange two; a
/// few more still take half the time of the sorted array.
const WIDEST: usize = 16;
/// Answers whose rows are looked at together.
const TILE: usize = 512;
/// Beyond this the sum of two values may overflow.
const HUGE: f64 = 1e300;

/// Whether all that is asked for can be read off here.
pub(super) fn fits<T>(task: &Task<T>, statistics: &[OrderStatistic]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return matches!(task.windows, Windows::Fixed { width, .. } if (2..=WIDEST).contains(&width))
            && statistics
                .iter()
                .all(|s| matches!(s, OrderStatistic::Median | OrderStatistic::Mad));
    }
    // Where registers hold two values, the sorted array is as fast.
    false
}

dispatch! {
    /// Medians and median absolute deviations of a task that [`fits`].
    pub(super) fn network<T: Float>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]]) = body with Four
}

#[inline(always)]
fn body<T: Float, F: Four>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]]) {
    let Windows::Fixed { width, shift } = task.windows else {
        unreachable!("asked by `fits`")
    };
    let mut rows = [0.0; TILE + WIDEST];
    let mut at = task.answers.start;
    while at < task.answers.end {
        let to = task.answers.end.min(at + TILE);
        let place = at - task.answers.start..to - task.answers.start;
        let begin = at as isize + 1 + shift - width as isize;
        let is_many = to - at >= 4 && task.min_periods <= width;
        if is_many && read(task, begin, to - at + width - 1, &mut rows) {
            for (&(statistic, _), out) in plan.statistics.iter().zip(out.iter_mut()) {
                let out = &mut out[place.clone()];
                let is_mad = statistic == OrderStatistic::Mad;
                match width {
                    2 => windows::<T, F, 2>(&rows, is_mad, out),
                    3 => windows::<T, F, 3>(&rows, is_mad, out),
                    4 => windows::<T, F, 4>(&rows, is_mad, out),
                    5 => windows::<T, F, 5>(&rows, is_mad, out),
                    6 => windows::<T, F, 6>(&rows, is_mad, out),
                    7 => windows::<T, F, 7>(&rows, is_mad, out),
                    8 => windows::<T, F, 8>(&rows, is_mad, out),
                    9 => windows::<T, F, 9>(&rows, is_mad, out),
                    10 => windows::<T, F, 10>(&rows, is_mad, out),
                    11 => windows::<T, F, 11>(&rows, is_mad, out),
                    12 => windows::<T, F, 12>(&rows, is_mad, out),
                    13 => windows::<T, F, 13>(&rows, is_mad, out),
                    14 => windows::<T, F, 14>(&rows, is_mad, out),
                    15 => windows::<T, F, 15>(&rows, is_mad, out),
                    _ => windows::<T, F, WIDEST>(&rows, is_mad, out),
                }
            }
        } else {
            let part = Task {
                answers: at..to,
                ..task.clone()
            };
            let mut parts = Vec::with_capacity(out.len());
            for out in out.iter_mut() {
                parts.push(&mut out[place.clone()]);
            }
            small(&part, plan, &mut parts, width);
        }
        at = to;
    }
}

/// Reads `count` rows from `begin` on; false if one is not there or cannot be sorted here.
#[inline(always)]
fn read<T: Float>(task: &Task<T>, begin: isize, count: usize, rows: &mut [f64]) -> bool {
    if begin < 0 || begin as usize + count > task.x.len() {
        return false;
    }
    let x = &task.x[begin as usize..][..count];
    let mut is_usual = true;
    for (row, value) in rows.iter_mut().zip(x) {
        // A negative zero becomes a positive one, as everywhere in this module.
        *row = value.to_f64() + 0.0;
        is_usual &= row.abs() <= HUGE;
    }
    is_usual
}

/// The answers of windows of `W` rows, the first of which begins with the first row.
#[inline(always)]
fn windows<T: Float, F: Four, const W: usize>(rows: &[f64], is_mad: bool, out: &mut [T]) {
    let mut at = 0;
    while at < out.len() {
        // The last four may overlap the four before.
        let first = at.min(out.len() - 4);
        let mut values = [F::all(0.0); W];
        for (k, value) in values.iter_mut().enumerate() {
            *value = F::read(rows[first + k..first + k + 4].try_into().expect("4 rows"));
        }
        sort(&mut values);
        let (low, high) = (values[(W - 1) / 2], values[W / 2]);
        let answer = if is_mad {
            deviation(values, low, high)
        } else {
            high.choose(low, low, low.add(high).mul(F::all(0.5)))
        };
        for (place, value) in out[first..first + 4].iter_mut().zip(answer.lanes()) {
            *place = T::from_f64(value);
        }
        at += 4;
    }
}

/// Medians of the distances from the medians, which lie between `low` and `high`.
#[inline(always)]
fn deviation<F: Four, const W: usize>(mut values: [F; W], low: F, high: F) -> F {
    let half = F::all(0.5);
    for value in &mut values {
        *value = half
            .mul(value.sub(low))
            .add(half.mul(value.sub(high)))
            .abs();
    }
    sort(&mut values);
    if W % 2 == 1 {
        values[W / 2]
    } else {
        values[W / 2 - 1].add(values[W / 2]).mul(half)
    }
}

#[inline(always)]
fn sort<F: Four, const W: usize>(values: &mut [F; W]) {
    for _ in 0..W.div_ceil(2) {
        for k in 0..W / 2 {
            exchange(values, 2 * k);
        }
        for k in 0..(W - 1) / 2 {
            exchange(values, 2 * k + 1);
        }
    }
}

#[inline(always)]
fn exchange<F: Four, const W: usize>(values: &mut [F; W], k: usize) {
    let (a, b) = (values[k], values[k + 1]);
    values[k] = a.lesser(b);
    values[k + 1] = a.greater(b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn answers_have_the_bits_of_the_sorted_array() {
        let mut draw = Stream::new(5, 1);
        let statistics = [OrderStatistic::Median, OrderStatistic::Mad];
        for case in 0..600 {
            let n = draw.below(1400) as usize;
            let width = 2 + draw.below(WIDEST as u64 - 1) as usize;
            let mut x: Vec<f64> = (0..n)
                .map(|_| match case % 4 {
                    0 => draw.normal(),
                    1 => draw.below(3) as f64 - 1.0,
                    2 => -0.0,
                    _ => 1.0 + draw.normal() * 1e-15,
                })
                .collect();
            for bad in [f64::NAN, f64::INFINITY, 1e306] {
                if n > 0 && draw.below(2) == 0 {
                    x[draw.below(n as u64) as usize] = bad;
                }
            }
            let from = draw.below(n as u64 + 1) as usize;
            let task = Task {
                x: &x,
                y: None,
                windows: Windows::Fixed {
                    width,
                    shift: draw.below(5) as isize - 2,
                },
                answers: from..n,
                min_periods: draw.below(width as u64 + 1) as usize,
                infinity: Default::default(),
            };
            let plan = Plan::new(&statistics);
            let empty = || vec![vec![0.0_f64; n - from]; 2];
            let (mut found, mut expected) = (empty(), empty());
            let mut out: Vec<_> = found.iter_mut().map(|v| &mut v[..]).collect();
            network(&task, &plan, &mut out);
            let mut out: Vec<_> = expected.iter_mut().map(|v| &mut v[..]).collect();
            small(&task, &plan, &mut out, width);
            let bits = |v: &[Vec<f64>]| -> Vec<u64> {
                v.iter().flatten().map(|v| (v + 0.0).to_bits()).collect()
            };
            assert_eq!(bits(&found), bits(&expected), "case {case}, width {width}");
        }
    }
}
