//! Kernels for finding anomalies in telecom data.
//!
//! Everything here takes slices and gives slices; it knows no Python. `bindings` (feature
//! `python`) converts, releases the interpreter lock and calls.

pub mod cdr;
pub mod error;
pub mod float;
pub mod iforest;
pub mod model;
pub mod neighbors;
pub mod parallel;
pub mod random;
pub mod rolling;
pub mod simd;

pub use error::Error;
pub use float::{Float, Infinity};

#[cfg(feature = "python")]
mod bindings;
