//! Captures as Arrow tables, and what a packet's source did in a trailing window.

mod capture;
mod columns;
mod features;
mod write;

pub use capture::{PacketFile, PacketReader};
pub use features::*;
pub use write::*;
