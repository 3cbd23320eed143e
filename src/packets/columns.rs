//! Columns of a packet table, filled packet by packet and handed over whole.

use std::io::Write as _;
use std::net::Ipv6Addr;

use super::capture::Record;
use super::dissect::{Address, Headers};

/// Whether each row has a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    /// Eight rows a byte, the first in the lowest bit.
    pub bytes: Vec<u8>,
    /// Rows.
    pub len: usize,
}

impl Bits {
    fn with_capacity(rows: usize) -> Self {
        Bits {
            bytes: Vec::with_capacity(rows.div_ceil(8)),
            len: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.len % 8);
        }
        self.len += 1;
    }

    /// The bit of `row`.
    pub fn get(&self, row: usize) -> bool {
        self.bytes[row / 8] >> (row % 8) & 1 == 1
    }
}

/// Texts one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// The letters.
    pub bytes: Vec<u8>,
    /// Where each text begins, and where the last one ends.
    pub offsets: Vec<i32>,
}

impl Texts {
    /// The text of `row`.
    pub fn get(&self, row: usize) -> &str {
        let (start, end) = (self.offsets[row], self.offsets[row + 1]);
        std::str::from_utf8(&self.bytes[start as usize..end as usize]).unwrap_or_default()
    }
}

/// A packet table.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Nanoseconds since 1970-01-01 UTC.
    pub time: Vec<i64>,
    /// Bytes on the wire.
    pub length: Vec<u32>,
    /// Bytes in the capture.
    pub captured_length: Vec<u32>,
    /// Source address as text.
    pub source_address: Texts,
    /// Destination address as text.
    pub destination_address: Texts,
    /// Source port.
    pub source_port: Vec<u16>,
    /// Destination port.
    pub destination_port: Vec<u16>,
    /// Number of the protocol above IP.
    pub protocol: Vec<u8>,
    /// Flags of TCP.
    pub tcp_flags: Vec<u16>,
    /// The outermost VLAN.
    pub vlan: Vec<u16>,
    /// Time to live or hop limit.
    pub ttl: Vec<u8>,
    /// The packet contradicts itself.
    pub malformed: Bits,
    /// Which rows have a time.
    pub has_time: Bits,
    /// Which rows have addresses, protocol and time to live.
    pub has_ip: Bits,
    /// Which rows have ports.
    pub has_ports: Bits,
    /// Which rows have flags.
    pub has_flags: Bits,
    /// Which rows have a VLAN.
    pub has_vlan: Bits,
}

impl Columns {
    /// Room for so many packets.
    pub fn with_capacity(rows: usize) -> Self {
        let texts = || Texts {
            bytes: Vec::with_capacity(rows * 14),
            offsets: {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                offsets
            },
        };
        Columns {
            time: Vec::with_capacity(rows),
            length: Vec::with_capacity(rows),
            captured_length: Vec::with_capacity(rows),
            source_address: texts(),
            destination_address: texts(),
            source_port: Vec::with_capacity(rows),
            destination_port: Vec::with_capacity(rows),
            protocol: Vec::with_capacity(rows),
            tcp_flags: Vec::with_capacity(rows),
            vlan: Vec::with_capacity(rows),
            ttl: Vec::with_capacity(rows),
            malformed: Bits::with_capacity(rows),
            has_time: Bits::with_capacity(rows),
            has_ip: Bits::with_capacity(rows),
            has_ports: Bits::with_capacity(rows),
            has_flags: Bits::with_capacity(rows),
            has_vlan: Bits::with_capacity(rows),
        }
    }

    /// Packets in the table.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Adds a packet.
    #[inline]
    pub fn push(&mut self, record: &Record, headers: &Headers, names: &mut Names) {
        self.time.push(record.time.unwrap_or(0));
        self.has_time.push(record.time.is_some());
        self.length.push(record.length);
        self.captured_length.push(record.captured);
        names.write(&mut self.source_address, headers.source);
        names.write(&mut self.destination_address, headers.destination);
        self.has_ip.push(headers.protocol.is_some());
        let (source, destination) = headers.ports.unwrap_or_default();
        self.source_port.push(source);
        self.destination_port.push(destination);
        self.has_ports.push(headers.ports.is_some());
        self.protocol.push(headers.protocol.unwrap_or_default());
        self.tcp_flags.push(headers.tcp_flags.unwrap_or_default());
        self.has_flags.push(headers.tcp_flags.is_some());
        self.vlan.push(headers.vlan.unwrap_or_default());
        self.has_vlan.push(headers.vlan.is_some());
        self.ttl.push(headers.ttl.unwrap_or_default());
        self.malformed.push(headers.malformed || record.damaged);
    }
}

/// Addresses as text.
///
/// IPv4 is put together from the texts of the numbers to 255. IPv6 (the canonical form of RFC 5952)
/// takes ten times as long, and is kept for the next packet of the same address.
#[derive(Debug)]
pub struct Names {
    /// Each number with a dot behind it, and its length with the dot.
    bytes: [([u8; 4], u8); 256],
    kept: Vec<([u8; 16], Vec<u8>)>,
}

const KEPT: usize = 1024;

impl Default for Names {
    fn default() -> Self {
        let text = |number: u8| {
            let mut text = [b'.'; 4];
            let written = number.to_string();
            text[..written.len()].copy_from_slice(written.as_bytes());
            (text, written.len() as u8 + 1)
        };
        Names {
            bytes: std::array::from_fn(|number| text(number as u8)),
            kept: Vec::new(),
        }
    }
}

impl Names {
    #[inline(always)]
    fn write(&mut self, texts: &mut Texts, address: Address) {
        match address {
            Address::None => {}
            Address::V4(address) => {
                let mut text = [0; 20];
                let mut end = 0;
                for byte in address {
                    let (digits, length) = self.bytes[usize::from(byte)];
                    text[end..end + 4].copy_from_slice(&digits);
                    end += usize::from(length);
                }
                texts.bytes.extend_from_slice(&text[..end - 1]);
            }
            Address::V6(address) => texts.bytes.extend_from_slice(self.v6(address)),
        }
        texts.offsets.push(texts.bytes.len() as i32);
    }

    fn v6(&mut self, address: [u8; 16]) -> &[u8] {
        let number = u128::from_be_bytes(address);
        let mixed = (number as u64 ^ (number >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if self.kept.is_empty() {
            self.kept.resize(KEPT, ([0; 16], b"::".to_vec()));
        }
        let (known, text) = &mut self.kept[(mixed >> 54) as usize % KEPT];
        if *known != address {
            *known = address;
            text.clear();
            // Writing to memory does not fail.
            let _ = write!(text, "{}", Ipv6Addr::from(address));
        }
        text
    }
}
