//! What kind of traffic a well-known port carries.
//!
//! A port is named here for what it is used for in practice, registered or not: WireGuard's 51820
//! is in the dynamic range, and Redis' 6379 says nothing of a database in its registration.

/// Transport protocols, as bits.
const T: u8 = 1;
const U: u8 = 2;
const S: u8 = 4;
const TU: u8 = T | U;
const TUS: u8 = T | U | S;

/// First port, last port, transport protocols.
type Ports = (u16, u16, u8);

/// A category and its ports. One port of one protocol has one category.
pub const CATEGORIES: &[(&str, &[Ports])] = &[
    (
        "web",
        &[
            (80, 80, TUS),
            (443, 443, TUS),
            (591, 591, T),
            (8000, 8000, T),
            (8008, 8008, T),
            (8080, 8081, T),
            (8443, 8443, TU),
            (8888, 8888, T),
        ],
    ),
    (
        "mail",
        &[
            (25, 25, T),
            (109, 110, T),
            (143, 143, T),
            (465, 465, T),
            (587, 587, T),
            (993, 993, T),
            (995, 995, T),
            (4190, 4190, T),
        ],
    ),
    (
        "name service",
        &[
            (42, 42, TU),
            (53, 53, TU),
            (137, 137, TU),
            (853, 853, TU),
            (5353, 5353, U),
            (5355, 5355, TU),
        ],
    ),
    ("time", &[(37, 37, TU), (123, 123, U), (319, 320, U)]),
    ("address assignment", &[(67, 68, U), (546, 547, U)]),
    (
        "discovery",
        &[(427, 427, TU), (1900, 1900, U), (3702, 3702, U)],
    ),
    (
        "streaming",
        &[
            (554, 554, TU),
            (1755, 1755, TU),
            (1935, 1935, T),
            (5004, 5005, U),
            (8554, 8554, TU),
        ],
    ),
    (
        "signalling",
        &[
            (1718, 1718, U),
            (1719, 1719, U),
            (1720, 1720, T),
            (2427, 2427, U),
            (2727, 2727, U),
            (2904, 2905, T | S),
            (2944, 2945, TUS),
            (3478, 3478, TU),
            (3565, 3565, T | S),
            (3868, 3868, T | S),
            (5060, 5061, TUS),
            (5349, 5349, TU),
            (5868, 5868, T | S),
            (9900, 9900, S),
            (14001, 14001, S),
        ],
    ),
    (
        "mobile core",
        &[
            (2123, 2123, TU),
            (2152, 2152, TU),
            (3386, 3386, TU),
            (8805, 8805, U),
            (9082, 9082, S),
            (29118, 29118, S),
            (29168, 29169, S),
            (36412, 36412, S),
            (36422, 36422, S),
            (36443, 36444, S),
            (38412, 38412, S),
            (38422, 38422, S),
            (38462, 38462, S),
            (38472, 38472, S),
        ],
    ),
    (
        "VPN",
        &[
            (500, 500, U),
            (1194, 1194, TU),
            (1701, 1701, U),
            (1723, 1723, T),
            (4500, 4500, U),
            (51820, 51820, U),
        ],
    ),
    (
        "remote access",
        &[
            (22, 23, T),
            (513, 514, T),
            (992, 992, T),
            (3389, 3389, TU),
            (5900, 5903, T),
            (5938, 5938, TU),
            (5985, 5986, T),
            (6000, 6063, T),
        ],
    ),
    (
        "file transfer",
        &[
            (20, 21, T),
            (69, 69, U),
            (115, 115, T),
            (873, 873, T),
            (989, 990, T),
        ],
    ),
    (
        "file sharing",
        &[
            (111, 111, TU),
            (138, 138, U),
            (139, 139, T),
            (445, 445, T),
            (548, 548, T),
            (2049, 2049, TU),
            (3260, 3260, T),
        ],
    ),
    (
        "database",
        &[
            (1433, 1433, T),
            (1434, 1434, U),
            (1521, 1521, T),
            (2483, 2484, T),
            (3050, 3050, T),
            (3306, 3306, T),
            (5432, 5432, T),
            (5984, 5984, T),
            (6379, 6379, T),
            (9042, 9042, T),
            (9200, 9200, T),
            (9300, 9300, T),
            (11211, 11211, TU),
            (27017, 27019, T),
            (33060, 33060, T),
        ],
    ),
    (
        "directory",
        &[
            (49, 49, T),
            (88, 88, TU),
            (389, 389, TU),
            (464, 464, TU),
            (636, 636, T),
            (1645, 1646, U),
            (1812, 1813, U),
            (3268, 3269, T),
        ],
    ),
    (
        "network management",
        &[
            (161, 162, TU),
            (199, 199, T),
            (514, 514, U),
            (830, 830, T),
            (2055, 2055, U),
            (4739, 4739, TUS),
            (6343, 6343, U),
            (6514, 6514, TU),
            (9995, 9996, U),
            (10050, 10051, T),
        ],
    ),
    (
        "routing",
        &[
            (179, 179, T),
            (520, 521, U),
            (646, 646, TU),
            (1985, 1985, U),
            (3784, 3785, U),
            (4784, 4784, U),
        ],
    ),
    (
        "messaging",
        &[
            (1883, 1883, T),
            (4222, 4222, T),
            (5222, 5223, T),
            (5269, 5269, T),
            (5671, 5672, T),
            (5683, 5684, TU),
            (6665, 6669, T),
            (6697, 6697, T),
            (8883, 8883, T),
            (9092, 9092, T),
        ],
    ),
    (
        "printing",
        &[(515, 515, T), (631, 631, TU), (9100, 9100, T)],
    ),
    (
        "peer to peer",
        &[
            (4662, 4662, T),
            (4672, 4672, U),
            (6881, 6889, TU),
            (51413, 51413, TU),
        ],
    ),
    (
        "gaming",
        &[(3074, 3074, TU), (25565, 25565, T), (27015, 27015, TU)],
    ),
    (
        "proxy",
        &[(1080, 1080, T), (3128, 3128, T), (9050, 9050, T)],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_port_has_one_category() {
        let mut seen = HashSet::new();
        for (name, ports) in CATEGORIES {
            for &(first, last, transports) in *ports {
                for port in first..=last {
                    for transport in (0..4).filter(|t| transports >> t & 1 == 1) {
                        assert!(seen.insert((port, transport)), "{name}: {port}");
                    }
                }
            }
        }
    }
}
