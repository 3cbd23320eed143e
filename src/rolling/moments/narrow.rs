//! Squared deviations from the mean of windows of few rows, each read anew.

use std::ops::Range;

use super::finish::{Tile, Work};
use crate::float::Float;
use crate::rolling::fixed::{infinite, limit, mask, rows, tiles};
use crate::rolling::scan::{Plus, all_finite, direct};
use crate::simd::Four;

/// Up to this width reading each window anew is quicker than two scans.
pub(super) const WIDEST: usize = 12;

/// Rows answered side by side.
const ROWS: usize = 8;

/// Writes the answers, and returns those that are left over.
#[inline(always)]
pub(super) fn answer<T: Float, F: Four>(
    work: &mut Work<T>,
    out: &mut [&mut [T]],
) -> Vec<Range<usize>> {
    let (task, width) = (work.task, work.width);
    let held = work.held(out);
    let mut left_over = Vec::new();
    let mut copy = Vec::new();
    let (mut values, mut present, mut fours) = (Vec::new(), Vec::new(), Vec::new());
    for tile in tiles(task.x.len(), width, work.shift, held) {
        let len = tile.len();
        let from = tile.start as isize + work.shift + 1 - width as isize;
        let rows = rows(task.x, from, len + width - 1, &mut copy);
        let exact = if all_finite(rows) {
            work.tile.count.clear();
            let anchors = &rows[width - 1..];
            work.tile.squares_of(width, (rows, rows), anchors, |_| 1.0);
            work.finish::<F>(tile.start, len, |j| anchors[j].to_f64(), out)
        } else if infinite(task.infinity, rows) {
            false
        } else {
            mask::<F, T>(limit(task.infinity), rows, 0.0, &mut values, &mut present);
            work.tile.count.resize(len, 0.0);
            direct::<f64, Plus>(&present, width, &mut fours, &mut work.tile.count);
            // The anchor of a window is its last value present. Where the last value present lies
            // before the window, the window is empty and the anchor of no account.
            let mut anchor = 0.0;
            let anchors = values.iter().zip(&present).map(|(&v, &p)| {
                anchor = if p == 1.0 { v } else { anchor };
                anchor
            });
            let anchors: Vec<f64> = anchors.collect();
            let anchors = &anchors[width - 1..];
            let rows = (&values[..], &present[..]);
            work.tile
                .squares_of(width, rows, anchors, |present| present);
            work.finish::<F>(tile.start, len, |j| anchors[j], out)
        };
        if !exact {
            left_over.push(tile);
        }
    }
    left_over
}

impl Tile {
    /// Sums of squared deviations, and the means less the anchors.
    #[inline(always)]
    fn squares_of<V: Float, M: Copy>(
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
        let every = 1.0 / width as f64;
        let Tile {
            count,
            squares,
            mean,
            ..
        } = self;
        let mut settle = |first: usize, s: &[f64], q: &[f64]| {
            let places = first..first + s.len();
            let mut inverse = [every; ROWS];
            if !count.is_empty() {
                for (inverse, n) in inverse.iter_mut().zip(&count[places.clone()]) {
                    *inverse = 1.0 / if *n > 1.0 { *n } else { 1.0 };
                }
            }
            let sums = s.iter().zip(q).zip(&inverse);
            let places = squares[places.clone()].iter_mut().zip(&mut mean[places]);
            for (((s, q), inverse), (square, mean)) in sums.zip(places) {
                *mean = s * inverse;
                let sum = q - s * *mean;
                *square = if sum > 0.0 { sum } else { 0.0 };
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
