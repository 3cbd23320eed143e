//! Packets out of a table: a pcap whose packets have the headers that the table describes.
//!
//! Ethernet, then IPv4 or IPv6, then TCP, UDP or ICMP; the rest of a packet is zeros. A row without
//! addresses becomes a frame of an experimental Ethernet type. Reading the file gives the table
//! back, but for lengths too short for their headers, which grow.

use std::io::{self, Write};
use std::net::IpAddr;

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Packet {
    /// Nanoseconds since 1970-01-01 UTC.
    pub time: i64,
    /// Bytes on the wire.
    pub length: u32,
    /// Source and destination address.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Source and destination port.
    pub ports: (u16, u16),
    /// Number of the protocol above IP.
    pub protocol: u8,
    /// Flags of TCP.
    pub tcp_flags: u16,
    /// VLAN.
    pub vlan: Option<u16>,
    /// Time to live or hop limit.
    pub ttl: u8,
}

/// Writes the header of a pcap with times in nanoseconds.
///
/// # Errors
///
/// Those of `out`.
pub fn header(out: &mut impl Write, snap_length: u32) -> io::Result<()> {
    out.write_all(&0xa1b2_3c4du32.to_le_bytes())?;
    out.write_all(&2u16.to_le_bytes())?;
    out.write_all(&4u16.to_le_bytes())?;
    out.write_all(&[0; 8])?;
    out.write_all(&snap_length.to_le_bytes())?;
    out.write_all(&1u32.to_le_bytes())
}

/// Writes one packet, of which `snap_length` bytes are kept.
///
/// # Errors
///
/// Those of `out`.
pub fn packet(out: &mut impl Write, packet: &Packet, snap_length: u32) -> io::Result<()> {
    let mut frame = Vec::with_capacity(128);
    frame.extend_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    if let Some(vlan) = packet.vlan {
        frame.extend_from_slice(&[0x81, 0x00]);
        frame.extend_from_slice(&(vlan & 0x0fff).to_be_bytes());
    }
    let link = frame.len() + 2;
    match packet.addresses {
        None => frame.extend_from_slice(&[0x88, 0xb5]),
        Some((IpAddr::V4(source), IpAddr::V4(destination))) => {
            frame.extend_from_slice(&[0x08, 0x00]);
            let total = u16::try_from(packet.length as usize - link.min(packet.length as usize));
            let least = 20 + transport(packet).len() as u16;
            let total = total.unwrap_or(u16::MAX).max(least);
            let at = frame.len();
            frame.extend_from_slice(&[0x45, 0]);
            frame.extend_from_slice(&total.to_be_bytes());
            frame.extend_from_slice(&[0, 0, 0x40, 0, packet.ttl, packet.protocol, 0, 0]);
            frame.extend_from_slice(&source.octets());
            frame.extend_from_slice(&destination.octets());
            let sum = checksum(&frame[at..]);
            frame[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
            frame.extend_from_slice(&transport(packet));
        }
        Some((source, destination)) => {
            frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
            let head = transport(packet);
            let room = (packet.length as usize).saturating_sub(link + 40);
            let payload = u16::try_from(room)
                .unwrap_or(u16::MAX)
                .max(head.len() as u16);
            frame.extend_from_slice(&payload.to_be_bytes());
            frame.extend_from_slice(&[packet.protocol, packet.ttl]);
            frame.extend_from_slice(&v6(source));
            frame.extend_from_slice(&v6(destination));
            frame.extend_from_slice(&head);
        }
    }
    let length = packet.length.max(frame.len() as u32);
    let captured = length.min(snap_length);
    let (seconds, fraction) = (
        packet.time.div_euclid(1_000_000_000),
        packet.time.rem_euclid(1_000_000_000),
    );
    for number in [seconds as u32, fraction as u32, captured, length] {
        out.write_all(&number.to_le_bytes())?;
    }
    frame.resize(captured as usize, 0);
    out.write_all(&frame)
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The header above IP.
fn transport(packet: &Packet) -> Vec<u8> {
    let mut head = Vec::with_capacity(20);
    let ports = |head: &mut Vec<u8>| {
        head.extend_from_slice(&packet.ports.0.to_be_bytes());
        head.extend_from_slice(&packet.ports.1.to_be_bytes());
    };
    match packet.protocol {
        6 => {
            ports(&mut head);
            head.extend_from_slice(&[0; 8]);
            head.extend_from_slice(&(0x5000 | (packet.tcp_flags & 0x0fff)).to_be_bytes());
            head.extend_from_slice(&[0xff, 0xff, 0, 0, 0, 0]);
        }
        17 | 136 => {
            ports(&mut head);
            let length = packet.length.saturating_sub(34).clamp(8, 65_535) as u16;
            head.extend_from_slice(&length.to_be_bytes());
            head.extend_from_slice(&[0, 0]);
        }
        33 | 132 => {
            ports(&mut head);
            head.extend_from_slice(&[0; 8]);
        }
        1 | 58 => head.extend_from_slice(&[8, 0, 0, 0, 0, 0, 0, 0]),
        _ => {}
    }
    head
}

/// The ones' complement of the sum of 16-bit words.
fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks_exact(2);
    let sum: u32 = words
        .map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !(((sum & 0xffff) + (sum >> 16)) as u16)
}
