//! Nodes packed for scoring, made from the flat arrays when a forest first meets a number type.
//!
//! A step is `left + (x > threshold)`, without a branch; a leaf has the threshold infinity and
//! names itself, so that a descent takes a fixed number of steps. For `f32` data the thresholds
//! are rounded down to `f32`, which parts the same values; a node takes 8 bytes then, 12 for
//! `f64`, 16 in trees beyond 65,536 nodes.

use std::sync::OnceLock;

use super::forest::{
    Forest, LEAF, MISSING_RIGHT, Nodes, OBLIQUE, UNSEEN_RIGHT, average_path_length,
};
use super::matrix::Value;

/// A node that finds its child.
pub(crate) trait Step: Copy + Send + Sync + 'static {
    /// The numbers it reads.
    type Value: Packed;

    /// The child that a row goes to, or the leaf itself.
    ///
    /// # Safety
    ///
    /// `row` has a value every `STRIDE` places for each column of the forest that the node is of,
    /// `flags` and `extra` are of its tree and table, and `at` is its number in the tree.
    unsafe fn next<const STRIDE: usize, const MISSING: bool>(
        self,
        at: usize,
        row: *const Self::Value,
        flags: *const u8,
        extra: &Extra,
    ) -> u32;
}

/// What oblique and categorical nodes refer to.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    terms: Vec<Term>,
    codes: Vec<u16>,
}

#[derive(Debug, Clone, Copy)]
struct Term {
    coef: f64,
    mean: f64,
    column: usize,
}

/// The nodes of all trees.
pub(crate) struct Table<N> {
    pub nodes: Vec<N>,
    pub flags: Vec<u8>,
    /// Depth of each leaf with the average path length of its rows; 0 elsewhere.
    pub value: Vec<f64>,
    pub extra: Extra,
}

/// The packings there are.
pub(crate) enum Layout<T> {
    Short(Table<Short<T>>),
    Long(Table<Long<T>>),
    Oblique(Table<Oblique<T>>),
    Mixed(Table<Mixed<T>>),
}

/// The packings made so far, by the number type of the data.
#[derive(Default)]
pub(crate) struct Layouts {
    f32: OnceLock<Layout<f32>>,
    f64: OnceLock<Layout<f64>>,
}

impl std::fmt::Debug for Layouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layouts").finish_non_exhaustive()
    }
}

/// A number type with a packing of its own.
pub trait Packed: Value {
    /// The greatest number of this type that is at most `threshold`.
    fn at_most(threshold: f64) -> Self;
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn layout(forest: &Forest) -> &Layout<Self>;
}

impl Packed for f32 {
    fn at_most(threshold: f64) -> f32 {
        let nearest = threshold as f32;
        if f64::from(nearest) > threshold {
            nearest.next_down()
        } else {
            nearest
        }
    }
    #[allow(private_interfaces)]
    fn layout(forest: &Forest) -> &Layout<f32> {
        forest.layouts.f32.get_or_init(|| Layout::new(forest))
    }
}

impl Packed for f64 {
    fn at_most(threshold: f64) -> f64 {
        threshold
    }
    #[allow(private_interfaces)]
    fn layout(forest: &Forest) -> &Layout<f64> {
        forest.layouts.f64.get_or_init(|| Layout::new(forest))
    }
}

/// 8 bytes for `f32`, 12 for `f64`.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
pub(crate) struct Short<T> {
    threshold: T,
    feature: u16,
    left: u16,
}

impl<T: Packed> Step for Short<T> {
    type Value = T;
    #[inline(always)]
    unsafe fn next<const STRIDE: usize, const MISSING: bool>(
        self,
        at: usize,
        row: *const T,
        flags: *const u8,
        _: &Extra,
    ) -> u32 {
        // SAFETY: the caller's; a checked forest names columns it has.
        unsafe {
            let x = *row.add(usize::from(self.feature) * STRIDE);
            let right = is_right::<T, MISSING>(x, self.threshold, flags.add(at));
            u32::from(self.left) + u32::from(right)
        }
    }
}

/// For more columns or nodes than 16 bits can count.
#[derive(Clone, Copy)]
pub(crate) struct Long<T> {
    threshold: T,
    feature: u32,
    left: u32,
}

impl<T: Packed> Step for Long<T> {
    type Value = T;
    #[inline(always)]
    unsafe fn next<const STRIDE: usize, const MISSING: bool>(
        self,
        at: usize,
        row: *const T,
        flags: *const u8,
        _: &Extra,
    ) -> u32 {
        // SAFETY: the caller's; a checked forest names columns it has.
        unsafe {
            let x = *row.add(self.feature as usize * STRIDE);
            let right = is_right::<T, MISSING>(x, self.threshold, flags.add(at));
            self.left + u32::from(right)
        }
    }
}

/// # Safety
///
/// `flag` may be read.
#[inline(always)]
unsafe fn is_right<T: Value, const MISSING: bool>(x: T, threshold: T, flag: *const u8) -> bool {
    let right = x > threshold;
    if !MISSING {
        return right;
    }
    // SAFETY: the caller's.
    let missing_right = unsafe { *flag } & MISSING_RIGHT != 0;
    #[allow(clippy::eq_op)] // only NaN differs from itself
    let missing = x != x;
    right | (missing & missing_right)
}

/// A split on a weighted sum of columns.
#[derive(Clone, Copy)]
pub(crate) struct Oblique<T> {
    threshold: f64,
    first: usize,
    terms: u32,
    left: u32,
    kind: std::marker::PhantomData<T>,
}

impl<T: Packed> Step for Oblique<T> {
    type Value = T;
    #[inline(always)]
    unsafe fn next<const STRIDE: usize, const MISSING: bool>(
        self,
        _: usize,
        row: *const T,
        _: *const u8,
        extra: &Extra,
    ) -> u32 {
        // SAFETY: the caller's; `Layout::new` made the range.
        let sum =
            unsafe { project::<T, STRIDE, MISSING>(row, extra, self.first, self.terms as usize) };
        self.left + u32::from(sum > self.threshold)
    }
}

/// # Safety
///
/// The terms exist, and `row` has the columns they name.
#[inline(always)]
unsafe fn project<T: Value, const STRIDE: usize, const MISSING: bool>(
    row: *const T,
    extra: &Extra,
    first: usize,
    terms: usize,
) -> f64 {
    let mut sum = 0.0;
    for i in first..first + terms {
        // SAFETY: the caller's.
        let (term, x) = unsafe {
            let term = extra.terms.get_unchecked(i);
            (term, (*row.add(term.column * STRIDE)).to_f64())
        };
        let distance = x - term.mean;
        sum += if MISSING && distance.is_nan() {
            0.0
        } else {
            term.coef * distance
        };
    }
    sum
}

/// Any split, in a forest with categories.
#[derive(Clone, Copy)]
pub(crate) struct Mixed<T> {
    threshold: f64,
    first: usize,
    /// Terms or listed categories.
    count: u32,
    left: u32,
    feature: i32,
    categorical: bool,
    kind: std::marker::PhantomData<T>,
}

impl<T: Packed> Step for Mixed<T> {
    type Value = T;
    #[inline(always)]
    unsafe fn next<const STRIDE: usize, const MISSING: bool>(
        self,
        at: usize,
        row: *const T,
        flags: *const u8,
        extra: &Extra,
    ) -> u32 {
        let count = self.count as usize;
        // SAFETY: the caller's; `Layout::new` made the ranges, a checked forest names its columns.
        let right = unsafe {
            match self.feature {
                LEAF => false,
                OBLIQUE => {
                    project::<T, STRIDE, true>(row, extra, self.first, count) > self.threshold
                }
                column => {
                    let x = (*row.add(column as usize * STRIDE)).to_f64();
                    if x.is_nan() {
                        *flags.add(at) & MISSING_RIGHT != 0
                    } else if self.categorical {
                        let codes = extra.codes.get_unchecked(self.first..self.first + count);
                        let unseen = *flags.add(at) & UNSEEN_RIGHT != 0;
                        unseen != codes.binary_search(&(x as u16)).is_ok()
                    } else {
                        x > self.threshold
                    }
                }
            }
        };
        self.left + u32::from(right)
    }
}

impl<T: Packed> Layout<T> {
    fn new(forest: &Forest) -> Self {
        let nodes = &forest.nodes;
        let longest = (0..forest.n_trees()).map(|t| forest.tree(t).len()).max();
        let feature = |i: usize| nodes.feature[i].max(0);
        let is_oblique = forest.is_oblique();
        // Forests of both kinds of splits come from merging.
        if !forest.categorical.is_empty() || is_oblique && nodes.feature.iter().any(|&f| f >= 0) {
            let categorical = forest.is_categorical();
            return Layout::Mixed(Table::new(forest, |i| {
                let column = nodes.feature[i];
                let is_set = column >= 0 && categorical[column as usize];
                let range = if is_set && !nodes.set_start.is_empty() {
                    nodes.set_start[i] as usize..nodes.set_start[i + 1] as usize
                } else {
                    nodes.terms(i)
                };
                Mixed {
                    threshold: nodes.threshold[i],
                    first: range.start,
                    count: range.len() as u32,
                    left: nodes.left[i],
                    feature: column,
                    categorical: is_set,
                    kind: std::marker::PhantomData,
                }
            }));
        }
        if is_oblique {
            return Layout::Oblique(Table::new(forest, |i| Oblique {
                threshold: nodes.threshold[i],
                first: nodes.terms(i).start,
                terms: nodes.terms(i).len() as u32,
                left: nodes.left[i],
                kind: std::marker::PhantomData,
            }));
        }
        if forest.n_features <= 1 << 16 && longest.unwrap_or(0) <= 1 << 16 {
            return Layout::Short(Table::new(forest, |i| Short {
                threshold: T::at_most(nodes.threshold[i]),
                feature: feature(i) as u16,
                left: nodes.left[i] as u16,
            }));
        }
        Layout::Long(Table::new(forest, |i| Long {
            threshold: T::at_most(nodes.threshold[i]),
            feature: feature(i) as u32,
            left: nodes.left[i],
        }))
    }
}

impl<N> Table<N> {
    fn new(forest: &Forest, node: impl Fn(usize) -> N) -> Self {
        let nodes = &forest.nodes;
        let term = |t: usize| Term {
            coef: nodes.term_coef[t],
            mean: nodes.term_mean[t],
            column: nodes.term_column[t] as usize,
        };
        Table {
            nodes: (0..nodes.len()).map(node).collect(),
            flags: nodes.flags.clone(),
            value: values(forest),
            extra: Extra {
                terms: (0..nodes.term_column.len()).map(term).collect(),
                codes: nodes.set_code.clone(),
            },
        }
    }
}

/// Depth of each node of a tree, given in the order of the levels.
pub(crate) fn depths(nodes: &Nodes, tree: std::ops::Range<usize>) -> Vec<u32> {
    let mut depths = vec![0; tree.len()];
    for i in 0..tree.len() {
        if nodes.feature[tree.start + i] != LEAF {
            let left = nodes.left[tree.start + i] as usize;
            depths[left] = depths[i] + 1;
            depths[left + 1] = depths[i] + 1;
        }
    }
    depths
}

fn values(forest: &Forest) -> Vec<f64> {
    let nodes = &forest.nodes;
    let mut values = Vec::with_capacity(nodes.len());
    for t in 0..forest.n_trees() {
        let tree = forest.tree(t);
        for (i, depth) in tree.clone().zip(depths(nodes, tree)) {
            let is_leaf = nodes.feature[i] == LEAF;
            values.push(if is_leaf {
                f64::from(depth) + average_path_length(nodes.n_samples[i])
            } else {
                0.0
            });
        }
    }
    values
}
