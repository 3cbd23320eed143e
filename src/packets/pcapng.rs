//! pcapng: sections of blocks, each of which says its length.
//!
//! Packets come from enhanced, simple and the obsolete packet blocks; interfaces say their link type
//! and the unit of their times. Every other block is skipped unread.
//!
//! The format: <https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcapng.html>.

use super::capture::{BELIEVED, LOOK, Order, Record, Step};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Bytes of an interface block that are looked at for options.
const OPTIONS: usize = 1 << 16;
/// Interfaces of a section that are remembered; packets of later ones count as damaged.
const INTERFACES: usize = 1 << 16;

const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;

/// The interfaces of the present section.
#[derive(Debug, Default)]
pub struct PcapNg {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: u16,
    snap_length: u32,
    unit: Unit,
    offset_s: i64,
}

/// The unit of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// So many of them are a nanosecond.
    PerNanosecond(u64),
    /// 2 to so many are a second.
    Binary(u32),
}

impl Unit {
    fn parse(resolution: u8) -> Option<Self> {
        let power = u32::from(resolution & 0x7f);
        match (resolution >> 7, power) {
            (0, 0..=9) => Some(Unit::Nanoseconds(10u64.pow(9 - power))),
            (0, 10..=27) => Some(Unit::PerNanosecond(10u64.pow(power - 9))),
            (1, 0..=63) => Some(Unit::Binary(power)),
            _ => None,
        }
    }
}

impl Interface {
    /// Nanoseconds since 1970, if they fit.
    fn time(&self, high: u32, low: u32) -> Option<i64> {
        let ticks = u128::from(high) << 32 | u128::from(low);
        let ns = match self.unit {
            Unit::Nanoseconds(ns) => ticks * u128::from(ns),
            Unit::PerNanosecond(ticks_per_ns) => ticks / u128::from(ticks_per_ns),
            Unit::Binary(power) => (ticks * 1_000_000_000) >> power,
        };
        let offset = i128::from(self.offset_s) * 1_000_000_000;
        i64::try_from(i128::try_from(ns).ok()?.checked_add(offset)?).ok()
    }
}

impl PcapNg {
    /// What to do with `bytes`, which begin with a block.
    #[inline]
    pub fn step(&mut self, bytes: &[u8]) -> Step {
        if bytes.len() < 12 {
            return Step::More(12);
        }
        if self.order.u32(bytes, 0) == SECTION {
            // The same in both byte orders; the number after it tells them apart.
            let order = Order {
                big: bytes[8..12] == [0x1a, 0x2b, 0x3c, 0x4d],
            };
            if order.u32(bytes, 8) != 0x1a2b_3c4d {
                return Step::Damaged("begins a section without a byte order".to_owned());
            }
            self.order = order;
            self.interfaces.clear();
        }
        let (kind, length) = (self.order.u32(bytes, 0), self.order.u32(bytes, 4));
        if length < 12 || length % 4 != 0 {
            return Step::Damaged(format!("is in a block of {length} bytes"));
        }
        let size = u64::from(length);
        // What lies between the lengths at both ends.
        let body = length as usize - 12;
        match kind {
            INTERFACE if body >= 8 => {
                let looked_at = 8 + body.min(OPTIONS);
                if bytes.len() < looked_at {
                    return Step::More(looked_at);
                }
                if self.interfaces.len() < INTERFACES {
                    let interface = self.interface(&bytes[8..looked_at]);
                    self.interfaces.push(interface);
                }
                Step::Skip(size)
            }
            ENHANCED_PACKET | OBSOLETE_PACKET if body >= 20 => {
                if bytes.len() < 28 {
                    return Step::More(28);
                }
                let number = if kind == ENHANCED_PACKET {
                    self.order.u32(bytes, 8) as usize
                } else {
                    usize::from(self.order.u16(bytes, 8))
                };
                let captured = self.order.u32(bytes, 20);
                let length = self.order.u32(bytes, 24);
                let interface = self.interfaces.get(number);
                let time = interface.and_then(|interface| {
                    interface.time(self.order.u32(bytes, 12), self.order.u32(bytes, 16))
                });
                let damaged = time.is_none();
                let link = interface.map(|interface| interface.link);
                self.packet(
                    bytes,
                    28,
                    body - 20,
                    size,
                    captured,
                    length,
                    time,
                    link,
                    damaged,
                )
            }
            SIMPLE_PACKET if body >= 4 => {
                if bytes.len() < 12 {
                    return Step::More(12);
                }
                let length = self.order.u32(bytes, 8);
                let interface = self.interfaces.first();
                let limit = interface.map_or(0, |interface| interface.snap_length);
                let limit = if limit == 0 { u32::MAX } else { limit };
                let captured = length.min(limit).min(body as u32 - 4);
                let link = interface.map(|interface| interface.link);
                self.packet(
                    bytes,
                    12,
                    body - 4,
                    size,
                    captured,
                    length,
                    None,
                    link,
                    link.is_none(),
                )
            }
            _ => Step::Skip(size),
        }
    }

    #[allow(clippy::too_many_arguments)] // what the two kinds of block have read
    #[inline(always)]
    fn packet(
        &self,
        bytes: &[u8],
        at: usize,
        room: usize,
        size: u64,
        captured: u32,
        length: u32,
        time: Option<i64>,
        link: Option<u16>,
        damaged: bool,
    ) -> Step {
        if captured > BELIEVED {
            return Step::Damaged(format!("claims {captured} captured bytes"));
        }
        let kept = (captured as usize).min(room);
        let looked_at = kept.min(LOOK);
        if bytes.len() < at + looked_at {
            return Step::More(at + looked_at);
        }
        Step::Packet {
            record: Record {
                time,
                length,
                captured: kept as u32,
                link: link.unwrap_or(u16::MAX),
                damaged: damaged || kept < captured as usize || captured > length,
            },
            data: at..at + looked_at,
            size,
        }
    }

    /// The interface that `body` describes: link type, snap length, options.
    fn interface(&self, body: &[u8]) -> Interface {
        let mut interface = Interface {
            link: self.order.u16(body, 0),
            snap_length: self.order.u32(body, 4),
            unit: Unit::Nanoseconds(1_000),
            offset_s: 0,
        };
        let mut at = 8;
        while at + 4 <= body.len() {
            let code = self.order.u16(body, at);
            let length = usize::from(self.order.u16(body, at + 2));
            let Some(value) = body.get(at + 4..at + 4 + length) else {
                break;
            };
            match (code, value) {
                (0, _) => break,
                (RESOLUTION, &[resolution]) => {
                    interface.unit = Unit::parse(resolution).unwrap_or(interface.unit);
                }
                (OFFSET, value) if value.len() == 8 => {
                    let (a, b) = (self.order.u32(value, 0), self.order.u32(value, 4));
                    let (high, low) = if self.order.big { (a, b) } else { (b, a) };
                    interface.offset_s = (u64::from(high) << 32 | u64::from(low)) as i64;
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        interface
    }
}
