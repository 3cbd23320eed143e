//! A fitted forest as flat arrays: what the file holds, what is merged, exported and checked.

use std::sync::OnceLock;

use super::layout::Layouts;
use super::leaves::LeafTables;
use crate::error::Error;

/// `feature` of a leaf.
pub(crate) const LEAF: i32 = -1;
/// `feature` of an oblique split.
pub(crate) const OBLIQUE: i32 = -2;
/// Flag of a node that sends missing values to the right.
pub(crate) const MISSING_RIGHT: u8 = 1;
/// Flag of a node that sends categories it does not list to the right.
pub(crate) const UNSEEN_RIGHT: u8 = 2;
/// No tree is deeper: the limit is the logarithm of a 32-bit number of rows.
pub(crate) const DEEPEST: u32 = 32;

/// Expected depth at which a search for an absent key ends in a random binary tree of `n` keys:
/// 2 H(n-1) - 2 (n-1)/n, with H(n) taken as ln n + Euler's constant; 1 for two keys, 0 for fewer.
///
/// # Examples
///
/// ```
/// use linewatch::iforest::average_path_length;
///
/// assert_eq!(average_path_length(1), 0.0);
/// assert_eq!(average_path_length(2), 1.0);
/// assert!((average_path_length(256) - 10.2448).abs() < 1e-4);
/// ```
pub fn average_path_length(n: u32) -> f64 {
    static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (0..1025).map(path_length).collect());
    table
        .get(n as usize)
        .copied()
        .unwrap_or_else(|| path_length(n))
}

fn path_length(n: u32) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = f64::from(n);
            2.0 * ((n - 1.0).ln() + EULER) - 2.0 * (n - 1.0) / n
        }
    }
}

/// The nodes of one tree or of many, a tree after the other, each from its root level by level.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Nodes {
    /// Column of a split on one column, [`LEAF`] or [`OBLIQUE`].
    pub feature: Vec<i32>,
    /// Values up to this go left; infinite in a leaf.
    pub threshold: Vec<f64>,
    /// Left child, counted within the tree; the right one follows it. A leaf names itself.
    pub left: Vec<u32>,
    /// Different training rows that reached the node.
    pub n_samples: Vec<u32>,
    /// [`MISSING_RIGHT`] and [`UNSEEN_RIGHT`].
    pub flags: Vec<u8>,
    /// Where the terms of each node start, and their end; empty without oblique splits.
    pub term_start: Vec<u64>,
    /// The columns of the terms.
    pub term_column: Vec<u32>,
    /// Their coefficients.
    pub term_coef: Vec<f64>,
    /// What is subtracted from a value before it is multiplied: its mean in the node.
    pub term_mean: Vec<f64>,
    /// Standard deviation of the column in the node.
    pub term_spread: Vec<f64>,
    /// Where the categories of each node start, and their end; empty without categories.
    pub set_start: Vec<u64>,
    /// Categories, ascending, that go to the other side than unseen ones.
    pub set_code: Vec<u16>,
}

impl Nodes {
    pub fn len(&self) -> usize {
        self.feature.len()
    }

    /// The terms of node `i`.
    pub fn terms(&self, i: usize) -> std::ops::Range<usize> {
        range(&self.term_start, i)
    }

    /// The listed categories of node `i`.
    pub fn set(&self, i: usize) -> &[u16] {
        &self.set_code[range(&self.set_start, i)]
    }

    /// The value of an oblique split, given how to read a column.
    #[inline]
    pub fn project(&self, i: usize, value: impl Fn(usize) -> f64) -> f64 {
        let mut sum = 0.0;
        for t in self.terms(i) {
            let distance = value(self.term_column[t] as usize) - self.term_mean[t];
            sum += if distance.is_nan() {
                0.0
            } else {
                self.term_coef[t] * distance
            };
        }
        sum
    }

    /// Whether node `i`, which is no leaf, sends a row to the right.
    #[inline]
    pub fn goes_right(&self, i: usize, categorical: &[bool], value: impl Fn(usize) -> f64) -> bool {
        let feature = self.feature[i];
        if feature == OBLIQUE {
            return self.project(i, value) > self.threshold[i];
        }
        let x = value(feature as usize);
        if x.is_nan() {
            self.flags[i] & MISSING_RIGHT != 0
        } else if categorical[feature as usize] {
            let unseen = self.flags[i] & UNSEEN_RIGHT != 0;
            unseen != self.set(i).binary_search(&(x as u16)).is_ok()
        } else {
            x > self.threshold[i]
        }
    }

    /// Appends the nodes of `other[range]`.
    fn append(&mut self, other: &Nodes, range: std::ops::Range<usize>) {
        self.widen(other.term_start.is_empty(), other.set_start.is_empty());
        let at = self.len();
        self.feature.extend(&other.feature[range.clone()]);
        self.threshold.extend(&other.threshold[range.clone()]);
        self.left.extend(&other.left[range.clone()]);
        self.n_samples.extend(&other.n_samples[range.clone()]);
        self.flags.extend(&other.flags[range.clone()]);
        let count = range.len();
        let terms = extend_starts(&mut self.term_start, &other.term_start, &range, at, count);
        self.term_column.extend(&other.term_column[terms.clone()]);
        self.term_coef.extend(&other.term_coef[terms.clone()]);
        self.term_mean.extend(&other.term_mean[terms.clone()]);
        self.term_spread.extend(&other.term_spread[terms]);
        let codes = extend_starts(&mut self.set_start, &other.set_start, &range, at, count);
        self.set_code.extend(&other.set_code[codes]);
    }

    /// Makes the start arrays full if the nodes to come have some.
    fn widen(&mut self, no_terms: bool, no_sets: bool) {
        if !no_terms && self.term_start.is_empty() {
            self.term_start = vec![0; self.len() + 1];
        }
        if !no_sets && self.set_start.is_empty() {
            self.set_start = vec![0; self.len() + 1];
        }
    }
}

fn range(starts: &[u64], i: usize) -> std::ops::Range<usize> {
    if starts.is_empty() {
        0..0
    } else {
        starts[i] as usize..starts[i + 1] as usize
    }
}

/// Appends the starts of `range` of `from` to `to`, and gives what they point at.
fn extend_starts(
    to: &mut Vec<u64>,
    from: &[u64],
    range: &std::ops::Range<usize>,
    at: usize,
    count: usize,
) -> std::ops::Range<usize> {
    if from.is_empty() {
        if !to.is_empty() {
            let end = to[at];
            to.resize(at + count + 1, end);
        }
        return 0..0;
    }
    let (first, base) = (from[range.start], to[at]);
    to.extend(
        from[range.start + 1..=range.end]
            .iter()
            .map(|s| s - first + base),
    );
    first as usize..from[range.end] as usize
}

/// A fitted isolation forest. It never changes; more trees make another forest.
#[derive(Debug)]
pub struct Forest {
    pub(crate) n_features: usize,
    pub(crate) columns_per_split: usize,
    pub(crate) gain: f64,
    /// Columns of categories, ascending.
    pub(crate) categorical: Vec<u32>,
    /// Where each tree starts, and the end of the last.
    pub(crate) tree_start: Vec<u64>,
    /// Rows drawn for each tree.
    pub(crate) tree_samples: Vec<u32>,
    pub(crate) nodes: Nodes,
    /// Steps to the deepest leaf of each tree.
    pub(crate) depth: Vec<u32>,
    pub(crate) layouts: Layouts,
    pub(crate) leaf_tables: OnceLock<Option<LeafTables>>,
    /// What the step to each node adds to a path, for explanations without tables.
    pub(crate) deltas: OnceLock<Vec<f64>>,
}

impl PartialEq for Forest {
    fn eq(&self, other: &Self) -> bool {
        self.n_features == other.n_features
            && self.categorical == other.categorical
            && self.tree_start == other.tree_start
            && self.tree_samples == other.tree_samples
            && self.nodes == other.nodes
    }
}

/// The arrays of a forest before they are checked.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub n_features: usize,
    pub columns_per_split: usize,
    pub gain: f64,
    pub categorical: Vec<u32>,
    pub tree_start: Vec<u64>,
    pub tree_samples: Vec<u32>,
    pub nodes: Nodes,
}

impl Forest {
    /// A forest of parts from anywhere.
    ///
    /// # Errors
    ///
    /// What is wrong with them, if a descent could fail, leave a tree or not end.
    pub(crate) fn new(parts: Parts) -> Result<Self, String> {
        let depth = super::store::check(&parts)?;
        Ok(Forest {
            n_features: parts.n_features,
            columns_per_split: parts.columns_per_split,
            gain: parts.gain,
            categorical: parts.categorical,
            tree_start: parts.tree_start,
            tree_samples: parts.tree_samples,
            nodes: parts.nodes,
            depth,
            layouts: Layouts::default(),
            leaf_tables: OnceLock::new(),
            deltas: OnceLock::new(),
        })
    }

    /// A forest of trees that `grow` made.
    pub(crate) fn of_trees(shape: Parts, trees: &[Nodes], samples: u32) -> Result<Self, String> {
        let mut parts = shape;
        parts.tree_start = vec![0];
        for tree in trees {
            parts.nodes.append(tree, 0..tree.len());
            parts.tree_start.push(parts.nodes.len() as u64);
            parts.tree_samples.push(samples);
        }
        Forest::new(parts)
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.tree_samples.len()
    }

    /// Number of columns.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Number of nodes of all trees.
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Rows drawn for a tree; the most, if merged trees differ.
    pub fn max_samples(&self) -> u32 {
        self.tree_samples.iter().copied().max().unwrap_or(0)
    }

    /// Columns of an oblique split; 1 if every split looks at one column.
    pub fn columns_per_split(&self) -> usize {
        self.columns_per_split
    }

    /// Share of the splits placed by pooled gain.
    pub fn gain(&self) -> f64 {
        self.gain
    }

    /// Whether any split looks at several columns.
    pub fn is_oblique(&self) -> bool {
        !self.nodes.term_start.is_empty()
    }

    /// Columns of categories.
    pub fn categorical(&self) -> &[u32] {
        &self.categorical
    }

    /// Nanoseconds that the score of a row takes, roughly.
    pub fn row_cost(&self) -> u64 {
        let steps: u64 = self.depth.iter().map(|&d| 1 + u64::from(d)).sum();
        steps * self.columns_per_split as u64
    }

    pub(crate) fn is_categorical(&self) -> Vec<bool> {
        let mut is = vec![false; self.n_features];
        for &column in &self.categorical {
            is[column as usize] = true;
        }
        is
    }

    /// The nodes of tree `t`.
    pub(crate) fn tree(&self, t: usize) -> std::ops::Range<usize> {
        self.tree_start[t] as usize..self.tree_start[t + 1] as usize
    }

    /// What sums of path lengths over the trees are divided by to give the exponent of the score.
    pub(crate) fn denominator(&self) -> f64 {
        let lengths = || self.tree_samples.iter().map(|&n| average_path_length(n));
        match self.tree_samples.first() {
            // One product, not a sum, so that the size of the forest adds no rounding.
            Some(first) if self.tree_samples.iter().all(|n| n == first) => {
                self.n_trees() as f64 * average_path_length(*first)
            }
            _ => lengths().sum(),
        }
    }

    /// The trees of this forest, then those of `other`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the two were fitted on different columns.
    pub fn extended_by(&self, other: &Forest) -> Result<Forest, Error> {
        if self.n_features != other.n_features {
            let expected = format!("a forest fitted on {} features", self.n_features);
            let found = format!("one fitted on {}", other.n_features);
            return Err(Error::argument("other", expected, found));
        }
        if self.categorical != other.categorical {
            let expected = format!("a forest with categorical columns {:?}", self.categorical);
            return Err(Error::argument(
                "other",
                expected,
                format!("{:?}", other.categorical),
            ));
        }
        let mut parts = self.parts(0..self.n_trees());
        parts.columns_per_split = self.columns_per_split.max(other.columns_per_split);
        parts.gain = self.gain.max(other.gain);
        let base = parts.nodes.len() as u64;
        parts.nodes.append(&other.nodes, 0..other.nodes.len());
        parts
            .tree_start
            .extend(other.tree_start[1..].iter().map(|s| s + base));
        parts.tree_samples.extend(&other.tree_samples);
        Forest::new(parts).map_err(|found| Error::argument("other", "a forest", found))
    }

    /// The trees `trees` of this forest.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if there are none, or not so many.
    pub fn subset(&self, trees: std::ops::Range<usize>) -> Result<Forest, Error> {
        if trees.is_empty() || trees.end > self.n_trees() {
            let expected = format!("a range of trees within 0..{}", self.n_trees());
            return Err(Error::argument("stop", expected, format!("{trees:?}")));
        }
        Forest::new(self.parts(trees)).map_err(|found| Error::argument("stop", "a forest", found))
    }

    fn parts(&self, trees: std::ops::Range<usize>) -> Parts {
        let nodes = self.tree_start[trees.start] as usize..self.tree_start[trees.end] as usize;
        let mut parts = Parts {
            n_features: self.n_features,
            columns_per_split: self.columns_per_split,
            gain: self.gain,
            categorical: self.categorical.clone(),
            tree_start: self.tree_start[trees.start..=trees.end].to_vec(),
            tree_samples: self.tree_samples[trees].to_vec(),
            nodes: Nodes::default(),
        };
        parts.nodes.append(&self.nodes, nodes.clone());
        for start in &mut parts.tree_start {
            *start -= nodes.start as u64;
        }
        parts
    }

    /// What the path of node `i` adds at the step to it from `parent`: 1 + c(n) - c(n of parent).
    #[inline]
    pub(crate) fn delta(&self, parent: usize, i: usize) -> f64 {
        let n = &self.nodes.n_samples;
        1.0 + average_path_length(n[i]) - average_path_length(n[parent])
    }

    /// Mean absolute contribution of each column over the rows that each tree was grown on, in
    /// units of the score's exponent.
    ///
    /// A split with n rows that sends n_w of them to child w weighs its column by the sum of
    /// n_w |1 + c(n_w) - c(n)| over both children, divided by the rows of the tree. An oblique
    /// split shares its weight among its columns in proportion to |coefficient x spread|.
    pub fn importances(&self) -> Vec<f64> {
        let mut importances = vec![0.0; self.n_features];
        for t in 0..self.n_trees() {
            let tree = self.tree(t);
            let rows = f64::from(self.nodes.n_samples[tree.start]);
            for i in tree.clone() {
                if self.nodes.feature[i] == LEAF {
                    continue;
                }
                let left = tree.start + self.nodes.left[i] as usize;
                let weight: f64 = [left, left + 1]
                    .iter()
                    .map(|&w| f64::from(self.nodes.n_samples[w]) * self.delta(i, w).abs())
                    .sum::<f64>()
                    / rows;
                if self.nodes.feature[i] != OBLIQUE {
                    importances[self.nodes.feature[i] as usize] += weight;
                    continue;
                }
                let pull = |t: usize| (self.nodes.term_coef[t] * self.nodes.term_spread[t]).abs();
                let total: f64 = self.nodes.terms(i).map(pull).sum();
                for t in self.nodes.terms(i) {
                    let share = if total > 0.0 { pull(t) / total } else { 0.0 };
                    importances[self.nodes.term_column[t] as usize] += weight * share;
                }
            }
        }
        let denominator = self.denominator();
        if denominator > 0.0 {
            importances.iter_mut().for_each(|v| *v /= denominator);
        }
        importances
    }
}
