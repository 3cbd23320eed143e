//! Count, sum, mean, variance and what follows from them.
//!
//! The variance of a window is taken from the suffix of one block and the prefix of the next. Each
//! holds the sums of `d` and `d²`, where `d` is the distance from an anchor: a value that is part
//! of every window the sums are used for. Subtracting it is exact for values close together, and
//! because it lies inside the window the sums of squares cannot dwarf the variance by more than the
//! number of values. The two halves are joined by the rule of Chan, Golub and LeVeque (1979). Where
//! an anchor is an outlier of a wide window and digits would be lost all the same, the block is
//! handed to the general kernel.

use std::ops::Range;

use super::fixed::{self, NARROW, Stretch};
use super::queue;
use super::scan::{Plus, direct, prefixes, suffixes};
use super::task::Task;
use crate::error::Error;
use crate::float::{Float, Infinity};
use crate::simd::dispatch;

/// A statistic of this family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MomentStatistic {
    /// Number of values present.
    Count,
    /// Sum of the values.
    Sum,
    /// Arithmetic mean.
    Mean,
    /// Variance, divided by the number of values less `ddof`.
    Var {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
    /// Square root of the variance.
    Std {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
    /// Standard error of the mean.
    Sem {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
    /// Distance of the current value from the mean, in standard deviations.
    ZScore {
        /// Degrees of freedom taken off the number of values.
        ddof: u32,
    },
}

impl MomentStatistic {
    /// The general kernel's name for it.
    fn deviates(self) -> bool {
        !matches!(self, Self::Count | Self::Sum | Self::Mean)
    }
}

/// How much larger than the variance the sums of squares may be; digits lost are its logarithm.
const CANCELLATION: f64 = 128.0;

/// Rows answered at a time when windows are narrow.
const TILE: usize = 1024;

/// What a block of answers is made from, one entry an answer. `count` is empty when every window
/// is full.
#[derive(Default)]
struct Block {
    count: Vec<f64>,
    total: Vec<f64>,
    /// Sum of squared deviations from the mean.
    squares: Vec<f64>,
    /// The current value less the mean.
    deviation: Vec<f64>,
}

/// Answers moment statistics for any windows.
///
/// # Errors
///
/// None of its own; the signature is that of every family.
pub fn moments<T: Float>(
    task: &Task<T>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    match fixed::of(task) {
        Some((width, _)) => by_blocks(task, width, statistics, out),
        None => queue::moments(task, task.answers.clone(), statistics, out),
    }
    Ok(())
}

dispatch! {
    fn by_blocks<T: Float>(
        task: &Task<T>, width: usize, statistics: &[MomentStatistic], out: &mut [&mut [T]],
    ) = blocks
}

#[inline(always)]
fn blocks<T: Float>(
    task: &Task<T>,
    width: usize,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let Some((_, shift)) = fixed::of(task) else {
        return;
    };
    let wants = Wants {
        sum: statistics.iter().any(|s| matches!(s, MomentStatistic::Sum | MomentStatistic::Mean)),
        squares: statistics.iter().any(|s| s.deviates()),
        deviation: statistics.iter().any(|s| matches!(s, MomentStatistic::ZScore { .. })),
    };
    let mut halves = Halves::new(width);
    let mut block = Block::default();
    let rows = if width <= NARROW { TILE } else { width };
    let Range { start, end } = task.answers;
    for first in (start..end).step_by(rows) {
        let len = rows.min(end - first);
        let exact = if width <= NARROW {
            narrow(task, width, first, shift, len, &wants, &mut halves, &mut block)
        } else {
            wide(task, width, first, shift, len, &wants, &mut halves, &mut block)
        };
        let places = first - start..first - start + len;
        if exact {
            for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
                finish(*statistic, task.min_periods, width as f64, &block, &mut out[places.clone()]);
            }
        } else {
            let mut out: Vec<&mut [T]> = out.iter_mut().map(|o| &mut o[places.clone()]).collect();
            queue::moments(task, first..first + len, statistics, &mut out);
        }
    }
}

/// What the statistics asked for need.
struct Wants {
    sum: bool,
    squares: bool,
    deviation: bool,
}

/// Scratch of one block: the stretches it is read into and the scans of its two halves.
#[derive(Default)]
struct Halves {
    before: Stretch,
    here: Stretch,
    current: Stretch,
    distance: Vec<f64>,
    square: Vec<f64>,
    suffix: [Vec<f64>; 3],
    prefix: [Vec<f64>; 3],
    /// `reciprocal[k]` is 1 / k, and 0 for 0.
    reciprocal: Vec<f64>,
}

impl Halves {
    fn new(width: usize) -> Self {
        let mut halves = Halves::default();
        halves.reciprocal = (0..=width).map(|k| if k == 0 { 0.0 } else { 1.0 / k as f64 }).collect();
        halves
    }
}

/// Windows wider than `NARROW`: one block of answers from two scans.
#[inline(always)]
fn wide<T: Float>(
    task: &Task<T>,
    width: usize,
    first: usize,
    shift: isize,
    len: usize,
    wants: &Wants,
    halves: &mut Halves,
    block: &mut Block,
) -> bool {
    let position = first as isize + shift;
    let Halves { before, here, current, distance, square, suffix, prefix, reciprocal } = halves;
    before.read(task, position - width as isize, width);
    here.read(task, position, len);
    if task.infinity == Infinity::Ieee && !(before.finite() && here.finite()) {
        return false;
    }
    let complete = before.complete && here.complete;
    for buffers in [&mut *suffix, &mut *prefix] {
        buffers.iter_mut().for_each(|b| b.resize(width, 0.0));
    }
    block.count.resize(if complete { 0 } else { len }, 0.0);
    if !complete {
        suffixes::<Plus>(&before.present, &mut suffix[2]);
        prefixes::<Plus>(&here.present, &mut prefix[2]);
        add(&suffix[2], &prefix[2], &mut block.count);
    }
    if wants.sum {
        suffixes::<Plus>(&before.values, &mut suffix[0]);
        prefixes::<Plus>(&here.values, &mut prefix[0]);
        block.total.resize(len, 0.0);
        add(&suffix[0], &prefix[0], &mut block.total);
    }
    if !wants.squares {
        return true;
    }
    let last = before.present.iter().rposition(|&p| p == 1.0);
    let anchor_before = last.map_or(0.0, |i| before.values[i]);
    let anchor = here.present.iter().position(|&p| p == 1.0).map_or(0.0, |i| here.values[i]);
    distances(before, anchor_before, distance, square);
    suffixes::<Plus>(distance, &mut suffix[0]);
    suffixes::<Plus>(square, &mut suffix[1]);
    distances(here, anchor, distance, square);
    prefixes::<Plus>(distance, &mut prefix[0]);
    prefixes::<Plus>(square, &mut prefix[1]);
    block.squares.resize(len, 0.0);
    block.deviation.resize(len, 0.0);
    let gap = anchor_before - anchor;
    let mut digits_lost = false;
    let rows = suffix[0][..len].iter().zip(&suffix[1]).zip(prefix[0].iter().zip(&prefix[1]));
    let places = block.squares.iter_mut().zip(&mut block.deviation);
    if complete {
        // Rows of the block before: width - 1 of them at the first answer, then one less each.
        let reciprocals = reciprocal[width - len..width].iter().rev().zip(&reciprocal[1..]);
        let n = reciprocal[width];
        for (j, (((a, b), (r1, r2)), (squares, mean))) in
            rows.zip(reciprocals).zip(places).enumerate()
        {
            let n2 = (j + 1) as f64;
            let n1 = width as f64 - n2;
            let joined = chan(*a.0, *a.1, n1, *r1, *b.0, *b.1, n2, *r2, gap, n);
            digits_lost |= a.1 + b.1 > CANCELLATION * joined.0;
            (*squares, *mean) = joined;
        }
    } else {
        for ((((a, b), (n1, n2)), count), (squares, mean)) in
            rows.zip(suffix[2].iter().zip(&prefix[2])).zip(&block.count).zip(places)
        {
            let [r1, r2, r] = [*n1, *n2, *count].map(|n| if n > 0.0 { 1.0 / n } else { 0.0 });
            let joined = chan(*a.0, *a.1, *n1, r1, *b.0, *b.1, *n2, r2, gap, r);
            digits_lost |= a.1 + b.1 > CANCELLATION * joined.0;
            (*squares, *mean) = joined;
        }
    }
    if wants.deviation {
        current.read(task, first as isize, len);
        for ((d, &x), &p) in block.deviation.iter_mut().zip(&current.values).zip(&current.present) {
            *d = if p == 1.0 { (x - anchor) - *d } else { f64::NAN };
        }
        if task.infinity == Infinity::Ieee && !current.finite() {
            return false;
        }
    }
    !digits_lost
}

/// The sum of squared deviations of two halves together, and their mean less the anchor of the
/// second. Each half gives the sums of its distances and squared distances from its own anchor,
/// the number of its values and the reciprocal of that; `gap` is the first anchor less the second.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // ten numbers of one formula, in registers
fn chan(
    s1: f64,
    q1: f64,
    n1: f64,
    r1: f64,
    s2: f64,
    q2: f64,
    n2: f64,
    r2: f64,
    gap: f64,
    r: f64,
) -> (f64, f64) {
    let (mean1, mean2) = (s1 * r1, s2 * r2);
    let delta = gap + (mean1 - mean2);
    let weight = n1 * r;
    let squares = (q1 - s1 * mean1) + (q2 - s2 * mean2) + delta * delta * (n2 * weight);
    // Rounding can leave a negative nothing.
    (if squares > 0.0 { squares } else { 0.0 }, mean2 + delta * weight)
}

#[inline(always)]
fn add(a: &[f64], b: &[f64], out: &mut [f64]) {
    for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
        *o = a + b;
    }
}

/// Distances from the anchor and their squares; 0 for a missing value.
#[inline(always)]
fn distances(stretch: &Stretch, anchor: f64, distance: &mut Vec<f64>, square: &mut Vec<f64>) {
    distance.resize(stretch.values.len(), 0.0);
    square.resize(stretch.values.len(), 0.0);
    let rows = stretch.values.iter().zip(&stretch.present);
    for ((d, q), (v, p)) in distance.iter_mut().zip(square.iter_mut()).zip(rows) {
        *d = (v - anchor) * p;
        *q = *d * *d;
    }
}

/// Windows of up to `NARROW` rows: each is read anew.
#[inline(always)]
fn narrow<T: Float>(
    task: &Task<T>,
    width: usize,
    first: usize,
    shift: isize,
    len: usize,
    wants: &Wants,
    halves: &mut Halves,
    block: &mut Block,
) -> bool {
    let Halves { here, current, distance, .. } = halves;
    here.read(task, first as isize + shift + 1 - width as isize, len + width - 1);
    if task.infinity == Infinity::Ieee && !here.finite() {
        return false;
    }
    block.count.resize(if here.complete { 0 } else { len }, 0.0);
    if !here.complete {
        direct::<Plus>(&here.present, width, &mut block.count);
    }
    if wants.sum {
        block.total.resize(len, 0.0);
        direct::<Plus>(&here.values, width, &mut block.total);
    }
    if !wants.squares {
        return true;
    }
    // The anchor of a window is its last value present. Where the last value present lies before
    // the window, the window is empty and the anchor of no account.
    let anchors = distance;
    anchors.clear();
    let mut anchor = 0.0;
    anchors.extend(here.values.iter().zip(&here.present).map(|(&v, &p)| {
        anchor = if p == 1.0 { v } else { anchor };
        anchor
    }));
    block.squares.resize(len, 0.0);
    block.deviation.resize(len, 0.0);
    let anchors = &anchors[width - 1..];
    squares_of_narrow(here, width, anchors, &block.count, &mut block.squares, &mut block.deviation);
    if wants.deviation {
        current.read(task, first as isize, len);
        let rows = current.values.iter().zip(&current.present).zip(anchors);
        for (d, ((&x, &p), &anchor)) in block.deviation.iter_mut().zip(rows) {
            *d = if p == 1.0 { (x - anchor) - *d } else { f64::NAN };
        }
        if task.infinity == Infinity::Ieee && !current.finite() {
            return false;
        }
    }
    true
}

/// Sums of squared deviations of narrow windows, and their means less the anchors.
#[inline(always)]
fn squares_of_narrow(
    stretch: &Stretch,
    width: usize,
    anchors: &[f64],
    count: &[f64],
    squares: &mut [f64],
    means: &mut [f64],
) {
    const ROWS: usize = 8;
    let n = squares.len();
    let (values, present) = (&stretch.values[..], &stretch.present[..]);
    let full = 1.0 / width as f64;
    let mut first = 0;
    while first < n {
        let rows = ROWS.min(n - first);
        let (mut s, mut q) = ([0.0; ROWS], [0.0; ROWS]);
        if rows == ROWS {
            let anchor: &[f64; ROWS] = anchors[first..first + ROWS].try_into().expect("ROWS values");
            for k in first..first + width {
                let v: &[f64; ROWS] = values[k..k + ROWS].try_into().expect("ROWS values");
                let p: &[f64; ROWS] = present[k..k + ROWS].try_into().expect("ROWS values");
                for i in 0..ROWS {
                    let d = (v[i] - anchor[i]) * p[i];
                    s[i] += d;
                    q[i] += d * d;
                }
            }
        } else {
            for i in 0..rows {
                for k in first + i..first + i + width {
                    let d = (values[k] - anchors[first + i]) * present[k];
                    s[i] += d;
                    q[i] += d * d;
                }
            }
        }
        for i in 0..rows {
            let r = match count.get(first + i) {
                None => full,
                Some(&c) if c > 0.0 => 1.0 / c,
                Some(_) => 0.0,
            };
            let mean = s[i] * r;
            let m2 = q[i] - s[i] * mean;
            squares[first + i] = if m2 > 0.0 { m2 } else { 0.0 };
            means[first + i] = mean;
        }
        first += rows;
    }
}

/// Writes one statistic of a block.
#[inline(always)]
fn finish<T: Float>(
    statistic: MomentStatistic,
    min_periods: usize,
    width: f64,
    block: &Block,
    out: &mut [T],
) {
    let Block { count, total, squares, deviation } = block;
    // An empty window has a sum and a count; everything else asks for a value.
    let least = |at_least: usize| min_periods.max(at_least) as f64;
    match statistic {
        MomentStatistic::Count => {
            write(out, count, width, least(0), |_, n| n);
        }
        MomentStatistic::Sum => write(out, count, width, least(0), |j, _| total[j]),
        MomentStatistic::Mean => write(out, count, width, least(1), |j, n| total[j] / n),
        MomentStatistic::Var { ddof } => {
            let ddof = f64::from(ddof);
            write(out, count, width, least(ddof as usize + 1), |j, n| squares[j] / (n - ddof));
        }
        MomentStatistic::Std { ddof } => {
            let ddof = f64::from(ddof);
            write(out, count, width, least(ddof as usize + 1), |j, n| (squares[j] / (n - ddof)).sqrt());
        }
        MomentStatistic::Sem { ddof } => {
            let ddof = f64::from(ddof);
            write(out, count, width, least(ddof as usize + 1), |j, n| {
                (squares[j] / (n - ddof) / n).sqrt()
            });
        }
        MomentStatistic::ZScore { ddof } => {
            let ddof = f64::from(ddof);
            write(out, count, width, least(ddof as usize + 1), |j, n| {
                let std = (squares[j] / (n - ddof)).sqrt();
                if std > 0.0 { deviation[j] / std } else { f64::NAN }
            });
        }
    }
}

/// Writes `value(j, n)` where a window holds `n >= least` values; every window is full if `count`
/// is empty.
#[inline(always)]
fn write<T: Float>(
    out: &mut [T],
    count: &[f64],
    width: f64,
    least: f64,
    value: impl Fn(usize, f64) -> f64,
) {
    if count.is_empty() {
        let enough = width >= least;
        for (j, o) in out.iter_mut().enumerate() {
            *o = T::from_f64(if enough { value(j, width) } else { f64::NAN });
        }
    } else {
        for (j, (o, &n)) in out.iter_mut().zip(count).enumerate() {
            *o = T::from_f64(if n >= least { value(j, n) } else { f64::NAN });
        }
    }
}
