//! Cells of a radio network: what is usual for them, where they leave it, which face each other.

pub mod baseline;
pub mod detect;
mod facing;
pub mod rules;
pub mod shape;

pub use facing::{EARTH_KM, Facing, Sites, facing};
