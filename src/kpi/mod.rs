//! Cells of a radio network: which of them face each other.

mod facing;

pub use facing::{EARTH_KM, Facing, Sites, facing};
