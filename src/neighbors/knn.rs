//! How far the neighbours of a row are, and which columns that comes from.

use super::metric::Metric;
use super::nearest::Neighbor;
use super::points::Points;
use super::search::{Queries, Search};
use super::tree::Tree;
use crate::error::Error;
use crate::float::Float;
use crate::parallel::Monitor;

/// What the distances of `k` neighbours are summed up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// The distance to the `k`-th.
    Kth,
    /// The mean of all.
    Mean,
    /// The median of all.
    Median,
}

impl Summary {
    /// A summary by name.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if there is none of this name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "kth" => Ok(Summary::Kth),
            "mean" => Ok(Summary::Mean),
            "median" => Ok(Summary::Median),
            _ => {
                let expected = "\"kth\", \"mean\" or \"median\"";
                Err(Error::argument("method", expected, format!("{name:?}")))
            }
        }
    }

    /// The neighbours that the summary depends on.
    fn concerned(self, nearest: &[Neighbor]) -> &[Neighbor] {
        let k = nearest.len();
        match self {
            Summary::Kth => &nearest[k - 1..],
            Summary::Mean => nearest,
            Summary::Median => &nearest[(k - 1) / 2..k / 2 + 1],
        }
    }
}

/// The neighbours of a row without the row itself: of `k + 1`, the first if it is equal to the row,
/// else the last is left out.
fn without_itself(nearest: &[Neighbor]) -> &[Neighbor] {
    if nearest[0].distance == 0.0 {
        &nearest[1..]
    } else {
        &nearest[..nearest.len() - 1]
    }
}

fn search<'a, T: Float>(
    tree: &'a Tree,
    points: Points<'a, T>,
    metric: Metric,
    queries: Queries<'a>,
    k: usize,
) -> Search<'a, T> {
    Search {
        tree,
        points,
        metric,
        queries,
        // A row that is new may be equal to a point.
        k: k + usize::from(matches!(queries, Queries::Other(_))),
    }
}

/// The distance of each query to its `k` nearest points, summed up.
///
/// A query that is equal to a point is taken for it: that point is not its neighbour.
///
/// # Errors
///
/// As [`super::neighbors`], `k + 1` points being needed.
#[allow(clippy::too_many_arguments)] // what a model consists of
pub fn distances<T: Float>(
    tree: &Tree,
    points: Points<'_, T>,
    metric: Metric,
    queries: Queries<'_>,
    k: usize,
    summary: Summary,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<f64>, Error> {
    let search = search(tree, points, metric, queries, k);
    let order = search.order()?;
    let mut results = vec![0.0; order.rows().len()];
    search.each(
        &order,
        &mut results,
        1,
        threads,
        monitor,
        |_, nearest, out| {
            let others = match queries {
                Queries::Own => nearest,
                Queries::Other(_) => without_itself(nearest),
            };
            let concerned = summary.concerned(others);
            let sum: f64 = concerned.iter().map(|one| one.distance).sum();
            out[0] = sum / concerned.len() as f64;
        },
    )?;
    Ok(search.in_query_order(&order, &results, 1))
}

/// For each query the share of each column in the distances that [`distances`] sums up.
///
/// Shares are of what the metric adds up before any root: squares (Euclidean and cosine), absolute
/// differences (Manhattan), powers (Minkowski). The Chebyshev distance comes from one column alone.
/// A query whose neighbours are equal to it has shares of zero.
///
/// # Errors
///
/// As [`distances`].
#[allow(clippy::too_many_arguments)] // what a model consists of
pub fn shares<T: Float>(
    tree: &Tree,
    points: Points<'_, T>,
    metric: Metric,
    queries: Points<'_, f64>,
    k: usize,
    summary: Summary,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<f64>, Error> {
    let search = search(tree, points, metric, Queries::Other(queries), k);
    let order = search.order()?;
    let columns = points.columns();
    let mut results = vec![0.0; queries.rows() * columns];
    search.each(
        &order,
        &mut results,
        columns,
        threads,
        monitor,
        |row, nearest, out| {
            let row = queries.row(row);
            for one in summary.concerned(without_itself(nearest)) {
                let point = points.row(one.row as usize);
                let parts = row
                    .iter()
                    .zip(point)
                    .map(|(a, b)| metric.part(a - b.to_f64()));
                if metric == Metric::Chebyshev {
                    let mut largest = (0, 0.0);
                    for (j, part) in parts.enumerate() {
                        if part > largest.1 {
                            largest = (j, part);
                        }
                    }
                    out[largest.0] += largest.1;
                } else {
                    out.iter_mut()
                        .zip(parts)
                        .for_each(|(share, part)| *share += part);
                }
            }
            let total: f64 = out.iter().sum();
            if total > 0.0 {
                out.iter_mut().for_each(|share| *share /= total);
            }
        },
    )?;
    Ok(search.in_query_order(&order, &results, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_not_its_own_neighbour() {
        let x = [0.0, 1.0, 3.0, 3.0, 10.0];
        let points = Points::new(&x, 1).unwrap();
        let tree = Tree::new(points, 30);
        let monitor = Monitor::default();
        let of = |queries, k, summary| {
            distances(
                &tree,
                points,
                Metric::Euclidean,
                queries,
                k,
                summary,
                1,
                &monitor,
            )
            .unwrap()
        };
        let own = of(Queries::Own, 2, Summary::Kth);
        assert_eq!(own, [3.0, 2.0, 2.0, 2.0, 7.0]);
        assert_eq!(of(Queries::Other(points), 2, Summary::Kth), own);
        assert_eq!(
            of(Queries::Own, 2, Summary::Mean),
            [2.0, 1.5, 1.0, 1.0, 7.0]
        );
        assert_eq!(
            of(Queries::Own, 3, Summary::Median),
            [3.0, 2.0, 2.0, 2.0, 7.0]
        );
    }

    #[test]
    fn shares_add_up_to_one() {
        let x = [0.0, 0.0, 3.0, 4.0, 6.0, 8.0];
        let points = Points::new(&x, 2).unwrap();
        let tree = Tree::new(points, 30);
        let monitor = Monitor::default();
        for (metric, first) in [
            (Metric::Euclidean, 0.36),
            (Metric::Manhattan, 3.0 / 7.0),
            (Metric::Chebyshev, 0.0),
        ] {
            let queries = Points::new(&x[..2], 2).unwrap();
            let found =
                shares(&tree, points, metric, queries, 1, Summary::Kth, 1, &monitor).unwrap();
            assert!((found[0] - first).abs() < 1e-15);
            assert!((found[0] + found[1] - 1.0).abs() < 1e-15);
        }
    }
}
