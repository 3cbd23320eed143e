//! The extension module `linewatch._core`: converts, releases the interpreter lock, calls.

#[cfg(feature = "polars")]
mod polars;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

pub mod arrow;
pub mod cdr;
pub mod downsample;
pub mod error;
pub mod flow;
pub mod iforest;
pub mod kpi;
pub mod matrix;
mod memory;
pub mod model;
pub mod neighbors;
pub mod packets;
pub mod privacy;
pub mod rolling;
pub mod run;
pub mod spectral;
pub mod streaming;
pub mod wavelet;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<arrow::ArrowArray>()?;
    m.add_class::<arrow::ArrowTable>()?;
    m.add_class::<cdr::CdrBatches>()?;
    m.add_class::<cdr::CdrCalls>()?;
    m.add_class::<cdr::CdrDataset>()?;
    m.add_class::<cdr::CdrTable>()?;
    m.add_function(wrap_pyfunction!(arrow::arrow_numbers, m)?)?;
    m.add_function(wrap_pyfunction!(arrow::arrow_times, m)?)?;
    m.add_class::<flow::FlowFiles>()?;
    m.add_class::<flow::FlowReader>()?;
    m.add_function(wrap_pyfunction!(flow::classify_ports, m)?)?;
    m.add_function(wrap_pyfunction!(flow::port_registry, m)?)?;
    m.add_function(wrap_pyfunction!(flow::port_table, m)?)?;
    m.add(
        "STATISTICS",
        PyTuple::new(m.py(), crate::rolling::Statistic::NAMES)?,
    )?;
    m.add_function(wrap_pyfunction!(downsample::downsample, m)?)?;
    m.add_function(wrap_pyfunction!(kpi::facing_cells, m)?)?;
    m.add_function(wrap_pyfunction!(kpi::kpi_baseline, m)?)?;
    m.add_function(wrap_pyfunction!(kpi::kpi_detect, m)?)?;
    m.add_function(wrap_pyfunction!(kpi::kpi_shapes, m)?)?;
    m.add_class::<privacy::CryptoPan>()?;
    m.add(
        "PACKET_FEATURES",
        PyTuple::new(
            m.py(),
            crate::packets::trailing::Feature::ALL.map(|(name, _)| name),
        )?,
    )?;
    m.add_class::<packets::PacketFile>()?;
    m.add_class::<packets::PacketReader>()?;
    m.add_function(wrap_pyfunction!(packets::packet_features, m)?)?;
    m.add_function(wrap_pyfunction!(packets::write_packets, m)?)?;
    m.add_function(wrap_pyfunction!(rolling::rolling, m)?)?;
    m.add_function(wrap_pyfunction!(rolling::ewm, m)?)?;
    m.add_function(wrap_pyfunction!(rolling::cusum, m)?)?;
    m.add_class::<neighbors::NeighborIndex>()?;
    m.add_function(wrap_pyfunction!(neighbors::neighbors_distinct, m)?)?;
    m.add_function(wrap_pyfunction!(neighbors::neighbors_unit_rows, m)?)?;
    m.add_class::<iforest::PyForest>()?;
    m.add_function(wrap_pyfunction!(iforest::average_path_length, m)?)?;
    m.add_function(wrap_pyfunction!(iforest::find_infinite, m)?)?;
    m.add_function(wrap_pyfunction!(model::model_from_bytes, m)?)?;
    m.add_function(wrap_pyfunction!(model::model_to_bytes, m)?)?;
    m.add_function(wrap_pyfunction!(model::read_model, m)?)?;
    m.add_function(wrap_pyfunction!(model::write_model, m)?)?;
    m.add_function(wrap_pyfunction!(spectral::group_runs, m)?)?;
    m.add_function(wrap_pyfunction!(spectral::window_features, m)?)?;
    m.add_class::<streaming::StreamState>()?;
    m.add_function(wrap_pyfunction!(streaming::snapshot_metadata, m)?)?;
    m.add_class::<wavelet::FilterBank>()?;
    m.add_function(wrap_pyfunction!(wavelet::wavelet_cwt, m)?)?;
    m.add_function(wrap_pyfunction!(wavelet::wavelet_names, m)?)?;
    Ok(())
}
