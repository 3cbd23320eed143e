//! Calls as Parquet, written for just these columns.
//!
//! Most columns take few values within a row group (towers, labels, seconds, and users unless there
//! are very many), so they are stored as a dictionary and bit-packed keys, and the keys come from
//! the rows' numbers without ever making text. The three columns of a caller share one page of
//! keys, compressed once. With very many users, and for call numbers, text goes into the file as
//! lengths and bytes. Pages are compressed with Zstandard.
//!
//! The format: <https://github.com/apache/parquet-format> (Encodings.md, parquet.thrift).

mod encode;
mod file;
mod thrift;

pub use file::{GROUP, Writer};
