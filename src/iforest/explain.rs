//! Which columns made a row's score: its path lengths, shared out among the columns.
//!
//! A step from a split with n training rows to a child with n_w adds 1 + c(n_w) - c(n) to the
//! split's column, c being the average path length. These add up to the depth of the leaf with
//! c(its rows), less c(rows of the tree): the base. What the step adds is the change of the
//! expected path length, as Saabas does for regression trees; an oblique split shares it among
//! its columns in proportion to |coefficient x (value - mean)|.

use ndarray::{ArrayView2, s};

use super::forest::{Forest, LEAF, OBLIQUE, average_path_length};
use super::layout::{Layout, Packed, Step, Table};
use super::matrix::copy_groups;
use super::score::{LANES, block_rows, check_width, descend, task_rows};
use crate::error::Error;
use crate::parallel::{Monitor, for_each};

/// Bytes up to which the contributions of every leaf are kept.
const TABLES: usize = 64 << 20;

/// What each leaf of a forest without oblique splits adds to each column.
#[derive(Debug)]
pub(crate) struct LeafTables {
    /// Where the sums of a node start, if it is a leaf.
    start: Vec<u32>,
    sums: Vec<f64>,
    /// Places from one leaf's sums to the next: the columns, rounded up.
    stride: usize,
}

impl LeafTables {
    fn new(forest: &Forest) -> Option<Self> {
        let stride = forest.n_features.next_multiple_of(4);
        let leaves = forest.n_nodes().div_ceil(2) + forest.n_trees();
        let places = leaves.checked_mul(stride)?;
        if forest.is_oblique() || places * 8 > TABLES {
            return None;
        }
        let (mut start, mut sums) = (vec![0; forest.n_nodes()], Vec::with_capacity(places));
        let mut parents = Vec::new();
        let mut total = vec![0.0; stride];
        for t in 0..forest.n_trees() {
            let tree = forest.tree(t);
            parents.clear();
            parents.resize(tree.len(), 0);
            for i in 0..tree.len() {
                let node = tree.start + i;
                if forest.nodes.feature[node] != LEAF {
                    let left = forest.nodes.left[node] as usize;
                    parents[left] = i;
                    parents[left + 1] = i;
                    continue;
                }
                total.fill(0.0);
                let mut child = i;
                while child > 0 {
                    let (parent, w) = (tree.start + parents[child], tree.start + child);
                    total[forest.nodes.feature[parent] as usize] += forest.delta(parent, w);
                    child = parents[child];
                }
                start[node] = sums.len() as u32;
                sums.extend_from_slice(&total);
            }
        }
        Some(LeafTables {
            start,
            sums,
            stride,
        })
    }
}

/// Contributions of each column to the exponent of each row's score, row by row, and their base.
///
/// The score is -2^-(base + sum of the row's contributions); a negative one makes the row more
/// anomalous. The base is 1 unless rows were drawn twice.
///
/// # Errors
///
/// [`Error::Argument`] if `x` has other columns than the forest, or holds an infinite value.
pub fn explain<T: Packed>(
    forest: &Forest,
    x: ArrayView2<T>,
    threads: usize,
    monitor: &Monitor,
) -> Result<(Vec<f64>, f64), Error> {
    check_width(forest, x.ncols())?;
    let mut denominator = forest.denominator();
    let root = |t: usize| average_path_length(forest.nodes.n_samples[forest.tree(t).start]);
    let roots: f64 = (0..forest.n_trees()).map(root).sum();
    let mut base = roots / denominator;
    if denominator == 0.0 {
        (denominator, base) = (1.0, 1.0);
    }
    let columns = x.ncols();
    let mut out = vec![0.0; x.nrows() * columns];
    let step = task_rows(2 * forest.row_cost());
    let tables = forest.leaf_tables.get_or_init(|| LeafTables::new(forest));
    let layout = T::layout(forest);
    let tasks = out.chunks_mut(step * columns).enumerate().collect();
    for_each(tasks, threads, |(i, out): (usize, &mut [f64])| {
        let first = i * step;
        let rows = out.len() / columns;
        let part = x.slice(s![first..first + rows, ..]);
        let by_leaf = tables.as_ref();
        match layout {
            Layout::Short(table) => blocks(forest, table, by_leaf, part, first, out),
            Layout::Long(table) => blocks(forest, table, by_leaf, part, first, out),
            Layout::Oblique(table) => blocks(forest, table, by_leaf, part, first, out),
            Layout::Mixed(table) => blocks(forest, table, by_leaf, part, first, out),
        }?;
        out.iter_mut().for_each(|v| *v /= denominator);
        monitor.tick(rows as u64)
    })?;
    Ok((out, base))
}

fn blocks<N: Step>(
    forest: &Forest,
    table: &Table<N>,
    tables: Option<&LeafTables>,
    x: ArrayView2<N::Value>,
    first: usize,
    out: &mut [f64],
) -> Result<(), Error> {
    let columns = x.ncols();
    let step = block_rows::<N::Value>(columns);
    let (mut block, mut sums) = (Vec::new(), Vec::new());
    for (i, out) in out.chunks_mut(step * columns).enumerate() {
        let start = i * step;
        let rows = out.len() / columns;
        let part = x.slice(s![start..start + rows, ..]);
        let categorical = &forest.categorical;
        let missing = copy_groups::<_, LANES>(part, first + start, categorical, &mut block)?;
        let Some(tables) = tables else {
            walk(forest, &block, out);
            continue;
        };
        sums.clear();
        sums.resize(rows * tables.stride, 0.0);
        add_leaves(forest, table, tables, &block, missing, &mut sums);
        for (out, sums) in out
            .chunks_exact_mut(columns)
            .zip(sums.chunks_exact(tables.stride))
        {
            out.copy_from_slice(&sums[..columns]);
        }
    }
    Ok(())
}

crate::simd::dispatch! {
    fn add_leaves<N: Step>(
        forest: &Forest,
        table: &Table<N>,
        tables: &LeafTables,
        block: &[N::Value],
        missing: bool,
        sums: &mut [f64],
    ) = add_leaves_body
}

#[inline(always)]
fn add_leaves_body<N: Step>(
    forest: &Forest,
    table: &Table<N>,
    tables: &LeafTables,
    block: &[N::Value],
    missing: bool,
    sums: &mut [f64],
) {
    let (group, stride) = (LANES * forest.n_features(), tables.stride);
    for t in 0..forest.n_trees() {
        let start = &tables.start[forest.tree(t)];
        let groups = block.chunks_exact(group);
        for (rows, sums) in groups.zip(sums.chunks_mut(LANES * stride)) {
            let leaves = descend(forest, table, t, rows, missing);
            for (sums, leaf) in sums.chunks_exact_mut(stride).zip(leaves) {
                let from = start[leaf as usize] as usize;
                let from = &tables.sums[from..from + stride];
                for (sum, part) in sums
                    .as_chunks_mut::<4>()
                    .0
                    .iter_mut()
                    .zip(from.as_chunks::<4>().0)
                {
                    for l in 0..4 {
                        sum[l] += part[l];
                    }
                }
            }
        }
    }
}

/// Adds step by step, for oblique splits and forests too large for tables.
fn walk<T: Packed>(forest: &Forest, block: &[T], out: &mut [f64]) {
    let columns = forest.n_features();
    let categorical = forest.is_categorical();
    let nodes = &forest.nodes;
    for t in 0..forest.n_trees() {
        let tree = forest.tree(t);
        for (r, out) in out.chunks_exact_mut(columns).enumerate() {
            let group = &block[r / LANES * LANES * columns..];
            let value = |column: usize| group[column * LANES + r % LANES].to_f64();
            let mut at = tree.start;
            while nodes.feature[at] != LEAF {
                let right = nodes.goes_right(at, &categorical, value);
                let child = tree.start + nodes.left[at] as usize + usize::from(right);
                let delta = forest.delta(at, child);
                if nodes.feature[at] == OBLIQUE {
                    share(forest, at, delta, value, out);
                } else {
                    out[nodes.feature[at] as usize] += delta;
                }
                at = child;
            }
        }
    }
}

/// Shares `delta` among the columns of an oblique split by how much each moved the row.
fn share(forest: &Forest, at: usize, delta: f64, value: impl Fn(usize) -> f64, out: &mut [f64]) {
    let nodes = &forest.nodes;
    let pull = |t: usize| {
        let distance = value(nodes.term_column[t] as usize) - nodes.term_mean[t];
        let pull = (nodes.term_coef[t] * distance).abs();
        if pull.is_nan() { 0.0 } else { pull }
    };
    let terms = nodes.terms(at);
    let total: f64 = terms.clone().map(pull).sum();
    for t in terms.clone() {
        let share = if total > 0.0 && total.is_finite() {
            pull(t) / total
        } else {
            1.0 / terms.len() as f64
        };
        out[nodes.term_column[t] as usize] += delta * share;
    }
}
