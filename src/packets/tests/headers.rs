//! Headers by the byte.

use super::{ipv4, ipv6, tcp_frame};
use crate::packets::dissect::{Address, dissect};

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
