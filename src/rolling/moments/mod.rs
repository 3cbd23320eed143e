//! Count, sum, mean, variance and what follows from them.
//!
//! The variance of a window is taken from the suffix of one block and the prefix of the next. Each
//! holds the sums of `d` and `d²`, where `d` is the distance from an anchor: a value that is part
//! of every window the sums are used for. Subtracting it is exact for values close together, and
//! because it lies inside the window the sums of squares cannot dwarf the variance by more than the
//! number of values. The two halves are joined by the rule of Chan, Golub and LeVeque (1979). Where
//! an anchor is an outlier of a wide window and digits would be lost all the same, the block is
//! handed to the general kernel.

mod general;

use std::ops::Range;

use general::{compensated, general};

use super::fixed::{self, Completeness, Stretch, TILE};
use super::scan::{Plus, direct, prefixes, suffixes};
use super::task::Task;
use crate::error::Error;
use crate::float::{Float, Infinity};
use crate::simd::dispatch;

/// A statistic of this family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MomentStatistic {
    /// Sum of the values.
    Sum {
        /// Carry what rounding drops, so that the sum is right to the last digits of its own value
        /// even where large values cancel.
        compensated: bool,
    },
    /// Arithmetic mean.
    Mean {
        /// As for the sum.
        compensated: bool,
    },
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
    /// Whether it needs the squared deviations from the mean.
    fn deviates(self) -> bool {
        !matches!(self, Self::Sum { .. } | Self::Mean { .. })
    }

    /// Whether it is a plain sum, or a mean of one.
    fn sums(self) -> bool {
        matches!(
            self,
            Self::Sum { compensated: false } | Self::Mean { compensated: false }
        )
    }

    /// Whether it is a compensated sum, or a mean of one.
    fn compensates(self) -> bool {
        matches!(
            self,
            Self::Sum { compensated: true } | Self::Mean { compensated: true }
        )
    }

    /// The number of values it needs, whatever `min_periods` says.
    fn least(self) -> usize {
        match self {
            // An empty window has a sum.
            Self::Sum { .. } => 0,
            Self::Mean { .. } => 1,
            Self::Var { ddof }
            | Self::Std { ddof }
            | Self::Sem { ddof }
            | Self::ZScore { ddof } => ddof as usize + 1,
        }
    }
}

/// How much larger than the variance the sums of squares may be; digits lost are its logarithm.
const CANCELLATION: f64 = 128.0;

/// Up to this width the sum of a window is read anew for each answer, rather than scanned for.
const NARROW: usize = 64;
/// The same for the variance.
const NARROW_SQUARES: usize = 24;

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
    let width = fixed::of(task).map(|(width, _)| width);
    if let Some(width) = width {
        by_blocks(task, width, statistics, out);
    } else {
        general(task, task.answers.clone(), statistics, out);
    }
    compensated(task, statistics, out);
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
    let mut work = Work::new(width, statistics);
    let narrow = width
        <= if work.wants.squares {
            NARROW_SQUARES
        } else {
            NARROW
        };
    let rows = if narrow { TILE } else { width };
    let Range { start, end } = task.answers;
    for first in (start..end).step_by(rows) {
        let len = rows.min(end - first);
        let places = first - start..first - start + len;
        let out = out.iter_mut().map(|o| &mut o[places.clone()]).collect();
        let mut job = Job {
            task,
            statistics,
            width,
            first,
            out,
        };
        let position = first as isize + shift;
        let exact = if narrow {
            work.narrow(&mut job, position, len)
        } else {
            work.wide(&mut job, position, len)
        };
        if !exact {
            general(task, first..first + len, statistics, &mut job.out);
        }
    }
}

/// What the statistics asked for need.
#[derive(Default)]
struct Wants {
    sum: bool,
    squares: bool,
    deviation: bool,
}

/// What the answers of a tile are made from, one entry an answer.
#[derive(Default)]
struct Tile {
    /// Values present; empty when every window is full.
    count: Vec<f64>,
    total: Vec<f64>,
    /// Sum of squared deviations from the mean.
    squares: Vec<f64>,
    /// The mean less the anchor.
    mean: Vec<f64>,
    /// The current value less the mean.
    deviation: Vec<f64>,
}

/// Scratch of a task.
#[derive(Default)]
struct Work {
    width: usize,
    wants: Wants,
    completeness: Completeness,
    before: Stretch,
    here: Stretch,
    /// What is left of the block before, for each answer: sum of values, of distances from the
    /// anchor, of their squares, and count.
    left: [Vec<f64>; 4],
    /// The same of the block so far.
    so_far: [Vec<f64>; 4],
    /// Shares of the two halves when every window is full.
    full: Shares,
    /// The same where values are missing.
    partial: Shares,
    fours: Vec<f64>,
    tile: Tile,
}

/// For each answer, what the rule of Chan, Golub and LeVeque needs of the numbers `n1` and `n2` of
/// values in the two halves.
#[derive(Default)]
struct Shares {
    /// 1 / n1, or 0.
    first: Vec<f64>,
    /// 1 / n2, or 0.
    second: Vec<f64>,
    /// n1 / (n1 + n2), or 0.
    weight: Vec<f64>,
    /// n1 n2 / (n1 + n2), or 0.
    product: Vec<f64>,
}

impl Shares {
    #[inline(always)]
    fn set(&mut self, len: usize, counts: impl Fn(usize) -> (f64, f64)) {
        let Shares {
            first,
            second,
            weight,
            product,
        } = self;
        for column in [&mut *first, second, weight, product] {
            column.resize(len, 0.0);
        }
        let columns = first
            .iter_mut()
            .zip(second)
            .zip(weight.iter_mut().zip(product));
        for (j, ((first, second), (weight, product))) in columns.enumerate() {
            let (n1, n2) = counts(j);
            let n = n1 + n2;
            *first = if n1 > 0.0 { 1.0 / n1 } else { 0.0 };
            *second = if n2 > 0.0 { 1.0 / n2 } else { 0.0 };
            *weight = if n > 0.0 { n1 / n } else { 0.0 };
            *product = *weight * n2;
        }
    }

    #[inline(always)]
    fn from(&self, skip: usize, len: usize) -> [&[f64]; 4] {
        [&self.first, &self.second, &self.weight, &self.product].map(|c| &c[skip..skip + len])
    }
}

impl Work {
    fn new(width: usize, statistics: &[MomentStatistic]) -> Self {
        let wants = Wants {
            sum: statistics.iter().any(|s| s.sums()),
            squares: statistics.iter().any(|s| s.deviates()),
            deviation: statistics
                .iter()
                .any(|s| matches!(s, MomentStatistic::ZScore { .. })),
        };
        let mut full = Shares::default();
        if wants.squares && width > NARROW_SQUARES {
            full.set(width, |j| ((width - 1 - j) as f64, (j + 1) as f64));
        }
        Work {
            width,
            wants,
            full,
            ..Work::default()
        }
    }

    /// Windows wider than a few rows: the `len` answers of a block from two scans. False if digits
    /// were lost, or an infinite value takes part.
    #[inline(always)]
    fn wide<T: Float>(&mut self, job: &mut Job<T>, position: isize, len: usize) -> bool {
        let (task, width) = (job.task, self.width);
        if let Some(rows) = self.completeness.of(task.x, position, width, len) {
            let (before, here) = task.x[rows].split_at(width);
            let anchors = (before[width - 1].to_f64(), here[0].to_f64());
            self.tile.count.clear();
            return self.block(job, (before, before), (here, here), anchors, |_| 1.0);
        }
        let mut before = std::mem::take(&mut self.before);
        let mut here = std::mem::take(&mut self.here);
        let finite =
            before.copy(task, position - width as isize, width) & here.copy(task, position, len);
        self.tile.count.push(0.0);
        let exact = finite
            && self.block(
                job,
                (&before.values, &before.present),
                (&here.values, &here.present),
                (before.last(), here.first()),
                |present: f64| present,
            );
        (self.before, self.here) = (before, here);
        exact
    }

    /// The answers of one block, from the values of the block before and of itself, with their
    /// marks; `present` makes of a mark 1 or 0.
    #[inline(always)]
    fn block<T: Float, V: Float, M: Copy>(
        &mut self,
        job: &mut Job<T>,
        before: (&[V], &[M]),
        here: (&[V], &[M]),
        anchors: (f64, f64),
        present: impl Fn(M) -> f64 + Copy,
    ) -> bool {
        let Work {
            wants,
            left,
            so_far,
            full,
            partial,
            tile,
            ..
        } = self;
        let complete = tile.count.is_empty();
        let plain = |v: V, _: M| v.to_f64();
        let distance = |anchor: f64| move |v: V, m: M| (v.to_f64() - anchor) * present(m);
        let square = |anchor: f64| {
            move |v: V, m: M| {
                let d = (v.to_f64() - anchor) * present(m);
                d * d
            }
        };
        let count = |_: V, m: M| present(m);
        let mut carry = [0.0; 4];
        for buffer in so_far.iter_mut() {
            buffer.resize(TILE, 0.0);
        }
        if wants.sum {
            suffixes::<Plus, _, _>(before.0, before.1, plain, &mut left[0]);
        }
        if wants.squares {
            suffixes::<Plus, _, _>(before.0, before.1, distance(anchors.0), &mut left[1]);
            suffixes::<Plus, _, _>(before.0, before.1, square(anchors.0), &mut left[2]);
        }
        if !complete {
            suffixes::<Plus, _, _>(before.0, before.1, count, &mut left[3]);
        }
        let mut exact = true;
        for start in (0..here.0.len()).step_by(TILE) {
            let len = TILE.min(here.0.len() - start);
            let (v, m) = (&here.0[start..start + len], &here.1[start..start + len]);
            if !complete {
                carry[3] = prefixes::<Plus, _, _>(v, m, count, carry[3], &mut so_far[3]);
                add(&left[3][start..start + len], &so_far[3], &mut tile.count);
            }
            if wants.sum {
                carry[0] = prefixes::<Plus, _, _>(v, m, plain, carry[0], &mut so_far[0]);
                add(&left[0][start..start + len], &so_far[0], &mut tile.total);
            }
            if wants.squares {
                carry[1] =
                    prefixes::<Plus, _, _>(v, m, distance(anchors.1), carry[1], &mut so_far[1]);
                carry[2] =
                    prefixes::<Plus, _, _>(v, m, square(anchors.1), carry[2], &mut so_far[2]);
                let (shares, skip) = if complete {
                    (&*full, start)
                } else {
                    let (n1, n2) = (&left[3][start..start + len], &so_far[3][..len]);
                    partial.set(len, |j| (n1[j], n2[j]));
                    (&*partial, 0)
                };
                let left = [&left[1][start..start + len], &left[2][start..start + len]];
                let gap = anchors.0 - anchors.1;
                exact &= chan(
                    left,
                    [&so_far[1], &so_far[2]],
                    shares.from(skip, len),
                    gap,
                    tile,
                );
                if wants.deviation {
                    exact &= tile.deviate(job, start, |_| anchors.1);
                }
            }
            job.finish(tile, start..start + len);
        }
        exact
    }

    /// Windows of a few rows: each is read anew.
    #[inline(always)]
    fn narrow<T: Float>(&mut self, job: &mut Job<T>, position: isize, len: usize) -> bool {
        let (task, width) = (job.task, self.width);
        if let Some(rows) = self.completeness.of(task.x, position, width - 1, len) {
            let x = &task.x[rows];
            self.tile.count.clear();
            return self.row_by_row(job, (x, x), &x[width - 1..], len, |_| 1.0);
        }
        let mut here = std::mem::take(&mut self.here);
        let from = position + 1 - width as isize;
        let mut exact = here.copy(task, from, len + width - 1);
        if exact {
            self.tile.count.resize(len, 0.0);
            direct::<f64, Plus>(&here.present, width, &mut self.fours, &mut self.tile.count);
            // The anchor of a window is its last value present. Where the last value present lies
            // before the window, the window is empty and the anchor of no account.
            let mut anchor = 0.0;
            self.left[0].clear();
            self.left[0].extend(here.values.iter().zip(&here.present).map(|(&v, &p)| {
                anchor = if p == 1.0 { v } else { anchor };
                anchor
            }));
            let anchors = std::mem::take(&mut self.left[0]);
            let rows = (&here.values[..], &here.present[..]);
            exact = self.row_by_row(job, rows, &anchors[width - 1..], len, |present| present);
            self.left[0] = anchors;
        }
        self.here = here;
        exact
    }

    #[inline(always)]
    fn row_by_row<T: Float, V: Float, M: Copy>(
        &mut self,
        job: &mut Job<T>,
        rows: (&[V], &[M]),
        anchors: &[V],
        len: usize,
        present: impl Fn(M) -> f64 + Copy,
    ) -> bool {
        let Work {
            width,
            wants,
            fours,
            tile,
            ..
        } = self;
        if wants.sum {
            tile.total.resize(len, 0.0);
            direct::<V, Plus>(rows.0, *width, fours, &mut tile.total);
        }
        if wants.squares {
            tile.squares_of_narrow(*width, rows, &anchors[..len], present);
            if wants.deviation && !tile.deviate(job, 0, |j| anchors[j].to_f64()) {
                return false;
            }
        }
        job.finish(tile, 0..len);
        true
    }
}

/// A stretch of answers of a task and where they go.
struct Job<'a, 'o, T> {
    task: &'a Task<'a, T>,
    statistics: &'a [MomentStatistic],
    width: usize,
    /// The first answer.
    first: usize,
    out: Vec<&'o mut [T]>,
}

impl<T: Float> Job<'_, '_, T> {
    /// Writes every statistic of a tile to the given places.
    #[inline(always)]
    fn finish(&mut self, tile: &Tile, places: Range<usize>) {
        for (statistic, out) in self.statistics.iter().zip(&mut self.out) {
            let out = &mut out[places.clone()];
            finish(
                *statistic,
                self.task.min_periods,
                self.width as f64,
                tile,
                out,
            );
        }
    }
}

impl Tile {
    /// From the mean less the anchor, the current value less the mean; NaN if it is missing. False
    /// if it is infinite and takes part.
    #[inline(always)]
    fn deviate<T: Float>(
        &mut self,
        job: &Job<T>,
        start: usize,
        anchor: impl Fn(usize) -> f64,
    ) -> bool {
        let Tile {
            mean, deviation, ..
        } = self;
        deviation.resize(mean.len(), 0.0);
        let first = job.first + start;
        let x = &job.task.x[first..first + mean.len()];
        let mut infinite = false;
        for (j, ((d, mean), x)) in deviation.iter_mut().zip(mean.iter()).zip(x).enumerate() {
            let x = x.to_f64();
            infinite |= x.is_infinite();
            // NaN stays NaN, and an infinite value less itself becomes it.
            *d = (x - anchor(j)) - mean + (x - x);
        }
        !(infinite && job.task.infinity == Infinity::Ieee)
    }

    /// Sums of squared deviations of narrow windows, and their means less the anchors.
    #[inline(always)]
    fn squares_of_narrow<V: Float, M: Copy>(
        &mut self,
        width: usize,
        rows: (&[V], &[M]),
        anchors: &[V],
        present: impl Fn(M) -> f64 + Copy,
    ) {
        let n = anchors.len();
        self.squares.resize(n, 0.0);
        self.mean.resize(n, 0.0);
        let whole = n / ROWS * ROWS;
        let mut settle = |first: usize, s: &[f64], q: &[f64]| {
            for i in 0..s.len() {
                let n = self
                    .count
                    .get(first + i)
                    .map_or(width as f64, |&n| n.max(1.0));
                let mean = s[i] / n;
                let sum = q[i] - s[i] * mean;
                self.squares[first + i] = if sum > 0.0 { sum } else { 0.0 };
                self.mean[first + i] = mean;
            }
        };
        for first in (0..whole).step_by(ROWS) {
            let (s, q) = powers::<ROWS, _, _>(width, rows, anchors, first, present);
            settle(first, &s, &q);
        }
        for first in whole..n {
            let (s, q) = powers::<1, _, _>(width, rows, anchors, first, present);
            settle(first, &s, &q);
        }
    }
}

/// Rows answered side by side when windows are narrow.
const ROWS: usize = 8;

/// Sums of the distances from their anchors, and of their squares, of `N` windows in a row.
#[inline(always)]
fn powers<const N: usize, V: Float, M: Copy>(
    width: usize,
    rows: (&[V], &[M]),
    anchors: &[V],
    first: usize,
    present: impl Fn(M) -> f64,
) -> ([f64; N], [f64; N]) {
    let (mut s, mut q) = ([0.0; N], [0.0; N]);
    let anchors = &anchors[first..first + N];
    let anchor: [f64; N] = std::array::from_fn(|i| anchors[i].to_f64());
    let reach = first..first + width + N - 1;
    for (v, m) in rows.0[reach.clone()]
        .windows(N)
        .zip(rows.1[reach].windows(N))
    {
        for i in 0..N {
            let d = (v[i].to_f64() - anchor[i]) * present(m[i]);
            s[i] += d;
            q[i] += d * d;
        }
    }
    (s, q)
}

/// Joins two halves, whose anchors lie `gap` apart: the sum of squared deviations from the common
/// mean, and that mean less the anchor of the second half. False if digits were lost.
#[inline(always)]
fn chan(
    left: [&[f64]; 2],
    so_far: [&[f64]; 2],
    shares: [&[f64]; 4],
    gap: f64,
    tile: &mut Tile,
) -> bool {
    let [s1, q1] = left;
    let len = s1.len();
    let [s2, q2] = so_far.map(|column| &column[..len]);
    let [r1, r2, weight, product] = shares.map(|column| &column[..len]);
    tile.squares.resize(len, 0.0);
    tile.mean.resize(len, 0.0);
    let (squares, means, q1) = (&mut tile.squares[..len], &mut tile.mean[..len], &q1[..len]);
    let mut lost = 0u64;
    for j in 0..len {
        let (mean1, mean2) = (s1[j] * r1[j], s2[j] * r2[j]);
        let delta = gap + (mean1 - mean2);
        let within = (q1[j] - s1[j] * mean1) + (q2[j] - s2[j] * mean2);
        let sum = within + delta * delta * product[j];
        lost |= u64::from(q1[j] + q2[j] > CANCELLATION * sum);
        // Rounding can leave less than nothing.
        squares[j] = if sum > 0.0 { sum } else { 0.0 };
        means[j] = mean2 + delta * weight[j];
    }
    lost == 0
}

#[inline(always)]
fn add(a: &[f64], b: &[f64], out: &mut Vec<f64>) {
    out.resize(a.len(), 0.0);
    for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
        *o = a + b;
    }
}

/// Writes one statistic of a tile.
#[inline(always)]
fn finish<T: Float>(
    statistic: MomentStatistic,
    min_periods: usize,
    width: f64,
    tile: &Tile,
    out: &mut [T],
) {
    let Tile {
        count,
        total,
        squares,
        deviation,
        ..
    } = tile;
    let least = min_periods.max(statistic.least()) as f64;
    let window = Window {
        count,
        width,
        least,
    };
    match statistic {
        MomentStatistic::Sum { compensated: false } => {
            window.write(out, total, total, |sum, _, _| sum);
        }
        MomentStatistic::Mean { compensated: false } => {
            window.write(out, total, total, |sum, _, n| sum / n);
        }
        MomentStatistic::Sum { .. } | MomentStatistic::Mean { .. } => {}
        MomentStatistic::Var { ddof } => {
            window.write(out, squares, squares, |m2, _, n| m2 / (n - f64::from(ddof)));
        }
        MomentStatistic::Std { ddof } => {
            window.write(out, squares, squares, |m2, _, n| {
                (m2 / (n - f64::from(ddof))).sqrt()
            });
        }
        MomentStatistic::Sem { ddof } => {
            window.write(out, squares, squares, |m2, _, n| {
                (m2 / (n - f64::from(ddof)) / n).sqrt()
            });
        }
        MomentStatistic::ZScore { ddof } => {
            window.write(out, squares, deviation, |m2, deviation, n| {
                let std = (m2 / (n - f64::from(ddof))).sqrt();
                if std > 0.0 { deviation / std } else { f64::NAN }
            });
        }
    }
}

/// How many values the windows of a tile hold: `count`, or `width` in each if that is empty; and
/// how many an answer asks for.
struct Window<'a> {
    count: &'a [f64],
    width: f64,
    least: f64,
}

impl Window<'_> {
    /// Writes `value(a, b, n)` where a window holds enough values.
    #[inline(always)]
    fn write<T: Float>(
        &self,
        out: &mut [T],
        a: &[f64],
        b: &[f64],
        value: impl Fn(f64, f64, f64) -> f64,
    ) {
        let rows = out.iter_mut().zip(a).zip(b);
        if !self.count.is_empty() {
            for (((o, &a), &b), &n) in rows.zip(self.count) {
                let answer = value(a, b, n);
                *o = T::from_f64(if n >= self.least { answer } else { f64::NAN });
            }
        } else if self.width >= self.least {
            for ((o, &a), &b) in rows {
                *o = T::from_f64(value(a, b, self.width));
            }
        } else {
            out.fill(T::NAN);
        }
    }
}
