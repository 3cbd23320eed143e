//! Reads a capture, compressed or not, into tables of so many packets each.
//!
//! Memory holds one buffer and one table, whatever the length of the capture. A packet that cannot
//! be taken apart is flagged and the next one read; only where the container itself breaks off does
//! reading end, with a note of where and why.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::capture::{Capture, Record, Step};
use super::columns::{Columns, Names};
use super::dissect::dissect;
use super::link;
use crate::error::Error;

/// Bytes of the buffer. It stays in the second-level cache, so that bytes are fetched once.
const BUFFER: usize = 1 << 18;
/// The longest thing that must lie in the buffer as a whole fits several times.
const _: () = assert!(BUFFER > 2 * (1 << 16));

/// The most packets of one table: offsets of texts are 32-bit numbers.
pub const MOST_ROWS: usize = 1 << 24;

const CUT_SHORT: &str = "is cut short: the capture ends within it";

/// Why nothing could be read.
#[derive(Debug)]
pub enum ReadError {
    /// The system refused.
    Io(io::Error),
    /// What was read is not a capture.
    Kernel(Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        ReadError::Kernel(error)
    }
}

/// A capture being read.
pub struct Reader {
    source: Box<dyn Read + Send>,
    is_compressed: bool,
    buffer: Box<[u8]>,
    /// The bytes of the buffer that have been read and not yet looked at.
    start: usize,
    end: usize,
    /// Bytes before `start`, those of the compressed stream unpacked.
    offset: u64,
    capture: Capture,
    names: Names,
    packets: u64,
    is_done: bool,
    unknown_link: Option<u16>,
    notes: Vec<String>,
}

impl Reader {
    /// Reads the header of a capture.
    ///
    /// # Errors
    ///
    /// [`ReadError::Kernel`] if it is not one.
    pub fn new(mut source: Box<dyn Read + Send>) -> Result<Self, ReadError> {
        let mut start = Vec::with_capacity(24);
        source.by_ref().take(24).read_to_end(&mut start)?;
        let is_compressed = start.starts_with(&[0x1f, 0x8b]);
        if is_compressed {
            let whole = Cursor::new(start).chain(source);
            source = Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole)));
            start = Vec::with_capacity(24);
            if let Err(error) = source.by_ref().take(24).read_to_end(&mut start)
                && !is_damage(&error)
            {
                return Err(error.into());
            }
        }
        let Some((capture, header)) = Capture::detect(&start) else {
            return Err(refuse(&start, is_compressed).into());
        };
        let mut buffer = vec![0; BUFFER].into_boxed_slice();
        buffer[..start.len()].copy_from_slice(&start);
        Ok(Reader {
            source,
            is_compressed,
            buffer,
            start: header,
            end: start.len(),
            offset: header as u64,
            capture,
            names: Names::default(),
            packets: 0,
            is_done: false,
            unknown_link: None,
            notes: Vec::new(),
        })
    }

    /// The next table of up to `rows` packets; `None` at the end.
    ///
    /// With `live`, the table ends when the source has no more for now.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`] if the system refuses to read on.
    pub fn batch(&mut self, rows: usize, live: bool) -> Result<Option<Columns>, ReadError> {
        let rows = rows.clamp(1, MOST_ROWS);
        let mut columns = Columns::with_capacity(rows.min(if live { 1 << 10 } else { rows }));
        while columns.len() < rows && !self.is_done {
            match self.capture.step(&self.buffer[self.start..self.end]) {
                Step::Packet { record, data, size } => {
                    let data = self.start + data.start..self.start + data.end;
                    let is_cut = record.captured < record.length;
                    let headers = dissect(record.link, &self.buffer[data], is_cut);
                    columns.push(&record, &headers, &mut self.names);
                    self.packets += 1;
                    self.note_link(&record);
                    self.skip(size, true)?;
                }
                Step::Skip(size) => self.skip(size, false)?,
                Step::More(_) if live && !columns.is_empty() => break,
                Step::More(size) => self.fill(size)?,
                Step::Damaged(reason) => self.stop(self.packets + 1, &reason),
            }
        }
        Ok((!columns.is_empty()).then_some(columns))
    }

    /// What the caller should know: where the capture breaks off, what was not taken apart.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Bytes read so far, unpacked.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// Goes on by `size` bytes, which may lie beyond the buffer.
    #[inline(always)]
    fn skip(&mut self, size: u64, is_packet: bool) -> Result<(), ReadError> {
        self.offset += size;
        if size <= (self.end - self.start) as u64 {
            self.start += size as usize;
            return Ok(());
        }
        self.skip_far(size, is_packet)
    }

    #[cold]
    #[inline(never)]
    fn skip_far(&mut self, size: u64, is_packet: bool) -> Result<(), ReadError> {
        let mut left = size - (self.end - self.start) as u64;
        while left > 0 {
            (self.start, self.end) = (0, 0);
            if !self.read_more()? {
                self.offset -= size;
                if is_packet {
                    self.stop(self.packets, CUT_SHORT);
                } else {
                    self.is_done = true;
                    let at = self.offset;
                    self.notes
                        .push(format!("the block at byte {at} {CUT_SHORT}"));
                }
                return Ok(());
            }
            let taken = left.min(self.end as u64);
            left -= taken;
            self.start = taken as usize;
        }
        Ok(())
    }

    /// Reads until `size` bytes are at hand.
    fn fill(&mut self, size: usize) -> Result<(), ReadError> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < size {
            if !self.read_more()? {
                if self.end > 0 {
                    self.stop(self.packets + 1, CUT_SHORT);
                }
                self.is_done = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads once behind what is at hand; false at the end.
    fn read_more(&mut self) -> Result<bool, ReadError> {
        match self.source.read(&mut self.buffer[self.end..]) {
            Ok(0) => Ok(false),
            Ok(read) => {
                self.end += read;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.read_more(),
            Err(error) if self.is_compressed && is_damage(&error) => {
                self.notes.push(format!(
                    "the gzip data are damaged or cut short after {} unpacked bytes",
                    self.offset + (self.end - self.start) as u64
                ));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn stop(&mut self, packet: u64, reason: &str) {
        self.is_done = true;
        let at = self.offset;
        self.notes
            .push(format!("packet {packet} at byte {at} {reason}"));
    }

    #[inline(always)]
    fn note_link(&mut self, record: &Record) {
        if !record.damaged && !link::is_known(record.link) && self.unknown_link.is_none() {
            self.unknown_link = Some(record.link);
            self.notes.push(format!(
                "link type {} is not taken apart: its packets have times and lengths only",
                record.link
            ));
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | InvalidInput | InvalidData)
}

/// Why `start` does not begin a capture.
fn refuse(start: &[u8], is_compressed: bool) -> Error {
    let magics: [(&[u8], &str); 8] = [
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (b"BZh", "bzip2"),
        (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"),
        (b"PK", "zip"),
        (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
        (&[0xd4, 0xc3, 0xb2, 0xa1], "pcap"),
        (&[0xa1, 0xb2, 0xc3, 0xd4], "pcap"),
        (&[0x0a, 0x0d, 0x0d, 0x0a], "pcapng"),
    ];
    let known = magics.iter().find(|(magic, _)| start.starts_with(magic));
    let found = match known {
        _ if start.is_empty() && is_compressed => "gzip data that hold nothing".to_owned(),
        _ if start.is_empty() => "nothing: it is empty".to_owned(),
        Some((_, format @ ("pcap" | "pcapng"))) if start.len() < 24 => {
            format!(
                "a {format} that ends within its header, after {} bytes",
                start.len()
            )
        }
        Some((_, "pcapng")) => "a pcapng whose header has no byte order".to_owned(),
        Some((_, format)) => format!("{format} data (decompress them first)"),
        None => {
            let bytes: Vec<_> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
            format!("a file that begins with the bytes {}", bytes.join(" "))
        }
    };
    Error::argument("path", "a capture in pcap or pcapng, plain or gzip", found)
}
