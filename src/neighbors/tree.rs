//! The points in an order in which neighbours stand together, in blocks, with a box around each.

use super::block::{LANES, Lanes};
use super::points::Points;
use crate::float::Float;

/// A k-d tree whose leaves are whole blocks; with a single leaf, a plain list of blocks.
///
/// All leaves are full but the last. A node is split where its box is widest, at the median as far
/// as full leaves allow.
#[derive(Debug)]
pub struct Tree {
    /// The row at each place.
    pub(super) order: Vec<u32>,
    /// In depth-first order: the left child follows its parent.
    pub(super) nodes: Vec<Node>,
    /// For each node `columns` lower and `columns` upper bounds.
    boxes: Vec<f64>,
    /// For each 32 places `columns` lanes of coordinates relative to the middle of the leaf's box.
    blocks: Vec<Lanes>,
    columns: usize,
}

/// A part of the tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Its right child; 0 for a leaf.
    pub(super) right: u32,
    /// Its first place.
    pub(super) first: u32,
    /// Its places.
    pub(super) count: u32,
}

impl Tree {
    /// A tree with leaves of `leaf_size` points, rounded up to whole blocks of 32.
    pub fn new<T: Float>(points: Points<'_, T>, leaf_size: usize) -> Self {
        let leaf = leaf_size
            .clamp(1, points.rows().max(1))
            .next_multiple_of(LANES);
        let mut order: Vec<u32> = (0..points.rows() as u32).collect();
        let leaves = points.rows().div_ceil(leaf);
        let mut tree = Tree {
            order: Vec::new(),
            nodes: Vec::with_capacity(2 * leaves),
            boxes: Vec::with_capacity(4 * leaves * points.columns()),
            blocks: Vec::new(),
            columns: points.columns(),
        };
        let mut keys = Vec::new();
        tree.split(points, &mut order, 0, leaf, &mut keys);
        drop(keys);
        tree.order = order;
        tree.fill(points);
        tree
    }

    /// Blocks without a tree: brute force.
    pub fn flat<T: Float>(points: Points<'_, T>) -> Self {
        Self::new(points, points.rows())
    }

    fn split<T: Float>(
        &mut self,
        points: Points<'_, T>,
        rows: &mut [u32],
        first: usize,
        leaf: usize,
        keys: &mut Vec<(f64, u32)>,
    ) {
        let node = self.nodes.len();
        self.nodes.push(Node {
            right: 0,
            first: first as u32,
            count: rows.len() as u32,
        });
        let widest = bounds(points, rows, &mut self.boxes);
        let leaves = rows.len().div_ceil(leaf);
        if leaves < 2 {
            return;
        }
        let middle = leaves / 2 * leaf;
        halve(points, rows, widest, middle, keys);
        let (left, right) = rows.split_at_mut(middle);
        self.split(points, left, first, leaf, keys);
        self.nodes[node].right = self.nodes.len() as u32;
        self.split(points, right, first + middle, leaf, keys);
    }

    fn fill<T: Float>(&mut self, points: Points<'_, T>) {
        let blocks = points.rows().div_ceil(LANES);
        self.blocks = vec![[0.0; LANES]; blocks * self.columns];
        for node in (0..self.nodes.len()).filter(|&node| self.nodes[node].right == 0) {
            let (low, high) = self.bounds(node);
            let middle: Vec<f64> = low.iter().zip(high).map(|(&l, &h)| middle(l, h)).collect();
            let Node { first, count, .. } = self.nodes[node];
            for place in first as usize..(first + count) as usize {
                let row = points.row(self.order[place] as usize);
                let block = &mut self.blocks[place / LANES * self.columns..][..self.columns];
                for ((lanes, value), middle) in block.iter_mut().zip(row).zip(&middle) {
                    lanes[place % LANES] = (value.to_f64() - middle) as f32;
                }
            }
        }
    }

    /// Lower and upper bounds of a node.
    #[inline(always)]
    pub(super) fn bounds(&self, node: usize) -> (&[f64], &[f64]) {
        self.boxes[2 * node * self.columns..][..2 * self.columns].split_at(self.columns)
    }

    /// The block of the 32 places from `place` on.
    #[inline(always)]
    pub(super) fn block(&self, place: usize) -> &[Lanes] {
        &self.blocks[place / LANES * self.columns..][..self.columns]
    }

    /// Points in it.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// Values in each point.
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// The middle of two bounds, also of those whose sum is out of range.
#[inline(always)]
pub(super) fn middle(low: f64, high: f64) -> f64 {
    0.5 * low + 0.5 * high
}

/// Rows in an order in which neighbours stand together, in groups of 32.
pub(super) fn arranged<T: Float>(points: Points<'_, T>) -> Vec<u32> {
    fn split<T: Float>(
        points: Points<'_, T>,
        rows: &mut [u32],
        bounds_of: &mut Vec<f64>,
        keys: &mut Vec<(f64, u32)>,
    ) {
        let groups = rows.len().div_ceil(LANES);
        if groups < 2 {
            return;
        }
        bounds_of.clear();
        let widest = bounds(points, rows, bounds_of);
        let middle = groups / 2 * LANES;
        halve(points, rows, widest, middle, keys);
        let (left, right) = rows.split_at_mut(middle);
        split(points, left, bounds_of, keys);
        split(points, right, bounds_of, keys);
    }
    let mut rows: Vec<u32> = (0..points.rows() as u32).collect();
    split(points, &mut rows, &mut Vec::new(), &mut Vec::new());
    rows
}

/// Appends the box around `rows` to `boxes`; the column in which it is widest.
fn bounds<T: Float>(points: Points<'_, T>, rows: &[u32], boxes: &mut Vec<f64>) -> usize {
    let start = boxes.len();
    let columns = points.columns();
    boxes.resize(start + columns, f64::INFINITY);
    boxes.resize(start + 2 * columns, f64::NEG_INFINITY);
    let (low, high) = boxes[start..].split_at_mut(columns);
    for &row in rows {
        let row = points.row(row as usize);
        for ((low, high), value) in low.iter_mut().zip(high.iter_mut()).zip(row) {
            let value = value.to_f64();
            *low = if value < *low { value } else { *low };
            *high = if value > *high { value } else { *high };
        }
    }
    let mut widest = 0;
    for j in 1..columns {
        if high[j] - low[j] > high[widest] - low[widest] {
            widest = j;
        }
    }
    widest
}

/// Brings the `count` rows that are lowest in `column` to the front.
fn halve<T: Float>(
    points: Points<'_, T>,
    rows: &mut [u32],
    column: usize,
    count: usize,
    keys: &mut Vec<(f64, u32)>,
) {
    keys.clear();
    keys.extend(
        rows.iter()
            .map(|&row| (points.at(row as usize, column), row)),
    );
    keys.select_nth_unstable_by(count, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (row, key) in rows.iter_mut().zip(keys.iter()) {
        *row = key.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_in_one_leaf_and_inside_its_boxes() {
        for rows in [0, 1, 31, 32, 33, 64, 65, 1000] {
            let values: Vec<f64> = (0..3 * rows).map(|i| (i * 7919 % 1009) as f64).collect();
            let points = Points::new(&values, 3).unwrap();
            for leaf_size in [1, 32, 40, rows] {
                let tree = Tree::new(points, leaf_size);
                let mut seen = tree.order.clone();
                seen.sort_unstable();
                assert!(seen.iter().enumerate().all(|(i, &row)| i == row as usize));
                for (i, node) in tree.nodes.iter().enumerate() {
                    let (low, high) = tree.bounds(i);
                    for place in node.first..node.first + node.count {
                        for j in 0..3 {
                            let value = points.at(tree.order[place as usize] as usize, j);
                            assert!(low[j] <= value && value <= high[j]);
                        }
                    }
                }
                let leaves = tree.nodes.iter().filter(|node| node.right == 0);
                assert_eq!(leaves.map(|node| node.count as usize).sum::<usize>(), rows);
            }
        }
    }
}
