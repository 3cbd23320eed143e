//! The expressions of the Polars plugin: columns in, columns out, one kernel called.
//!
//! Polars loads this library by its path and calls the functions below from its own threads, so
//! no interpreter lock is involved. They are never marked elementwise: a window reads other rows.

mod columns;

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
use crate::rolling::{Closed, Parameters, Settings, Span, Statistic, rolling as kernel};

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

/// The arguments of `rolling`, as python/linewatch/interop/polars.py writes them. Python leaves out
/// what has its default: these are read once for every group of an `over`.
///
/// Inputs come in the order x, y if `pair`, times if `timed`, then the columns of `groups`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Rolling {
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
}

#[polars_expr(output_type_func_with_kwargs=rolling_field)]
fn rolling(inputs: &[Series], kwargs: Rolling) -> PolarsResult<Series> {
    let mut rest = inputs[1..].iter();
    let y = if kwargs.pair { rest.next() } else { None };
    let times = if kwargs.timed { rest.next() } else { None };
    let times = times.map(columns::times).transpose()?;
    let keys = rest.as_slice();
    let groups = (!keys.is_empty())
        .then(|| columns::codes(keys))
        .transpose()?;
    let (x, y) = (Numbers::of(&inputs[0])?, y.map(Numbers::of).transpose()?);
    let name = inputs[0].name();
    match (x, y) {
        (Numbers::F32(x), None) => answer::<f32>(name, &x, None, times, groups, &kwargs),
        (Numbers::F32(x), Some(Numbers::F32(y))) => {
            answer(name, &x, Some(&y), times, groups, &kwargs)
        }
        (x, y) => {
            let y = y.map(Numbers::into_f64);
            answer(name, &x.into_f64(), y.as_deref(), times, groups, &kwargs)
        }
    }
}

fn rolling_field(inputs: &[Field], kwargs: Rolling) -> PolarsResult<Field> {
    let mut dtype = columns::answer_dtype(&inputs[0])?;
    if kwargs.pair && columns::answer_dtype(&inputs[1])? == DataType::Float64 {
        dtype = DataType::Float64;
    }
    if kwargs.many {
        let field = |s: &Wanted| Field::new(s.0.as_str().into(), dtype.clone());
        dtype = DataType::Struct(kwargs.statistics.iter().map(field).collect());
    }
    Ok(Field::new(inputs[0].name().clone(), dtype))
}

/// Calls the kernel and names its answers.
fn answer<T: Real + NativeType>(
    name: &PlSmallStr,
    x: &[T],
    y: Option<&[T]>,
    times: Option<Vec<i64>>,
    groups: Option<Vec<i64>>,
    kwargs: &Rolling,
) -> PolarsResult<Series> {
    let answers = call(x, y, times.as_deref(), groups.as_deref(), kwargs).map_err(refusal)?;
    let mut fields = kwargs
        .statistics
        .iter()
        .zip(answers)
        .map(|(Wanted(field, ..), values)| {
            let name = if kwargs.many {
                field.as_str().into()
            } else {
                name.clone()
            };
            Series::from_arrow(name, Box::new(columns::answers(values)))
        })
        .collect::<PolarsResult<Vec<_>>>()?;
    if kwargs.many {
        let fields = StructChunked::from_series(name.clone(), x.len(), fields.iter())?;
        return Ok(fields.into_series());
    }
    Ok(fields.swap_remove(0))
}

fn call<T: Real>(
    x: &[T],
    y: Option<&[T]>,
    times: Option<&[i64]>,
    groups: Option<&[i64]>,
    kwargs: &Rolling,
) -> Result<Vec<Vec<T>>, Error> {
    let settings = Settings {
        span: match (kwargs.rows, kwargs.span) {
            (Some(rows), _) => Span::Rows(count("window", rows)?),
            (None, Some(span)) => Span::Time(span),
            (None, None) => Span::Expanding,
        },
        center: kwargs.center,
        closed: kwargs.closed.as_deref().map(Closed::parse).transpose()?,
        step: 1,
        min_periods: kwargs
            .min_periods
            .map(|m| count("min_periods", m))
            .transpose()?,
        include_current: !kwargs.without_current,
        infinity: if kwargs.ieee {
            Infinity::Ieee
        } else {
            Infinity::Missing
        },
        times,
        time_unit: 1e-9,
        groups,
    };
    let statistics = kwargs
        .statistics
        .iter()
        .map(|Wanted(_, name, own)| Statistic::parse(name, &parameters(own)?))
        .collect::<Result<Vec<_>, Error>>()?;
    // Polars computes several expressions at once, so one of them takes one thread.
    let threads = threads(Some(kwargs.n_jobs.unwrap_or(1) as isize))?;
    let mut out = vec![vec![T::NAN; x.len()]; statistics.len()];
    let mut places: Vec<_> = out
        .iter_mut()
        .map(|out| ArrayViewMut1::from(out).insert_axis(Axis(1)))
        .collect();
    let column = |values| ArrayView1::from(values).insert_axis(Axis(1));
    let (x, y) = (column(x), y.map(column));
    kernel(
        x,
        y,
        &statistics,
        &settings,
        &mut places,
        threads,
        &Monitor::default(),
    )?;
    Ok(out)
}

/// The kernel's parameters of one statistic.
fn parameters(own: &BTreeMap<String, Param>) -> Result<Parameters, Error> {
    let mut p = Parameters::default();
    for (name, value) in own {
        match (name.as_str(), value) {
            ("ddof", Param::Whole(v)) => p.ddof = count("ddof", *v)? as u32,
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
                let expected = format!("a parameter of its type, and {name} is not");
                return Err(Error::argument(
                    "statistic",
                    expected,
                    format_args!("{v:?}"),
                ));
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
fn refusal(error: Error) -> PolarsError {
    let by = |name| if name == "times" { "by" } else { name };
    let error = match error {
        Error::Argument {
            name,
            expected,
            found,
        } => Error::Argument {
            name: by(name),
            expected,
            found,
        },
        Error::Length {
            name,
            expected,
            found,
        } => Error::Length {
            name: by(name),
            expected,
            found,
        },
        Error::Unsorted { name, row } => Error::Unsorted {
            name: by(name),
            row,
        },
        other => other,
    };
    PolarsError::ComputeError(error.to_string().into())
}
