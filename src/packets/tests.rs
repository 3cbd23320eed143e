//! Captures made by hand, and captures damaged at random.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::columns::Columns;
use super::dissect::{Address, dissect};
use super::keys;
use super::reader::{ReadError, Reader};
use super::trailing::{Feature, Rows, features};
use crate::parallel::Monitor;
use crate::random::Stream;

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

#[test]
fn a_packet_says_the_same_in_every_container() {
    let frames = [tcp_frame(10)];
    let variants = [
        (pcap(1, &frames, false, 0xa1b2_c3d4), 1_000_000_005_000),
        (pcap(1, &frames, true, 0xa1b2_c3d4), 1_000_000_005_000),
        (pcap(1, &frames, false, 0xa1b2_3c4d), 1_000_000_000_005),
        (pcapng(&frames, 6), 7_000_000_000),
        (pcapng(&frames, 9), 7_000_000_000),
        (pcapng(&frames, 12), 7_000_000_000),
    ];
    for (bytes, time) in variants {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        zipped.write_all(&bytes).unwrap();
        for bytes in [bytes, zipped.finish().unwrap()] {
            let columns = one(&bytes);
            assert_eq!(columns.time, [time]);
            assert_eq!(columns.length, [64]);
            assert_eq!(columns.source_address.get(0), "192.0.2.1");
            assert_eq!(columns.destination_address.get(0), "198.51.100.7");
            assert_eq!(
                (columns.source_port[0], columns.destination_port[0]),
                (1234, 443)
            );
            assert_eq!(
                (columns.protocol[0], columns.tcp_flags[0], columns.ttl[0]),
                (6, 0x12, 64)
            );
            assert!(!columns.malformed.get(0) && !columns.has_vlan.get(0));
        }
    }
}

#[test]
fn every_link_type_leads_to_the_same_headers() {
    let ip = tcp_frame(0)[14..].to_vec();
    let with = |start: &[u8]| [start, &ip].concat();
    let ethernet = |tags: &[u8]| with(&[&[0; 12], tags].concat());
    let cases = [
        (1, ethernet(&[0x08, 0x00]), None),
        (1, ethernet(&[0x81, 0, 0x60, 5, 0x08, 0x00]), Some(5)),
        (
            1,
            ethernet(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5, 0x08, 0]),
            Some(7),
        ),
        (
            1,
            ethernet(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21]),
            None,
        ),
        (1, ethernet(&[0x88, 0x47, 0, 0, 0, 9, 0, 0, 1, 9]), None),
        (1, ethernet(&[0, 60, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0]), None),
        (
            113,
            with(&[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
            None,
        ),
        (
            276,
            with(&[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]),
            None,
        ),
        (0, with(&[2, 0, 0, 0]), None),
        (0, with(&[0, 0, 0, 2]), None),
        (108, with(&[0, 0, 0, 2]), None),
        (101, ip.clone(), None),
        (228, ip.clone(), None),
        (9, with(&[0xff, 3, 0, 0x21]), None),
        (9, with(&[0x21]), None),
        (104, with(&[0x0f, 0, 8, 0]), None),
    ];
    let plain = dissect(1, &tcp_frame(0), false);
    assert_eq!(plain.source, Address::V4([192, 0, 2, 1]));
    for (link, data, vlan) in cases {
        let headers = dissect(link, &data, false);
        assert_eq!(headers.vlan, vlan, "link type {link}");
        assert_eq!(
            (headers.source, headers.ports),
            (plain.source, plain.ports),
            "{link} {data:?}"
        );
        assert!(!headers.malformed, "{link} {data:?}");
    }
}

#[test]
fn extension_headers_are_looked_through_and_later_fragments_have_no_ports() {
    let udp = [0, 53, 0x30, 0x39, 0, 8, 0, 0];
    let hop = [17, 0, 0, 0, 0, 0, 0, 0];
    let data = [&ipv6(0, 16)[..], &hop, &udp].concat();
    let headers = dissect(101, &data, false);
    assert_eq!(
        (headers.protocol, headers.ports),
        (Some(17), Some((53, 12_345)))
    );
    assert_eq!(headers.ttl, Some(63));
    for (offset, ports) in [(0u16, Some((53, 12_345))), (1480 | 1, None)] {
        let [high, low] = offset.to_be_bytes();
        let fragment = [17, 0, high, low, 0, 0, 0, 1];
        let data = [&ipv6(44, 16)[..], &fragment, &udp].concat();
        let headers = dissect(101, &data, false);
        assert_eq!((headers.protocol, headers.ports), (Some(17), ports));
        let mut data = [&ipv4(17, 8)[..], &udp].concat();
        [data[6], data[7]] = (offset >> 3 | 0x2000).to_be_bytes();
        assert_eq!(dissect(101, &data, false).ports, ports);
    }
    for (protocol, least) in [(132, 12), (136, 8), (33, 12)] {
        let data = [&ipv4(protocol, least)[..], &udp, &[0; 4]].concat();
        assert_eq!(dissect(101, &data, false).ports, Some((53, 12_345)));
    }
}

#[test]
fn a_tunnel_shows_its_own_addresses_and_ports() {
    let inner = tcp_frame(0)[14..].to_vec();
    let length = (inner.len() as u16).to_be_bytes();
    let gtp = [&[0x30, 0xff, length[0], length[1], 0, 0, 0, 7], &inner[..]].concat();
    let length = (8 + gtp.len() as u16).to_be_bytes();
    let udp = [&[8, 104, 8, 104, length[0], length[1], 0, 0], &gtp[..]].concat();
    let outer_4 = [&ipv4(17, udp.len())[..], &udp].concat();
    let outer_6 = [&ipv6(17, udp.len())[..], &udp].concat();
    for (data, ttl) in [(outer_4, 64), (outer_6, 63)] {
        let headers = dissect(101, &data, false);
        assert_eq!((headers.protocol, headers.ttl), (Some(17), Some(ttl)));
        assert_eq!(headers.ports, Some((2152, 2152)));
        assert_eq!(headers.tcp_flags, None, "those of the inner packet");
        assert!(!headers.malformed);
    }
    // IP in IP has the addresses of the outer header, and no ports.
    let data = [&ipv4(4, inner.len())[..], &inner].concat();
    let headers = dissect(101, &data, false);
    assert_eq!((headers.protocol, headers.ports), (Some(4), None));
}

#[test]
fn every_extension_header_is_looked_through() {
    let udp = [0, 53, 0x30, 0x39, 0, 8, 0, 0];
    // Hop-by-hop, routing, fragment (the first), destination options, one behind the other.
    let chain = [
        [43, 0, 0, 0, 0, 0, 0, 0],
        [44, 0, 0, 0, 0, 0, 0, 0],
        [60, 0, 0, 1, 0, 0, 0, 1],
        [17, 0, 0, 0, 0, 0, 0, 0],
    ];
    let data = [&ipv6(0, 40)[..], chain.as_flattened(), &udp].concat();
    let headers = dissect(101, &data, false);
    assert_eq!(
        (headers.protocol, headers.ports),
        (Some(17), Some((53, 12_345)))
    );
    // The same as a later fragment: a protocol, but no ports.
    let mut later = data.clone();
    [later[40 + 18], later[40 + 19]] = 8u16.to_be_bytes();
    let headers = dissect(101, &later, false);
    assert_eq!(headers.ports, None);
    // An authentication header of 12 + 12 bytes.
    let mut header = vec![17, 4, 0, 0];
    header.extend([0; 20]);
    let data = [&ipv6(51, 32)[..], &header, &udp].concat();
    assert_eq!(dissect(101, &data, false).ports, Some((53, 12_345)));
    // A header that says it goes on beyond the packet.
    let data = [&ipv6(0, 16)[..], &[17, 200, 0, 0, 0, 0, 0, 0], &udp].concat();
    let headers = dissect(101, &data, false);
    assert!(headers.malformed && headers.ports.is_none());
}

#[test]
fn a_fault_is_flagged_but_a_snapped_packet_is_none() {
    let frame = tcp_frame(0);
    let fault = |at: usize, byte: u8| {
        let mut frame = frame.clone();
        frame[at] = byte;
        dissect(1, &frame, false)
    };
    assert!(fault(14, 0x44).malformed, "header of 16 bytes");
    assert!(
        fault(14, 0x65).malformed,
        "IPv6 where the link layer says IPv4"
    );
    assert!(fault(17, 10).malformed, "total length below the header");
    assert!(fault(17, 200).malformed, "total length beyond the frame");
    assert!(fault(46, 0x40).malformed, "TCP header of 16 bytes");
    assert!(fault(46, 0xf0).malformed, "TCP header beyond the packet");
    for end in 0..frame.len() {
        assert!(dissect(1, &frame[..end], false).malformed, "{end}");
        assert!(!dissect(1, &frame[..end], true).malformed, "{end}");
    }
    assert_eq!(dissect(1, &frame[..38], true).ports, Some((1234, 443)));
}

#[test]
fn what_is_no_capture_is_named() {
    let expected = "path must be a capture in pcap or pcapng, plain or gzip, got ";
    let whole = pcap(1, &[], false, 0xa1b2_c3d4);
    let cases: [(&[u8], &str); 6] = [
        (b"", "nothing: it is empty"),
        (
            &whole[..10],
            "a pcap that ends within its header, after 10 bytes",
        ),
        (
            &[0x0a, 0x0d, 0x0d, 0x0a, 28],
            "a pcapng that ends within its header, after 5 bytes",
        ),
        (
            b"%PDF-1.7",
            "a file that begins with the bytes 25 50 44 46 2d 31 2e 37",
        ),
        (
            &[0x28, 0xb5, 0x2f, 0xfd, 0, 0],
            "zstd data (decompress them first)",
        ),
        (&[0x1f, 0x8b], "gzip data that hold nothing"),
    ];
    for (bytes, found) in cases {
        assert_eq!(read(bytes, 10).unwrap_err(), format!("{expected}{found}"));
    }
    assert_eq!(read(&whole, 10).unwrap().0.len(), 0);
}

#[test]
fn a_capture_that_breaks_off_gives_what_came_before() {
    let whole = pcap(1, &[tcp_frame(0), tcp_frame(0)], false, 0xa1b2_c3d4);
    for end in 95..whole.len() {
        let (tables, notes) = read(&whole[..end], 10).unwrap();
        assert_eq!(tables[0].len(), 1, "{end}");
        let note = "packet 2 at byte 94 is cut short: the capture ends within it";
        assert_eq!(notes, [note], "{end}");
    }
    let mut absurd = whole.clone();
    absurd[94 + 8..94 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (tables, notes) = read(&absurd, 10).unwrap();
    assert_eq!(tables[0].len(), 1);
    assert_eq!(
        notes,
        ["packet 2 at byte 94 claims 4294967295 captured bytes"]
    );
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    let many: Vec<_> = (0..5_000).map(tcp_frame).collect();
    zipped
        .write_all(&pcap(1, &many[..1_000], false, 0xa1b2_c3d4))
        .unwrap();
    let zipped = zipped.finish().unwrap();
    let (tables, notes) = read(&zipped[..zipped.len() / 2], 10_000).unwrap();
    assert!(!tables.is_empty() && notes[0].starts_with("the gzip data are damaged or cut short"));
}

#[test]
fn a_packet_larger_than_the_buffer_is_passed_over() {
    let frames = [tcp_frame(1_000_000), tcp_frame(3)];
    let columns = one(&pcap(1, &frames, false, 0xa1b2_c3d4));
    assert_eq!(columns.length, [1_000_054, 57]);
    assert_eq!(columns.source_port, [1234, 1234]);
}

/// Gives one byte to a few at a time, as a slow pipe does.
struct Drops(Cursor<Vec<u8>>, usize);

impl Read for Drops {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1 % 7 + 1;
        let n = out.len().min(self.1);
        self.0.read(&mut out[..n])
    }
}

#[test]
fn batches_and_drops_change_nothing() {
    let frames: Vec<_> = (0..40).map(|i| tcp_frame(i * 3)).collect();
    for bytes in [pcap(1, &frames, false, 0xa1b2_c3d4), pcapng(&frames, 6)] {
        let whole = one(&bytes);
        for live in [false, true] {
            let source = Box::new(Drops(Cursor::new(bytes.clone()), 0));
            let mut reader = Reader::new(source).unwrap_or_else(|_| panic!("a capture"));
            let mut lengths = Vec::new();
            while let Ok(Some(columns)) = reader.batch(7, live) {
                assert!(columns.len() <= if live { 1 } else { 7 });
                lengths.extend(columns.length);
            }
            assert_eq!(lengths, whole.length);
        }
    }
}

/// Twenty thousand captures, plain and gzip, with bytes changed, cut and repeated and with lengths of
/// any size: each is refused or read to an end, with rows that agree among themselves.
#[test]
fn damaged_captures_are_read_without_a_panic() {
    let udp6 = [
        &[0; 12][..],
        &[0x86, 0xdd],
        &ipv6(0, 16),
        &[17, 0, 0, 0, 0, 0, 0, 0, 0, 53, 0, 99, 0, 8, 0, 0],
    ]
    .concat();
    let mpls = [&[0; 12][..], &[0x88, 0x47, 0, 0, 1, 9], &tcp_frame(0)[14..]].concat();
    let frames = [tcp_frame(5), udp6, mpls, vec![], tcp_frame(300)];
    let mut seeds = vec![pcapng(&frames, 6), pcapng(&frames, 9)];
    for link in [0, 1, 9, 101, 104, 108, 113, 276] {
        seeds.push(pcap(link, &frames, link % 2 == 1, 0xa1b2_c3d4));
    }
    for plain in [0, 2] {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        zipped.write_all(&seeds[plain]).unwrap();
        seeds.push(zipped.finish().unwrap());
    }
    let mut stream = Stream::new(20_261_121, 0);
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=stream.below(6) {
            if bytes.is_empty() {
                break;
            }
            let at = stream.below(bytes.len() as u64) as usize;
            match stream.below(7) {
                0 => bytes.truncate(at),
                1 => bytes[at] = 0xff,
                2 => bytes[at] = 0,
                3 => bytes[at] ^= 1 << stream.below(8),
                4 => bytes[at] = stream.next_u64() as u8,
                5 => {
                    // A length of any size, wherever it falls.
                    let end = (at + 4).min(bytes.len());
                    let length = (1u32 << stream.below(32)).wrapping_sub(stream.below(3) as u32);
                    bytes[at..end].copy_from_slice(&length.to_le_bytes()[..end - at]);
                }
                _ => {
                    let end = (at + stream.below(40) as usize).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = stream.below(bytes.len() as u64) as usize;
                    bytes.splice(to..to, piece);
                }
            }
        }
        let Ok((tables, _)) = read(&bytes, 3) else {
            continue;
        };
        for columns in tables {
            let n = columns.len();
            assert_eq!(columns.source_address.offsets.len(), n + 1);
            assert_eq!(columns.malformed.len, n);
            for row in 0..n {
                let text = columns.source_address.get(row);
                assert_eq!(text.is_empty(), !columns.has_ip.get(row));
                assert!(text.is_empty() || text.parse::<std::net::IpAddr>().is_ok());
            }
        }
    }
}

#[test]
fn dissection_of_random_bytes_ends() {
    let mut stream = Stream::new(3, 1);
    let mut data = [0u8; 120];
    for _ in 0..200_000 {
        for word in data.chunks_mut(8) {
            word.copy_from_slice(&stream.next_u64().to_le_bytes()[..word.len()]);
        }
        let ip = stream.below(3) as usize * 7;
        data[ip] = if stream.below(2) == 0 { 0x45 } else { 0x60 };
        let links = [
            0, 1, 9, 12, 50, 51, 101, 104, 108, 113, 204, 228, 229, 276, 999,
        ];
        let link = links[stream.below(links.len() as u64) as usize];
        let end = stream.below(data.len() as u64) as usize;
        dissect(link, &data[..end], stream.below(2) == 0);
    }
}

#[test]
fn keys_are_numbered_in_order_of_appearance() {
    let (ids, n) = keys::number([Some(9u32), None, Some(7), Some(9)].into_iter());
    assert_eq!((ids, n), (vec![0, keys::NONE, 1, 0], 2));
    let many: Vec<u128> = (0..100_000).map(|i| u128::from(i as u64) << 64).collect();
    let (ids, n) = keys::number(many.iter().map(|&key| Some(key)));
    assert!(ids.iter().enumerate().all(|(i, &id)| i == id as usize));
    assert_eq!(n, many.len());
    let mut numbers = keys::TextNumbers::default();
    let texts = [
        "10.0.0.1",
        "2001:db8::1234:5678:9",
        "",
        "10.0.0.1",
        "2001:db8::1234:5678:9",
    ];
    let ids: Vec<_> = texts
        .iter()
        .map(|text| numbers.number(text.as_bytes()))
        .collect();
    assert_eq!(ids, [0, 1, 2, 0, 1]);
}

#[test]
fn ties_are_counted_in_the_order_of_rows() {
    let times = [0, 1, 1, 1, 6, 6].map(|s| s * 1_000_000_000);
    let rows = Rows {
        keys: &[0; 6],
        n_keys: 1,
        times: &times,
        ..Rows::default()
    };
    let window = 5_000_000_000;
    let counts = features(
        &rows,
        &[Feature::PacketCount],
        window,
        1,
        &Monitor::default(),
    )
    .unwrap();
    assert_eq!(counts[0], [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
}

#[test]
fn threads_and_the_order_of_rows_change_nothing() {
    let mut stream = Stream::new(8, 8);
    let n = 200_000;
    let mut time = 0;
    let times: Vec<i64> = (0..n)
        .map(|_| {
            time += stream.below(200_000) as i64;
            time
        })
        .collect();
    let mut draw = |most: u64| -> Vec<u32> { (0..n).map(|_| stream.below(most) as u32).collect() };
    let (keys, lengths, flags) = (draw(50), draw(1_500), draw(64));
    let (to, ports, from) = (draw(30), draw(9), draw(70));
    let rows = Rows {
        keys: &keys,
        n_keys: 50,
        times: &times,
        lengths: &lengths,
        flags: &flags,
        destinations: &to,
        destination_ports: &ports,
        source_ports: &from,
    };
    let all: Vec<_> = Feature::ALL.iter().map(|(_, feature)| *feature).collect();
    let ask = |rows: &Rows, threads| {
        let answers = features(rows, &all, 500_000_000, threads, &Monitor::default()).unwrap();
        let bits = |column: Vec<f64>| column.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        answers.into_iter().map(bits).collect::<Vec<_>>()
    };
    let expected = ask(&rows, 1);
    assert!(expected == ask(&rows, 3));
    // Rows of one key after those of another.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&row| keys[row]);
    let take = |column: &[u32]| order.iter().map(|&row| column[row]).collect::<Vec<_>>();
    let sorted_times: Vec<_> = order.iter().map(|&row| times[row]).collect();
    let columns = [&keys, &lengths, &flags, &to, &ports, &from].map(|column| take(column));
    let sorted = Rows {
        keys: &columns[0],
        times: &sorted_times,
        lengths: &columns[1],
        flags: &columns[2],
        destinations: &columns[3],
        destination_ports: &columns[4],
        source_ports: &columns[5],
        n_keys: 50,
    };
    for (expected, found) in expected.iter().zip(ask(&sorted, 2)) {
        assert!(
            order
                .iter()
                .zip(found)
                .all(|(&row, value)| expected[row] == value)
        );
    }
}
