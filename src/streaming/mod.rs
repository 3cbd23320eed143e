//! Statistics of streams: a small state for each key, one event or one batch of them at a time.
//!
//! A [`Stream`] decides which events count ([`arrival`]: late ones, duplicates, clocks that run
//! backwards) and hands them to its [`rules`]. A rule says what a state is, how it takes an event
//! and what it then tells; [`Kernel`] keeps one state for each key. The answers are those of
//! [`crate::rolling`] over all events of the key so far.
//!
//! States are written and read by [`snapshot`], in the checked file format of [`crate::model`].

pub mod arrival;
mod bytes;
mod kernel;
mod keys;
mod queue;
pub mod rules;
pub mod snapshot;
pub mod stream;

pub use bytes::{Reader, Writer};
pub use kernel::{Event, Kernel, Rule, Table};
pub use keys::{Key, Keys};
pub use snapshot::{Snapshot, SnapshotError};
pub use stream::{Answers, KeyColumn, Status, Stream};

#[cfg(test)]
mod tests;
