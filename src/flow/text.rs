//! A file of lines, plain or compressed with gzip or zstd, whose first line is known.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::layout::Layout;
use crate::error::Error;

/// The longest line.
const LONGEST: usize = 1 << 20;
/// Bytes of the compressed file that are read at a time.
const BUFFER: usize = 1 << 17;

/// Why a file could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The system refused.
    Io(io::Error),
    /// What stands in the file.
    Kernel(Error),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        ReadError::Kernel(error)
    }
}

/// A file whose header is read.
pub struct Text {
    path: PathBuf,
    source: Box<dyn Read + Send>,
    is_compressed: bool,
    /// Read, and not yet given: the beginning of a line, mostly.
    rest: Vec<u8>,
    /// Memory to use again.
    spare: Vec<u8>,
    is_done: bool,
    /// The columns.
    pub layout: Layout,
    /// The line that names them; empty if there is none.
    pub header: Vec<u8>,
}

impl Text {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`] if it cannot be opened, [`ReadError::Kernel`] if it is not of nfdump.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut file = File::open(path).map_err(ReadError::Io)?;
        let mut magic = Vec::new();
        let read = file.by_ref().take(4).read_to_end(&mut magic);
        read.map_err(ReadError::Io)?;
        let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
        let is_zstd = magic == [0x28, 0xb5, 0x2f, 0xfd];
        let whole = Cursor::new(magic).chain(file);
        let source: Box<dyn Read + Send> = if is_gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole)))
        } else if is_zstd {
            let buffered = BufReader::with_capacity(BUFFER, whole);
            let decoder = zstd::stream::read::Decoder::with_buffer(buffered);
            Box::new(decoder.map_err(ReadError::Io)?)
        } else {
            Box::new(whole)
        };
        let mut text = Text {
            path: path.to_owned(),
            source,
            is_compressed: is_gzip || is_zstd,
            rest: Vec::new(),
            spare: Vec::new(),
            is_done: false,
            layout: Layout::default(),
            header: Vec::new(),
        };
        text.read_header()?;
        Ok(text)
    }

    fn read_header(&mut self) -> Result<(), ReadError> {
        let mut start = Vec::new();
        let mut looked = 0;
        let end = loop {
            if let Some(end) = start[looked..].iter().position(|&b| b == b'\n') {
                break looked + end;
            }
            looked = start.len();
            if self.read(&mut start, 1 << 12)? == 0 {
                break start.len();
            }
            self.check_length(looked)?;
        };
        if start.is_empty() {
            return Err(self.refuse("is empty; expected a CSV that nfdump printed"));
        }
        let line = start[..end].trim_ascii_end().to_vec();
        self.layout = Layout::of(&line).map_err(|reason| self.refuse(&reason))?;
        if self.layout.has_header {
            self.rest = start.get(end + 1..).unwrap_or_default().to_vec();
            self.header = line;
        } else {
            self.rest = start;
        }
        Ok(())
    }

    /// Whole lines, of about so many bytes; `None` at the end. The last one has an end, too.
    ///
    /// # Errors
    ///
    /// If the system refuses, the compressed data are damaged, or a line has no end.
    pub fn lines(&mut self, size: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let mut text = std::mem::take(&mut self.spare);
        text.clear();
        text.append(&mut self.rest);
        let mut looked = 0;
        loop {
            if !self.is_done && text.len() < size {
                let missing = size - text.len();
                self.is_done = self.read(&mut text, missing)? == 0;
                continue;
            }
            if self.is_done {
                if !text.is_empty() && text.last() != Some(&b'\n') {
                    text.push(b'\n');
                }
                return Ok((!text.is_empty()).then_some(text));
            }
            if let Some(end) = text[looked..].iter().rposition(|&b| b == b'\n') {
                self.rest.extend_from_slice(&text[looked + end + 1..]);
                text.truncate(looked + end + 1);
                return Ok(Some(text));
            }
            looked = text.len();
            self.check_length(looked)?;
            self.is_done = self.read(&mut text, LONGEST)? == 0;
        }
    }

    /// Takes back the memory of lines that are done with.
    pub fn recycle(&mut self, text: Vec<u8>) {
        self.spare = text;
    }

    fn check_length(&self, length: usize) -> Result<(), ReadError> {
        if length > LONGEST {
            return Err(self.refuse("has a line of more than 1,048,576 bytes; it is no CSV"));
        }
        Ok(())
    }

    /// Reads up to `size` bytes more.
    fn read(&mut self, out: &mut Vec<u8>, size: usize) -> Result<usize, ReadError> {
        let read = self.source.by_ref().take(size as u64).read_to_end(out);
        read.map_err(|error| match error.kind() {
            _ if !self.is_compressed => ReadError::Io(error),
            _ => self.refuse(&format!("is damaged or breaks off: {error}")),
        })
    }

    fn refuse(&self, reason: &str) -> ReadError {
        Error::Message(format!("{} {reason}", self.path.display())).into()
    }
}
