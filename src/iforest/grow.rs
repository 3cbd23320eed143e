//! Grows one tree from the rows drawn for it, level by level.

use super::forest::{LEAF, MISSING_RIGHT, Nodes, OBLIQUE, UNSEEN_RIGHT};
use super::gain::{pooled, uniform};
use crate::random::Stream;

/// The rows of one tree: `value(row, column)` of 0..`rows` and 0..`columns.len()`.
pub(crate) trait Sample {
    /// The value of a drawn row, by its place among them, in one of the tree's columns.
    fn value(&self, row: u32, column: usize) -> f64;
}

/// What does not differ from tree to tree.
#[derive(Debug)]
pub(crate) struct Growth {
    pub columns_per_split: usize,
    pub gain: f64,
    /// Whether a column holds categories.
    pub categorical: Vec<bool>,
    pub max_depth: u32,
}

/// A node still to be split.
struct Task {
    start: usize,
    end: usize,
    depth: u32,
}

/// Work space of one tree.
struct Grower<'a, S> {
    growth: &'a Growth,
    sample: &'a S,
    /// The tree's columns, by their number in the data.
    columns: &'a [u32],
    random: Stream,
    nodes: Nodes,
    /// Columns of the tree in the order they were last drawn.
    order: Vec<u32>,
    /// The node's values of a column or projection, and a copy to sort.
    values: Vec<f64>,
    sorted: Vec<f64>,
    scratch: Vec<f64>,
    /// Codes present in the node.
    codes: Vec<u16>,
}

/// A tree on `rows` rows of `sample`.
pub(crate) fn grow<S: Sample>(
    growth: &Growth,
    sample: &S,
    rows: usize,
    columns: &[u32],
    random: Stream,
) -> Nodes {
    let mut grower = Grower {
        growth,
        sample,
        columns,
        random,
        nodes: Nodes::default(),
        order: (0..columns.len() as u32).collect(),
        values: Vec::with_capacity(rows),
        sorted: Vec::new(),
        scratch: Vec::new(),
        codes: Vec::new(),
    };
    grower.grow(rows);
    grower.nodes
}

impl<S: Sample> Grower<'_, S> {
    fn grow(&mut self, rows: usize) {
        let oblique = self.growth.columns_per_split > 1;
        if oblique {
            self.nodes.term_start.push(0);
        }
        if self.growth.categorical.contains(&true) {
            self.nodes.set_start.push(0);
        }
        let mut rows: Vec<u32> = (0..rows as u32).collect();
        let mut tasks = vec![Task {
            start: 0,
            end: rows.len(),
            depth: 0,
        }];
        let mut right_rows = Vec::with_capacity(rows.len());
        let mut done = 0;
        while done < tasks.len() {
            let Task { start, end, depth } = tasks[done];
            let node = &mut rows[start..end];
            self.leaf(node.len());
            done += 1;
            if node.len() < 2 || depth >= self.growth.max_depth {
                self.close();
                continue;
            }
            if !self.split(node) {
                self.close();
                continue;
            }
            // `values` now holds, for each row of the node, whether it goes right.
            right_rows.clear();
            let mut left = 0;
            for i in 0..node.len() {
                let row = node[i];
                if self.values[i] > 0.0 {
                    right_rows.push(row);
                } else {
                    node[left] = row;
                    left += 1;
                }
            }
            node[left..].copy_from_slice(&right_rows);
            let last = self.nodes.len() - 1;
            self.nodes.left[last] = tasks.len() as u32;
            self.close();
            let depth = depth + 1;
            for (start, end) in [(start, start + left), (start + left, end)] {
                tasks.push(Task { start, end, depth });
            }
        }
    }

    /// Begins a node as a leaf of `n` rows.
    fn leaf(&mut self, n: usize) {
        let here = self.nodes.len() as u32;
        self.nodes.feature.push(LEAF);
        self.nodes.threshold.push(f64::INFINITY);
        self.nodes.left.push(here);
        self.nodes.n_samples.push(n as u32);
        self.nodes.flags.push(0);
    }

    /// Ends the node begun last.
    fn close(&mut self) {
        if !self.nodes.term_start.is_empty() {
            self.nodes
                .term_start
                .push(self.nodes.term_column.len() as u64);
        }
        if !self.nodes.set_start.is_empty() {
            self.nodes.set_start.push(self.nodes.set_code.len() as u64);
        }
    }

    /// Splits the node begun last, leaving the sides in `values` (1 for right); false if no
    /// column has two different values.
    fn split(&mut self, rows: &[u32]) -> bool {
        let mut terms = 0;
        for drawn in 0..self.order.len() {
            let other = drawn + self.random.below((self.order.len() - drawn) as u64) as usize;
            self.order.swap(drawn, other);
            let column = self.order[drawn] as usize;
            let global = self.columns[column];
            if self.growth.categorical[global as usize] {
                // Categories have no place in a sum, so they are split alone, if drawn first.
                if terms == 0 && self.split_categories(rows, column) {
                    return true;
                }
                continue;
            }
            let Some(range) = self.read(rows, column) else {
                continue;
            };
            if self.growth.columns_per_split == 1 {
                self.split_column(global, range);
                return true;
            }
            terms += usize::from(self.add_term(global, range));
            if terms == self.growth.columns_per_split {
                break;
            }
        }
        terms > 0 && self.split_oblique(rows)
    }

    /// Reads a column of the node into `values`; gives its least and greatest value, if they
    /// differ, and the number of missing ones.
    fn read(&mut self, rows: &[u32], column: usize) -> Option<(f64, f64, usize)> {
        let (mut min, mut max, mut missing) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        let sample = self.sample;
        self.values.clear();
        self.values.extend(rows.iter().map(|&row| {
            let value = sample.value(row, column);
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
            missing += usize::from(value.is_nan());
            value
        }));
        (min < max).then_some((min, max, missing))
    }

    fn threshold(&mut self, min: f64, max: f64) -> f64 {
        let gain = self.growth.gain;
        if gain > 0.0 && (gain >= 1.0 || self.random.unit() < gain) {
            self.sorted.clear();
            let present = self.values.iter().filter(|v| !v.is_nan());
            self.sorted.extend(present);
            return pooled(&mut self.sorted, &mut self.scratch);
        }
        uniform(min, max, &mut self.random)
    }

    /// Completes a split on one column, whose values were read.
    fn split_column(&mut self, column: u32, (min, max, missing): (f64, f64, usize)) {
        let threshold = self.threshold(min, max);
        let mut right = 0;
        for value in self.values.iter_mut().filter(|v| !v.is_nan()) {
            let side = *value > threshold;
            right += usize::from(side);
            *value = f64::from(u8::from(side));
        }
        self.set(column as i32, threshold);
        self.place_missing(right, missing);
    }

    fn set(&mut self, feature: i32, threshold: f64) {
        let last = self.nodes.len() - 1;
        self.nodes.feature[last] = feature;
        self.nodes.threshold[last] = threshold;
    }

    /// Chooses the side of missing values, once `values` holds the sides of the others.
    fn place_missing(&mut self, right: usize, missing: usize) {
        let present = self.values.len() - missing;
        let goes_right = if missing > 0 {
            self.random.below(present as u64) < right as u64
        } else {
            right > present - right
        };
        if goes_right {
            *self.nodes.flags.last_mut().expect("a node was begun") |= MISSING_RIGHT;
        }
        if missing > 0 {
            let side = f64::from(u8::from(goes_right));
            let values = self.values.iter_mut();
            values.filter(|v| v.is_nan()).for_each(|v| *v = side);
        }
    }

    fn split_categories(&mut self, rows: &[u32], column: usize) -> bool {
        let Some((_, _, missing)) = self.read(rows, column) else {
            return false;
        };
        self.codes.clear();
        let present = self.values.iter().filter(|v| !v.is_nan());
        self.codes.extend(present.map(|&v| v as u16));
        self.codes.sort_unstable();
        self.codes.dedup();
        let mut goes_right = vec![false; self.codes.len()];
        while goes_right.iter().all(|&side| side == goes_right[0]) {
            for side in &mut goes_right {
                *side = self.random.next_u64() >> 63 == 1;
            }
        }
        let mut right = 0;
        for value in self.values.iter_mut().filter(|v| !v.is_nan()) {
            let code = self.codes.binary_search(&(*value as u16));
            let side = goes_right[code.expect("every code of the node is listed")];
            right += usize::from(side);
            *value = f64::from(u8::from(side));
        }
        let left = self.values.len() - missing - right;
        let unseen_right = right <= left;
        let listed = self.codes.iter().zip(&goes_right);
        let listed = listed.filter(|&(_, &side)| side != unseen_right);
        self.nodes.set_code.extend(listed.map(|(code, _)| code));
        if unseen_right {
            *self.nodes.flags.last_mut().expect("a node was begun") |= UNSEEN_RIGHT;
        }
        self.set(self.columns[column] as i32, 0.0);
        self.place_missing(right, missing);
        true
    }

    /// Adds a column, whose values were read, to the oblique split of the node begun last. False
    /// if it is too wide or too narrow to be scaled.
    fn add_term(&mut self, column: u32, (min, max, missing): (f64, f64, usize)) -> bool {
        let n = (self.values.len() - missing) as f64;
        let range = max - min;
        let present = || self.values.iter().filter(|v| !v.is_nan());
        // Distances from the least value are scaled to at most 1, so that no square overflows.
        let mean = present().map(|v| (v - min) / range).sum::<f64>() / n;
        let square = |v: &f64| ((v - min) / range - mean).powi(2);
        let spread = range * (present().map(square).sum::<f64>() / n).sqrt();
        let mean = min + mean * range;
        let coef = self.random.normal() / spread;
        if !(coef.is_finite() && mean.is_finite() && spread.is_finite()) {
            return false;
        }
        self.nodes.term_column.push(column);
        self.nodes.term_coef.push(coef);
        self.nodes.term_mean.push(mean);
        self.nodes.term_spread.push(spread);
        true
    }

    /// Completes an oblique split of the terms added to the node begun last.
    fn split_oblique(&mut self, rows: &[u32]) -> bool {
        // The terms in the order of their columns: a score adds them in the same order.
        let first = *self.nodes.term_start.last().expect("begun with one") as usize;
        let terms = first..self.nodes.term_column.len();
        let (sample, columns) = (self.sample, self.columns);
        self.nodes.sort_terms(terms.clone());
        self.values.clear();
        let nodes = &self.nodes;
        let local = |column: usize| match columns.len() {
            n if n > column && columns[column] as usize == column => column,
            _ => columns.partition_point(|&c| (c as usize) < column),
        };
        let places: Vec<usize> = terms
            .clone()
            .map(|t| local(nodes.term_column[t] as usize))
            .collect();
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        self.values.extend(rows.iter().map(|&row| {
            let mut sum = 0.0;
            for (t, &place) in terms.clone().zip(&places) {
                let distance = sample.value(row, place) - nodes.term_mean[t];
                sum += if distance.is_nan() {
                    0.0
                } else {
                    nodes.term_coef[t] * distance
                };
            }
            min = if sum < min { sum } else { min };
            max = if sum > max { sum } else { max };
            sum
        }));
        if !(min < max && min.is_finite() && max.is_finite()) {
            self.nodes.truncate_terms(first);
            return false;
        }
        let threshold = self.threshold(min, max);
        for value in &mut self.values {
            *value = f64::from(u8::from(*value > threshold));
        }
        self.set(OBLIQUE, threshold);
        true
    }
}

impl Nodes {
    fn sort_terms(&mut self, terms: std::ops::Range<usize>) {
        let mut sorted: Vec<usize> = terms.clone().collect();
        sorted.sort_unstable_by_key(|&t| self.term_column[t]);
        fn pick<T: Copy>(from: &mut [T], terms: &std::ops::Range<usize>, sorted: &[usize]) {
            let picked: Vec<T> = sorted.iter().map(|&t| from[t]).collect();
            from[terms.clone()].copy_from_slice(&picked);
        }
        pick(&mut self.term_column, &terms, &sorted);
        pick(&mut self.term_coef, &terms, &sorted);
        pick(&mut self.term_mean, &terms, &sorted);
        pick(&mut self.term_spread, &terms, &sorted);
    }

    fn truncate_terms(&mut self, n: usize) {
        self.term_column.truncate(n);
        self.term_coef.truncate(n);
        self.term_mean.truncate(n);
        self.term_spread.truncate(n);
    }
}
