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
use crate::error::Error;
use crate::float::{Float, Infinity};
use crate::parallel::threads;
use crate::rolling::cusum::{self as cusum_kernel, Baseline, CusumOptions};
use crate::rolling::ewm::{self as ewm_kernel, EwmOptions, EwmStatistic};
use crate::rolling::statistic::answer;
use crate::rolling::{
    Closed, Parameters, Settings, Span, Statistic, Task, each_series, rolling as rolling_kernel,
};

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
    if statistics.iter().any(Statistic::needs_y) && y.is_none() {
        return Err(without_y());
    }
    let cost = statistics.iter().map(Statistic::cost).sum();
    let kernel = Rolling {
        statistics: &statistics,
    };
    Call {
        outputs: statistics.len(),
        cost,
        settings: &settings,
        n_jobs,
        progress,
    }
    .of_either(py, x, y, &kernel)
}

/// Exponentially weighted statistics of `x`, one array for each.
#[pyfunction]
#[pyo3(signature = (
    x, statistics, *, alpha, adjust=true, ignore_na=false, bias=false, min_periods=0, y=None,
    times=None, halflife_s=None, time_unit=1e-9, groups=None, ieee=false, n_jobs=None, progress=None
))]
#[allow(clippy::too_many_arguments)] // the signature of the Python function
pub fn ewm<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    statistics: Vec<String>,
    alpha: f64,
    adjust: bool,
    ignore_na: bool,
    bias: bool,
    min_periods: usize,
    y: Option<&Bound<'py, PyAny>>,
    times: Option<PyReadonlyArray1<'py, i64>>,
    halflife_s: Option<f64>,
    time_unit: f64,
    groups: Option<PyReadonlyArray1<'py, i64>>,
    ieee: bool,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Vec<Py<PyAny>>> {
    let statistics = statistics
        .iter()
        .map(|name| EwmStatistic::parse(name))
        .collect::<Result<Vec<_>, _>>()?;
    if statistics.iter().any(|s| s.is_joint()) && y.is_none() {
        return Err(without_y());
    }
    let settings = Settings {
        infinity: if ieee {
            Infinity::Ieee
        } else {
            Infinity::Missing
        },
        times: times.as_ref().map(|t| t.as_slice()).transpose()?,
        time_unit,
        groups: groups.as_ref().map(|g| g.as_slice()).transpose()?,
        ..Settings::new(Span::Expanding)
    };
    let options = EwmOptions {
        alpha,
        adjust,
        ignore_na,
        bias,
        min_periods,
    };
    let kernel = Ewm {
        options,
        statistics: &statistics,
        halflife_s,
    };
    let cost = 10 * statistics.len() as u64;
    Call {
        outputs: statistics.len(),
        cost,
        settings: &settings,
        n_jobs,
        progress,
    }
    .of_either(py, x, y, &kernel)
}

/// Upper and lower cumulative sums of the z-scores `x`, and their alarms (1, 0 or -1).
#[pyfunction]
#[pyo3(signature = (x, *, k, h, reset=true, groups=None, n_jobs=None, progress=None))]
#[allow(clippy::too_many_arguments)] // the signature of the Python function
pub fn cusum<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    k: f64,
    h: f64,
    reset: bool,
    groups: Option<PyReadonlyArray1<'py, i64>>,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Vec<Py<PyAny>>> {
    let settings = Settings {
        groups: groups.as_ref().map(|g| g.as_slice()).transpose()?,
        ..Settings::new(Span::Expanding)
    };
    let kernel = Cusum(CusumOptions { k, h, reset });
    Call {
        outputs: 3,
        cost: 10,
        settings: &settings,
        n_jobs,
        progress,
    }
    .of_either(py, x, None, &kernel)
}

/// A kernel for series of either type.
trait EitherKernel: Sync {
    fn answer<T: Float>(
        &self,
        task: &Task<T>,
        seconds: Option<&[f64]>,
        out: &mut [&mut [T]],
    ) -> Result<(), Error>;
    /// The statistics, if they are those of [`rolling`].
    fn statistics(&self) -> &[Statistic] {
        &[]
    }
    /// Whether it reads times in seconds.
    fn reads_seconds(&self) -> bool {
        false
    }
}

struct Rolling<'a> {
    statistics: &'a [Statistic],
}

impl EitherKernel for Rolling<'_> {
    fn answer<T: Float>(
        &self,
        task: &Task<T>,
        seconds: Option<&[f64]>,
        out: &mut [&mut [T]],
    ) -> Result<(), Error> {
        answer(task, seconds, self.statistics, out)
    }

    fn statistics(&self) -> &[Statistic] {
        self.statistics
    }

    fn reads_seconds(&self) -> bool {
        self.statistics.contains(&Statistic::Slope)
    }
}
struct Ewm<'a> {
    options: EwmOptions,
    statistics: &'a [EwmStatistic],
    halflife_s: Option<f64>,
}

impl EitherKernel for Ewm<'_> {
    fn answer<T: Float>(
        &self,
        task: &Task<T>,
        seconds: Option<&[f64]>,
        out: &mut [&mut [T]],
    ) -> Result<(), Error> {
        let in_halflives = self.halflife_s.zip(seconds).map(|(halflife_s, seconds)| {
            seconds
                .windows(2)
                .map(|pair| (pair[1] - pair[0]) / halflife_s)
                .collect::<Vec<_>>()
        });
        ewm_kernel::ewm(
            task.x,
            task.y,
            in_halflives.as_deref(),
            &self.options,
            self.statistics,
            out,
        )
    }

    fn reads_seconds(&self) -> bool {
        self.halflife_s.is_some()
    }
}

struct Cusum(CusumOptions);

impl EitherKernel for Cusum {
    fn answer<T: Float>(
        &self,
        task: &Task<T>,
        _seconds: Option<&[f64]>,
        out: &mut [&mut [T]],
    ) -> Result<(), Error> {
        let [upper, lower, alarm] = out else {
            return Ok(());
        };
        let mut alarms = vec![0; alarm.len()];
        // z-scores have mean 0 and standard deviation 1 by their nature.
        let baseline = Baseline::Fixed {
            mean: 0.0,
            std: 1.0,
        };
        cusum_kernel::cusum(task.x, baseline, &self.0, upper, lower, &mut alarms)?;
        for (alarm, found) in alarm.iter_mut().zip(alarms) {
            *alarm = T::from_f64(f64::from(found));
        }
        Ok(())
    }
}

fn without_y() -> PyErr {
    Error::argument("y", "given for statistics of two series", "None").into()
}

/// What calls of all kernels share.
struct Call<'a> {
    /// Number of output arrays.
    outputs: usize,
    /// Nanoseconds an answer takes, roughly, all outputs together.
    cost: u64,
    settings: &'a Settings<'a>,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
}

impl Call<'_> {
    fn of_either<'py>(
        self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        y: Option<&Bound<'py, PyAny>>,
        kernel: &impl EitherKernel,
    ) -> PyResult<Vec<Py<PyAny>>> {
        if let Ok(x) = x.extract::<PyReadonlyArrayDyn<f64>>() {
            return self.of(py, &x, y, kernel);
        }
        if let Ok(x) = x.extract::<PyReadonlyArrayDyn<f32>>() {
            return self.of(py, &x, y, kernel);
        }
        Err(PyTypeError::new_err(
            "x must be a NumPy array of float32 or float64",
        ))
    }

    fn of<'py, T: Float + Element>(
        self,
        py: Python<'py>,
        x: &PyReadonlyArrayDyn<'py, T>,
        y: Option<&Bound<'py, PyAny>>,
        kernel: &impl EitherKernel,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let same_dtype = |_| PyTypeError::new_err("y must be a NumPy array of the dtype of x");
        let y: Option<PyReadonlyArrayDyn<T>> =
            y.map(|y| y.extract().map_err(same_dtype)).transpose()?;
        let view = columns("x", x)?;
        let second = y.as_ref().map(|y| columns("y", y)).transpose()?;
        let (n, series) = view.dim();
        // A step of zero is refused with the other settings.
        let answers = n.div_ceil(self.settings.step.max(1));
        let mut shape = x.shape().to_vec();
        shape[0] = answers;
        // Columns that are contiguous stay so.
        let by_column = n > 1 && series > 1 && view.strides()[0] == 1;
        let outputs: Vec<Bound<PyArrayDyn<T>>> = (0..self.outputs)
            .map(|_| room(py, &shape, by_column))
            .collect::<PyResult<_>>()?;
        let mut guards: Vec<_> = outputs.iter().map(|o| o.readwrite()).collect();
        let mut places = guards
            .iter_mut()
            .map(|guard| matrix(guard.as_array_mut()))
            .collect::<PyResult<Vec<ArrayViewMut2<T>>>>()?;
        let threads = threads(self.n_jobs)?;
        let total = (n * series) as u64;
        let settings = self.settings;
        run(
            py,
            total * self.cost / threads as u64,
            total,
            self.progress,
            move |monitor| {
                let answer = |task: &Task<T>, seconds: Option<&[f64]>, out: &mut [&mut [T]]| {
                    kernel.answer(task, seconds, out)
                };
                let statistics = kernel.statistics();
                if !statistics.is_empty() {
                    return rolling_kernel(
                        view,
                        second,
                        statistics,
                        settings,
                        &mut places,
                        threads,
                        monitor,
                    );
                }
                let seconds = kernel.reads_seconds();
                each_series(
                    view,
                    second,
                    settings,
                    seconds,
                    &answer,
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

/// Values of an array for which there may be no memory.
const LARGE: usize = 1 << 24;

/// An array to be filled, which must happen before Python sees it.
///
/// # Errors
///
/// `MemoryError` for a large array that does not fit.
fn room<'py, T: Float + Element>(
    py: Python<'py>,
    shape: &[usize],
    by_column: bool,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    if shape.iter().fold(1, |n: usize, &k| n.saturating_mul(k)) >= LARGE {
        // NumPy's own function says that there is no room; the constructor would panic.
        let options = PyDict::new(py);
        options.set_item("dtype", numpy::dtype::<T>(py))?;
        options.set_item("order", if by_column { "F" } else { "C" })?;
        let shape = PyTuple::new(py, shape)?;
        let made = py
            .import("numpy")?
            .call_method("empty", (shape,), Some(&options))?;
        return Ok(made.cast_into()?);
    }
    // SAFETY: numbers of any bits are numbers, and each place is written before Python sees the
    // array: `each_series` answers every row, or fails. Zeroing first would take a quarter of the
    // time of a mean.
    Ok(unsafe { PyArrayDyn::new(py, shape.to_vec(), by_column) })
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
