//! The service, the traffic category and the likelier service side of ports.
//!
//! The registry of IANA becomes one table with an entry for each port of each transport protocol
//! that has ports, so that naming a row is one look into it. Registry:
//! <https://www.iana.org/assignments/service-names-port-numbers>; port ranges: RFC 6335, section 6.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use super::categories::CATEGORIES;

/// Transport protocols with ports: name, number. Their order is that of the table.
pub const TRANSPORTS: [(&str, u8); 4] = [("TCP", 6), ("UDP", 17), ("SCTP", 132), ("DCCP", 33)];

const PORTS: usize = 1 << 16;
/// The entry of what has no port, or of another protocol.
pub const NOWHERE: usize = TRANSPORTS.len() * PORTS;
/// The transport of other protocols.
pub const OTHER: u8 = TRANSPORTS.len() as u8;

const SERVICES: &[u8] = include_bytes!("registry/services.tsv.gz");
const PROTOCOLS: &str = include_str!("registry/protocols.tsv");

/// Which rows of the registry name a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The first row whose port or range of ports has it.
    Full,
    /// The first row with literally this port.
    Literal,
}

/// What is known of a port: which service, which category, how likely a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry(u32);

impl Entry {
    fn new(service: u16, category: u8, rank: u8) -> Self {
        Entry(u32::from(service) | u32::from(category) << 16 | u32::from(rank) << 24)
    }

    /// The number of the service's name; 0 is none.
    #[inline(always)]
    pub fn service(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    /// The number of the category's name; 0 is none.
    #[inline(always)]
    pub fn category(self) -> usize {
        (self.0 >> 16 & 0xff) as usize
    }

    /// How likely this is the side that serves: 5 a port with a category, 4 a registered system
    /// port, 3 a registered port below 32,768, 2 another one below, 1 one below 49,152 (Linux
    /// hands out 32,768 to 60,999 to clients), 0 a dynamic port.
    #[inline(always)]
    pub fn rank(self) -> u8 {
        (self.0 >> 24) as u8
    }
}

/// The registry as tables.
pub struct Registry {
    /// When it was last changed, as 2025-03-28.
    pub date: String,
    /// Names of services; the first one is empty.
    pub services: Vec<String>,
    /// Names of categories; the first one is empty.
    pub categories: Vec<&'static str>,
    full: Vec<Entry>,
    literal: Vec<Entry>,
}

/// The registry that comes with linewatch.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::read)
}

impl Registry {
    fn read() -> Self {
        let mut text = String::new();
        let unpacked = GzDecoder::new(SERVICES).read_to_string(&mut text);
        unpacked.expect("the registry that was built in");
        let (head, rows) = text.split_once('\n').unwrap_or_default();
        let date = head.rsplit(' ').next().unwrap_or_default().to_owned();
        let mut services = vec![String::new()];
        let mut numbers: HashMap<&str, u16> = HashMap::from([("", 0)]);
        // Which name the first row gives, if there is one.
        let mut full = vec![None; NOWHERE + 1];
        let mut literal = vec![None; NOWHERE + 1];
        for row in rows.lines() {
            let fields: Vec<&str> = row.split('\t').collect();
            let [first, last, transport, name] = fields[..] else {
                continue;
            };
            let is_it = |(known, _): &(&str, u8)| known.eq_ignore_ascii_case(transport);
            let transport = TRANSPORTS.iter().position(is_it);
            let (Some(transport), Ok(first), Ok(last)) =
                (transport, first.parse::<u16>(), last.parse::<u16>())
            else {
                continue;
            };
            let service = *numbers.entry(name).or_insert_with(|| {
                services.push(name.to_owned());
                (services.len() - 1) as u16
            });
            for port in first..=last {
                let place = transport * PORTS + usize::from(port);
                full[place].get_or_insert(service);
                if first == last {
                    literal[place].get_or_insert(service);
                }
            }
        }
        let mut categories = vec![""];
        let mut of_port = vec![0; NOWHERE + 1];
        for (category, ports) in CATEGORIES {
            for &(first, last, transports) in *ports {
                for transport in (0..TRANSPORTS.len()).filter(|t| transports >> t & 1 == 1) {
                    let start = transport * PORTS;
                    let places = start + usize::from(first)..=start + usize::from(last);
                    of_port[places].fill(categories.len() as u8);
                }
            }
            categories.push(category);
        }
        let entries = |services: Vec<Option<u16>>| {
            let entry = |(place, service): (usize, Option<u16>)| {
                let service = service.unwrap_or(0);
                let rank = match (place % PORTS, of_port[place], service) {
                    _ if place == NOWHERE => 0,
                    (_, 1.., _) => 5,
                    (..1024, _, 1..) => 4,
                    (..32_768, _, 1..) => 3,
                    (..32_768, _, _) => 2,
                    (..49_152, _, _) => 1,
                    _ => 0,
                };
                Entry::new(service, of_port[place], rank)
            };
            services.into_iter().enumerate().map(entry).collect()
        };
        Registry {
            date,
            services,
            categories,
            full: entries(full),
            literal: entries(literal),
        }
    }

    /// One entry for each place that [`place`] gives.
    pub fn entries(&self, mode: Mode) -> &[Entry] {
        match mode {
            Mode::Full => &self.full,
            Mode::Literal => &self.literal,
        }
    }
}

/// Where the entry of a port is; `transport` is a number of [`TRANSPORTS`], or [`OTHER`].
#[inline(always)]
pub fn place(port: u16, transport: u8) -> usize {
    // Branch-free: other protocols have the last entry, whatever the port.
    (usize::from(transport) * PORTS + usize::from(port)).min(NOWHERE)
}

/// The class of RFC 6335: 1 system, 2 user, 3 dynamic.
#[inline(always)]
pub fn class(port: u16) -> usize {
    1 + usize::from(port >= 1024) + usize::from(port >= 49_152)
}

/// Names of classes; the first one is empty.
pub const CLASSES: [&str; 4] = ["", "system", "user", "dynamic"];

/// Names of sides; the first one is empty.
pub const SIDES: [&str; 3] = ["", "source", "destination"];

/// Which side of a flow is likelier the service: 1 the source, 2 the destination, 0 neither.
///
/// The side whose port ranks higher; of equal ranks the lower port, of equal ports the
/// destination. Neither if both ports are such as clients get.
#[inline(always)]
pub fn side(source: (u16, Entry), destination: (u16, Entry)) -> usize {
    let ((source_port, source), (destination_port, destination)) = (source, destination);
    if source.rank().max(destination.rank()) < 2 {
        return 0;
    }
    let is_source = (source.rank(), destination_port) > (destination.rank(), source_port);
    2 - usize::from(is_source)
}

/// The transport of a protocol's number.
pub fn transport(number: i64) -> u8 {
    let is_it = |(_, known): &(&str, u8)| i64::from(*known) == number;
    TRANSPORTS.iter().position(is_it).map_or(OTHER, |t| t as u8)
}

/// The transport of a protocol's name or number in text, of any case.
#[inline]
pub fn named_transport(text: &[u8]) -> u8 {
    let text = text.trim_ascii();
    let is_it = |(known, _): &(&str, u8)| known.as_bytes().eq_ignore_ascii_case(text);
    if let Some(found) = TRANSPORTS.iter().position(is_it) {
        return found as u8;
    }
    match super::field::whole(text, 0, text.len()) {
        Ok(number) => transport(number),
        Err(_) => OTHER,
    }
}

/// Numbers and keywords of IP protocols.
pub fn protocols() -> impl Iterator<Item = (u8, &'static str)> {
    PROTOCOLS.lines().filter_map(|line| {
        let (number, keyword) = line.split_once('\t')?;
        Some((number.parse().ok()?, keyword))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(port: u16, transport: &str, mode: Mode) -> Entry {
        registry().entries(mode)[place(port, named_transport(transport.as_bytes()))]
    }

    fn service(port: u16, transport: &str, mode: Mode) -> &'static str {
        &registry().services[entry(port, transport, mode).service()]
    }

    #[test]
    fn ports_have_their_registered_names() {
        for mode in [Mode::Full, Mode::Literal] {
            assert_eq!(service(443, "TCP", mode), "https");
            assert_eq!(service(53, "udp", mode), "domain");
            assert_eq!(service(36_412, "132", mode), "s1-control");
            assert_eq!(service(80, "tcp", mode), "http");
            assert_eq!(service(4, "TCP", mode), "");
            assert_eq!(service(443, "ICMP", mode), "");
        }
        assert_eq!(service(6001, "tcp", Mode::Full), "x11");
        assert_eq!(service(6001, "tcp", Mode::Literal), "");
        assert_eq!(registry().date, "2025-03-28");
    }

    #[test]
    fn the_service_side_is_the_better_known_one() {
        let decide = |source: u16, destination: u16| {
            let look = |port| (port, entry(port, "TCP", Mode::Full));
            SIDES[side(look(source), look(destination))]
        };
        assert_eq!(decide(50_000, 443), "destination");
        assert_eq!(decide(443, 50_000), "source");
        assert_eq!(decide(443, 80), "destination");
        assert_eq!(decide(80, 443), "source");
        assert_eq!(decide(53, 53), "destination");
        assert_eq!(decide(50_000, 60_000), "");
        assert_eq!(decide(40_000, 1500), "destination");
    }

    #[test]
    fn classes_of_rfc_6335() {
        let classes = [0, 1023, 1024, 49_151, 49_152, 65_535].map(|port| CLASSES[class(port)]);
        assert_eq!(
            classes,
            ["system", "system", "user", "user", "dynamic", "dynamic"]
        );
    }

    #[test]
    fn protocols_have_keywords() {
        let known: HashMap<u8, &str> = protocols().collect();
        assert_eq!(
            (known[&6], known[&132], known[&58]),
            ("TCP", "SCTP", "IPv6-ICMP")
        );
    }
}
