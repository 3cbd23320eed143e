//! Wavelet transforms of one dimension, and what they tell about windows of traffic.

pub mod axis;
pub mod bands;
pub mod bank;
pub mod cwt;
pub mod dwt;
pub mod features;
pub mod fir;
pub mod lanes;
pub mod mode;
pub mod swt;
#[rustfmt::skip]
pub mod table;

pub use bank::Bank;
pub use lanes::Real;
pub use mode::Mode;
