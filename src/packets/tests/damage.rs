//! What is no capture, captures that break off, and captures damaged at random.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{ipv6, one, pcap, pcapng, read, tcp_frame};
use crate::packets::dissect::dissect;
use crate::random::Stream;

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
