//! The local outlier factor: how much sparser it is around a point than around its neighbours.
//!
//! Breunig, M. M., Kriegel, H.-P., Ng, R. T., Sander, J. (2000). LOF: identifying density-based
//! local outliers. Proceedings of SIGMOD, 93-104. As in scikit-learn, a neighbourhood has exactly
//! `k` points, and 1e-10 is added to the mean reachability distance.

use super::metric::Metric;
use super::points::Points;
use super::search::{Queries, Search};
use super::tree::Tree;
use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};

/// What keeps the density of equal points finite.
const LEAST_DISTANCE: f64 = 1e-10;

/// The factors of the points of a tree, and what new points are scored by.
#[derive(Debug)]
pub struct Factors {
    /// The factor of each point: about 1 for a normal one, higher for an outlier.
    pub factor: Vec<f64>,
    /// The distance of each point to its `k`-th neighbour.
    pub reach: Vec<f64>,
    /// The local reachability density of each point.
    pub density: Vec<f64>,
}

/// The local outlier factor of every point among the others.
///
/// Only the rows of neighbours are kept meanwhile; their distances are taken a second time.
///
/// # Errors
///
/// As [`super::neighbors`].
pub fn factors<T: Float>(
    tree: &Tree,
    points: Points<'_, T>,
    metric: Metric,
    k: usize,
    threads: usize,
    monitor: &Monitor,
) -> Result<Factors, Error> {
    let search = Search {
        tree,
        points,
        metric,
        queries: Queries::Own,
        k,
    };
    let order = search.order()?;
    let n = points.rows();
    let mut lists = vec![0u32; n * k];
    search.each(
        &order,
        &mut lists,
        k,
        threads,
        monitor,
        |_, nearest, out| {
            out.iter_mut()
                .zip(nearest)
                .for_each(|(row, one)| *row = one.row);
        },
    )?;
    let order = order.rows();
    let distance = |query: &mut [f64], a: u32, b: u32| {
        let row = points.row(a as usize).iter();
        query.iter_mut().zip(row).for_each(|(q, v)| *q = v.to_f64());
        metric.distance(metric.reduced(query, points.row(b as usize)))
    };
    let lists = Lists {
        order,
        lists: &lists,
        k,
        columns: points.columns(),
        threads,
        monitor,
    };
    let reach = lists.each(|query, row, list| distance(query, row, list[k - 1]))?;
    let density = lists.each(|query, row, list| {
        let each = list
            .iter()
            .map(|&j| distance(query, row, j).max(reach[j as usize]));
        density(each.sum(), k)
    })?;
    let factor = lists.each(|_, row, list| {
        let each = list.iter().map(|&j| density[j as usize]);
        each.sum::<f64>() / k as f64 / density[row as usize]
    })?;
    Ok(Factors {
        factor,
        reach,
        density,
    })
}

/// The rows of the `k` neighbours of every point, in the order of a tree.
struct Lists<'a> {
    order: &'a [u32],
    lists: &'a [u32],
    k: usize,
    columns: usize,
    threads: usize,
    monitor: &'a Monitor,
}

impl Lists<'_> {
    /// `f(room for a point, row, its neighbours)` of every point, by row.
    fn each(&self, f: impl Fn(&mut [f64], u32, &[u32]) -> f64 + Sync) -> Result<Vec<f64>, Error> {
        let k = self.k;
        let mut in_order = vec![0.0; self.order.len()];
        let points = self.order.chunks(SHARE).zip(self.lists.chunks(SHARE * k));
        let tasks: Vec<_> = points.zip(in_order.chunks_mut(SHARE)).collect();
        for_each(tasks, self.threads, |((order, lists), out)| {
            let mut query = vec![0.0; self.columns];
            for ((&row, list), out) in order.iter().zip(lists.chunks(k)).zip(out) {
                *out = f(&mut query, row, list);
            }
            self.monitor.tick(0)
        })?;
        let mut by_row = vec![0.0; in_order.len()];
        for (&row, &value) in self.order.iter().zip(&in_order) {
            by_row[row as usize] = value;
        }
        Ok(by_row)
    }
}

/// Points of a task in the passes over lists.
const SHARE: usize = 4096;

fn density(sum_of_reaches: f64, k: usize) -> f64 {
    1.0 / (sum_of_reaches / k as f64 + LEAST_DISTANCE)
}

/// The local outlier factor of new rows among the points of a tree.
///
/// # Errors
///
/// As [`super::neighbors`]; [`Error::Length`] if `reach` or `density` has not one value a point.
#[allow(clippy::too_many_arguments)] // what a model consists of
pub fn score<T: Float>(
    tree: &Tree,
    points: Points<'_, T>,
    metric: Metric,
    queries: Points<'_, f64>,
    (reach, densities): (&[f64], &[f64]),
    k: usize,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<f64>, Error> {
    for (name, values) in [("reach", reach), ("density", densities)] {
        if values.len() != points.rows() {
            return Err(Error::Length {
                name,
                expected: points.rows(),
                found: values.len(),
            });
        }
    }
    let search = Search {
        tree,
        points,
        metric,
        queries: Queries::Other(queries),
        k,
    };
    let order = search.order()?;
    let mut factors = vec![0.0; queries.rows()];
    search.each(
        &order,
        &mut factors,
        1,
        threads,
        monitor,
        |_, nearest, out| {
            let (mut sum, mut neighbors) = (0.0, 0.0);
            for one in nearest {
                sum += one.distance.max(reach[one.row as usize]);
                neighbors += densities[one.row as usize];
            }
            out[0] = neighbors / k as f64 / density(sum, k);
        },
    )?;
    Ok(search.in_query_order(&order, &factors, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_points_on_a_corner() {
        // Worked by hand: the corner (1, 1) and its two neighbours at (1, 2) and (2, 1).
        let x = [1.0, 1.0, 1.0, 2.0, 2.0, 1.0];
        let points = Points::new(&x, 2).unwrap();
        let tree = Tree::new(points, 30);
        let monitor = Monitor::default();
        let found = factors(&tree, points, Metric::Euclidean, 2, 1, &monitor).unwrap();
        let root = 2f64.sqrt();
        let corner = 2.0 * root / (1.0 + root);
        let other = (1.0 + root) * (1.0 / (4.0 * root) + 1.0 / (2.0 + 2.0 * root));
        for (found, expected) in found.factor.iter().zip([corner, other, other]) {
            assert!((found - expected).abs() < 1e-9);
        }
        let queries = Points::new(&[2.0, 2.0, 1.0, 1.0], 2).unwrap();
        let trained = (&found.reach[..], &found.density[..]);
        let scores = score(
            &tree,
            points,
            Metric::Euclidean,
            queries,
            trained,
            2,
            1,
            &monitor,
        )
        .unwrap();
        assert!((scores[0] - corner).abs() < 1e-9 && (scores[1] - other).abs() < 1e-9);
    }
}
