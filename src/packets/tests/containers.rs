//! pcap and pcapng, plain and gzip, whole and in drops.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{one, pcap, pcapng, tcp_frame};
use crate::packets::reader::Reader;

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
