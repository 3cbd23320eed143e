//! Nearest neighbours and the scores made of them.

use ndarray::ArrayView2;
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::matrix::{Matrix, MatrixKernel};
use super::run::run;
use crate::error::Error;
use crate::float::Float;
use crate::neighbors::{
    Metric, Points, Queries, Summary, Tree, distances, distinct_rows, factors, neighbors, score,
    shares, unit_rows,
};
use crate::parallel::{Monitor, threads};

type Column<'py> = Bound<'py, PyArray1<f64>>;

/// Points made ready for searches. The points themselves stay with the caller, who hands them to
/// every search.
#[pyclass(frozen, module = "linewatch._core")]
pub struct NeighborIndex {
    tree: Tree,
    metric: Metric,
}

#[pymethods]
impl NeighborIndex {
    /// An index of the rows of `x`; with `flat`, for brute force.
    #[new]
    #[pyo3(signature = (x, metric, *, p=2.0, leaf_size=30, flat=false))]
    fn new(
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        metric: &str,
        p: f64,
        leaf_size: usize,
        flat: bool,
    ) -> PyResult<Self> {
        struct Build {
            leaf_size: usize,
            flat: bool,
        }
        impl Kernel for Build {
            type Output = Tree;
            fn call<T: Float>(self, points: Points<'_, T>, _: &Monitor) -> Result<Tree, Error> {
                Ok(if self.flat {
                    Tree::flat(points)
                } else {
                    Tree::new(points, self.leaf_size)
                })
            }
        }
        let metric = Metric::parse(metric, p)?;
        let work = Call::new(x, 1, None, None)?;
        let tree = work.run(py, Build { leaf_size, flat })?;
        Ok(NeighborIndex { tree, metric })
    }

    /// Distances and rows of the `k` nearest points of the rows of `queries`, or of `x` itself.
    #[pyo3(signature = (x, queries, k, *, n_jobs=None, progress=None))]
    #[allow(clippy::type_complexity)]
    fn kneighbors<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        queries: Option<PyReadonlyArray2<'py, f64>>,
        k: usize,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<i64>>)> {
        struct Find<'a> {
            index: &'a NeighborIndex,
            queries: Queries<'a>,
            k: usize,
            threads: usize,
        }
        impl Kernel for Find<'_> {
            type Output = (Vec<f64>, Vec<i64>);
            fn call<T: Float>(
                self,
                points: Points<'_, T>,
                monitor: &Monitor,
            ) -> Result<Self::Output, Error> {
                let NeighborIndex { tree, metric } = self.index;
                let (k, threads) = (self.k, self.threads);
                let found = neighbors(tree, points, *metric, self.queries, k, threads, monitor)?;
                let distances = found.iter().map(|one| one.distance).collect();
                Ok((
                    distances,
                    found.iter().map(|one| i64::from(one.row)).collect(),
                ))
            }
        }
        let call = Call::new(x, 0, queries.as_ref(), progress)?;
        let rows = call.queries;
        let (distances, indices) = call.run(
            py,
            Find {
                index: self,
                queries: other(queries.as_ref())?,
                k,
                threads: threads(n_jobs)?,
            },
        )?;
        Ok((table(py, distances, rows)?, table(py, indices, rows)?))
    }

    /// Local outlier factor, distance to the `k`-th neighbour and density of the rows of `x`.
    #[pyo3(signature = (x, k, *, n_jobs=None, progress=None))]
    fn lof<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        k: usize,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Column<'py>, Column<'py>, Column<'py>)> {
        struct Fit<'a> {
            index: &'a NeighborIndex,
            k: usize,
            threads: usize,
        }
        impl Kernel for Fit<'_> {
            type Output = crate::neighbors::Factors;
            fn call<T: Float>(
                self,
                points: Points<'_, T>,
                monitor: &Monitor,
            ) -> Result<Self::Output, Error> {
                let NeighborIndex { tree, metric } = self.index;
                factors(tree, points, *metric, self.k, self.threads, monitor)
            }
        }
        let threads = threads(n_jobs)?;
        let call = Call::new(x, 0, None, progress)?;
        let index = self;
        let found = call.run(py, Fit { index, k, threads })?;
        Ok((
            found.factor.into_pyarray(py),
            found.reach.into_pyarray(py),
            found.density.into_pyarray(py),
        ))
    }

    /// Local outlier factor of the rows of `queries`, given what `lof` said of `x`.
    #[pyo3(signature = (x, queries, reach, density, k, *, n_jobs=None, progress=None))]
    #[allow(clippy::too_many_arguments)] // the signature of the Python function
    fn lof_score<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        queries: PyReadonlyArray2<'py, f64>,
        reach: PyReadonlyArray1<'py, f64>,
        density: PyReadonlyArray1<'py, f64>,
        k: usize,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Column<'py>> {
        struct Score<'a> {
            index: &'a NeighborIndex,
            queries: Points<'a, f64>,
            trained: (&'a [f64], &'a [f64]),
            k: usize,
            threads: usize,
        }
        impl Kernel for Score<'_> {
            type Output = Vec<f64>;
            fn call<T: Float>(
                self,
                points: Points<'_, T>,
                monitor: &Monitor,
            ) -> Result<Self::Output, Error> {
                let NeighborIndex { tree, metric } = self.index;
                let (queries, threads) = (self.queries, self.threads);
                score(
                    tree,
                    points,
                    *metric,
                    queries,
                    self.trained,
                    self.k,
                    threads,
                    monitor,
                )
            }
        }
        let call = Call::new(x, 0, Some(&queries), progress)?;
        let scores = call.run(
            py,
            Score {
                index: self,
                queries: rows(queries.as_array())?,
                trained: (reach.as_slice()?, density.as_slice()?),
                k,
                threads: threads(n_jobs)?,
            },
        )?;
        Ok(scores.into_pyarray(py))
    }

    /// Distance of the rows of `queries`, or of `x` itself, to their `k` nearest points, as
    /// `method` sums them up.
    #[pyo3(signature = (x, queries, k, method, *, n_jobs=None, progress=None))]
    #[allow(clippy::too_many_arguments)] // the signature of the Python function
    fn knn<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        queries: Option<PyReadonlyArray2<'py, f64>>,
        k: usize,
        method: &str,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Column<'py>> {
        struct Knn<'a> {
            index: &'a NeighborIndex,
            queries: Queries<'a>,
            k: usize,
            summary: Summary,
            threads: usize,
        }
        impl Kernel for Knn<'_> {
            type Output = Vec<f64>;
            fn call<T: Float>(
                self,
                points: Points<'_, T>,
                monitor: &Monitor,
            ) -> Result<Self::Output, Error> {
                let NeighborIndex { tree, metric } = self.index;
                let (queries, summary, threads) = (self.queries, self.summary, self.threads);
                distances(
                    tree, points, *metric, queries, self.k, summary, threads, monitor,
                )
            }
        }
        let call = Call::new(x, 0, queries.as_ref(), progress)?;
        let found = call.run(
            py,
            Knn {
                index: self,
                queries: other(queries.as_ref())?,
                k,
                summary: Summary::parse(method)?,
                threads: threads(n_jobs)?,
            },
        )?;
        Ok(found.into_pyarray(py))
    }

    /// The share of each column in what `knn` says of the rows of `queries`.
    #[pyo3(signature = (x, queries, k, method, *, n_jobs=None, progress=None))]
    #[allow(clippy::too_many_arguments)] // the signature of the Python function
    fn knn_shares<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        queries: PyReadonlyArray2<'py, f64>,
        k: usize,
        method: &str,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        struct Shares<'a> {
            index: &'a NeighborIndex,
            queries: Points<'a, f64>,
            k: usize,
            summary: Summary,
            threads: usize,
        }
        impl Kernel for Shares<'_> {
            type Output = Vec<f64>;
            fn call<T: Float>(
                self,
                points: Points<'_, T>,
                monitor: &Monitor,
            ) -> Result<Self::Output, Error> {
                let NeighborIndex { tree, metric } = self.index;
                let (queries, summary, threads) = (self.queries, self.summary, self.threads);
                shares(
                    tree, points, *metric, queries, self.k, summary, threads, monitor,
                )
            }
        }
        let call = Call::new(x, 0, Some(&queries), progress)?;
        let count = call.queries;
        let found = call.run(
            py,
            Shares {
                index: self,
                queries: rows(queries.as_array())?,
                k,
                summary: Summary::parse(method)?,
                threads: threads(n_jobs)?,
            },
        )?;
        table(py, found, count)
    }
}

/// The first row of each kind of equal rows, and for every row the place of its kind among them.
#[pyfunction]
pub fn neighbors_distinct<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>)> {
    struct Find;
    impl Kernel for Find {
        type Output = (Vec<i64>, Vec<i64>);
        fn call<T: Float>(self, x: Points<'_, T>, _: &Monitor) -> Result<Self::Output, Error> {
            let found = distinct_rows(x);
            let wide = |rows: Vec<u32>| rows.into_iter().map(i64::from).collect();
            Ok((wide(found.first), wide(found.kind)))
        }
    }
    let (first, kind) = Call::new(x, 1, None, None)?.run(py, Find)?;
    Ok((first.into_pyarray(py), kind.into_pyarray(py)))
}

/// Every row divided by its length.
#[pyfunction]
pub fn neighbors_unit_rows<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    struct Unit;
    impl Kernel for Unit {
        type Output = Vec<f64>;
        fn call<T: Float>(self, x: Points<'_, T>, _: &Monitor) -> Result<Self::Output, Error> {
            unit_rows(x)
        }
    }
    let call = Call::new(x, 1, None, None)?;
    let rows = call.x.shape().0;
    table(py, call.run(py, Unit)?, rows)
}

/// What a call does with the points, in their own type.
trait Kernel: Send {
    type Output: Send;
    fn call<T: Float>(
        self,
        points: Points<'_, T>,
        monitor: &Monitor,
    ) -> Result<Self::Output, Error>;
}

/// A call of a kernel with the rows of a matrix.
struct Call<'py> {
    x: Matrix<'py>,
    /// Rows that it answers.
    queries: usize,
    /// Nanoseconds that it takes, roughly.
    estimate: u64,
    progress: Option<Py<PyAny>>,
}

impl<'py> Call<'py> {
    /// A call that asks about `queries`, or about every row of `x`; one pass over them if it is
    /// `simple`.
    fn new(
        x: &Bound<'py, PyAny>,
        simple: u64,
        queries: Option<&PyReadonlyArray2<'py, f64>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let x = Matrix::extract(x, "x")?;
        let (rows, columns) = x.shape();
        let queries = queries.map_or(rows, |queries| queries.shape()[0]);
        let per_query = if simple > 0 {
            20 * columns
        } else {
            rows.min(5_000) * (columns + 4) / 8
        };
        Ok(Call {
            x,
            queries,
            estimate: (queries as u64).saturating_mul(per_query as u64),
            progress,
        })
    }

    fn run<K: Kernel>(self, py: Python<'_>, kernel: K) -> PyResult<K::Output> {
        let Call {
            x,
            queries,
            estimate,
            progress,
        } = self;
        x.with(Watched {
            py,
            estimate,
            total: queries as u64,
            progress,
            kernel,
        })
    }
}

/// A kernel that runs where Ctrl-C reaches it.
struct Watched<'py, K> {
    py: Python<'py>,
    estimate: u64,
    total: u64,
    progress: Option<Py<PyAny>>,
    kernel: K,
}

impl<K: Kernel> MatrixKernel for Watched<'_, K> {
    type Output = PyResult<K::Output>;

    fn call<T: Float>(self, x: ArrayView2<'_, T>) -> Self::Output {
        let points = rows(x)?;
        let kernel = self.kernel;
        let work = |monitor: &Monitor| kernel.call(points, monitor);
        run(self.py, self.estimate, self.total, self.progress, work)
    }
}

fn rows<T: Float>(x: ArrayView2<'_, T>) -> PyResult<Points<'_, T>> {
    let values = x.to_slice().ok_or_else(|| {
        PyValueError::new_err("x must be contiguous in C order (try np.ascontiguousarray(x))")
    })?;
    Ok(Points::new(values, x.ncols())?)
}

fn other<'a>(queries: Option<&'a PyReadonlyArray2<'_, f64>>) -> PyResult<Queries<'a>> {
    Ok(match queries {
        Some(queries) => Queries::Other(rows(queries.as_array())?),
        None => Queries::Own,
    })
}

/// Values as an array of `rows` rows.
fn table<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    rows: usize,
) -> PyResult<Bound<'py, PyArray2<T>>> {
    let columns = values.len().checked_div(rows).unwrap_or(0);
    values.into_pyarray(py).reshape([rows, columns])
}
