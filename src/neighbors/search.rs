//! The `k` nearest points of each query, 32 queries at a time.

use super::block::{
    Absolutes, Eight, LANES, Lanes, Largest, Plain, Shape, Squares, near, reach, up, within,
};
use super::metric::Metric;
use super::nearest::{Nearest, Neighbor};
use super::points::Points;
use super::tree::{Tree, arranged, middle};
use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};

/// Whose neighbours are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Queries<'a> {
    /// Those of the points themselves; a point is not its own neighbour.
    Own,
    /// Those of other rows.
    Other(Points<'a, f64>),
}

/// What a search works on.
#[derive(Clone, Copy)]
pub(super) struct Search<'a, T> {
    pub(super) tree: &'a Tree,
    pub(super) points: Points<'a, T>,
    pub(super) metric: Metric,
    pub(super) queries: Queries<'a>,
    pub(super) k: usize,
}

/// The order in which the queries are answered.
pub(super) enum Order<'a> {
    /// That of the tree.
    Tree(&'a [u32]),
    /// Their own, neighbours together.
    Arranged(Vec<u32>),
}

impl Order<'_> {
    pub(super) fn rows(&self) -> &[u32] {
        match self {
            Order::Tree(rows) => rows,
            Order::Arranged(rows) => rows,
        }
    }
}

/// The `k` nearest points of every query, nearest first, in the order of the queries.
///
/// Of points at the same distance those with the lower rows are taken.
///
/// # Errors
///
/// [`Error::Argument`] if `k` is zero or there are fewer points (not counting the query itself),
/// or queries have another number of columns; [`Error::Cancelled`].
pub fn neighbors<T: Float>(
    tree: &Tree,
    points: Points<'_, T>,
    metric: Metric,
    queries: Queries<'_>,
    k: usize,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<Neighbor>, Error> {
    let search = Search {
        tree,
        points,
        metric,
        queries,
        k,
    };
    let none = Neighbor {
        distance: 0.0,
        row: 0,
    };
    let order = search.order()?;
    let mut found = vec![none; order.rows().len() * k];
    search.each(
        &order,
        &mut found,
        k,
        threads,
        monitor,
        |_, nearest, out| {
            out.copy_from_slice(nearest);
        },
    )?;
    Ok(search.in_query_order(&order, &found, k))
}

impl<'a, T: Float> Search<'a, T> {
    /// Checks the arguments; the order in which [`each`](Search::each) answers.
    pub(super) fn order(&self) -> Result<Order<'a>, Error> {
        let (tree, points) = (self.tree, self.points);
        if tree.rows() != points.rows() || tree.columns() != points.columns() {
            let expected = format!("the {} points of the index", tree.rows());
            return Err(Error::argument("X", expected, points.rows()));
        }
        let available = match self.queries {
            Queries::Own => points.rows().saturating_sub(1),
            Queries::Other(_) => points.rows(),
        };
        if self.k == 0 || self.k > available {
            let expected = format!("between 1 and {available}");
            return Err(Error::argument("n_neighbors", expected, self.k));
        }
        Ok(match self.queries {
            Queries::Own => Order::Tree(&tree.order),
            Queries::Other(rows) => {
                if rows.columns() != points.columns() {
                    let expected = format!("rows of {} values", points.columns());
                    return Err(Error::argument("X", expected, rows.columns()));
                }
                Order::Arranged(arranged(rows))
            }
        })
    }

    /// Calls `finish(query, neighbours, out)` for every query, in parallel; `out` is the `width`
    /// values of `results` that belong to the query's place in `order`.
    pub(super) fn each<R: Send>(
        &self,
        order: &Order<'_>,
        results: &mut [R],
        width: usize,
        threads: usize,
        monitor: &Monitor,
        finish: impl Fn(usize, &[Neighbor], &mut [R]) + Sync,
    ) -> Result<(), Error> {
        // Some groups for each task, so that scratch memory is made rarely.
        let rows = order.rows();
        let share = rows
            .len()
            .div_ceil(LANES)
            .div_ceil(8 * threads)
            .clamp(1, 64)
            * LANES;
        let tasks = rows.chunks(share).zip(results.chunks_mut(share * width));
        for_each(tasks.collect(), threads, |(rows, results)| {
            let mut group = Group::new(self);
            for (rows, results) in rows.chunks(LANES).zip(results.chunks_mut(LANES * width)) {
                group.find(self, rows);
                for (lane, out) in results.chunks_mut(width).enumerate() {
                    let nearest = group.nearest.sorted(lane);
                    for one in nearest.iter_mut() {
                        one.distance = self.metric.distance(one.distance);
                    }
                    finish(rows[lane] as usize, nearest, out);
                }
                monitor.tick(rows.len() as u64)?;
            }
            Ok(())
        })
    }

    /// Results of [`each`](Search::each), `width` for each query, in the order of the queries.
    pub(super) fn in_query_order<R: Copy>(
        &self,
        order: &Order<'_>,
        results: &[R],
        width: usize,
    ) -> Vec<R> {
        let Some(&first) = results.first() else {
            return Vec::new();
        };
        let mut sorted = vec![first; results.len()];
        for (&row, result) in order.rows().iter().zip(results.chunks(width)) {
            sorted[row as usize * width..][..width].copy_from_slice(result);
        }
        sorted
    }
}

/// 32 queries on their way, and room to work in.
struct Group {
    columns: usize,
    /// The queries, one after another.
    rows: Vec<f64>,
    /// The same by columns.
    lanes: Vec<[f64; LANES]>,
    /// The box around them.
    low: Vec<f64>,
    high: Vec<f64>,
    /// The queries relative to the middle of a leaf's box.
    relative: Vec<Lanes>,
    nearest: Nearest,
    /// How far each query still has to look, in the geometry that prunes; less than zero for a
    /// place without a query.
    limits: [f64; LANES],
    stack: Vec<(usize, f64)>,
}

impl Group {
    fn new<T: Float>(search: &Search<'_, T>) -> Self {
        let columns = search.points.columns();
        Group {
            columns,
            rows: vec![0.0; columns * LANES],
            lanes: vec![[0.0; LANES]; columns],
            low: vec![0.0; columns],
            high: vec![0.0; columns],
            relative: vec![[0.0; LANES]; columns],
            nearest: Nearest::new(LANES, search.k),
            limits: [0.0; LANES],
            stack: Vec::new(),
        }
    }

    /// Finds the neighbours of the queries `rows`, at most 32.
    fn find<T: Float>(&mut self, search: &Search<'_, T>, rows: &[u32]) {
        self.take(search, rows);
        match search.metric {
            Metric::Manhattan => self.walk::<Absolutes, T>(search, rows),
            Metric::Chebyshev => self.walk::<Largest, T>(search, rows),
            _ => self.walk::<Squares, T>(search, rows),
        }
    }

    fn take<T: Float>(&mut self, search: &Search<'_, T>, rows: &[u32]) {
        self.nearest.clear();
        self.low.fill(f64::INFINITY);
        self.high.fill(f64::NEG_INFINITY);
        for (lane, &row) in rows.iter().enumerate() {
            let place = &mut self.rows[lane * self.columns..][..self.columns];
            match search.queries {
                Queries::Own => {
                    let row = search.points.row(row as usize);
                    place.iter_mut().zip(row).for_each(|(p, v)| *p = v.to_f64());
                }
                Queries::Other(queries) => place.copy_from_slice(queries.row(row as usize)),
            }
            for (j, &value) in place.iter().enumerate() {
                self.lanes[j][lane] = value;
                self.low[j] = self.low[j].min(value);
                self.high[j] = self.high[j].max(value);
            }
            self.limits[lane] = f64::INFINITY;
        }
        self.limits[rows.len()..].fill(-1.0);
    }

    /// [`descend`](Group::descend), compiled for AVX2 and FMA where the machine has them.
    fn walk<S: Shape, T: Float>(&mut self, search: &Search<'_, T>, rows: &[u32]) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            fn wide<S: Shape, T: Float>(group: &mut Group, search: &Search<'_, T>, rows: &[u32]) {
                group.descend::<S, T, super::block::Wide>(search, rows);
            }
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
                && std::arch::is_x86_feature_detected!("bmi2")
            {
                // SAFETY: the features that `wide` is compiled for were just detected (machines
                // with AVX2 and BMI2 have BMI1, LZCNT and POPCNT).
                return unsafe { wide::<S, T>(self, search, rows) };
            }
        }
        self.descend::<S, T, Plain>(search, rows);
    }

    /// Nodes in order of nearness, as far as any query has to look.
    #[inline(always)]
    fn descend<S: Shape, T: Float, V: Eight>(&mut self, search: &Search<'_, T>, rows: &[u32]) {
        let tree = search.tree;
        let mut furthest = f64::INFINITY;
        self.stack.clear();
        self.stack.push((0, 0.0));
        while let Some((node, distance)) = self.stack.pop() {
            if distance > furthest {
                continue;
            }
            let right = tree.nodes[node].right as usize;
            if right == 0 {
                if self.meet::<S, T, V>(search, rows, node) {
                    let limit = self.limits.iter().fold(0.0, |a: f64, &b| a.max(b));
                    // Wider than the rounding of the distance between boxes.
                    furthest = limit * (1.0 + 1e-9);
                }
                continue;
            }
            let left = node + 1;
            let (to_left, to_right) = (self.apart::<S>(tree, left), self.apart::<S>(tree, right));
            let left_first = if to_left == to_right {
                self.centers_apart(tree, left) <= self.centers_apart(tree, right)
            } else {
                to_left < to_right
            };
            if left_first {
                self.stack.push((right, to_right));
                self.stack.push((left, to_left));
            } else {
                self.stack.push((left, to_left));
                self.stack.push((right, to_right));
            }
        }
    }

    /// The distance between the box of the queries and that of a node.
    #[inline(always)]
    fn apart<S: Shape>(&self, tree: &Tree, node: usize) -> f64 {
        let (low, high) = tree.bounds(node);
        let columns = self.columns;
        let (low, high) = (&low[..columns], &high[..columns]);
        let (own_low, own_high) = (&self.low[..columns], &self.high[..columns]);
        let gap = |j: usize| {
            let gap = f64::max(low[j] - own_high[j], own_low[j] - high[j]);
            if gap > 0.0 { gap } else { 0.0 }
        };
        let mut sums = [0.0; 4];
        let whole = columns / 4 * 4;
        for j in (0..whole).step_by(4) {
            for (l, sum) in sums.iter_mut().enumerate() {
                *sum = S::add(*sum, gap(j + l));
            }
        }
        for j in whole..columns {
            sums[0] = S::add(sums[0], gap(j));
        }
        S::join(S::join(sums[0], sums[1]), S::join(sums[2], sums[3]))
    }

    fn centers_apart(&self, tree: &Tree, node: usize) -> f64 {
        let (low, high) = tree.bounds(node);
        let mut sum = 0.0;
        for j in 0..self.columns {
            sum += (middle(low[j], high[j]) - middle(self.low[j], self.high[j])).powi(2);
        }
        sum
    }

    /// All queries meet a leaf; whether a limit fell.
    #[inline(always)]
    fn meet<S: Shape, T: Float, V: Eight>(
        &mut self,
        search: &Search<'_, T>,
        rows: &[u32],
        node: usize,
    ) -> bool {
        let tree = search.tree;
        let reach = reach(self.columns);
        let limits = self
            .limits
            .map(|limit| if limit < 0.0 { -1.0 } else { up(limit * reach) });
        let (bounds, relative) = (tree.bounds(node), &mut self.relative);
        let mut radius = 0.0;
        let close = within::<S, V>(&self.lanes, bounds, &limits, relative, &mut radius);
        let margin = S::MARGIN * radius;
        if close == 0 {
            return false;
        }
        let mut fell = false;
        let node = tree.nodes[node];
        let end = (node.first + node.count) as usize;
        for place in (node.first as usize..end).step_by(LANES) {
            let block = tree.block(place);
            let present = u32::MAX >> (LANES - (end - place).min(LANES));
            let mut queries = close;
            while queries != 0 {
                let lane = queries.trailing_zeros() as usize;
                queries &= queries - 1;
                let limit = up(self.limits[lane] * reach + margin);
                let mut points = near::<S, V>(&self.relative, lane, block, limit) & present;
                if points == 0 {
                    continue;
                }
                while points != 0 {
                    let point = tree.order[place + points.trailing_zeros() as usize];
                    points &= points - 1;
                    fell |= self.measure(search, rows, lane, point);
                }
                let worst = self.nearest.worst(lane);
                self.limits[lane] = search.metric.bound(worst, self.columns);
            }
        }
        fell
    }

    /// Offers a point to a query by its exact distance; whether it was taken.
    #[inline(always)]
    fn measure<T: Float>(
        &mut self,
        search: &Search<'_, T>,
        rows: &[u32],
        lane: usize,
        point: u32,
    ) -> bool {
        if matches!(search.queries, Queries::Own) && rows[lane] == point {
            return false;
        }
        let query = &self.rows[lane * self.columns..][..self.columns];
        let distance = search
            .metric
            .reduced(query, search.points.row(point as usize));
        self.nearest.offer(
            lane,
            Neighbor {
                distance,
                row: point,
            },
        )
    }
}
