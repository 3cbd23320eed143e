//! From squared deviations to variance, standard deviation, standard error and z-score.

use std::ops::Range;

use super::MomentStatistic;
use crate::float::{Float, Infinity};
use crate::rolling::fixed;
use crate::rolling::scan::{each_four, load, store};
use crate::rolling::task::Task;
use crate::simd::Four;

/// What the answers of a tile are made from, one entry an answer.
#[derive(Default)]
pub(super) struct Tile {
    /// Values present; empty when every window is full.
    pub count: Vec<f64>,
    /// Sum of squared deviations from the mean.
    pub squares: Vec<f64>,
    /// The mean less the anchor.
    pub mean: Vec<f64>,
    /// The current value less the mean.
    deviation: Vec<f64>,
}

/// What the kernels of a task have in common.
pub(super) struct Work<'a, T> {
    pub task: &'a Task<'a, T>,
    statistics: &'a [MomentStatistic],
    pub width: usize,
    pub shift: isize,
    /// Whether a z-score is asked for.
    scores: bool,
    pub tile: Tile,
}

impl<'a, T: Float> Work<'a, T> {
    pub fn new(task: &'a Task<'a, T>, statistics: &'a [MomentStatistic]) -> Self {
        let (width, shift) = fixed::of(task).unwrap_or_default();
        let scores = statistics
            .iter()
            .any(|s| matches!(s, MomentStatistic::ZScore { .. }));
        Work {
            task,
            statistics,
            width,
            shift,
            scores,
            tile: Tile::default(),
        }
    }

    /// The answers of windows with enough rows for any of the statistics; the others are filled.
    pub fn held(&self, out: &mut [&mut [T]]) -> Range<usize> {
        let needed = |s: &MomentStatistic| self.task.min_periods.max(s.least());
        let least = self.statistics.iter().map(needed).min().unwrap_or(0);
        let mut held = 0..0;
        for out in out {
            held = fixed::held(self.task, least, out);
        }
        held
    }

    /// Writes the answers of a tile, the first of which is number `first`. `anchor` is what was
    /// taken off the mean. False if an infinite value takes part in a z-score.
    #[inline(always)]
    pub fn finish<F: Four>(
        &mut self,
        first: usize,
        len: usize,
        anchor: impl Fn(usize) -> f64,
        out: &mut [&mut [T]],
    ) -> bool {
        if self.scores && !self.deviate(first, len, anchor) {
            return false;
        }
        let place = first - self.task.answers.start;
        for (statistic, out) in self.statistics.iter().zip(out) {
            let out = &mut out[place..place + len];
            self.write::<F>(*statistic, out);
        }
        true
    }

    /// From the mean less the anchor, the current value less the mean; NaN if it is missing.
    #[inline(always)]
    fn deviate(&mut self, first: usize, len: usize, anchor: impl Fn(usize) -> f64) -> bool {
        let Tile {
            mean, deviation, ..
        } = &mut self.tile;
        deviation.resize(len, 0.0);
        let x = &self.task.x[first..first + len];
        let mut infinite = false;
        for (j, ((d, mean), x)) in deviation.iter_mut().zip(mean.iter()).zip(x).enumerate() {
            let x = x.to_f64();
            infinite |= x.is_infinite();
            // NaN stays NaN, and an infinite value times zero becomes it.
            *d = (x - anchor(j)) - mean + x * 0.0;
        }
        !(infinite && self.task.infinity == Infinity::Ieee)
    }

    /// Writes one statistic where a window holds enough values.
    #[inline(always)]
    fn write<F: Four>(&self, statistic: MomentStatistic, out: &mut [T]) {
        let Tile { count, squares, .. } = &self.tile;
        let least = self.task.min_periods.max(statistic.least());
        if !count.is_empty() {
            let (least, nan) = (F::all(least as f64), F::all(f64::NAN));
            each_four!(out.len(), |j, len| {
                let count: F = load(count, j, len);
                let numbers = Numbers::of(statistic, count);
                let answer = self.value(statistic, numbers, load(squares, j, len), j, len);
                store(least.choose(count, answer, nan), out, j, len);
            });
        } else if self.width >= least {
            let numbers = Numbers::of(statistic, F::all(self.width as f64));
            each_four!(out.len(), |j, len| {
                let answer = self.value(statistic, numbers, load(squares, j, len), j, len);
                store(answer, out, j, len);
            });
        } else {
            out.fill(T::NAN);
        }
    }

    /// Four answers from the sums of squares at place `j`.
    #[inline(always)]
    fn value<F: Four>(
        &self,
        statistic: MomentStatistic,
        numbers: Numbers<F>,
        squares: F,
        j: usize,
        len: usize,
    ) -> F {
        match statistic {
            MomentStatistic::Std { .. } => squares.mul(numbers.inverse).sqrt(),
            MomentStatistic::Sem { .. } => squares.mul(numbers.inverse).div(numbers.count).sqrt(),
            MomentStatistic::ZScore { .. } => {
                let std = squares.mul(numbers.inverse).sqrt();
                let deviation: F = load(&self.tile.deviation, j, len);
                std.choose(F::all(0.0), F::all(f64::NAN), deviation.div(std))
            }
            _ => squares.div(numbers.divisor),
        }
    }
}

/// What four sums of squares are divided by.
#[derive(Clone, Copy)]
struct Numbers<F> {
    count: F,
    /// The count less the degrees of freedom.
    divisor: F,
    inverse: F,
}

impl<F: Four> Numbers<F> {
    #[inline(always)]
    fn of(statistic: MomentStatistic, count: F) -> Self {
        // A statistic needs one value more than it has degrees of freedom.
        let ddof = F::all(statistic.least() as f64 - 1.0);
        let divisor = count.sub(ddof);
        Numbers {
            count,
            divisor,
            inverse: F::all(1.0).div(divisor),
        }
    }
}
