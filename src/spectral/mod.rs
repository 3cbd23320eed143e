//! What the spectrum and the order of the values in a window tell.

pub mod batch;
pub mod entropy;
pub mod order;
pub mod power;
