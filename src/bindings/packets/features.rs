//! What a packet's source did in a trailing window.

use std::borrow::Cow;

use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

use super::columns::{column, number, whole};
use crate::bindings::arrow::{Column, read};
use crate::bindings::run::run;
use crate::error::Error;
use crate::packets::keys::NONE;
use crate::packets::trailing::{self, Feature, Rows};
use crate::parallel::threads;

/// Features of the rows of a table with the columns `key`, `length`, `tcp_flags`,
/// `destination_address`, `destination_port` and `source_port`, as far as they are asked for.
///
/// They are written to `outs`: NumPy asks the system for large pages, which spares a third of the
/// time of a count.
#[pyfunction]
#[pyo3(signature = (table, times, features, outs, window, *, n_jobs = None, progress = None))]
#[allow(clippy::too_many_arguments)] // the signature of the Python function
pub fn packet_features<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    times: PyReadonlyArray1<'py, i64>,
    features: Vec<String>,
    mut outs: Vec<PyReadwriteArray1<'py, f64>>,
    window: i64,
    n_jobs: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let asked = features
        .iter()
        .map(|name| {
            Feature::parse(name).ok_or_else(|| Error::argument("features", "known names", name))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let threads = threads(n_jobs)?;
    let (_, columns) = read(table)?;
    let times = times.as_slice()?;
    let total = (times.len() * asked.len()) as u64;
    let mut slices = Vec::with_capacity(outs.len());
    for out in &mut outs {
        slices.push(out.as_slice_mut()?);
    }
    run(py, total.saturating_mul(8), total, progress, |monitor| {
        prepare(&columns, times, |rows| {
            trailing::fill(&rows, &asked, window, threads, monitor, slices)
        })
    })?
}

/// Calls `kernel` with the columns as it reads them. What Python refuses is inside.
fn prepare<R>(
    columns: &[Column],
    times: &[i64],
    kernel: impl FnOnce(Rows) -> Result<R, Error>,
) -> Result<PyResult<R>, Error> {
    let numbers = |name: &str, missing: Option<u32>| match column(columns, name) {
        Some(column) => whole(column, missing),
        None => Ok(Cow::Borrowed(&[][..])),
    };
    let numbered = |name: &str| match column(columns, name) {
        Some(column) => number(column),
        None => Ok((Cow::Borrowed(&[][..]), 0)),
    };
    let prepared = (|| {
        Ok((
            numbered("key")?,
            numbered("destination_address")?.0,
            numbers("length", None)?,
            numbers("tcp_flags", Some(0))?,
            numbers("destination_port", Some(NONE))?,
            numbers("source_port", Some(NONE))?,
        ))
    })();
    let ((keys, n_keys), destinations, lengths, flags, destination_ports, source_ports) =
        match prepared {
            Ok(columns) => columns,
            Err(error) => return Ok(Err(error)),
        };
    kernel(Rows {
        keys: &keys,
        n_keys,
        times,
        lengths: &lengths,
        flags: &flags,
        destinations: &destinations,
        destination_ports: &destination_ports,
        source_ports: &source_ports,
    })
    .map(Ok)
}
