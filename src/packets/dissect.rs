//! The headers of one packet, by the rules of the protocols and with nothing taken on trust.
//!
//! The outer headers only: a tunnel (GTP-U, IP in IP) shows its own addresses and ports. Ports are
//! those of TCP, UDP, UDP-Lite, DCCP and SCTP; a fragment that is not the first has none.

use etherparse::{LaxIpSlice, ip_number};

use super::link::{Network, network};

/// An address of the network layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Address {
    /// Not an IP packet.
    #[default]
    None,
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

/// What the headers of a packet say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Source and destination port.
    pub ports: Option<(u16, u16)>,
    /// Number of the protocol above IP, after extension headers.
    pub protocol: Option<u8>,
    /// The 12 bits of TCP: reserved ones, then NS to FIN.
    pub tcp_flags: Option<u16>,
    /// The outermost VLAN.
    pub vlan: Option<u16>,
    /// Time to live, or hop limit.
    pub ttl: Option<u8>,
    /// A header contradicts itself or the length of the packet, or ends too early although the
    /// packet was captured whole.
    pub malformed: bool,
}

/// The headers of `data`, captured on a link of type `link`; `is_cut` if not captured whole.
#[inline]
pub fn dissect(link: u16, data: &[u8], is_cut: bool) -> Headers {
    let (network, vlan) = network(link, data);
    let mut headers = Headers {
        vlan,
        ..Headers::default()
    };
    match network {
        Network::Ip(at, version) => {
            let ip = data.get(at..).unwrap_or_default();
            if version.is_some_and(|version| ip.first().is_some_and(|&b| b >> 4 != version)) {
                headers.malformed = true;
            } else {
                internet(&mut headers, ip, is_cut);
            }
        }
        Network::Short => headers.malformed = !is_cut,
        Network::Other => {}
    }
    headers
}

#[inline]
fn internet(headers: &mut Headers, data: &[u8], is_cut: bool) {
    let (ip, stop) = match LaxIpSlice::from_slice(data) {
        Ok(sliced) => sliced,
        Err(error) => {
            use etherparse::err::ip::LaxHeaderSliceError::{Content, Len};
            headers.malformed = match error {
                Len(_) => !is_cut,
                Content(_) => true,
            };
            return;
        }
    };
    let later = match &ip {
        LaxIpSlice::Ipv4(ip) => {
            let header = ip.header();
            headers.source = Address::V4(header.source());
            headers.destination = Address::V4(header.destination());
            headers.ttl = Some(header.ttl());
            let total = usize::from(header.total_len());
            // Zero stands for the length of the frame where the network card cuts segments.
            headers.malformed |= total != 0 && total < header.slice().len();
            header.fragments_offset().value() != 0
        }
        LaxIpSlice::Ipv6(ip) => {
            let header = ip.header();
            headers.source = Address::V6(header.source());
            headers.destination = Address::V6(header.destination());
            headers.ttl = Some(header.hop_limit());
            ip.is_payload_fragmented() && is_later_fragment(data, header.next_header().0)
        }
    };
    let payload = ip.payload();
    headers.protocol = Some(payload.ip_number.0);
    headers.malformed |= !is_cut && (payload.incomplete || stop.is_some());
    if !later && stop.is_none() {
        transport(
            headers,
            payload.payload,
            payload.ip_number,
            is_cut || payload.fragmented,
        );
    }
}

/// Whether the fragment header of an IPv6 packet says that others come before it.
fn is_later_fragment(data: &[u8], mut next: u8) -> bool {
    let mut at = 40;
    while let Some(header) = data.get(at..at + 8) {
        match next {
            44 => return u16::from_be_bytes([header[2], header[3]]) >> 3 != 0,
            0 | 43 | 60 | 135 | 139 | 140 => at += 8 + 8 * usize::from(header[1]),
            51 => at += 8 + 4 * usize::from(header[1]),
            _ => return false,
        }
        next = header[0];
    }
    false
}

#[inline(always)]
fn transport(headers: &mut Headers, data: &[u8], protocol: etherparse::IpNumber, is_cut: bool) {
    let least = match protocol {
        ip_number::TCP => 20,
        ip_number::UDP | ip_number::UDP_LITE => 8,
        ip_number::DCCP | ip_number::SCTP => 12,
        ip_number::ICMP | ip_number::IPV6_ICMP => {
            headers.malformed |= !is_cut && data.len() < 4;
            return;
        }
        _ => return,
    };
    headers.malformed |= !is_cut && data.len() < least;
    let Some(&[a, b, c, d]) = data.get(..4) else {
        return;
    };
    headers.ports = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
    match protocol {
        ip_number::TCP => {
            let Some(&[high, low]) = data.get(12..14) else {
                return;
            };
            headers.tcp_flags = Some(u16::from_be_bytes([high & 0x0f, low]));
            let header = usize::from(high >> 4) * 4;
            headers.malformed |= header < 20 || (!is_cut && header > data.len());
        }
        ip_number::UDP => {
            if let Some(&[high, low]) = data.get(4..6) {
                let length = u16::from_be_bytes([high, low]);
                headers.malformed |= (1..8).contains(&length);
            }
        }
        _ => {}
    }
}
