//! Rolling, exponentially weighted and cumulative statistics of NumPy arrays.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Ix2};
use numpy::{
    Element, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArrayDyn,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::run::run;
use crate::float::{Float, Infinity};
use crate::parallel::threads;
use crate::rolling::{Closed, Parameters, Settings, Span, Statistic};

/// A statistic by name with its parameters, as a tuple `(name, dict)`.
type Named<'py> = (String, Bound<'py, PyDict>);

fn statistics(named: &[Named]) -> PyResult<Vec<Statistic>> {
    named
        .iter()
        .map(|(name, given)| Ok(Statistic::parse(name, &parameters(given)?)?))
        .collect()
}

fn parameters(given: &Bound<PyDict>) -> PyResult<Parameters> {
    let mut p = Parameters::default();
    for (name, value) in given {
        match name.extract::<String>()?.as_str() {
            "ddof" => p.ddof = value.extract()?,
            "q" => p.q = value.extract()?,
            "interpolation" => p.interpolation = value.extract()?,
            "method" => p.method = value.extract()?,
            "ascending" => p.ascending = value.extract()?,
            "pct" => p.pct = value.extract()?,
            "threshold" => p.threshold = value.extract()?,
            "lag" => p.lag = value.extract()?,
            "bins" => p.bins = value.extract()?,
            "compensated" => p.compensated = value.extract()?,
            other => {
                let text = format!("a rolling statistic has no parameter {other:?}");
                return Err(PyTypeError::new_err(text));
            }
        }
    }
    Ok(p)
}

/// A window as the Python module hands it over.
enum Window<'py> {
    Rows(usize),
    Time(i64),
    Expanding,
    Bounds(PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>),
}

impl<'py> Window<'py> {
    fn extract(window: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(rows) = window.extract::<usize>() {
            return Ok(Window::Rows(rows));
        }
        if let Ok(name) = window.extract::<String>()
            && name == "expanding"
        {
            return Ok(Window::Expanding);
        }
        if let Ok(tuple) = window.cast::<PyTuple>() {
            match tuple.get_item(0)?.extract::<String>()?.as_str() {
                "span" => return Ok(Window::Time(tuple.get_item(1)?.extract()?)),
                "bounds" => {
                    let (start, end) = (tuple.get_item(1)?, tuple.get_item(2)?);
                    return Ok(Window::Bounds(start.extract()?, end.extract()?));
                }
                _ => {}
            }
        }
        let text = format!("window must be a number of rows, a span or bounds, got {window}");
        Err(PyTypeError::new_err(text))
    }

    fn span(&self) -> PyResult<Span<'_>> {
        Ok(match self {
            Window::Rows(rows) => Span::Rows(*rows),
            Window::Time(span) => Span::Time(*span),
            Window::Expanding => Span::Expanding,
            Window::Bounds(start, end) => Span::Bounds(start.as_slice()?, end.as_slice()?),
        })
    }
}

/// The statistics of `x` in a window, one array for each.
#[pyfunction]
#[pyo3(signature = (
    x, statistics, window, *, y=None, times=None, groups=None, center=false, closed=None, step=1,
    min_periods=None, include_current=true, ieee=false, time_unit=1e-9, n_jobs=None, progress=None
))]
#[allow(clippy::too_many_arguments)] // the signature of the Python function
pub fn rolling<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    statistics: Vec<Named<'py>>,
    window: &Bound<'py, PyAny>,
    y: Option<&Bound<'py, PyAny>>,
    times: Option<PyReadonlyArray1<'py, i64>>,
    groups: Option<PyReadonlyArray1<'py, i64>>,
    center: bool,
    closed: Option<&str>,
    step: usize,
    min_periods: Option<usize>,
    include_current: bool,
    ieee: bool,
    time_unit: f64,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Vec<Py<PyAny>>> {
    let statistics = self::statistics(&statistics)?;
    let window = Window::extract(window)?;
    let settings = Settings {
        span: window.span()?,
        center,
        closed: closed.map(Closed::parse).transpose()?,
        step,
        min_periods,
        include_current,
        infinity: if ieee {
            Infinity::Ieee
        } else {
            Infinity::Missing
        },
        times: times.as_ref().map(|t| t.as_slice()).transpose()?,
        time_unit,
        groups: groups.as_ref().map(|g| g.as_slice()).transpose()?,
    };
    let call = Call {
        statistics: &statistics,
        settings: &settings,
        threads: threads(n_jobs)?,
        progress,
    };
    if let Ok(x) = x.extract::<PyReadonlyArrayDyn<f64>>() {
        return call.answer(py, &x, y);
    }
    if let Ok(x) = x.extract::<PyReadonlyArrayDyn<f32>>() {
        return call.answer(py, &x, y);
    }
    Err(PyTypeError::new_err(
        "x must be a NumPy array of float32 or float64",
    ))
}

struct Call<'a> {
    statistics: &'a [Statistic],
    settings: &'a Settings<'a>,
    threads: usize,
    progress: Option<Py<PyAny>>,
}

impl Call<'_> {
    fn answer<'py, T: Float + Element>(
        self,
        py: Python<'py>,
        x: &PyReadonlyArrayDyn<'py, T>,
        y: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let y =
            match y {
                Some(y) => Some(y.extract::<PyReadonlyArrayDyn<T>>().map_err(|_| {
                    PyTypeError::new_err("y must be a NumPy array of the dtype of x")
                })?),
                None => None,
            };
        let view = columns("x", x)?;
        let second = y.as_ref().map(|y| columns("y", y)).transpose()?;
        let (n, series) = view.dim();
        // A step of zero is refused by the settings, below.
        let answers = n.div_ceil(self.settings.step.max(1));
        let mut shape = x.shape().to_vec();
        shape[0] = answers;
        // Columns that are contiguous stay so.
        let by_column = view.ndim() == 2 && n > 1 && view.strides()[0] == 1 && series > 1;
        let outputs: Vec<Bound<PyArrayDyn<T>>> = self
            .statistics
            .iter()
            .map(|_| PyArrayDyn::zeros(py, shape.clone(), by_column))
            .collect();
        let mut guards: Vec<_> = outputs.iter().map(|o| o.readwrite()).collect();
        let mut places = guards
            .iter_mut()
            .map(|guard| matrix(guard.as_array_mut()))
            .collect::<PyResult<Vec<ArrayViewMut2<T>>>>()?;
        let cost: u64 = self.statistics.iter().map(Statistic::cost).sum();
        let total = (n * series) as u64;
        let Call {
            statistics,
            settings,
            threads,
            progress,
        } = self;
        run(
            py,
            total * cost / threads as u64,
            total,
            progress,
            move |monitor| {
                crate::rolling::rolling(
                    view,
                    second,
                    statistics,
                    settings,
                    &mut places,
                    threads,
                    monitor,
                )
            },
        )?;
        drop(guards);
        Ok(outputs.into_iter().map(|o| o.into_any().unbind()).collect())
    }
}

/// One or two dimensions as columns.
fn columns<'a, T: Element>(
    name: &str,
    array: &'a PyReadonlyArrayDyn<'_, T>,
) -> PyResult<ArrayView2<'a, T>> {
    let view = array.as_array();
    let view = if view.ndim() == 1 {
        view.insert_axis(Axis(1))
    } else {
        view
    };
    view.into_dimensionality::<Ix2>().map_err(|_| {
        PyValueError::new_err(format!(
            "{name} must have one or two dimensions, got {}",
            array.ndim()
        ))
    })
}

fn matrix<T>(view: ndarray::ArrayViewMutD<T>) -> PyResult<ArrayViewMut2<T>> {
    let view = if view.ndim() == 1 {
        view.insert_axis(Axis(1))
    } else {
        view
    };
    let mismatch = |e: ndarray::ShapeError| PyValueError::new_err(e.to_string());
    view.into_dimensionality::<Ix2>().map_err(mismatch)
}
