//! The expressions of the Polars plugin: columns in, columns out, one kernel called.
//!
//! Polars loads this library by its path and calls the functions below from its own threads, so
//! no interpreter lock is involved. They are never marked elementwise: a window reads other rows.

mod columns;
mod stand_in;

use std::collections::BTreeMap;

use polars_core::prelude::*;
use pyo3_polars::derive::polars_expr;
use pyo3_polars::export::polars_arrow::types::NativeType;
use serde::Deserialize;

use crate::error::Error;
use crate::float::{Float as Real, Infinity};
use columns::Numbers;

/// The field a statistic is called in a struct, its name and its own parameters.
#[derive(Deserialize)]
struct Wanted(String, String, BTreeMap<String, Param>);

#[derive(Deserialize, Clone)]
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
    let statistics: Vec<_> = kwargs
        .statistics
        .iter()
        .map(|s| {
            let q = match s.2.get("q") {
                Some(Param::Real(q)) => *q,
                _ => 0.5,
            };
            (s.1.as_str(), q)
        })
        .collect();
    let spec = stand_in::Spec {
        times: times.as_deref(),
        groups: groups.as_deref(),
        rows: kwargs.rows,
        span: kwargs.span,
        include_current: !kwargs.without_current,
        min_periods: kwargs.min_periods,
    };
    let answers = stand_in::rolling(x, y, &statistics, &spec).map_err(refusal)?;
    let mut fields = kwargs
        .statistics
        .iter()
        .zip(answers)
        .map(|(s, values)| {
            let name = if kwargs.many {
                s.0.as_str().into()
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

/// An error of the kernel, with the names of the expression's arguments.
fn refusal(error: Error) -> PolarsError {
    let text = match error {
        Error::Unsorted { row, .. } => Error::Unsorted { name: "by", row }.to_string(),
        other => other.to_string(),
    };
    PolarsError::ComputeError(text.into())
}
