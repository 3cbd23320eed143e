//! Pseudonyms that keep what an analysis needs.

mod cryptopan;

pub use cryptopan::{CryptoPan, map};
