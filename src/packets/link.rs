//! The link layer: where the network layer begins, and the VLAN.
//!
//! Ethernet with VLAN tags, Linux cooked captures (v1, v2), null and loopback, raw IP, PPP and Cisco
//! HDLC; inside them PPPoE sessions, MPLS labels and SNAP. Numbers of link types:
//! <https://www.tcpdump.org/linktypes.html>; of Ethernet types: IANA's IEEE 802 numbers.

/// What follows the link layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// An IPv4 or IPv6 packet from this byte on; the version if the link layer names it.
    Ip(usize, Option<u8>),
    /// Something else: ARP, spanning tree, a link type that is not known.
    Other,
    /// The bytes end within the link layer.
    Short,
}

/// VLAN tags and MPLS labels that are looked through.
const DEPTH: usize = 16;

/// Whether packets of this link type are taken apart.
pub fn is_known(link: u16) -> bool {
    matches!(
        link,
        0 | 1 | 9 | 12 | 14 | 50 | 51 | 101 | 104 | 108 | 113 | 204 | 228 | 229 | 276
    )
}

/// Where the network layer of `data` begins, and the outermost VLAN.
#[inline]
pub fn network(link: u16, data: &[u8]) -> (Network, Option<u16>) {
    match link {
        1 => ethernet(data),
        113 => ether_type(data, 14, 16),
        276 => ether_type(data, 0, 20),
        0 | 108 => (family(link, data), None),
        12 | 14 | 101 => (Network::Ip(0, None), None),
        228 => (Network::Ip(0, Some(4)), None),
        229 => (Network::Ip(0, Some(6)), None),
        9 | 50 => (ppp(data, 0), None),
        204 => (ppp(data, 1), None),
        51 => (ppp_over_ethernet(data, 0), None),
        104 => hdlc(data),
        _ => (Network::Other, None),
    }
}

#[inline(always)]
fn be16(data: &[u8], at: usize) -> Option<u16> {
    let raw = data.get(at..at + 2)?;
    Some(u16::from_be_bytes([raw[0], raw[1]]))
}

#[inline(always)]
fn ethernet(data: &[u8]) -> (Network, Option<u16>) {
    match be16(data, 12) {
        // A length: IEEE 802.3, of which only SNAP carries IP.
        Some(0..=1500) => match data.get(14..22) {
            Some(&[0xaa, 0xaa, 3, 0, 0, 0, ..]) => ether_type(data, 20, 22),
            _ => (Network::Other, None),
        },
        _ => ether_type(data, 12, 14),
    }
}

/// What the Ethernet type at `at` announces for `next`.
#[inline(always)]
fn ether_type(data: &[u8], mut at: usize, mut next: usize) -> (Network, Option<u16>) {
    let mut vlan = None;
    for _ in 0..DEPTH {
        let Some(kind) = be16(data, at) else {
            return (Network::Short, vlan);
        };
        let found = match kind {
            0x0800 => Network::Ip(next, Some(4)),
            0x86dd => Network::Ip(next, Some(6)),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let Some(tag) = be16(data, next) else {
                    return (Network::Short, vlan);
                };
                vlan = vlan.or(Some(tag & 0x0fff));
                (at, next) = (next + 2, next + 4);
                continue;
            }
            0x8847 | 0x8848 => mpls(data, next),
            0x8864 => ppp_over_ethernet(data, next),
            _ => Network::Other,
        };
        return (found, vlan);
    }
    (Network::Other, vlan)
}

/// The address family of the machine that captured, in its byte order or the network's.
fn family(link: u16, data: &[u8]) -> Network {
    let Some(&[a, b, c, d]) = data.get(..4) else {
        return Network::Short;
    };
    let little = u32::from_le_bytes([a, b, c, d]);
    let family = if link == 108 || little > 0xffff {
        little.swap_bytes()
    } else {
        little
    };
    match family {
        2 => Network::Ip(4, Some(4)),
        // BSD, Linux, FreeBSD and macOS number IPv6 differently.
        10 | 24 | 28 | 30 => Network::Ip(4, Some(6)),
        _ => Network::Other,
    }
}

fn ppp(data: &[u8], mut at: usize) -> Network {
    if data.get(at..at + 2) == Some(&[0xff, 0x03]) {
        at += 2;
    } else if data.get(at) == Some(&0x0f) || data.get(at) == Some(&0x8f) {
        // Cisco's framing on a link that calls itself PPP.
        return ether_type(data, at + 2, at + 4).0;
    }
    let Some(&first) = data.get(at) else {
        return Network::Short;
    };
    let (protocol, next) = if first & 1 == 1 {
        (u16::from(first), at + 1) // compressed to one byte
    } else {
        match be16(data, at) {
            Some(protocol) => (protocol, at + 2),
            None => return Network::Short,
        }
    };
    match protocol {
        0x0021 => Network::Ip(next, Some(4)),
        0x0057 => Network::Ip(next, Some(6)),
        0x0281 | 0x0283 => mpls(data, next),
        _ => Network::Other,
    }
}

/// A session of PPP over Ethernet: six bytes, then the protocol.
fn ppp_over_ethernet(data: &[u8], at: usize) -> Network {
    match be16(data, at + 6) {
        None => Network::Short,
        Some(0x0021) => Network::Ip(at + 8, Some(4)),
        Some(0x0057) => Network::Ip(at + 8, Some(6)),
        Some(_) => Network::Other,
    }
}

/// Labels up to the bottom of the stack. What follows shows by its first half byte.
fn mpls(data: &[u8], mut at: usize) -> Network {
    for _ in 0..DEPTH {
        let Some(label) = data.get(at..at + 4) else {
            return Network::Short;
        };
        at += 4;
        if label[2] & 1 == 1 {
            return match data.get(at).map(|first| first >> 4) {
                Some(version @ (4 | 6)) => Network::Ip(at, Some(version)),
                Some(_) => Network::Other,
                None => Network::Short,
            };
        }
    }
    Network::Other
}

fn hdlc(data: &[u8]) -> (Network, Option<u16>) {
    match data.get(..2) {
        None => (Network::Short, None),
        Some(&[0x0f | 0x8f, _]) => ether_type(data, 2, 4),
        Some(&[0xff, 0x03]) => (ppp(data, 0), None),
        Some(_) => (Network::Other, None),
    }
}
