//! Tables as Parquet, written for just these columns.
//!
//! With very many users, and for call numbers, text goes into the file as lengths and bytes; what
//! takes few values is a dictionary and keys. Pages are compressed with Zstandard.
//!
//! The format: <https://github.com/apache/parquet-format> (Encodings.md, parquet.thrift).

mod calls;
mod encode;
mod file;
mod plain;
mod thrift;

pub use calls::rows_of_group;
pub use file::{GROUP, Writer};
