//! Captures made by hand, and what all tests need of them.

mod containers;
mod damage;
mod headers;
mod windows;

use std::io::Cursor;

use super::columns::Columns;
use super::reader::{ReadError, Reader};

/// An Ethernet frame with IPv4 and TCP: 54 bytes and a payload.
fn tcp_frame(payload: usize) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00]);
    frame.extend(ipv4(6, 20 + payload));
    frame.extend([0x04, 0xd2, 0x01, 0xbb]); // 1234, 443
    frame.extend([0; 8]);
    frame.extend([0x50, 0x12, 0, 0, 0, 0, 0, 0]); // SYN, ACK
    frame.extend(vec![0; payload]);
    frame
}

fn ipv4(protocol: u8, payload: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + payload as u16).to_be_bytes());
    header.extend([
        0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7,
    ]);
    header
}

fn ipv6(next: u8, payload: usize) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend((payload as u16).to_be_bytes());
    header.extend([next, 63]);
    for last in [1, 2] {
        header.extend([
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last,
        ]);
    }
    header
}

fn pcap(link: u32, frames: &[Vec<u8>], big: bool, magic: u32) -> Vec<u8> {
    let u32s = |values: &[u32]| -> Vec<u8> {
        let bytes = values.iter().map(|v| {
            if big {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        });
        bytes.flatten().collect()
    };
    let mut out = u32s(&[magic, 0x0004_0002, 0, 0, 65_535, link]);
    for (i, frame) in frames.iter().enumerate() {
        let length = frame.len() as u32;
        out.extend(u32s(&[1_000 + i as u32, 5, length, length]));
        out.extend(frame);
    }
    out
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = (12 + padded) as u32;
    let mut out = Vec::new();
    out.extend(kind.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(body);
    out.extend(vec![0; padded - body.len()]);
    out.extend(length.to_le_bytes());
    out
}

/// A section, an interface with times in units of 10 to the -`resolution`, an unknown block, and
/// an enhanced packet per frame.
fn pcapng(frames: &[Vec<u8>], resolution: u8) -> Vec<u8> {
    let mut out = block(
        0x0a0d_0d0a,
        &[
            0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    );
    out.extend(block(
        1,
        &[
            1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0,
        ],
    ));
    out.extend(block(0x0bad_cafe, b"what is this"));
    for frame in frames {
        let mut body = vec![0; 4];
        let ticks = 7u64 * 10u64.pow(u32::from(resolution));
        body.extend(((ticks >> 32) as u32).to_le_bytes());
        body.extend((ticks as u32).to_le_bytes());
        for _ in 0..2 {
            body.extend((frame.len() as u32).to_le_bytes());
        }
        body.extend(frame);
        out.extend(block(6, &body));
    }
    out
}

fn read(bytes: &[u8], rows: usize) -> Result<(Vec<Columns>, Vec<String>), String> {
    let text = |error| match error {
        ReadError::Io(error) => error.to_string(),
        ReadError::Kernel(error) => error.to_string(),
    };
    let mut reader = Reader::new(Box::new(Cursor::new(bytes.to_vec()))).map_err(text)?;
    let mut tables = Vec::new();
    while let Some(columns) = reader.batch(rows, false).map_err(text)? {
        tables.push(columns);
    }
    Ok((tables, reader.notes().to_vec()))
}

fn one(bytes: &[u8]) -> Columns {
    let (mut tables, notes) = read(bytes, 1_000).unwrap();
    assert_eq!(notes, [""; 0]);
    assert_eq!(tables.len(), 1);
    tables.remove(0)
}
