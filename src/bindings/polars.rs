//! The expressions of the Polars plugin: columns in, columns out, one kernel called.
//!
//! Polars loads this library by its path and calls the functions below from its own threads, so
//! no interpreter lock is involved. They are never marked elementwise: a window reads other rows.

mod columns;
mod features;
mod ports;

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayViewMut1, Axis};
use polars_core::prelude::*;
use pyo3_polars::derive::polars_expr;
use pyo3_polars::export::polars_arrow::types::NativeType;
use serde::Deserialize;

use columns::Numbers;

use crate::error::Error;
use crate::float::{Float as Real, Infinity};
use crate::parallel::{Monitor, threads};
use crate::rolling::cusum::{Baseline, CusumOptions, cusum};
use crate::rolling::ewm::{EwmOptions, EwmStatistic, ewm};
use crate::rolling::series::Kernel;
use crate::rolling::{
    Closed, Parameters, Settings, Span, Statistic, each_series, rolling as kernel,
};

/// The field a statistic is called in a struct, its name and its own parameters.
#[derive(Deserialize)]
struct Wanted(String, String, BTreeMap<String, Param>);

#[derive(Deserialize, Debug)]
#[serde(untagged)]
enum Param {
    Flag(bool),
    Whole(i64),
    Real(f64),
    Word(String),
}

/// The options of an expression, as python/linewatch/interop/polars.py writes them. Python leaves
/// out what has its default: they are read once for every group of an `over`.
///
/// Inputs come in the order x, y if `pair`, times if `timed`, then the columns of `groups`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Options {
    statistics: Vec<Wanted>,
    /// Whether the answer is a struct even of one statistic.
    many: bool,
    pair: bool,
    timed: bool,
    /// Rows in a window, nanoseconds in a window, or neither: all rows so far.
    rows: Option<i64>,
    span: Option<i64>,
    center: bool,
    closed: Option<String>,
    without_current: bool,
    min_periods: Option<i64>,
    ieee: bool,
    n_jobs: Option<i64>,
    /// The statistics are exponentially weighted.
    ewm: Option<Fading>,
    /// The statistics are `upper`, `lower` and `alarm` of z-scores.
    cusum: Option<Alarm>,
}

#[derive(Deserialize)]
struct Fading {
    alpha: f64,
    halflife_s: Option<f64>,
    adjust: bool,
    ignore_na: bool,
    bias: bool,
}

#[derive(Deserialize)]
struct Alarm {
    k: f64,
    h: f64,
    reset: bool,
}

#[polars_expr(output_type_func_with_kwargs=rolling_field)]
fn rolling(inputs: &[Series], kwargs: Options) -> PolarsResult<Series> {
    let mut rest = inputs[1..].iter();
    let y = if kwargs.pair { rest.next() } else { None };
    let times = if kwargs.timed { rest.next() } else { None };
    let (times, time_unit) = times.map(columns::times).transpose()?.unzip();
    let keys = rest.as_slice();
    let groups = (!keys.is_empty())
        .then(|| columns::codes(keys))
        .transpose()?;
    let rows = Rows {
        name: inputs[0].name(),
        times: times.as_deref(),
        time_unit: time_unit.unwrap_or(1e-9),
        groups: groups.as_deref(),
        options: &kwargs,
    };
    let (x, y) = (Numbers::of(&inputs[0])?, y.map(Numbers::of).transpose()?);
    match (x, y) {
        (Numbers::F32(x), None) => rows.answer(&x, None),
        (Numbers::F32(x), Some(Numbers::F32(y))) => rows.answer(&x, Some(&y)),
        (x, y) => rows.answer(&x.into_f64(), y.map(Numbers::into_f64).as_deref()),
    }
}

fn rolling_field(inputs: &[Field], kwargs: Options) -> PolarsResult<Field> {
    let mut dtype = columns::answer_dtype(&inputs[0])?;
    if kwargs.pair && columns::answer_dtype(&inputs[1])? == DataType::Float64 {
        dtype = DataType::Float64;
    }
    if kwargs.timed && kwargs.span.is_some() {
        columns::check_times(&inputs[1 + usize::from(kwargs.pair)])?;
    }
    if kwargs.many {
        let field = |Wanted(field, ..): &Wanted| Field::new(field.as_str().into(), dtype.clone());
        dtype = DataType::Struct(kwargs.statistics.iter().map(field).collect());
    }
    Ok(Field::new(inputs[0].name().clone(), dtype))
}

/// The rows of a call, apart from their values.
struct Rows<'a> {
    name: &'a PlSmallStr,
    times: Option<&'a [i64]>,
    /// Seconds in one unit of `times`.
    time_unit: f64,
    groups: Option<&'a [i64]>,
    options: &'a Options,
}

impl Rows<'_> {
    /// Calls the kernel and names its answers.
    fn answer<T: Real + NativeType>(&self, x: &[T], y: Option<&[T]>) -> PolarsResult<Series> {
        let answers = self.call(x, y).map_err(refusal)?;
        let named = self.options.statistics.iter().zip(answers);
        let mut fields = named
            .map(|(Wanted(field, ..), values)| {
                let name = match self.options.many {
                    true => field.as_str().into(),
                    false => self.name.clone(),
                };
                Series::from_arrow(name, Box::new(columns::answers(values)))
            })
            .collect::<PolarsResult<Vec<_>>>()?;
        if self.options.many {
            let fields = StructChunked::from_series(self.name.clone(), x.len(), fields.iter())?;
            return Ok(fields.into_series());
        }
        Ok(fields.swap_remove(0))
    }

    fn call<T: Real>(&self, x: &[T], y: Option<&[T]>) -> Result<Vec<Vec<T>>, Error> {
        let settings = self.settings()?;
        let mut out = vec![vec![T::NAN; x.len()]; self.options.statistics.len()];
        let mut places: Vec<_> = out
            .iter_mut()
            .map(|out| ArrayViewMut1::from(out).insert_axis(Axis(1)))
            .collect();
        let column = |values| ArrayView1::from(values).insert_axis(Axis(1));
        let (x, y) = (column(x), y.map(column));
        // Polars computes several expressions at once, so one of them takes one thread.
        let threads = threads(Some(self.options.n_jobs.unwrap_or(1) as isize))?;
        let monitor = Monitor::default();
        let mut each = |seconds: bool, kernel: &Kernel<T>| {
            each_series(
                x,
                y,
                &settings,
                seconds,
                kernel,
                &mut places,
                threads,
                &monitor,
            )
        };
        match (&self.options.ewm, &self.options.cusum) {
            (Some(fading), _) => {
                let (options, statistics) = self.fading(fading)?;
                each(fading.halflife_s.is_some(), &|task, seconds, out| {
                    let halflives = fading.halflife_s.zip(seconds).map(|(halflife_s, seconds)| {
                        let pairs = seconds.windows(2);
                        pairs
                            .map(|p| (p[1] - p[0]) / halflife_s)
                            .collect::<Vec<_>>()
                    });
                    ewm(
                        task.x,
                        task.y,
                        halflives.as_deref(),
                        &options,
                        &statistics,
                        out,
                    )
                })
            }
            (None, Some(Alarm { k, h, reset })) => {
                let options = CusumOptions {
                    k: *k,
                    h: *h,
                    reset: *reset,
                };
                each(false, &|task, _, out| alarms(task.x, &options, out))
            }
            (None, None) => {
                let statistics = self.statistics()?;
                kernel(x, y, &statistics, &settings, &mut places, threads, &monitor)
            }
        }?;
        Ok(out)
    }

    fn settings(&self) -> Result<Settings<'_>, Error> {
        let options = self.options;
        let min_periods = options.min_periods.map(|m| count("min_periods", m));
        Ok(Settings {
            span: match (options.rows, options.span) {
                (Some(rows), _) => Span::Rows(count("window", rows)?),
                (None, Some(span)) => Span::Time(span),
                (None, None) => Span::Expanding,
            },
            center: options.center,
            closed: options.closed.as_deref().map(Closed::parse).transpose()?,
            step: 1,
            min_periods: min_periods.transpose()?,
            include_current: !options.without_current,
            infinity: match options.ieee {
                true => Infinity::Ieee,
                false => Infinity::Missing,
            },
            times: self.times,
            time_unit: self.time_unit,
            groups: self.groups,
        })
    }

    fn statistics(&self) -> Result<Vec<Statistic>, Error> {
        let wanted = self.options.statistics.iter();
        wanted
            .map(|Wanted(_, name, own)| Statistic::parse(name, &parameters(own)?))
            .collect()
    }

    fn fading(&self, fading: &Fading) -> Result<(EwmOptions, Vec<EwmStatistic>), Error> {
        let options = EwmOptions {
            alpha: fading.alpha,
            adjust: fading.adjust,
            ignore_na: fading.ignore_na,
            bias: fading.bias,
            min_periods: count("min_periods", self.options.min_periods.unwrap_or(0))?,
        };
        let wanted = self.options.statistics.iter();
        let statistics = wanted.map(|Wanted(_, name, _)| EwmStatistic::parse(name));
        Ok((options, statistics.collect::<Result<_, _>>()?))
    }
}

/// Cumulative sums of z-scores, whose baseline is 0 and 1 by their nature.
fn alarms<T: Real>(z: &[T], options: &CusumOptions, out: &mut [&mut [T]]) -> Result<(), Error> {
    let [upper, lower, alarm] = out else {
        return Ok(());
    };
    let mut found = vec![0; alarm.len()];
    let (mean, std) = (0.0, 1.0);
    cusum(
        z,
        Baseline::Fixed { mean, std },
        options,
        upper,
        lower,
        &mut found,
    )?;
    for (alarm, found) in alarm.iter_mut().zip(found) {
        *alarm = T::from_f64(f64::from(found));
    }
    Ok(())
}

/// The kernel's parameters of one statistic.
fn parameters(own: &BTreeMap<String, Param>) -> Result<Parameters, Error> {
    let mut p = Parameters::default();
    for (name, value) in own {
        match (name.as_str(), value) {
            ("ddof", Param::Whole(v)) => p.ddof = count("ddof", *v)?.try_into().unwrap_or(u32::MAX),
            ("lag", Param::Whole(v)) => p.lag = count("lag", *v)?,
            ("bins", Param::Whole(v)) => p.bins = count("bins", *v)?,
            ("q", v) => p.q = v.number("q")?,
            ("threshold", v) => p.threshold = v.number("threshold")?,
            ("ascending", Param::Flag(v)) => p.ascending = *v,
            ("pct", Param::Flag(v)) => p.pct = *v,
            ("compensated", Param::Flag(v)) => p.compensated = *v,
            ("interpolation", Param::Word(v)) => p.interpolation.clone_from(v),
            ("method", Param::Word(v)) => p.method.clone_from(v),
            (name, v) => {
                let found = format_args!("{name}={v:?}");
                let expected = "given parameters they have, of their types";
                return Err(Error::argument("statistics", expected, found));
            }
        }
    }
    Ok(p)
}

impl Param {
    fn number(&self, name: &'static str) -> Result<f64, Error> {
        match self {
            Param::Real(v) => Ok(*v),
            Param::Whole(v) => Ok(*v as f64),
            other => Err(Error::argument(name, "a number", format_args!("{other:?}"))),
        }
    }
}

fn count(name: &'static str, value: i64) -> Result<usize, Error> {
    usize::try_from(value).map_err(|_| Error::argument(name, "at least 0", value))
}

/// An error of the kernel, in which the argument `times` has the name it has here.
fn refusal(mut error: Error) -> PolarsError {
    if let Error::Argument { name, .. } | Error::Length { name, .. } | Error::Unsorted { name, .. } =
        &mut error
        && *name == "times"
    {
        *name = "by";
    }
    PolarsError::ComputeError(error.to_string().into())
}
