//! Isolation forests of NumPy arrays.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::ArrayView2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::matrix::Matrix;
use super::model::{self, Written};
use super::run::run;
use crate::error::Error;
use crate::iforest::{self, FitSettings, Packed};
use crate::model::Model;
use crate::parallel::{Monitor, threads};

/// An isolation forest; see `linewatch.IsolationForest`.
#[pyclass(frozen, eq, module = "linewatch._core", name = "Forest")]
pub struct PyForest(Arc<iforest::Forest>);

impl PartialEq for PyForest {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// A kernel over the rows of a matrix, matched to its type by [`with`].
trait Kernel {
    type Output;
    fn call<T: Packed>(self, x: ArrayView2<'_, T>) -> Self::Output;
}

/// A matrix without its Python object, to be read while the interpreter lock is released.
enum View<'a> {
    F32(ArrayView2<'a, f32>),
    F64(ArrayView2<'a, f64>),
}

fn view<'a>(x: &'a Matrix) -> View<'a> {
    match x {
        Matrix::F32(x) => View::F32(x.as_array()),
        Matrix::F64(x) => View::F64(x.as_array()),
    }
}

fn with<K: Kernel>(x: View, kernel: K) -> K::Output {
    match x {
        View::F32(x) => kernel.call(x),
        View::F64(x) => kernel.call(x),
    }
}

struct Fit<'a> {
    settings: FitSettings<'a>,
    threads: usize,
    monitor: &'a Monitor,
}

impl Kernel for Fit<'_> {
    type Output = Result<iforest::Forest, Error>;
    fn call<T: Packed>(self, x: ArrayView2<'_, T>) -> Self::Output {
        iforest::fit(x, &self.settings, self.threads, self.monitor)
    }
}

struct Score<'a> {
    forest: &'a iforest::Forest,
    depths: bool,
    threads: usize,
    monitor: &'a Monitor,
}

impl Kernel for Score<'_> {
    type Output = Result<Vec<f64>, Error>;
    fn call<T: Packed>(self, x: ArrayView2<'_, T>) -> Self::Output {
        if self.depths {
            iforest::depths(self.forest, x, self.threads, self.monitor)
        } else {
            iforest::score_samples(self.forest, x, self.threads, self.monitor)
        }
    }
}

struct Explain<'a> {
    forest: &'a iforest::Forest,
    threads: usize,
    monitor: &'a Monitor,
}

impl Kernel for Explain<'_> {
    type Output = Result<(Vec<f64>, f64), Error>;
    fn call<T: Packed>(self, x: ArrayView2<'_, T>) -> Self::Output {
        iforest::explain(self.forest, x, self.threads, self.monitor)
    }
}

struct FindInfinite<'a> {
    threads: usize,
    monitor: &'a Monitor,
}

impl Kernel for FindInfinite<'_> {
    type Output = Result<Option<(usize, usize)>, Error>;
    fn call<T: Packed>(self, x: ArrayView2<'_, T>) -> Self::Output {
        iforest::find_infinite(x, self.threads, self.monitor)
    }
}

/// The first infinite value of `x`, row by row, as (row, column).
#[pyfunction]
#[pyo3(signature = (x, *, n_jobs=None))]
pub fn find_infinite(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    n_jobs: Option<isize>,
) -> PyResult<Option<(usize, usize)>> {
    let x = Matrix::extract(x, "X")?;
    let (rows, columns) = x.shape();
    let threads = threads(n_jobs)?;
    let x = view(&x);
    run(py, (rows * columns) as u64, rows as u64, None, |monitor| {
        with(x, FindInfinite { threads, monitor })
    })
}

/// Expected depth of an absent key in a random binary tree of `n` keys.
#[pyfunction]
pub fn average_path_length(n: u32) -> f64 {
    iforest::average_path_length(n)
}

impl PyForest {
    fn sums<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        depths: bool,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let x = Matrix::extract(x, "X")?;
        let forest = &*self.0;
        let rows = x.shape().0 as u64;
        let estimate = rows * forest.row_cost();
        // One row is not worth asking the environment for a number of threads.
        let threads = if rows > 1 { threads(n_jobs)? } else { 1 };
        let x = view(&x);
        let sums = run(py, estimate, rows, progress, |monitor| {
            let kernel = Score {
                forest,
                depths,
                threads,
                monitor,
            };
            with(x, kernel)
        })?;
        Ok(sums.into_pyarray(py))
    }
}

#[pymethods]
impl PyForest {
    /// Grows a forest; the defaults are those of scikit-learn.
    #[staticmethod]
    #[pyo3(signature = (
        x, *, n_estimators=100, max_samples=256, max_features=None, bootstrap=false,
        columns_per_split=1, gain=0.0, categorical=None, sample_weight=None, seed=0, first_tree=0,
        n_jobs=None, progress=None,
    ))]
    #[allow(clippy::too_many_arguments)] // the signature that Python sees
    fn fit(
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        n_estimators: usize,
        max_samples: usize,
        max_features: Option<usize>,
        bootstrap: bool,
        columns_per_split: usize,
        gain: f64,
        categorical: Option<Vec<usize>>,
        sample_weight: Option<PyReadonlyArray1<'_, f64>>,
        seed: u64,
        first_tree: u64,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let x = Matrix::extract(x, "X")?;
        let weight = sample_weight.as_ref().map(|w| match w.as_slice() {
            Ok(values) => values.to_vec(),
            Err(_) => w.as_array().to_vec(),
        });
        let max_features = max_features.unwrap_or(x.shape().1);
        let settings = FitSettings {
            n_estimators,
            max_samples,
            max_features,
            bootstrap,
            columns_per_split,
            gain,
            categorical: categorical.unwrap_or_default(),
            sample_weight: weight.as_deref(),
            seed,
            first_tree,
        };
        let threads = threads(n_jobs)?;
        let trees = n_estimators as u64;
        let cost = max_samples.saturating_mul(100 + 10 * max_features) as u64;
        let estimate = trees.saturating_mul(cost) / threads as u64;
        let x = view(&x);
        let forest = run(py, estimate, trees, progress, |monitor| {
            let kernel = Fit {
                settings,
                threads,
                monitor,
            };
            with(x, kernel)
        })?;
        Ok(PyForest(Arc::new(forest)))
    }

    /// The score of each row, higher for the more normal one.
    #[pyo3(signature = (x, *, n_jobs=None, progress=None))]
    fn score_samples<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        self.sums(py, x, false, n_jobs, progress)
    }

    /// The mean path length of each row.
    #[pyo3(signature = (x, *, n_jobs=None, progress=None))]
    fn depths<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        self.sums(py, x, true, n_jobs, progress)
    }

    /// What each column adds to the exponent of each row's score, and the base.
    #[pyo3(signature = (x, *, n_jobs=None, progress=None))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        n_jobs: Option<isize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, f64)> {
        let x = Matrix::extract(x, "X")?;
        let forest = &*self.0;
        let threads = threads(n_jobs)?;
        let (rows, columns) = x.shape();
        let estimate = rows as u64 * 3 * forest.row_cost();
        let x = view(&x);
        let (out, base) = run(py, estimate, rows as u64, progress, |monitor| {
            let kernel = Explain {
                forest,
                threads,
                monitor,
            };
            with(x, kernel)
        })?;
        let out = out.into_pyarray(py).reshape([rows, columns])?;
        Ok((out, base))
    }

    /// Mean absolute contribution of each column over the trees' own rows.
    fn importances<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.0.importances().into_pyarray(py)
    }

    /// These trees, then those of `other`.
    fn extended_by(&self, other: &Self) -> PyResult<Self> {
        Ok(PyForest(Arc::new(self.0.extended_by(&other.0)?)))
    }

    /// Trees `start` to `stop`.
    fn subset(&self, start: usize, stop: usize) -> PyResult<Self> {
        Ok(PyForest(Arc::new(self.0.subset(start..stop)?)))
    }

    /// The forest as flat arrays, by name.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arrays = PyDict::new(py);
        let mut failed = Ok(());
        self.0.visit(|name, array| {
            if failed.is_ok() {
                failed = model::to_numpy(py, &array).and_then(|a| arrays.set_item(name, a));
            }
        });
        failed?;
        Ok(arrays)
    }

    /// The forest as the bytes of a model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py
            .detach(|| self.0.to_bytes())
            .map_err(|error| model::refusal(error, "the forest"))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The forest of such bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let forest = py.detach(|| {
            let model = Model::from_bytes(data.to_vec())?;
            iforest::Forest::from_model(&model)
        });
        match forest {
            Ok(forest) => Ok(PyForest(Arc::new(forest))),
            Err(error) => Err(model::refusal(error, "data")),
        }
    }

    /// Writes a model file with the caller's text and arrays.
    #[pyo3(signature = (path, metadata_json="{}", extra=None))]
    fn save(
        &self,
        py: Python<'_>,
        path: PathBuf,
        metadata_json: &str,
        extra: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let extra = extra.map(Written::extract).transpose()?.unwrap_or_default();
        py.detach(|| self.0.save(&path, metadata_json, &extra.arrays()))
            .map_err(|error| model::refusal(error, &path.to_string_lossy()))
    }

    /// Reads a model file: the forest, the caller's text and arrays.
    #[staticmethod]
    fn load<'py>(py: Python<'py>, path: PathBuf) -> PyResult<(Self, String, Bound<'py, PyDict>)> {
        let read = py.detach(|| {
            let model = Model::open(&path)?;
            iforest::Forest::from_model(&model).map(|forest| (model, forest))
        });
        let (model, forest) = read.map_err(|e| model::refusal(e, &path.to_string_lossy()))?;
        let metadata = model.metadata().to_owned();
        let extra = model::arrays(py, model, |name| !name.starts_with("forest/"))?;
        Ok((PyForest(Arc::new(forest)), metadata, extra))
    }

    #[getter]
    fn n_trees(&self) -> usize {
        self.0.n_trees()
    }

    #[getter]
    fn n_features(&self) -> usize {
        self.0.n_features()
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.0.n_nodes()
    }

    #[getter]
    fn max_samples(&self) -> u32 {
        self.0.max_samples()
    }

    #[getter]
    fn columns_per_split(&self) -> usize {
        self.0.columns_per_split()
    }

    #[getter]
    fn gain(&self) -> f64 {
        self.0.gain()
    }

    #[getter]
    fn is_oblique(&self) -> bool {
        self.0.is_oblique()
    }

    #[getter]
    fn categorical(&self) -> Vec<u32> {
        self.0.categorical().to_vec()
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let bytes = slf.get().to_bytes(slf.py())?;
        Ok((slf.get_type().getattr("from_bytes")?, (bytes,)))
    }

    fn __repr__(&self) -> String {
        let (trees, features) = (self.0.n_trees(), self.0.n_features());
        format!("<Forest of {trees} trees on {features} features>")
    }
}
