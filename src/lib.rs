//! Kernels for finding anomalies in telecom data.
//!
//! Everything here takes slices and gives slices; it knows no Python. `bindings` (feature
//! `python`) converts, releases the interpreter lock and calls.

pub mod cdr;
pub mod downsample;
pub mod error;
pub mod float;
pub mod flow;
pub mod iforest;
pub mod kpi;
pub mod model;
pub mod neighbors;
pub mod packets;
pub mod parallel;
pub mod privacy;
pub mod random;
pub mod rolling;
pub mod simd;
pub mod spectral;
pub mod streaming;
pub mod wavelet;

pub use error::Error;
pub use float::{Float, Infinity};

#[cfg(feature = "python")]
mod bindings;
