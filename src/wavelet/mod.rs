//! Wavelet transforms of one dimension, and what they tell about windows of traffic.

pub mod axis;
pub mod bands;
pub mod bank;
pub mod cwt;
pub mod dwt;
pub mod feature;
pub mod features;
pub mod fir;
pub mod lanes;
pub mod lattice;
pub mod mode;
pub mod swt;
// Written by a program; the Haar filter is the root of one half, which it need not know by name.
#[rustfmt::skip]
#[allow(clippy::approx_constant)]
pub mod table;
pub mod windows;

pub use bank::Bank;
pub use lanes::Real;
pub use mode::Mode;
