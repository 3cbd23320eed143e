//! Squared deviations from the mean of windows of many rows.
//!
//! Each half of a window, the end of one block and the beginning of the next, holds the sums of `d`
//! and `d²`, where `d` is the distance from an anchor: the value next to the cut, which is part of
//! every window. Subtracting it is exact for values close together, and because it lies inside the
//! window the sums of squares cannot dwarf those from the mean by more than the number of values.
//! Where it is an outlier of a wide window and digits would be lost all the same, or where it is
//! missing from a window and far away, the block is left over.

use std::ops::Range;

use super::finish::{Tile, Work};
use crate::float::Float;
use crate::rolling::fixed::{TILE, infinite, limit, rows};
use crate::rolling::scan::{Plus, Prefixes, each_four, load, store, suffixes};
use crate::simd::Four;

/// How much larger than the squared deviations the sums of squares may be; digits lost are its
/// logarithm.
pub(super) const CANCELLATION: f64 = 128.0;

/// Writes the answers, and returns those that are left over.
#[inline(always)]
pub(super) fn answer<T: Float, F: Four>(
    work: &mut Work<T>,
    out: &mut [&mut [T]],
) -> Vec<Range<usize>> {
    let (task, width) = (work.task, work.width);
    let held = work.held(out);
    let (mut before, mut here) = (Vec::new(), Vec::new());
    let mut left = [vec![0.0; width], vec![0.0; width]];
    let mut left_over = Vec::new();
    for first in held.clone().step_by(width) {
        let len = width.min(held.end - first);
        let last = first as isize + work.shift;
        let mut block = Block {
            first,
            limit: limit(task.infinity),
            before: rows(task.x, last + 1 - width as isize, width, &mut before),
            here: rows(task.x, last + 1, len - 1, &mut here),
            left: &mut left,
        };
        let mut outcome = block.answer::<F, false>(work, out);
        if outcome == Outcome::Missing {
            let infinite =
                infinite(task.infinity, block.before) || infinite(task.infinity, block.here);
            outcome = if infinite {
                Outcome::Lost
            } else {
                block.answer::<F, true>(work, out)
            };
        }
        if outcome != Outcome::Exact {
            left_over.push(first..first + len);
        }
    }
    left_over
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Exact,
    /// A value is missing, though none was expected to be.
    Missing,
    /// Digits were lost, or an infinite value takes part.
    Lost,
}

/// As many windows as there are rows in a window.
struct Block<'a, T> {
    /// The first answer.
    first: usize,
    /// The largest value that is not missing.
    limit: f64,
    /// The rows of the first window.
    before: &'a [T],
    /// The rows that the other windows reach into.
    here: &'a [T],
    /// Sums of the ends of the block before: of distances and their squares.
    left: &'a mut [Vec<f64>; 2],
}

impl<T: Float> Block<'_, T> {
    /// The value present that is next to the cut.
    fn anchor(&self) -> f64 {
        let present = |v: &&T| v.to_f64().abs() <= self.limit;
        let last = self.before.iter().rev().find(present);
        let next = last.or_else(|| self.here.iter().find(present));
        next.map_or(0.0, |v| v.to_f64())
    }

    #[inline(always)]
    fn answer<F: Four, const PARTIAL: bool>(
        &mut self,
        work: &mut Work<T>,
        out: &mut [&mut [T]],
    ) -> Outcome {
        let (zero, one) = (F::all(0.0), F::all(1.0));
        let (limit, width) = (F::all(self.limit), F::all(work.width as f64));
        let center = self.anchor();
        let anchor = F::all(center);
        let Block {
            first,
            before,
            here,
            left: [left_sum, left_squares],
            ..
        } = self;
        let distance = |v: F| {
            let d = v.sub(anchor);
            if PARTIAL {
                v.abs().choose(limit, d, zero)
            } else {
                d
            }
        };
        let present = |v: F| v.abs().choose(limit, one, zero);
        suffixes::<F, T, Plus>(before, distance, left_sum);
        if !PARTIAL && !left_sum[0].is_finite() {
            return Outcome::Missing;
        }
        let square = |v: F| {
            let d = distance(v);
            d.mul(d)
        };
        suffixes::<F, T, Plus>(before, square, left_squares);
        let count = if PARTIAL {
            let limit = limit.lanes()[0];
            before.iter().filter(|v| v.to_f64().abs() <= limit).count()
        } else {
            work.width
        };
        // Counts are whole numbers, and may be subtracted.
        let mut counts = Prefixes::<F, Plus>::from(count as f64);
        let mut sums = Prefixes::<F, Plus>::from(0.0);
        let mut squares = Prefixes::<F, Plus>::from(0.0);
        let mut lost = zero;
        let inverse = one.div(width);
        // The first window is the block before, and the only one that takes nothing from here.
        let answers = here.len() + 1;
        let tiles = std::iter::once(0..1).chain(
            (1..answers)
                .step_by(TILE)
                .map(|start| start..answers.min(start + TILE)),
        );
        for tile in tiles {
            let n = tile.len();
            work.tile.resize(n, PARTIAL);
            let Tile {
                count: count_of,
                squares: squares_of,
                mean: mean_of,
                ..
            } = &mut work.tile;
            let (left_sum, left_squares) = (&left_sum[tile.clone()], &left_squares[tile.clone()]);
            // The row that comes into the window, and the one that has left it.
            let rows = tile.start.max(1) - 1..tile.end - 1;
            let (new, old) = (&here[rows.clone()], &before[rows]);
            each_four!(n, |j, len| {
                let (mut s, mut q) = (
                    load::<F, _>(left_sum, j, len),
                    load::<F, _>(left_squares, j, len),
                );
                let mut n = F::all(count as f64);
                if !new.is_empty() {
                    let v = load(new, j, len);
                    let d = distance(v);
                    s = s.add(sums.next(d));
                    q = q.add(squares.next(d.mul(d)));
                    if PARTIAL {
                        n = counts.next(present(v).sub(present(load(old, j, len))));
                    }
                }
                let mean = if PARTIAL {
                    s.div(n.greater(one))
                } else {
                    s.mul(inverse)
                };
                let sum = q.sub(s.mul(mean));
                // Only the lanes in use can lose digits.
                let excess = q.sub(sum.mul(F::all(CANCELLATION)));
                lost = lost.greater(if len == 4 {
                    excess
                } else {
                    first_lanes(excess, len)
                });
                if PARTIAL {
                    store(n, count_of, j, len);
                }
                // Rounding can leave less than nothing.
                store(sum.greater(zero), squares_of, j, len);
                store(mean, mean_of, j, len);
            });
            if !work.finish::<F>(*first + tile.start, n, |_| center, out) {
                return Outcome::Lost;
            }
        }
        if !PARTIAL && !(squares.total() + left_squares[0]).is_finite() {
            return Outcome::Missing;
        }
        if lost.lanes().iter().any(|&l| l > 0.0) {
            return Outcome::Lost;
        }
        Outcome::Exact
    }
}

/// Zero in all lanes but the first few.
#[inline(always)]
fn first_lanes<F: Four>(v: F, len: usize) -> F {
    let v = v.lanes();
    F::of(|l| if l < len { v[l] } else { 0.0 })
}

impl Tile {
    fn resize(&mut self, len: usize, partial: bool) {
        self.count.resize(if partial { len } else { 0 }, 0.0);
        self.squares.resize(len, 0.0);
        self.mean.resize(len, 0.0);
    }
}
