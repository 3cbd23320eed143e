//! Columns of flows as they are read.

use super::labels::Labels;
use super::layout::Kind;

/// How addresses are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// The text of each row.
    Text,
    /// Each different text once, and its number for each row.
    Category,
    /// IPv4 as 32-bit numbers.
    Integer,
    /// 16 bytes, IPv4 as `::ffff:a.b.c.d`.
    Bytes,
}

/// The values of a column.
pub enum Values {
    /// Microseconds since 1970-01-01.
    Times(Vec<i64>),
    /// Seconds.
    Seconds(Vec<f64>),
    /// Whole numbers.
    Counts(Vec<i64>),
    /// Whole numbers below 2^31.
    Smalls(Vec<i32>),
    /// The number of each row's text.
    Labels {
        /// Numbers of texts.
        codes: Vec<u32>,
        /// The texts.
        labels: Box<Labels>,
    },
    /// The text of each row, as Arrow views it.
    Views {
        /// Short texts, and where the others stand.
        views: Vec<u128>,
        /// Texts of more than 12 bytes, one after another.
        texts: Vec<u8>,
    },
    /// IPv4 addresses.
    Numbers(Vec<u32>),
    /// Addresses of 16 bytes.
    Bytes(Vec<[u8; 16]>),
}

/// A column and its rows without a value.
pub struct Field {
    /// The values; any value where there is none.
    pub values: Values,
    /// Rows without a value, ascending.
    pub missing: Vec<u32>,
}

/// Columns of the same length.
pub struct Table {
    /// The columns, in the order that was asked for.
    pub fields: Vec<Field>,
    /// How long they are.
    pub rows: usize,
}

impl Table {
    /// Empty columns of these kinds.
    pub fn new(kinds: &[Kind], addresses: Addresses) -> Self {
        let field = |&kind: &Kind| Field {
            values: Values::new(kind, addresses),
            missing: Vec::new(),
        };
        Table {
            fields: kinds.iter().map(field).collect(),
            rows: 0,
        }
    }

    /// Makes room for so many rows more, so that columns need not move as they grow.
    pub fn reserve(&mut self, rows: usize) {
        for field in &mut self.fields {
            field.values.reserve(rows);
        }
    }

    /// Forgets the rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        for field in &mut self.fields {
            field.values.truncate(rows);
            let kept = field.missing.partition_point(|&row| (row as usize) < rows);
            field.missing.truncate(kept);
        }
        self.rows = rows;
    }
}

impl Values {
    fn new(kind: Kind, addresses: Addresses) -> Self {
        match (kind, addresses) {
            (Kind::Time, _) => Values::Times(Vec::new()),
            (Kind::Seconds, _) => Values::Seconds(Vec::new()),
            (Kind::Count, _) => Values::Counts(Vec::new()),
            (Kind::Small | Kind::Port, _) => Values::Smalls(Vec::new()),
            (Kind::Label, _) | (Kind::Address, Addresses::Category) => Values::Labels {
                codes: Vec::new(),
                labels: Box::default(),
            },
            (Kind::Address, Addresses::Text) => Values::Views {
                views: Vec::new(),
                texts: Vec::new(),
            },
            (Kind::Address, Addresses::Integer) => Values::Numbers(Vec::new()),
            (Kind::Address, Addresses::Bytes) => Values::Bytes(Vec::new()),
        }
    }

    fn reserve(&mut self, rows: usize) {
        match self {
            Values::Times(values) | Values::Counts(values) => values.reserve(rows),
            Values::Seconds(values) => values.reserve(rows),
            Values::Smalls(values) => values.reserve(rows),
            Values::Labels { codes, .. } => codes.reserve(rows),
            Values::Views { views, texts } => {
                views.reserve(rows);
                texts.reserve(14 * rows);
            }
            Values::Numbers(values) => values.reserve(rows),
            Values::Bytes(values) => values.reserve(rows),
        }
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Values::Times(values) | Values::Counts(values) => values.truncate(rows),
            Values::Seconds(values) => values.truncate(rows),
            Values::Smalls(values) => values.truncate(rows),
            Values::Labels { codes, .. } => codes.truncate(rows),
            Values::Views { views, .. } => views.truncate(rows),
            Values::Numbers(values) => values.truncate(rows),
            Values::Bytes(values) => values.truncate(rows),
        }
    }
}
