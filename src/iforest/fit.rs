//! Grows a forest: draws the rows of each tree, and grows the trees side by side.

use std::sync::OnceLock;

use ndarray::ArrayView2;

use super::forest::{Forest, Nodes, Parts};
use super::grow::{Growth, Sample, grow};
use super::matrix::{Value, check_code, find_infinite, infinite};
use super::sample::{Rows, columns};
use crate::error::Error;
use crate::parallel::{Monitor, for_each};
use crate::random::Stream;

/// How a forest is grown.
#[derive(Debug, Clone)]
pub struct FitSettings<'a> {
    /// Number of trees.
    pub n_estimators: usize,
    /// Rows drawn for each tree.
    pub max_samples: usize,
    /// Columns drawn for each tree.
    pub max_features: usize,
    /// Whether a row may be drawn twice for a tree.
    pub bootstrap: bool,
    /// Columns that a split looks at.
    pub columns_per_split: usize,
    /// Share of the splits placed by pooled gain instead of at random.
    pub gain: f64,
    /// Columns of categories.
    pub categorical: Vec<usize>,
    /// Chances of the rows, all equal by default.
    pub sample_weight: Option<&'a [f64]>,
    /// Seed of all draws.
    pub seed: u64,
    /// Number of the first tree: tree t of a seed is the same in every forest.
    pub first_tree: u64,
}

/// Rows times columns up to which a tree's part of the data is copied.
const GATHER: usize = 1 << 18;

/// A forest grown on the rows of `x`, tree t from stream t of the seed.
///
/// The depth limit is the logarithm of `max_samples` to base 2, rounded up. Each split draws a
/// column among those with two different values in the node and a threshold evenly between the
/// least and the greatest (`gain` of them where it parts the values best); an oblique split draws
/// several columns and weighs their distance from the mean by a standard normal number over
/// their standard deviation in the node.
///
/// # Errors
///
/// [`Error::Argument`] for a setting out of range, or a drawn row with an infinite value.
pub fn fit<T: Value>(
    x: ArrayView2<T>,
    settings: &FitSettings,
    threads: usize,
    monitor: &Monitor,
) -> Result<Forest, Error> {
    let (n, p) = x.dim();
    check(settings, n, p)?;
    let rows = Rows::new(
        n,
        settings.max_samples,
        settings.bootstrap,
        settings.sample_weight,
    )?;
    let gather = settings.max_samples.saturating_mul(settings.max_features) <= GATHER;
    let mut growth = Growth {
        columns_per_split: settings.columns_per_split.min(settings.max_features),
        gain: settings.gain,
        categorical: vec![false; p],
        max_depth: settings.max_samples.max(2).next_power_of_two().ilog2(),
    };
    for &column in &settings.categorical {
        growth.categorical[column] = true;
    }
    if !gather {
        // Trees read values as they go, so all are looked at before.
        if let Some((row, column)) = find_infinite(x, threads, &Monitor::default())? {
            return Err(infinite(x[[row, column]].to_f64(), row, column));
        }
        for &column in &settings.categorical {
            for (row, value) in x.column(column).iter().enumerate() {
                check_code(value.to_f64(), row, column)?;
            }
        }
    }
    let trees: Vec<OnceLock<Nodes>> = (0..settings.n_estimators)
        .map(|_| OnceLock::new())
        .collect();
    let tasks = trees.iter().enumerate().collect();
    for_each(tasks, threads, |(t, place): (usize, &OnceLock<Nodes>)| {
        let mut random = Stream::new(settings.seed, settings.first_tree + t as u64);
        let drawn = rows.draw(&mut random);
        let columns = columns(p, settings.max_features, &mut random);
        let nodes = if gather {
            let sample = Gathered::new(x, &drawn, &columns, &growth.categorical)?;
            grow(&growth, &sample, drawn.len(), &columns, random)
        } else {
            let sample = InPlace {
                x,
                rows: &drawn,
                columns: &columns,
            };
            grow(&growth, &sample, drawn.len(), &columns, random)
        };
        place.set(nodes).expect("each tree is grown once");
        monitor.tick(1)
    })?;
    let trees: Vec<Nodes> = trees.into_iter().filter_map(OnceLock::into_inner).collect();
    let mut categorical: Vec<u32> = settings.categorical.iter().map(|&c| c as u32).collect();
    categorical.sort_unstable();
    categorical.dedup();
    let shape = Parts {
        n_features: p,
        columns_per_split: growth.columns_per_split,
        gain: settings.gain,
        categorical,
        ..Parts::default()
    };
    Forest::of_trees(shape, &trees, settings.max_samples as u32)
        .map_err(|found| Error::argument("max_samples", "what makes a sound forest", found))
}

fn check(settings: &FitSettings, n: usize, p: usize) -> Result<(), Error> {
    let within = |name, value: usize, low: usize, high: usize, what: &str| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        let expected = format!("from {low} to {high}{what}");
        Err(Error::argument(name, expected, value))
    };
    let most = u32::MAX as usize - 1;
    if n == 0 || n > most {
        let expected = format!("a matrix of 1 to {most} rows");
        return Err(Error::argument("X", expected, n));
    }
    if p == 0 || p > i32::MAX as usize {
        let expected = format!("a matrix of 1 to {} columns", i32::MAX);
        return Err(Error::argument("X", expected, p));
    }
    within("n_estimators", settings.n_estimators, 1, 1 << 24, "")?;
    let samples = if settings.bootstrap { most } else { n };
    let what = if settings.bootstrap {
        ""
    } else {
        ", the number of rows"
    };
    within("max_samples", settings.max_samples, 1, samples, what)?;
    let what = ", the number of columns";
    within("max_features", settings.max_features, 1, p, what)?;
    within("columns_per_split", settings.columns_per_split, 1, p, what)?;
    if !(0.0..=1.0).contains(&settings.gain) {
        return Err(Error::argument("gain", "from 0 to 1", settings.gain));
    }
    if let Some(&column) = settings.categorical.iter().find(|&&c| c >= p) {
        let expected = format!("columns from 0 to {}", p - 1);
        return Err(Error::argument("categorical", expected, column));
    }
    if settings
        .first_tree
        .checked_add(settings.n_estimators as u64)
        .is_none()
    {
        return Err(Error::argument(
            "first_tree",
            "smaller",
            settings.first_tree,
        ));
    }
    Ok(())
}

/// A tree's rows and columns, copied column by column.
struct Gathered {
    values: Vec<f64>,
    rows: usize,
}

impl Gathered {
    fn new<T: Value>(
        x: ArrayView2<T>,
        rows: &[u32],
        columns: &[u32],
        categorical: &[bool],
    ) -> Result<Self, Error> {
        let n = rows.len();
        let mut values = vec![0.0; n * columns.len()];
        let mut odd = false;
        for (i, &row) in rows.iter().enumerate() {
            let row = x.row(row as usize);
            for (j, &column) in columns.iter().enumerate() {
                let value = row[column as usize].to_f64();
                odd |= value.is_infinite();
                values[j * n + i] = value;
            }
        }
        for (j, &column) in columns.iter().enumerate() {
            let column = column as usize;
            if !odd && !categorical[column] {
                continue;
            }
            for (i, &value) in values[j * n..(j + 1) * n].iter().enumerate() {
                if value.is_infinite() {
                    return Err(infinite(value, rows[i] as usize, column));
                }
                if categorical[column] {
                    check_code(value, rows[i] as usize, column)?;
                }
            }
        }
        Ok(Gathered { values, rows: n })
    }
}

impl Sample for Gathered {
    #[inline(always)]
    fn value(&self, row: u32, column: usize) -> f64 {
        self.values[column * self.rows + row as usize]
    }
}

/// A tree's rows and columns, read where they are.
struct InPlace<'a, T> {
    x: ArrayView2<'a, T>,
    rows: &'a [u32],
    columns: &'a [u32],
}

impl<T: Value> Sample for InPlace<'_, T> {
    #[inline(always)]
    fn value(&self, row: u32, column: usize) -> f64 {
        self.x[[
            self.rows[row as usize] as usize,
            self.columns[column] as usize,
        ]]
        .to_f64()
    }
}
