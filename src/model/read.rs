//! Reads a model, believing nothing before it is checked.

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use super::array::{Array, Dtype};
use super::{ALIGN, CHECKED, DIMENSIONS, HEADER, MAGIC, ModelError, VERSION, refused};

/// A model that was checked.
#[derive(Debug)]
pub struct Model {
    bytes: Bytes,
    kind: String,
    metadata: String,
    arrays: Vec<Entry>,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

#[derive(Debug)]
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    place: Range<usize>,
}

impl Model {
    /// Maps the file at `path` and checks it.
    ///
    /// The file must stay as it is while the model lives; [`super::write`] never changes a file,
    /// it puts another in its place.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`] if the system refuses; [`ModelError::Refused`] if the file is no model,
    /// damaged, cut short or of a newer format.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length < HEADER as u64 {
            // An empty file cannot be mapped; these few bytes are told apart all the same.
            return Self::checked(Bytes::Owned(std::fs::read(path)?));
        }
        // SAFETY: the pages are only read. Whoever changes the file in place while it is mapped
        // breaks the promise in the documentation, as with every mapped file.
        let map = unsafe { Mmap::map(&file)? };
        Self::checked(Bytes::Mapped(map))
    }

    /// Checks bytes that [`super::to_bytes`] made.
    ///
    /// # Errors
    ///
    /// [`ModelError::Refused`] as [`Model::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::checked(Bytes::Owned(bytes))
    }

    fn checked(bytes: Bytes) -> Result<Self, ModelError> {
        let all: &[u8] = match &bytes {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        };
        let (kind, metadata, arrays) = check(all)?;
        Ok(Model {
            bytes,
            kind,
            metadata,
            arrays,
        })
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// What the model is of.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The text that was written with it.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The arrays with their names, in the order of the file.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, Array<'_>)> {
        self.arrays.iter().map(|entry| {
            let array = Array {
                dtype: entry.dtype,
                shape: entry.shape.clone(),
                bytes: Cow::Borrowed(&self.bytes()[entry.place.clone()]),
            };
            (entry.name.as_str(), array)
        })
    }

    /// The array of that name.
    pub fn array(&self, name: &str) -> Option<Array<'_>> {
        self.arrays().find(|(n, _)| *n == name).map(|(_, a)| a)
    }
}

fn damaged<T>() -> Result<T, ModelError> {
    refused("is damaged (its checksum is wrong): copy or save it again")
}

fn check(all: &[u8]) -> Result<(String, String, Vec<Entry>), ModelError> {
    let number = |at: usize| {
        all.get(at..at + 8)
            .map(|b| u64::from_le_bytes(b.try_into().expect("8 bytes")))
    };
    let short = |at: usize| {
        all.get(at..at + 4)
            .map(|b| u32::from_le_bytes(b.try_into().expect("4 bytes")))
    };
    if all.get(..8) != Some(MAGIC) {
        return refused("is not a linewatch model file");
    }
    let Some(version) = short(8) else {
        return refused("is cut short");
    };
    if version != VERSION {
        return refused(format!(
            "has version {version} of the format, but this linewatch reads version {VERSION} \
             (update linewatch, or save the model again)"
        ));
    }
    let (Some(crc), Some(length), Some(directory)) = (short(12), number(16), number(24)) else {
        return refused("is cut short");
    };
    if (all.len() as u64) < length {
        let found = all.len();
        return refused(format!("is cut short: {found} bytes of {length}"));
    }
    if crc32fast::hash(&all[CHECKED..]) != crc || all.len() as u64 != length {
        return damaged();
    }
    // From here on only a file made to deceive fails.
    let end = usize::try_from(directory)
        .ok()
        .and_then(|n| n.checked_add(HEADER))
        .filter(|&end| end <= all.len());
    let Some(end) = end else { return damaged() };
    match parse(&all[HEADER..end], end, all.len()) {
        Some(parsed) => Ok(parsed),
        None => refused("is not a sound model file: its directory contradicts itself"),
    }
}

/// Kind, metadata and arrays of a directory that ends at `end` of a file of `length` bytes.
fn parse(directory: &[u8], end: usize, length: usize) -> Option<(String, String, Vec<Entry>)> {
    let mut rest = directory;
    let (kind, metadata) = (text(&mut rest)?, text(&mut rest)?);
    let count = u32::from_le_bytes(take(&mut rest)?);
    // No reservation by the count: it is only believed as far as the directory bears it out.
    let mut arrays: Vec<Entry> = Vec::new();
    let mut names = std::collections::HashSet::new();
    let mut free = end;
    for _ in 0..count {
        let name = text(&mut rest)?;
        let [code, dimensions] = take(&mut rest)?;
        let dtype = Dtype::from_code(code)?;
        if usize::from(dimensions) > DIMENSIONS || !names.insert(name.clone()) {
            return None;
        }
        let mut shape = Vec::new();
        let mut bytes = dtype.size();
        for _ in 0..dimensions {
            let n = usize::try_from(u64::from_le_bytes(take(&mut rest)?)).ok()?;
            bytes = bytes.checked_mul(n)?;
            shape.push(n);
        }
        // A length hidden behind a 0 must be one that NumPy can hold, too.
        let mut whole = dtype.size();
        for &n in shape.iter().filter(|&&n| n > 0) {
            whole = whole.checked_mul(n).filter(|&w| w <= isize::MAX as usize)?;
        }
        let start = usize::try_from(u64::from_le_bytes(take(&mut rest)?)).ok()?;
        let stop = start.checked_add(bytes)?;
        if start < free || !start.is_multiple_of(ALIGN) || stop > length {
            return None;
        }
        free = stop;
        arrays.push(Entry {
            name,
            dtype,
            shape,
            place: start..stop,
        });
    }
    rest.is_empty().then_some((kind, metadata, arrays))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}
