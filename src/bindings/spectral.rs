//! Features of windows: bands, spectra, order of values.

use numpy::{PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::run::run;
use super::wavelet::FilterBank;
use crate::error::Error;
use crate::parallel::threads;
use crate::wavelet::feature::Feature;
use crate::wavelet::features::{Settings, features};
use crate::wavelet::windows::runs;
use crate::wavelet::{Mode, Real};

/// A feature as the Python module hands it over: a name with its parameters.
fn feature(given: &Bound<'_, PyTuple>) -> PyResult<Feature> {
    let name: String = given.get_item(0)?.extract()?;
    let own = given.iter().skip(1).map(|value| value.extract());
    let own = own.collect::<PyResult<Vec<f64>>>()?;
    Ok(Feature::parse(&name, &own)?)
}

/// Features of the windows `x[start..start + length]`: an array of windows by columns.
#[pyfunction]
#[pyo3(signature = (
    x, starts, lengths, bank, features, *, mode, level, adapt=false, n_jobs=None, progress=None
))]
#[allow(clippy::too_many_arguments)] // the signature of the Python function
pub fn window_features<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    starts: PyReadonlyArray1<'py, i64>,
    lengths: PyReadonlyArray1<'py, i64>,
    bank: &FilterBank,
    features: Vec<Bound<'py, PyTuple>>,
    mode: &str,
    level: usize,
    adapt: bool,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let features: Vec<Feature> = features.iter().map(feature).collect::<PyResult<_>>()?;
    let settings = Settings {
        bank: bank.filters(),
        mode: Mode::parse(mode)?,
        level,
        adapt,
        features: &features,
    };
    let whole = |value: &i64| {
        usize::try_from(*value).map_err(|_| Error::argument("window", "not negative", value))
    };
    let starts = starts.as_array();
    let lengths = lengths.as_array();
    if starts.len() != lengths.len() {
        return Err(Error::Length {
            name: "lengths",
            expected: starts.len(),
            found: lengths.len(),
        }
        .into());
    }
    let windows = starts.iter().zip(lengths);
    let windows: Vec<(usize, usize)> = windows
        .map(|(start, length)| Ok((whole(start)?, whole(length)?)))
        .collect::<Result<_, Error>>()?;
    let call = Call {
        windows: &windows,
        settings: &settings,
        n_jobs,
        progress,
    };
    if let Ok(x) = x.extract::<PyReadonlyArray1<f64>>() {
        return call.run(py, x.as_slice()?);
    }
    let x: PyReadonlyArray1<f32> = x.extract()?;
    call.run(py, x.as_slice()?)
}

/// Where each run of equal codes starts and how long it is, if the codes never decrease and none is
/// negative.
#[pyfunction]
pub fn group_runs<'py>(
    py: Python<'py>,
    codes: PyReadonlyArray1<'py, i64>,
) -> PyResult<Option<Runs<'py>>> {
    let codes = codes.as_slice()?;
    let Some((starts, lengths)) = runs(codes) else {
        return Ok(None);
    };
    Ok(Some((
        PyArray1::from_vec(py, starts),
        PyArray1::from_vec(py, lengths),
    )))
}

/// Starts and lengths.
type Runs<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

struct Call<'a> {
    windows: &'a [(usize, usize)],
    settings: &'a Settings<'a>,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
}

impl Call<'_> {
    fn run<T: Real + numpy::Element>(self, py: Python<'_>, x: &[T]) -> PyResult<Py<PyAny>> {
        let threads = threads(self.n_jobs)?;
        let (rows, columns) = (self.windows.len(), self.settings.columns());
        let values: usize = self.windows.iter().map(|w| w.1).sum();
        let out = run(
            py,
            4 * values as u64,
            rows as u64,
            self.progress,
            |monitor| {
                let mut out = vec![T::ZERO; rows * columns];
                features(x, self.windows, self.settings, threads, monitor, &mut out)?;
                Ok(out)
            },
        )?;
        let out = ndarray::Array2::from_shape_vec((rows, columns), out).expect("made so long");
        Ok(PyArray2::from_owned_array(py, out).into_any().unbind())
    }
}
