//! What each leaf adds to the columns of an explanation, so that a row needs only its leaves.
//!
//! The contributions are whole multiples of a power of two, so that their sums are exact and do
//! not depend on the order of adding. For few columns a leaf has a place for each, and the sums of
//! a row stay in registers while its leaves are added. For many it lists the columns of its path
//! alone, each entry one number: the last bits name the column, and are so small a part of the
//! number that they need not be cut off before it is added.

use super::forest::{Forest, LEAF, average_path_length};
use super::layout::{Step, Table};
use super::score::{LANES, descend};

/// Bytes up to which the contributions of every leaf are kept.
const TABLES: usize = 64 << 20;
/// Columns up to which a leaf has a place for each, as many as the registers hold sums of.
const DENSE: usize = 48;
/// Trees whose leaves are found before their contributions are added.
const TREES: usize = 8;
/// Places beyond the columns that take what fills up a list, several so that additions to one need
/// not wait for each other.
const SPARE: usize = 8;
/// Part of the exponent by which the rounding may change it.
const ERROR: f64 = 0.8e-9;

/// What each leaf of a forest without oblique splits adds to each column.
#[derive(Debug)]
pub(crate) struct LeafTables {
    /// Where the parts of a node start, if it is a leaf.
    start: Vec<u32>,
    parts: Parts,
    /// Places of the sums of a row: at least one for each column.
    pub places: usize,
    /// What a sum of 1 stands for.
    pub unit: f64,
}

#[derive(Debug)]
enum Parts {
    /// A part for each place.
    Dense(Vec<i32>),
    /// So many entries for each leaf, with so many last bits that name the column.
    Sparse(Vec<i64>, usize, u32),
}

impl LeafTables {
    /// The tables, unless they would be large or not exact enough.
    pub fn new(forest: &Forest) -> Option<Self> {
        if forest.is_oblique() {
            return None;
        }
        // A column gains at most 1 at each step, and loses no more than c of the tree in all.
        let deepest = f64::from(*forest.depth.iter().max()?);
        let bound = deepest.max(average_path_length(forest.max_samples())) * 1.001;
        let error = ERROR * average_path_length(*forest.tree_samples.iter().min()?);
        if forest.n_features <= DENSE {
            Self::dense(forest, bound, error)
        } else {
            Self::sparse(forest, bound, error)
        }
    }

    fn dense(forest: &Forest, bound: f64, error: f64) -> Option<Self> {
        let places = forest.n_features.next_multiple_of(4);
        let unit = bound.log2().ceil().exp2() / f64::from(1u32 << 31);
        if n_leaves(forest).checked_mul(places * 4)? > TABLES || unit > 2.0 * error {
            return None;
        }
        let mut start = vec![0; forest.n_nodes()];
        let mut parts = Vec::with_capacity(n_leaves(forest) * places);
        let mut total = vec![0.0; places];
        each_leaf(forest, |leaf, path| {
            total.fill(0.0);
            for &(column, delta) in path {
                total[column] += delta;
            }
            start[leaf] = parts.len() as u32;
            round(&total, unit, &mut parts);
        });
        Some(LeafTables {
            start,
            parts: Parts::Dense(parts),
            places,
            unit,
        })
    }

    fn sparse(forest: &Forest, bound: f64, error: f64) -> Option<Self> {
        let places = forest.n_features + SPARE;
        let mut longest = 0;
        each_leaf(forest, |_, path| longest = longest.max(path.len()));
        let length = longest.next_multiple_of(4);
        if n_leaves(forest).checked_mul(length * 8)? > TABLES {
            return None;
        }
        // The sums of all trees fit.
        let unit = (bound * forest.n_trees() as f64).log2().ceil().exp2() / 2f64.powi(62);
        let bits = places.next_power_of_two().trailing_zeros();
        let step = unit * f64::from(1 << bits);
        if step * length as f64 > 2.0 * error {
            return None;
        }
        let mut start = vec![0; forest.n_nodes()];
        let mut entries = Vec::with_capacity(n_leaves(forest) * length);
        each_leaf(forest, |leaf, path| {
            start[leaf] = entries.len() as u32;
            for &(column, delta) in path {
                // The multiple of the unit next to `delta` whose last bits are the column.
                let multiple = (delta - column as f64 * unit) / step;
                entries.push(((multiple.round() as i64) << bits) + column as i64);
            }
            for _ in path.len()..length {
                entries.push((forest.n_features + entries.len() % SPARE) as i64);
            }
        });
        Some(LeafTables {
            start,
            parts: Parts::Sparse(entries, length, bits),
            places,
            unit,
        })
    }
}

/// At most so many: a tree has a leaf more than splits.
fn n_leaves(forest: &Forest) -> usize {
    (forest.n_nodes() + forest.n_trees()) / 2
}

/// Calls `f` with each leaf and what the steps to it add to each of their columns.
fn each_leaf(forest: &Forest, mut f: impl FnMut(usize, &[(usize, f64)])) {
    let (mut parents, mut path) = (Vec::new(), Vec::<(usize, f64)>::new());
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
            path.clear();
            let mut child = i;
            while child > 0 {
                let (parent, w) = (tree.start + parents[child], tree.start + child);
                let column = forest.nodes.feature[parent] as usize;
                let delta = forest.delta(parent, w);
                match path.iter_mut().find(|(other, _)| *other == column) {
                    Some((_, total)) => *total += delta,
                    None => path.push((column, delta)),
                }
                child = parents[child];
            }
            f(node, &path);
        }
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

crate::simd::dispatch! {
    /// Adds the contributions of the leaves that the rows of a block end in to their sums.
    pub(crate) fn add_leaves<N: Step>(
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
    let (group, places) = (LANES * forest.n_features(), tables.places);
    let mut from = [[0; TREES]; LANES];
    for first in (0..forest.n_trees()).step_by(TREES) {
        let trees = TREES.min(forest.n_trees() - first);
        let groups = block.chunks_exact(group);
        for (rows, sums) in groups.zip(sums.chunks_mut(LANES * places)) {
            for i in 0..trees {
                let start = &tables.start[forest.tree(first + i)];
                let leaves = descend(forest, table, first + i, rows, missing);
                for (from, leaf) in from.iter_mut().zip(leaves) {
                    from[i] = start[leaf as usize];
                }
            }
            let from = &from[..];
            match (&tables.parts, places) {
                (Parts::Sparse(entries, length, bits), _) => {
                    // All rows take a tree before the next, so that what is added to a place is
                    // there when it is needed again.
                    for i in 0..trees {
                        for (sums, from) in sums.chunks_exact_mut(places).zip(from) {
                            let entries = &entries[from[i] as usize..][..*length];
                            add_entries(entries, *bits, sums);
                        }
                    }
                }
                // So the registers that hold the sums are known when this is compiled.
                (Parts::Dense(parts), 4) => add_places::<1>(parts, from, trees, sums),
                (Parts::Dense(parts), 8) => add_places::<2>(parts, from, trees, sums),
                (Parts::Dense(parts), 12) => add_places::<3>(parts, from, trees, sums),
                (Parts::Dense(parts), 16) => add_places::<4>(parts, from, trees, sums),
                (Parts::Dense(parts), 20) => add_places::<5>(parts, from, trees, sums),
                (Parts::Dense(parts), 24) => add_places::<6>(parts, from, trees, sums),
                (Parts::Dense(parts), 28) => add_places::<7>(parts, from, trees, sums),
                (Parts::Dense(parts), 32) => add_places::<8>(parts, from, trees, sums),
                (Parts::Dense(parts), 36) => add_places::<9>(parts, from, trees, sums),
                (Parts::Dense(parts), 40) => add_places::<10>(parts, from, trees, sums),
                (Parts::Dense(parts), 44) => add_places::<11>(parts, from, trees, sums),
                (Parts::Dense(parts), _) => add_places::<12>(parts, from, trees, sums),
            }
        }
    }
}

/// Adds the parts that start at each of `from`, of so many trees, to the sums of each row, which
/// have four times `FOURS` places.
#[inline(always)]
fn add_places<const FOURS: usize>(
    parts: &[i32],
    from: &[[u32; TREES]],
    trees: usize,
    sums: &mut [i64],
) {
    for (sums, from) in sums.chunks_exact_mut(4 * FOURS).zip(from) {
        let sums = &mut sums.as_chunks_mut::<4>().0[..FOURS];
        let mut held = [[0; 4]; FOURS];
        held.copy_from_slice(sums);
        for &from in &from[..trees] {
            let parts = &parts[from as usize..][..4 * FOURS];
            for (sum, part) in held.iter_mut().zip(parts.as_chunks::<4>().0) {
                *sum = std::array::from_fn(|l| sum[l] + i64::from(part[l]));
            }
        }
        sums.copy_from_slice(&held);
    }
}

/// Adds the entries of a leaf to the sums of a row.
#[inline(always)]
fn add_entries(entries: &[i64], bits: u32, sums: &mut [i64]) {
    let mask = (1 << bits) - 1;
    for four in entries.as_chunks::<4>().0 {
        for &entry in four {
            // SAFETY: `LeafTables::sparse` put the number of a place into the last bits.
            let sum = unsafe { sums.get_unchecked_mut((entry & mask) as usize) };
            *sum = sum.wrapping_add(entry);
        }
    }
}
