//! Which columns made a row's score: its path lengths, shared out among the columns.
//!
//! A step from a split with n training rows to a child with n_w adds 1 + c(n_w) - c(n) to the
//! split's column, c being the average path length. These add up to the depth of the leaf with
//! c(its rows), less c(rows of the tree): the base. What the step adds is the change of the
//! expected path length, as Saabas does for regression trees; an oblique split shares it among
//! its columns in proportion to |coefficient x (value - mean)|.

use ndarray::{ArrayView2, s};

use super::forest::{Forest, LEAF, Nodes, OBLIQUE, average_path_length};
use super::layout::{Layout, Packed, Step, Table};
use super::leaves::{LeafTables, add_leaves};
use super::matrix::copy_groups;
use super::score::{LANES, check_width, task_rows};
use crate::error::Error;
use crate::parallel::{Monitor, for_each};

/// Bytes of the values of a block of rows.
const BLOCK: usize = 128 << 10;

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
            Layout::Short(table) => blocks(forest, table, by_leaf, part, first, denominator, out),
            Layout::Long(table) => blocks(forest, table, by_leaf, part, first, denominator, out),
            Layout::Oblique(table) => blocks(forest, table, by_leaf, part, first, denominator, out),
            Layout::Mixed(table) => blocks(forest, table, by_leaf, part, first, denominator, out),
        }?;
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
    denominator: f64,
    out: &mut [f64],
) -> Result<(), Error> {
    let columns = x.ncols();
    let step = (BLOCK / (columns * 8) / LANES * LANES).clamp(LANES, 512);
    let (mut block, mut sums) = (Vec::new(), Vec::new());
    for (i, out) in out.chunks_mut(step * columns).enumerate() {
        let start = i * step;
        let rows = out.len() / columns;
        let part = x.slice(s![start..start + rows, ..]);
        let categorical = &forest.categorical;
        let missing = copy_groups::<_, LANES>(part, first + start, categorical, &mut block)?;
        let Some(tables) = tables else {
            walk(forest, &block, out);
            out.iter_mut().for_each(|v| *v /= denominator);
            continue;
        };
        sums.clear();
        sums.resize(rows * tables.places, 0);
        add_leaves(forest, table, tables, &block, missing, &mut sums);
        let sums = sums.chunks_exact(tables.places);
        let unit = tables.unit / denominator;
        for (out, sums) in out.chunks_exact_mut(columns).zip(sums) {
            for (place, &sum) in out.iter_mut().zip(sums) {
                *place = sum as f64 * unit;
            }
        }
    }
    Ok(())
}

/// Adds step by step, for oblique splits and forests too large for tables.
fn walk<T: Packed>(forest: &Forest, block: &[T], out: &mut [f64]) {
    let columns = forest.n_features();
    let categorical = forest.is_categorical();
    let deltas = forest.deltas.get_or_init(|| deltas(forest));
    let nodes = &forest.nodes;
    let mut moves = Vec::new();
    for t in 0..forest.n_trees() {
        let start = forest.tree(t).start;
        for (r, out) in out.chunks_exact_mut(columns).enumerate() {
            let group = &block[r / LANES * LANES * columns..];
            let value = |column: usize| group[column * LANES + r % LANES].to_f64();
            let mut at = start;
            while nodes.feature[at] != LEAF {
                let child = start + nodes.left[at] as usize;
                if nodes.feature[at] == OBLIQUE {
                    at = child + usize::from(moved(nodes, at, value, &mut moves));
                    share(&moves, deltas[at], out);
                } else {
                    let column = nodes.feature[at] as usize;
                    at = child + usize::from(nodes.goes_right(at, &categorical, value));
                    out[column] += deltas[at];
                }
            }
        }
    }
}

/// What the step to each node adds.
fn deltas(forest: &Forest) -> Vec<f64> {
    let mut deltas = vec![0.0; forest.n_nodes()];
    for t in 0..forest.n_trees() {
        let tree = forest.tree(t);
        for parent in tree.clone() {
            if forest.nodes.feature[parent] != LEAF {
                let left = tree.start + forest.nodes.left[parent] as usize;
                deltas[left] = forest.delta(parent, left);
                deltas[left + 1] = forest.delta(parent, left + 1);
            }
        }
    }
    deltas
}

/// Puts column and term of an oblique split at a row into `moves`; gives whether it goes right.
#[inline]
fn moved(
    nodes: &Nodes,
    at: usize,
    value: impl Fn(usize) -> f64,
    moves: &mut Vec<(usize, f64)>,
) -> bool {
    moves.clear();
    let mut sum = 0.0;
    for t in nodes.terms(at) {
        let column = nodes.term_column[t] as usize;
        let distance = value(column) - nodes.term_mean[t];
        let term = if distance.is_nan() {
            0.0
        } else {
            nodes.term_coef[t] * distance
        };
        sum += term;
        moves.push((column, term));
    }
    sum > nodes.threshold[at]
}

/// Shares `delta` among the columns of an oblique split by how far each moved the row.
#[inline]
fn share(moves: &[(usize, f64)], delta: f64, out: &mut [f64]) {
    let total: f64 = moves.iter().map(|(_, term)| term.abs()).sum();
    if total > 0.0 && total.is_finite() {
        let scale = delta / total;
        for &(column, term) in moves {
            out[column] += scale * term.abs();
        }
        return;
    }
    for &(column, _) in moves {
        out[column] += delta / moves.len() as f64;
    }
}
