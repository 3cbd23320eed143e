//! Mean path lengths and scores.
//!
//! Rows are copied in blocks that stay in the first cache, 16 rows side by side, column by column.
//! A tree is walked by all rows of a block before the next tree is fetched, 16 rows in step, so
//! that the loads of one hide behind those of the others. A single row walks 8 trees in step. The
//! path lengths of a row are added in the order of the trees whichever way it goes.

use ndarray::{ArrayView2, s};

use super::forest::Forest;
use super::layout::{Layout, Packed, Step, Table};
use super::matrix::copy_groups;
use crate::error::Error;
use crate::parallel::{Monitor, for_each};

/// Rows that descend in step.
pub(crate) const LANES: usize = 16;
/// Trees that one row descends in step.
const TREES: usize = 8;
/// Bytes of a block of rows.
const BLOCK: usize = 16 << 10;

/// The score of each row: -2^-(mean path length / average path length of the trees' sample), as
/// scikit-learn signs it: higher for the more normal row.
///
/// # Errors
///
/// [`Error::Argument`] if `x` has other columns than the forest, or holds an infinite value.
pub fn score_samples<T: Packed>(
    forest: &Forest,
    x: ArrayView2<T>,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<f64>, Error> {
    let denominator = forest.denominator();
    each(forest, x, threads, monitor, |sum| {
        // One training row has no path; scikit-learn calls its exponent 1.
        let exponent = if denominator > 0.0 {
            sum / denominator
        } else {
            1.0
        };
        -(-exponent).exp2()
    })
}

/// The mean over the trees of the depth of each row's leaf and the average path length of its rows.
///
/// # Errors
///
/// As [`score_samples`].
pub fn depths<T: Packed>(
    forest: &Forest,
    x: ArrayView2<T>,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<f64>, Error> {
    let trees = forest.n_trees() as f64;
    each(forest, x, threads, monitor, |sum| sum / trees)
}

/// Refuses a matrix of another width.
pub(crate) fn check_width(forest: &Forest, columns: usize) -> Result<(), Error> {
    let expected = forest.n_features();
    if columns == expected {
        return Ok(());
    }
    let plural = if columns == 1 { "" } else { "s" };
    Err(Error::Message(format!(
        "X has {columns} feature{plural}, but this forest was fitted on {expected}"
    )))
}

/// Rows of a task, for about a millisecond of work at `ns` nanoseconds a row.
pub(crate) fn task_rows(ns: u64) -> usize {
    ((1_000_000 / ns.max(1)) as usize)
        .clamp(64, 1 << 14)
        .next_multiple_of(LANES)
}

/// Calls `answer` with the sum of the path lengths of each row.
fn each<T: Packed>(
    forest: &Forest,
    x: ArrayView2<T>,
    threads: usize,
    monitor: &Monitor,
    answer: impl Fn(f64) -> f64 + Sync,
) -> Result<Vec<f64>, Error> {
    check_width(forest, x.ncols())?;
    let mut sums = vec![0.0; x.nrows()];
    let step = task_rows(forest.row_cost());
    let layout = T::layout(forest);
    let work = |(i, sums): (usize, &mut [f64])| {
        let first = i * step;
        let part = x.slice(s![first..first + sums.len(), ..]);
        match layout {
            Layout::Short(table) => rows(forest, table, part, first, sums),
            Layout::Long(table) => rows(forest, table, part, first, sums),
            Layout::Oblique(table) => rows(forest, table, part, first, sums),
            Layout::Mixed(table) => rows(forest, table, part, first, sums),
        }?;
        sums.iter_mut().for_each(|sum| *sum = answer(*sum));
        monitor.tick(sums.len() as u64)
    };
    if sums.len() <= step {
        work((0, &mut sums))?;
    } else {
        for_each(sums.chunks_mut(step).enumerate().collect(), threads, work)?;
    }
    Ok(sums)
}

/// Rows of a block.
pub(crate) fn block_rows<T>(columns: usize) -> usize {
    let rows = BLOCK / (columns * size_of::<T>());
    (rows / LANES * LANES).clamp(LANES, 512)
}

/// The sums of some rows.
fn rows<N: Step>(
    forest: &Forest,
    table: &Table<N>,
    x: ArrayView2<N::Value>,
    first: usize,
    sums: &mut [f64],
) -> Result<(), Error> {
    let mut block = Vec::new();
    if x.nrows() < LANES {
        for (i, sum) in sums.iter_mut().enumerate() {
            let row = x.slice(s![i..i + 1, ..]);
            let missing = copy_groups::<_, 1>(row, first + i, &forest.categorical, &mut block)?;
            *sum = one_row(forest, table, &block, missing);
        }
        return Ok(());
    }
    let step = block_rows::<N::Value>(x.ncols());
    for (i, sums) in sums.chunks_mut(step).enumerate() {
        let start = i * step;
        let part = x.slice(s![start..start + sums.len(), ..]);
        let categorical = &forest.categorical;
        let missing = copy_groups::<_, LANES>(part, first + start, categorical, &mut block)?;
        block_sums(forest, table, &block, missing, sums);
    }
    Ok(())
}

crate::simd::dispatch! {
    fn block_sums<N: Step>(
        forest: &Forest,
        table: &Table<N>,
        block: &[N::Value],
        missing: bool,
        sums: &mut [f64],
    ) = block_sums_body
}

#[inline(always)]
fn block_sums_body<N: Step>(
    forest: &Forest,
    table: &Table<N>,
    block: &[N::Value],
    missing: bool,
    sums: &mut [f64],
) {
    let group = LANES * forest.n_features();
    for t in 0..forest.n_trees() {
        let value = &table.value[forest.tree(t)];
        for (rows, sums) in block.chunks_exact(group).zip(sums.chunks_mut(LANES)) {
            let leaves = descend(forest, table, t, rows, missing);
            for (sum, leaf) in sums.iter_mut().zip(leaves) {
                *sum += value[leaf as usize];
            }
        }
    }
}

/// The leaves of tree `t` that a group of rows ends in.
#[inline(always)]
pub(crate) fn descend<N: Step>(
    forest: &Forest,
    table: &Table<N>,
    t: usize,
    rows: &[N::Value],
    missing: bool,
) -> [u32; LANES] {
    assert!(rows.len() >= LANES * forest.n_features());
    // SAFETY: the rows have every column, which was just checked.
    unsafe {
        if missing {
            descend_as::<N, true>(forest, table, t, rows.as_ptr())
        } else {
            descend_as::<N, false>(forest, table, t, rows.as_ptr())
        }
    }
}

/// # Safety
///
/// `rows` has [`LANES`] values for each column of the forest, whose table `table` is.
#[inline(always)]
unsafe fn descend_as<N: Step, const MISSING: bool>(
    forest: &Forest,
    table: &Table<N>,
    t: usize,
    rows: *const N::Value,
) -> [u32; LANES] {
    /// Steps after which a deep tree is asked whether all rows have arrived.
    const ASK: u32 = 4;
    let tree = forest.tree(t);
    let nodes = &table.nodes[tree.clone()];
    let flags = table.flags[tree].as_ptr();
    let mut at = [0u32; LANES];
    let step = |at: &mut [u32; LANES]| {
        for (lane, at) in at.iter_mut().enumerate() {
            // SAFETY: a checked tree leads from a node of it to a node of it (`store::check`), and
            // the caller's rows have every column. Without bounds checks the loop takes half the
            // time.
            *at = unsafe {
                let node = *nodes.get_unchecked(*at as usize);
                node.next::<LANES, MISSING>(*at as usize, rows.add(lane), flags, &table.extra)
            };
        }
    };
    let depth = forest.depth[t];
    for _ in 0..depth % ASK {
        step(&mut at);
    }
    for _ in 0..depth / ASK {
        let before = at;
        for _ in 0..ASK {
            step(&mut at);
        }
        if at == before {
            break;
        }
    }
    at
}

/// The sum of one row.
fn one_row<N: Step>(forest: &Forest, table: &Table<N>, row: &[N::Value], missing: bool) -> f64 {
    assert!(row.len() >= forest.n_features());
    // SAFETY: the row has every column, which was just checked.
    unsafe {
        if missing {
            one_row_as::<N, true>(forest, table, row.as_ptr())
        } else {
            one_row_as::<N, false>(forest, table, row.as_ptr())
        }
    }
}

/// # Safety
///
/// `row` has a value for each column of the forest, whose table `table` is.
#[inline(always)]
unsafe fn one_row_as<N: Step, const MISSING: bool>(
    forest: &Forest,
    table: &Table<N>,
    row: *const N::Value,
) -> f64 {
    let mut sum = 0.0;
    let trees = forest.n_trees();
    for first in (0..trees).step_by(TREES) {
        // The last trees stand in for those beyond the end.
        let trees: [usize; TREES] = std::array::from_fn(|i| (first + i).min(trees - 1));
        let starts = trees.map(|t| forest.tree_start[t] as usize);
        let depth = trees.iter().map(|&t| forest.depth[t]).max().unwrap_or(0);
        let mut at = [0u32; TREES];
        for _ in 0..depth {
            for (at, start) in at.iter_mut().zip(starts) {
                // SAFETY: as in `descend_as`.
                *at = unsafe {
                    let node = *table.nodes.get_unchecked(start + *at as usize);
                    let flags = table.flags.as_ptr().add(start);
                    node.next::<1, MISSING>(*at as usize, row, flags, &table.extra)
                };
            }
        }
        for i in 0..TREES.min(forest.n_trees() - first) {
            sum += table.value[starts[i] + at[i] as usize];
        }
    }
    sum
}
