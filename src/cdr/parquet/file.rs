//! A Parquet file: row groups of columns, then the footer.

use std::io::{self, Write};

use super::thrift::Struct;
use crate::cdr::columns::{Field, Kind};

/// Rows of a row group, unless there are very many users.
pub const GROUP: usize = 1 << 19;
/// Level of Zstandard.
const LEVEL: i32 = 1;

// Numbers of parquet.thrift.
const BOOLEAN: i32 = 0;
const INT32: i32 = 1;
const INT64: i32 = 2;
const BYTE_ARRAY: i32 = 6;
pub(super) const PLAIN: i32 = 0;
const RLE: i32 = 3;
pub(super) const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;
pub(super) const RLE_DICTIONARY: i32 = 8;
const ZSTD: i32 = 6;
const MAGIC: &[u8] = b"PAR1";

fn physical(kind: Kind) -> i32 {
    match kind {
        Kind::Text => BYTE_ARRAY,
        Kind::Time | Kind::Long => INT64,
        Kind::Whole => INT32,
        Kind::Flag => BOOLEAN,
    }
}

/// Bytes before and after compression.
#[derive(Debug, Clone)]
pub struct Page {
    values: usize,
    encoding: i32,
    raw: usize,
    packed: Vec<u8>,
}

impl Page {
    /// A page without values.
    pub const NOTHING: Page = Page {
        values: 0,
        encoding: PLAIN,
        raw: 0,
        packed: Vec::new(),
    };
}

/// Compresses a page.
///
/// # Errors
///
/// Those of the compressor.
pub fn page(values: usize, encoding: i32, raw: &[u8]) -> io::Result<Page> {
    Ok(Page {
        values,
        encoding,
        raw: raw.len(),
        packed: zstd::bulk::compress(raw, LEVEL)?,
    })
}

/// The pages of a column in a row group.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// The values that keys stand for.
    pub dictionary: Option<&'a Page>,
    /// Values or keys.
    pub data: &'a Page,
}

/// Writes the rows of one day.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    fields: Vec<Field>,
    position: u64,
    groups: Vec<Struct>,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file of these columns.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(mut out: W, fields: Vec<Field>) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Writer {
            out,
            fields,
            position: 4,
            groups: Vec::new(),
            rows: 0,
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Appends a row group of `rows` rows, a chunk for each column.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn group(&mut self, rows: usize, chunks: &[Chunk<'_>]) -> io::Result<()> {
        let mut columns = Vec::with_capacity(chunks.len());
        let mut total = 0;
        let fields = self.fields.clone();
        for (&(name, kind), chunk) in fields.iter().zip(chunks) {
            let start = self.position;
            let mut raw = 0;
            let mut encodings = vec![RLE];
            if let Some(page) = chunk.dictionary {
                let header = Struct::default()
                    .i32(1, 2)
                    .i32(2, page.raw as i32)
                    .i32(3, page.packed.len() as i32)
                    .with(
                        7,
                        Struct::default().i32(1, page.values as i32).i32(2, PLAIN),
                    )
                    .end();
                self.put(&header)?;
                self.put(&page.packed)?;
                raw += header.len() + page.raw;
                encodings.push(PLAIN);
            }
            let data_at = self.position;
            let page = chunk.data;
            let header = Struct::default()
                .i32(1, 0)
                .i32(2, page.raw as i32)
                .i32(3, page.packed.len() as i32)
                .with(
                    5,
                    Struct::default()
                        .i32(1, page.values as i32)
                        .i32(2, page.encoding)
                        .i32(3, RLE)
                        .i32(4, RLE),
                )
                .end();
            self.put(&header)?;
            self.put(&page.packed)?;
            raw += header.len() + page.raw;
            encodings.push(page.encoding);
            total += raw;
            let mut meta = Struct::default()
                .i32(1, physical(kind))
                .i32s(2, &encodings)
                .texts(3, &[name])
                .i32(4, ZSTD)
                .i64(5, rows as i64)
                .i64(6, raw as i64)
                .i64(7, (self.position - start) as i64)
                .i64(9, data_at as i64);
            if chunk.dictionary.is_some() {
                meta = meta.i64(11, start as i64);
            }
            columns.push(Struct::default().i64(2, start as i64).with(3, meta));
        }
        self.groups.push(
            Struct::default()
                .structs(1, columns)
                .i64(2, total as i64)
                .i64(3, rows as i64),
        );
        self.rows += rows as u64;
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        let mut schema = vec![
            Struct::default()
                .text(4, "schema")
                .i32(5, self.fields.len() as i32),
        ];
        for &(name, kind) in &self.fields {
            let element = Struct::default()
                .i32(1, physical(kind))
                .i32(3, 0)
                .text(4, name);
            schema.push(match kind {
                // Text in UTF-8, and microseconds of local time.
                Kind::Text => element
                    .i32(6, 0)
                    .with(10, Struct::default().with(1, Struct::default())),
                Kind::Time => element.with(
                    10,
                    Struct::default().with(
                        8,
                        Struct::default()
                            .bool(1, false)
                            .with(2, Struct::default().with(2, Struct::default())),
                    ),
                ),
                _ => element,
            });
        }
        let footer = Struct::default()
            .i32(1, 2)
            .structs(2, schema)
            .i64(3, self.rows as i64)
            .structs(4, std::mem::take(&mut self.groups))
            .text(6, concat!("linewatch version ", env!("CARGO_PKG_VERSION")))
            .end();
        self.put(&footer)?;
        self.put(&(footer.len() as u32).to_le_bytes())?;
        self.put(MAGIC)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
