//! The container of a capture: where each packet lies, when it came and how long it was.
//!
//! A [`Capture`] looks at the bytes that are there and says what to do next: take a packet, skip
//! what is of no interest, or wait for more bytes. It keeps nothing but the facts of the header, so
//! that a capture of any size is read in the memory of one buffer.
//!
//! Formats: <https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcap.html>
//! and [`pcapng`](super::pcapng).

use std::ops::Range;

use super::pcapng::PcapNg;

/// Bytes of a packet that dissection looks at. Headers end long before.
pub const LOOK: usize = 4096;

/// The largest captured length that is believed. The largest packets that any capture tool writes
/// (USB, D-Bus) have 128 MiB; what claims more is not a packet.
pub const BELIEVED: u32 = 1 << 28;

/// What a capture says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since 1970-01-01 UTC; `None` where the format keeps no time.
    pub time: Option<i64>,
    /// Bytes on the wire.
    pub length: u32,
    /// Bytes kept.
    pub captured: u32,
    /// Number of the link type, as <https://www.tcpdump.org/linktypes.html> lists them.
    pub link: u16,
    /// Whether the capture contradicts itself about this packet.
    pub damaged: bool,
}

/// What to do with the bytes at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A packet, whose data lies at `data`. It takes `size` bytes, perhaps more than are at hand.
    Packet {
        /// What the capture says of it.
        record: Record,
        /// Where its first [`LOOK`] bytes lie.
        data: Range<usize>,
        /// Bytes to go on by.
        size: u64,
    },
    /// Nothing of interest in so many bytes, perhaps more than are at hand.
    Skip(u64),
    /// At least so many bytes are needed to go on.
    More(usize),
    /// What stands here cannot be: the reason.
    Damaged(String),
}

/// One of the two formats.
#[derive(Debug)]
pub enum Capture {
    /// The format of libpcap.
    Pcap(Pcap),
    /// The next generation: blocks.
    PcapNg(PcapNg),
}

impl Capture {
    /// The capture that begins with `start`, and the bytes of its header.
    ///
    /// `None` if it is none, or `start` is shorter than the header.
    pub fn detect(start: &[u8]) -> Option<(Self, usize)> {
        if start.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            let magic = start.get(8..12)?;
            let known = magic == [0x1a, 0x2b, 0x3c, 0x4d] || magic == [0x4d, 0x3c, 0x2b, 0x1a];
            return known.then(|| (Capture::PcapNg(PcapNg::default()), 0));
        }
        Pcap::detect(start).map(|pcap| (Capture::Pcap(pcap), Pcap::HEADER))
    }

    /// What to do with `bytes`, which begin where the last step ended.
    #[inline]
    pub fn step(&mut self, bytes: &[u8]) -> Step {
        match self {
            Capture::Pcap(pcap) => pcap.step(bytes),
            Capture::PcapNg(pcapng) => pcapng.step(bytes),
        }
    }
}

/// Reads numbers in the byte order of the machine that wrote them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order {
    /// The most significant byte comes first.
    pub big: bool,
}

impl Order {
    /// The 16-bit number at `at`; the caller has checked that it is there.
    #[inline(always)]
    pub fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let raw = [bytes[at], bytes[at + 1]];
        if self.big {
            u16::from_be_bytes(raw)
        } else {
            u16::from_le_bytes(raw)
        }
    }

    /// The 32-bit number at `at`; the caller has checked that it is there.
    #[inline(always)]
    pub fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let raw = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.big {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        }
    }
}

/// A capture as libpcap writes it: one header, then packets.
#[derive(Debug, Clone, Copy)]
pub struct Pcap {
    order: Order,
    /// Nanoseconds in a unit of the fraction of a second.
    fraction_ns: i64,
    /// Bytes of the header of a packet: 16, or 24 in a variant of old Linux distributions.
    record: usize,
    link: u16,
}

impl Pcap {
    const HEADER: usize = 24;

    fn detect(start: &[u8]) -> Option<Self> {
        if start.len() < Self::HEADER {
            return None;
        }
        let variant = |order: Order| match order.u32(start, 0) {
            0xa1b2_c3d4 => Some((1_000, 16)),
            0xa1b2_3c4d => Some((1, 16)),
            0xa1b2_cd34 => Some((1_000, 24)),
            _ => None,
        };
        let orders = [Order { big: false }, Order { big: true }];
        let (order, (fraction_ns, record)) = orders
            .into_iter()
            .find_map(|order| Some((order, variant(order)?)))?;
        Some(Pcap {
            order,
            fraction_ns,
            record,
            // The upper half says whether a checksum ends each frame.
            link: order.u32(start, 20) as u16,
        })
    }

    #[inline(always)]
    fn step(&self, bytes: &[u8]) -> Step {
        if bytes.len() < self.record {
            return Step::More(self.record);
        }
        let captured = self.order.u32(bytes, 8);
        if captured > BELIEVED {
            return Step::Damaged(format!("claims {captured} captured bytes"));
        }
        let kept = (captured as usize).min(LOOK);
        if bytes.len() < self.record + kept {
            return Step::More(self.record + kept);
        }
        let seconds = i64::from(self.order.u32(bytes, 0));
        let fraction = i64::from(self.order.u32(bytes, 4));
        let length = self.order.u32(bytes, 12);
        Step::Packet {
            record: Record {
                time: Some(seconds * 1_000_000_000 + fraction * self.fraction_ns),
                length,
                captured,
                link: self.link,
                damaged: captured > length || fraction * self.fraction_ns >= 1_000_000_000,
            },
            data: self.record..self.record + kept,
            size: self.record as u64 + u64::from(captured),
        }
    }
}
