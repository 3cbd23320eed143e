//! The compact protocol of Apache Thrift, as much of it as the headers of Parquet need.

/// A struct under way.
#[derive(Debug, Default)]
pub struct Struct {
    bytes: Vec<u8>,
    last: i16,
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Appends `value` in groups of seven bits.
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed `value`, small magnitudes in few bytes.
pub fn zigzag(out: &mut Vec<u8>, value: i64) {
    varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

impl Struct {
    fn field(&mut self, id: i16, kind: u8) {
        self.bytes.push(((id - self.last) as u8) << 4 | kind);
        self.last = id;
    }

    /// A 32-bit number; fields must come in the order of their ids, less than 16 apart.
    pub fn i32(mut self, id: i16, value: i32) -> Self {
        self.field(id, I32);
        zigzag(&mut self.bytes, value.into());
        self
    }

    /// A 64-bit number.
    pub fn i64(mut self, id: i16, value: i64) -> Self {
        self.field(id, I64);
        zigzag(&mut self.bytes, value);
        self
    }

    /// True or false.
    pub fn bool(mut self, id: i16, value: bool) -> Self {
        self.field(id, if value { TRUE } else { FALSE });
        self
    }

    /// Text.
    pub fn text(mut self, id: i16, text: &str) -> Self {
        self.field(id, BINARY);
        varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend(text.bytes());
        self
    }

    /// A struct within.
    pub fn with(mut self, id: i16, inner: Struct) -> Self {
        self.field(id, STRUCT);
        self.bytes.extend(inner.end());
        self
    }

    fn list(&mut self, id: i16, kind: u8, count: usize) {
        self.field(id, LIST);
        if count < 15 {
            self.bytes.push((count as u8) << 4 | kind);
        } else {
            self.bytes.push(0xF0 | kind);
            varint(&mut self.bytes, count as u64);
        }
    }

    /// A list of structs.
    pub fn structs(mut self, id: i16, items: Vec<Struct>) -> Self {
        self.list(id, STRUCT, items.len());
        for item in items {
            self.bytes.extend(item.end());
        }
        self
    }

    /// A list of 32-bit numbers.
    pub fn i32s(mut self, id: i16, items: &[i32]) -> Self {
        self.list(id, I32, items.len());
        for &item in items {
            zigzag(&mut self.bytes, item.into());
        }
        self
    }

    /// A list of texts.
    pub fn texts(mut self, id: i16, items: &[&str]) -> Self {
        self.list(id, BINARY, items.len());
        for item in items {
            varint(&mut self.bytes, item.len() as u64);
            self.bytes.extend(item.bytes());
        }
        self
    }

    /// The bytes of the whole struct.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}
