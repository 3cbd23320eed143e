//! Flow records: reading what nfdump prints, naming the services of ports.

pub mod categories;
pub mod field;
pub mod index;
pub mod labels;
pub mod layout;
pub mod parse;
pub mod ports;
pub mod reader;
pub mod table;
pub mod text;
