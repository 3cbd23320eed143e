//! The file that detectors are kept in: named arrays with a kind and the caller's text.
//!
//! It executes nothing, is checked before anything of it is believed, and is mapped, not read, so
//! that large arrays cost no memory until they are used.
//!
//! # Layout, version 1, little endian
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `LINEWTCH` |
//! | 8..12 | version, `u32` |
//! | 12..16 | CRC-32 of all bytes from 16 on, `u32` |
//! | 16..24 | length of the file, `u64` |
//! | 24..32 | length of the directory, `u64` |
//! | 32.. | directory: kind, metadata, number of arrays (`u32`), arrays |
//! | then | the arrays, each at a multiple of 64, zeros between |
//!
//! A text is its length in bytes (`u32`) and UTF-8. An array of the directory is its name, type
//! (`u8`), number of dimensions (`u8`), lengths (`u64` each) and place in the file (`u64`).

mod array;
pub(crate) mod json;
mod read;
mod write;

use std::fmt;
use std::io;

pub use array::{Array, Dtype, Element};
pub use read::Model;
pub use write::{to_bytes, write};

#[cfg(target_endian = "big")]
compile_error!("model files are little endian, and so must be the machine");

const MAGIC: &[u8; 8] = b"LINEWTCH";
/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// Arrays start at multiples of this.
const ALIGN: usize = 64;
/// Bytes before the directory.
const HEADER: usize = 32;
/// Where the bytes that the checksum covers begin.
const CHECKED: usize = 16;
/// Dimensions of an array.
const DIMENSIONS: usize = 8;

/// Why a model was not written or read.
#[derive(Debug)]
pub enum ModelError {
    /// The system refused.
    Io(io::Error),
    /// The file is not what it should be; the message says how, to follow the file's name.
    Refused(String),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelError::Io(error) => error.fmt(f),
            ModelError::Refused(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ModelError {}

impl From<io::Error> for ModelError {
    fn from(error: io::Error) -> Self {
        ModelError::Io(error)
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T, ModelError> {
    Err(ModelError::Refused(message.into()))
}

#[cfg(test)]
mod tests;
