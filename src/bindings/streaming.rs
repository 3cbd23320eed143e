//! Streams: states of keys behind a lock, so that any thread may feed them.

use std::sync::{Mutex, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::error::guard;
use super::kpi;
use super::run::run;
use crate::error::Error;
use crate::kpi::baseline::{Center, Season};
use crate::kpi::detect::{Combination, Detector};
use crate::kpi::monitor::{Clock, Expectation, Method, Monitor};
use crate::streaming::arrival::Arrival;
use crate::streaming::rules::{
    Count, Cusum, Ewm, EwmOutput, Extremes, Fading, FlatRun, Hysteresis, Length, Novelty,
    PageHinkley, Reference, Rolling, RollingOutput, Seasonal, Value,
};
use crate::streaming::{
    Answers, Kernel, Key, KeyColumn, Rule, Snapshot, SnapshotError, Stream, Table,
};

impl From<SnapshotError> for PyErr {
    fn from(error: SnapshotError) -> PyErr {
        PyValueError::new_err(format!("the snapshot {error}"))
    }
}

/// A rule by name with its parameters, as a tuple `(name, dict)`.
type Named<'py> = (String, Bound<'py, PyDict>);

/// The parameters of a rule; the Python module has checked them.
struct Given<'a, 'py>(&'a str, &'a Bound<'py, PyDict>);

impl<'py> Given<'_, 'py> {
    fn get<T>(&self, name: &str) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        match self.1.get_item(name)? {
            Some(value) => value.extract().map_err(Into::into),
            None => {
                let text = format!("rule {:?} needs the parameter {name:?}", self.0);
                Err(PyTypeError::new_err(text))
            }
        }
    }

    fn rolling(&self) -> PyResult<Rolling> {
        let (rows, span) = (
            self.get::<Option<usize>>("rows")?,
            self.get::<Option<i64>>("span")?,
        );
        let statistics: Vec<String> = self.get("statistics")?;
        Ok(Rolling {
            length: match (rows, span) {
                (Some(rows), _) if rows > 0 => Length::Rows(rows),
                (None, Some(span)) if span > 0 => Length::Time(span),
                _ => return Err(Error::argument("window", "at least 1", "0").into()),
            },
            statistics: statistics
                .iter()
                .map(|name| RollingOutput::parse(name))
                .collect::<Result<_, _>>()?,
            min_periods: self.get("min_periods")?,
            ddof: self.get("ddof")?,
            include_current: self.get("include_current")?,
        })
    }

    /// How a baseline is made.
    fn expectation(&self) -> PyResult<Expectation> {
        let method: String = self.get("method")?;
        Ok(Expectation {
            method: match method.as_str() {
                "hour of week" => Method::Seasonal(Season::Week),
                "time of day" => Method::Seasonal(Season::Day),
                "rolling" => Method::Rolling,
                "ewma" => Method::Ewma,
                "seasonal median" => Method::SeasonalMedian,
                other => {
                    let expected = "hour of week, time of day, rolling, ewma or seasonal median";
                    return Err(Error::argument("method", expected, other).into());
                }
            },
            center: if self.get("median")? {
                Center::Median
            } else {
                Center::Mean
            },
            window: self.get("window")?,
            min_periods: self.get("min_periods")?,
            include_current: self.get("include_current")?,
            floor: self.get("floor")?,
            min_scale: self.get("min_scale")?,
        })
    }

    /// Baseline and rules of a KPI.
    fn monitor(&self) -> PyResult<Monitor> {
        let mut rules = Vec::new();
        for named in self.get::<Vec<Bound<'py, PyAny>>>("rules")? {
            let name: String = named.get_item(0)?.extract()?;
            let given = named.get_item(1)?;
            rules.push(kpi::rule(&name, given.cast::<PyDict>()?)?);
        }
        let persistence: Vec<u32> = self.get("persistence")?;
        let &[rows, of_rows] = persistence.as_slice() else {
            let expected = "(k, n) with 1 <= k <= n <= 64";
            return Err(Error::argument("persistence", expected, persistence.len()).into());
        };
        let side: String = self.get("polarity")?;
        let combination = Combination {
            need: self.get("need")?,
            rows,
            of_rows,
            min_duration: self.get("min_duration")?,
            merge_gap: self.get("merge_gap")?,
            refractory: self.get("refractory")?,
        };
        let detector = Detector::new(rules, kpi::side(&side)?, combination)?;
        let robust = match self.get::<Option<Bound<'py, PyDict>>>("robust")? {
            Some(given) => Some(Given(self.0, &given).expectation()?),
            None => None,
        };
        let mut changes = Vec::new();
        for change in self.get::<Vec<Vec<i64>>>("clock")? {
            match change.as_slice() {
                &[from, ahead] => changes.push((from, ahead)),
                other => {
                    let expected = "pairs of a time and what is added to it";
                    return Err(Error::argument("clock", expected, other.len()).into());
                }
            }
        }
        let clock = Clock(changes);
        Ok(Monitor::new(self.expectation()?, robust, detector, clock)?)
    }

    fn kernel(&self) -> PyResult<Box<dyn Kernel>> {
        Ok(match self.0 {
            "kpi" => table(self.monitor()?),
            "rolling" => table(self.rolling()?),
            "count" => table(Count {
                span: self.get("span")?,
            }),
            "ewm" => {
                let statistics: Vec<String> = self.get("statistics")?;
                table(Ewm {
                    fading: match self.get::<Option<f64>>("halflife_s")? {
                        Some(halflife_s) => Fading::Time {
                            half: 1.0 - self.get::<f64>("alpha")?,
                            halflife_s,
                            unit_s: self.get("unit_s")?,
                        },
                        None => Fading::Rows {
                            alpha: self.get("alpha")?,
                        },
                    },
                    statistics: statistics
                        .iter()
                        .map(|name| EwmOutput::parse(name))
                        .collect::<Result<_, _>>()?,
                    min_periods: self.get("min_periods")?,
                })
            }
            "extremes" => table(Extremes {
                min_periods: self.get("min_periods")?,
            }),
            "flat_run" => table(FlatRun {
                tolerance: self.get("tolerance")?,
                unit_s: self.get("unit_s")?,
            }),
            "hysteresis" => table(Hysteresis {
                on: self.get("on")?,
                off: self.get("off")?,
            }),
            "novelty" => table(Novelty {
                span: self.get("span")?,
                warm_up: self.get("warm_up")?,
                floor: self.get("floor")?,
            }),
            "seasonal" => {
                let (resolution, seasons) = (self.get("resolution")?, self.get("seasons")?);
                if resolution < 1 || !(1..=1_000_000).contains(&seasons) {
                    let expected = "a whole number of seasons of at least 1 ns, at most a million";
                    return Err(Error::argument("period", expected, seasons).into());
                }
                table(Seasonal::new(self.rolling()?, resolution, seasons))
            }
            "cusum" => table(Cusum {
                k: self.get("k")?,
                h: self.get("h")?,
                reset: self.get("reset")?,
                reference: match self.get::<Option<f64>>("mean")? {
                    Some(mean) => Reference::Fixed {
                        mean,
                        std: self.get("std")?,
                    },
                    None => Reference::Rows(self.rolling()?),
                },
            }),
            "value" => table(Value),
            "page_hinkley" => table(PageHinkley {
                delta: self.get("delta")?,
                threshold: self.get("threshold")?,
                min_periods: self.get("min_periods")?,
            }),
            other => {
                let text = format!("there is no streaming rule {other:?}");
                return Err(PyTypeError::new_err(text));
            }
        })
    }
}

fn table<R: Rule + 'static>(rule: R) -> Box<dyn Kernel>
where
    R::State: 'static,
{
    Box::new(Table::new(rule))
}

/// Estimated work of an event and a rule, in nanoseconds.
const NS: u64 = 60;

/// The states of a stream.
#[pyclass(frozen, module = "linewatch._core")]
pub struct StreamState {
    stream: Mutex<Stream>,
    rules: u64,
}

/// Keys as Python hands them over.
enum Keys<'py> {
    One(Key),
    Numbers(PyReadonlyArray1<'py, i64>),
    Texts(Vec<Bound<'py, PyString>>),
}

impl<'py> Keys<'py> {
    fn extract(keys: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = keys.extract::<&str>() {
            return Ok(Keys::One(Key::Text(text.into())));
        }
        if let Ok(number) = keys.extract::<i64>() {
            return Ok(Keys::One(Key::Number(number)));
        }
        if let Ok(numbers) = keys.extract() {
            return Ok(Keys::Numbers(numbers));
        }
        let list = keys.cast::<PyList>()?;
        let mut texts = Vec::with_capacity(list.len());
        for (row, key) in list.iter().enumerate() {
            let text = key.cast_into::<PyString>().map_err(|error| {
                let found = error.into_inner();
                let kind = found.get_type();
                let found = kind.name().map(|name| name.to_string()).unwrap_or_default();
                PyTypeError::new_err(format!(
                    "key[{row}] is of type {found}; expected text or whole numbers, one of them \
                     throughout"
                ))
            })?;
            texts.push(text);
        }
        Ok(Keys::Texts(texts))
    }
}

type Columns<'py> = (
    Bound<'py, PyArray1<u64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<f64>>,
);

fn columns(py: Python<'_>, answers: Answers) -> Columns<'_> {
    (
        answers.rows.into_pyarray(py),
        answers.slots.into_pyarray(py),
        answers.times.into_pyarray(py),
        answers.values.into_pyarray(py),
        answers.status.into_pyarray(py),
        answers.outputs.into_pyarray(py),
    )
}

fn key_object<'py>(py: Python<'py>, key: &Key) -> PyResult<Bound<'py, PyAny>> {
    Ok(match key {
        Key::Number(number) => number.into_pyobject(py)?.into_any(),
        Key::Text(text) => PyString::new(py, text).into_any(),
    })
}

fn key_of(key: &Bound<'_, PyAny>) -> PyResult<Key> {
    match Keys::extract(key)? {
        Keys::One(key) => Ok(key),
        _ => Err(PyTypeError::new_err("key must be one text or whole number")),
    }
}

impl StreamState {
    /// Calls `work` with the stream and without the interpreter lock.
    ///
    /// A panic leaves states half changed; whoever catches it is told so by the lock no more than
    /// once, and restores a snapshot.
    fn with<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Stream) -> PyResult<R> + Send,
    ) -> PyResult<R> {
        py.detach(|| {
            guard(|| {
                let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut stream)
            })
        })
    }
}

#[pymethods]
impl StreamState {
    #[new]
    #[pyo3(signature = (rules, *, lateness=0, keep_duplicates=false, restart_after=0))]
    fn new(
        rules: Vec<Named<'_>>,
        lateness: i64,
        keep_duplicates: bool,
        restart_after: u32,
    ) -> PyResult<Self> {
        let arrival = Arrival {
            lateness,
            keep_duplicates,
            restart_after,
        };
        let kernels: Vec<_> = rules
            .iter()
            .map(|(name, given)| Given(name, given).kernel())
            .collect::<PyResult<_>>()?;
        Ok(StreamState {
            rules: kernels.len() as u64,
            stream: Mutex::new(Stream::new(arrival, kernels)?),
        })
    }

    /// Numbers told of an event.
    #[getter]
    fn width(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |stream| Ok(stream.width()))
    }

    /// Events so far, those taken, late, doubled and restarting, and those that wait.
    fn counts(&self, py: Python<'_>) -> PyResult<(u64, [u64; 4], usize)> {
        self.with(py, |s| Ok((s.rows(), s.counts(), s.waiting())))
    }

    /// Takes events: rows, slots, times, values, status and outputs (row after row) of those that
    /// leave.
    fn update<'py>(
        &self,
        py: Python<'py>,
        keys: &Bound<'py, PyAny>,
        times: PyReadonlyArray1<'py, i64>,
        values: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Columns<'py>> {
        let keys = Keys::extract(keys)?;
        let (times, values) = (times.as_slice()?, values.as_slice()?);
        let mut texts = Vec::new();
        let column = match &keys {
            Keys::One(key) => KeyColumn::One(key),
            Keys::Numbers(numbers) => KeyColumn::Numbers(numbers.as_slice()?),
            Keys::Texts(keys) => {
                texts.reserve(keys.len());
                for key in keys {
                    texts.push(key.to_str()?);
                }
                KeyColumn::Texts(&texts)
            }
        };
        let n = times.len() as u64;
        let answers = run(py, n * NS * (self.rules + 1), n, None, |monitor| {
            let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            stream.update(column, times, values, monitor)
        })?;
        Ok(columns(py, answers))
    }

    /// Lets all events leave that wait.
    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Columns<'py>> {
        let answers = self.with(py, |stream| Ok(stream.flush()))?;
        Ok(columns(py, answers))
    }

    /// The keys of some slots.
    fn keys_of<'py>(
        &self,
        py: Python<'py>,
        slots: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let slots = slots.as_array().to_vec();
        let keys = self.with(py, |stream| {
            let key = |slot: &u32| stream.keys().key(*slot).cloned();
            Ok(slots.iter().map(key).collect::<Vec<_>>())
        })?;
        keys.iter()
            .map(|key| match key {
                Some(key) => key_object(py, key),
                None => Ok(py.None().into_bound(py)),
            })
            .collect()
    }

    /// All keys, and the newest time of each.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyAny>, Option<i64>)>> {
        let keys = self.with(py, |stream| {
            let keys = stream.keys().iter();
            let all = keys.map(|(slot, key)| (key.clone(), stream.newest(slot)));
            Ok(all.collect::<Vec<_>>())
        })?;
        keys.iter()
            .map(|(key, newest)| Ok((key_object(py, key)?, *newest)))
            .collect()
    }

    /// Forgets a key; False if it is not known.
    fn forget(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let key = key_of(key)?;
        self.with(py, |stream| Ok(stream.forget(&key)))
    }

    /// Forgets the keys without an event from `time` on; how many they were.
    fn forget_before(&self, py: Python<'_>, time: i64) -> PyResult<usize> {
        self.with(py, |stream| Ok(stream.forget_before(time)))
    }

    /// The stream as bytes, with a text.
    fn snapshot<'py>(&self, py: Python<'py>, metadata: &str) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |stream| Ok(stream.snapshot(metadata)?))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Takes over the keys and states of a snapshot; this stream must be new.
    fn restore(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        let bytes = bytes.to_vec();
        self.with(py, |stream| {
            let snapshot = Snapshot::open(bytes)?;
            Ok(stream.restore(&snapshot)?)
        })
    }
}

/// The text of a snapshot, which is checked first.
#[pyfunction]
pub fn snapshot_metadata(bytes: &[u8]) -> PyResult<String> {
    let snapshot = guard(|| Snapshot::open(bytes.to_vec()))?;
    Ok(snapshot.metadata().to_owned())
}
