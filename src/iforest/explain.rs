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
use super::matrix::copy_groups;
use super::score::{LANES, check_width, descend, task_rows};
use crate::error::Error;
use crate::parallel::{Monitor, for_each};

/// Bytes of the sums of a block of rows.
const BLOCK: usize = 24 << 10;
/// Bytes up to which the contributions of every leaf are kept.
const TABLES: usize = 64 << 20;

/// What each leaf of a forest without oblique splits adds to each column, as whole multiples of a
/// power of two, so that sums of them are exact.
#[derive(Debug)]
pub(crate) struct LeafTables {
    /// Where the parts of a node start, if it is a leaf.
    start: Vec<u32>,
    parts: Vec<i32>,
    /// Places from one leaf's parts to the next: the columns, rounded up.
    stride: usize,
    /// What a part of 1 stands for.
    unit: f64,
}

impl LeafTables {
    /// The tables, unless they would be large or not exact enough.
    fn new(forest: &Forest) -> Option<Self> {
        let stride = forest.n_features.next_multiple_of(4);
        let leaves = (forest.n_nodes() + forest.n_trees()) / 2;
        let places = leaves.checked_mul(stride)?;
        if forest.is_oblique() || places * 4 > TABLES {
            return None;
        }
        // A column gains at most 1 at each step, and loses no more than c of the tree in all.
        let deepest = f64::from(*forest.depth.iter().max()?);
        let bound = deepest.max(average_path_length(forest.max_samples())) * 1.001;
        let unit = bound.log2().ceil().exp2() / f64::from(1u32 << 31);
        let shortest = forest.tree_samples.iter().min()?;
        if unit > 0.8e-9 * 2.0 * average_path_length(*shortest) {
            return None;
        }
        let (mut start, mut parts) = (vec![0; forest.n_nodes()], Vec::with_capacity(places));
        let (mut parents, mut total) = (Vec::new(), vec![0.0; stride]);
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
                start[node] = parts.len() as u32;
                round(&total, unit, &mut parts);
            }
        }
        Some(LeafTables {
            start,
            parts,
            stride,
            unit,
        })
    }
}

/// Appends `values` as multiples of `unit` whose sum is that of the values, rounded once.
fn round(values: &[f64], unit: f64, parts: &mut Vec<i32>) {
    let first = parts.len();
    parts.extend(values.iter().map(|v| (v / unit).round() as i32));
    let rounded: i64 = parts[first..].iter().map(|&part| i64::from(part)).sum();
    let rest = (values.iter().sum::<f64>() / unit).round() as i64 - rounded;
    // The largest part hides the rest best.
    if let Some(largest) = parts[first..]
        .iter_mut()
        .max_by_key(|part| part.unsigned_abs())
    {
        *largest += rest as i32;
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
    let step = (BLOCK / (columns * 8) / LANES * LANES).max(LANES);
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
        sums.resize(rows * tables.stride, 0);
        add_leaves(forest, table, tables, &block, missing, &mut sums);
        let sums = sums.chunks_exact(tables.stride);
        let unit = tables.unit / denominator;
        for (out, sums) in out.chunks_exact_mut(columns).zip(sums) {
            for (place, &sum) in out.iter_mut().zip(sums) {
                *place = sum as f64 * unit;
            }
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
        sums: &mut [i64],
    ) = add_leaves_body
}

#[inline(always)]
fn add_leaves_body<N: Step>(
    forest: &Forest,
    table: &Table<N>,
    tables: &LeafTables,
    block: &[N::Value],
    missing: bool,
    sums: &mut [i64],
) {
    let (group, stride) = (LANES * forest.n_features(), tables.stride);
    for t in 0..forest.n_trees() {
        let start = &tables.start[forest.tree(t)];
        let groups = block.chunks_exact(group);
        for (rows, sums) in groups.zip(sums.chunks_mut(LANES * stride)) {
            let leaves = descend(forest, table, t, rows, missing);
            let from = leaves.map(|leaf| start[leaf as usize] as usize);
            // For few columns the number of registers is known when this is compiled.
            match stride {
                4 => add_each::<4>(stride, &from, &tables.parts, sums),
                8 => add_each::<8>(stride, &from, &tables.parts, sums),
                12 => add_each::<12>(stride, &from, &tables.parts, sums),
                16 => add_each::<16>(stride, &from, &tables.parts, sums),
                _ => add_each::<0>(stride, &from, &tables.parts, sums),
            }
        }
    }
}

/// Adds the parts that start at `from` to the sums of each row; `STRIDE` is `stride`, or 0 for any.
#[inline(always)]
fn add_each<const STRIDE: usize>(
    stride: usize,
    from: &[usize; LANES],
    parts: &[i32],
    sums: &mut [i64],
) {
    let stride = if STRIDE > 0 { STRIDE } else { stride };
    for (sums, &from) in sums.chunks_exact_mut(stride).zip(from) {
        let parts = &parts[from..from + stride];
        let (sums, parts) = (sums.as_chunks_mut::<4>().0, parts.as_chunks::<4>().0);
        for (sum, part) in sums.iter_mut().zip(parts) {
            // Both are read before one is written: only so they are added side by side.
            let (before, part) = (*sum, *part);
            *sum = std::array::from_fn(|l| before[l] + i64::from(part[l]));
        }
    }
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
