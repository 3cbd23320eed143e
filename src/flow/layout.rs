//! Which columns a CSV of nfdump has: every layout it ever printed, told by the header.
//!
//! Columns go by nfdump's short names (`sa`, `ibyt`), those of the layout with 48 columns, whatever
//! the file calls them. A column that has no short twin there keeps nfdump's name for it.

/// What the fields of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A date and time, or the time since 1970.
    Time,
    /// Seconds, or hours, minutes and seconds.
    Seconds,
    /// A whole number, not negative.
    Count,
    /// A whole number from 0 to 2^31 - 1.
    Small,
    /// A port, or the type and code of an ICMP message.
    Port,
    /// An IPv4 or IPv6 address.
    Address,
    /// Text of which there are few different ones.
    Label,
}

/// One column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The short name.
    pub name: String,
    /// What the file calls it.
    pub title: String,
    /// What it holds.
    pub kind: Kind,
}

/// The columns of a file, in its order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Layout {
    /// All columns.
    pub columns: Vec<Column>,
    /// Whether the first line names them.
    pub has_header: bool,
}

use Kind::*;

/// Short name, kind, and what the layouts with long names call it.
const KNOWN: &[(&str, Kind, &[&str])] = &[
    ("ts", Time, &["firstSeen"]),
    ("te", Time, &["lastSeen"]),
    ("td", Seconds, &["duration"]),
    ("sa", Address, &["srcAddr"]),
    ("da", Address, &["dstAddr"]),
    ("sp", Port, &["srcPort"]),
    ("dp", Port, &["dstPort"]),
    ("pr", Label, &["proto"]),
    ("flg", Label, &["flags"]),
    ("fwd", Small, &["fwdStatus"]),
    ("stos", Small, &["srcTos", "tos"]),
    ("ipkt", Count, &["inPackets", "packets"]),
    ("ibyt", Count, &["inBytes", "bytes"]),
    ("opkt", Count, &["outPackets"]),
    ("obyt", Count, &["outBytes"]),
    ("in", Count, &["input"]),
    ("out", Count, &["output"]),
    ("sas", Count, &["srcAS"]),
    ("das", Count, &["dstAS"]),
    ("smk", Small, &["srcMask"]),
    ("dmk", Small, &["dstMask"]),
    ("dtos", Small, &["dstTos"]),
    ("dir", Small, &["direction"]),
    ("nh", Address, &["nextIP"]),
    ("nhb", Address, &["bgpNextIP"]),
    ("svln", Small, &["srcVlan"]),
    ("dvln", Small, &["dstVlan"]),
    ("ismc", Label, &["inSrcMac"]),
    ("odmc", Label, &["outDstMac"]),
    ("idmc", Label, &["inDstMac"]),
    ("osmc", Label, &["outSrcMac"]),
    ("mpls1", Label, &["mplsLabel1"]),
    ("mpls2", Label, &["mplsLabel2"]),
    ("mpls3", Label, &["mplsLabel3"]),
    ("mpls4", Label, &["mplsLabel4"]),
    ("mpls5", Label, &["mplsLabel5"]),
    ("mpls6", Label, &["mplsLabel6"]),
    ("mpls7", Label, &["mplsLabel7"]),
    ("mpls8", Label, &["mplsLabel8"]),
    ("mpls9", Label, &["mplsLabel9"]),
    ("mpls10", Label, &["mplsLabel10"]),
    ("cl", Seconds, &["clientLatency"]),
    ("sl", Seconds, &["serverLatency"]),
    ("al", Seconds, &["appLatency"]),
    ("ra", Address, &["routerIP"]),
    ("eng", Label, &["engine"]),
    ("exid", Count, &["exporterID"]),
    ("tr", Time, &["received"]),
    ("fl", Count, &["flows"]),
    ("cnt", Count, &["count"]),
    ("af", Small, &[]),
    ("icmpTYpe", Small, &[]),
    ("icmpCode", Small, &[]),
    ("nextAS", Count, &[]),
    ("prevAS", Count, &[]),
    ("eventTime", Time, &[]),
    ("srcXIP", Address, &[]),
    ("dstXIP", Address, &[]),
    ("srcXPort", Port, &[]),
    ("dstXPort", Port, &[]),
    ("srcNet", Label, &[]),
    ("dstNet", Label, &[]),
    ("version", Label, &[]),
    ("Ident", Label, &[]),
    ("bps", Label, &[]),
    ("pps", Label, &[]),
    ("bpp", Label, &[]),
    ("biDirection", Label, &[]),
    ("endReason", Label, &[]),
    ("inIfName", Label, &[]),
    ("outIfName", Label, &[]),
    ("mplsLabel1-10", Label, &[]),
    ("event", Label, &[]),
    ("connectionID", Count, &[]),
    ("xEvent", Label, &[]),
    ("ingressACL", Label, &[]),
    ("egressACL", Label, &[]),
    ("nselUser", Label, &[]),
    ("pbStart", Port, &[]),
    ("pbEnd", Port, &[]),
    ("pbStep", Port, &[]),
    ("pbSize", Port, &[]),
    ("nbarID", Label, &[]),
    ("nbarName", Label, &[]),
    ("obsDomainID", Label, &[]),
    ("obsPointID", Label, &[]),
    ("ingressVrfID", Count, &[]),
    ("ingressVrfName", Label, &[]),
    ("egressVrfID", Count, &[]),
    ("egressVrfName", Label, &[]),
    ("pfInterface", Label, &[]),
    ("pfAction", Label, &[]),
    ("pfReason", Label, &[]),
    ("pfDirection", Label, &[]),
    ("pfRule", Label, &[]),
    ("flowID", Label, &[]),
    ("inSrvID", Count, &[]),
    ("outSrvID", Count, &[]),
    ("natString", Label, &[]),
    ("ja3", Label, &[]),
    ("ja4", Label, &[]),
    ("sniName", Label, &[]),
    ("tlsVersion", Label, &[]),
    ("srcGeo", Label, &[]),
    ("dstGeo", Label, &[]),
    ("srcLocation", Label, &[]),
    ("dstLocation", Label, &[]),
    ("srcOrg", Label, &[]),
    ("dstOrg", Label, &[]),
    ("srcTor", Label, &[]),
    ("dstTor", Label, &[]),
    ("label", Label, &[]),
    ("minTTL", Small, &[]),
    ("maxTTL", Small, &[]),
    ("Frag", Label, &[]),
];

/// The columns of `nfdump -o csv` up to 1.7.3.
pub const WIDE: usize = 48;

impl Layout {
    /// The layout that the first line of a file has.
    ///
    /// # Errors
    ///
    /// Why it is none of nfdump, for a message that names the file.
    pub fn of(line: &[u8]) -> Result<Layout, String> {
        let Ok(text) = std::str::from_utf8(line) else {
            return Err("is no text: expected a CSV that nfdump printed".to_owned());
        };
        let text = text.trim_start_matches('\u{feff}').trim_end();
        let titles: Vec<&str> = text.split(',').map(str::trim).collect();
        if text.is_empty() {
            return Err("begins with an empty line; expected a header of nfdump".to_owned());
        }
        if titles == ["Summary"] {
            return Err("has only the trailer of nfdump, no header and no flows".to_owned());
        }
        if titles.len() == WIDE && is_time(titles[0]) && is_time(titles[1]) {
            // `nfdump -q -o csv` of the versions with 48 columns prints no header.
            let columns = KNOWN[..WIDE].iter().map(|&(name, kind, _)| Column {
                name: name.to_owned(),
                title: name.to_owned(),
                kind,
            });
            return Ok(Layout {
                columns: columns.collect(),
                has_header: false,
            });
        }
        let known = titles.iter().filter(|title| find(title).is_some()).count();
        if 2 * known <= titles.len() {
            let shown: String = text.chars().take(60).collect();
            let more = if shown.len() < text.len() { "..." } else { "" };
            return Err(format!(
                "has a header that nfdump does not print: \"{shown}{more}\" (expected columns such as ts,te,td,sa,da,sp,dp,pr or firstSeen,duration,proto,srcAddr)"
            ));
        }
        let mut columns = Vec::with_capacity(titles.len());
        for title in &titles {
            // `%pkt` and `%ipkt` are the same counter; side by side, the first keeps its long name.
            let is_twin = |other: &str| titles.contains(&other);
            let keeps = match *title {
                "packets" => is_twin("inPackets"),
                "bytes" => is_twin("inBytes"),
                "tos" => is_twin("srcTos"),
                _ => false,
            };
            let (name, kind) = find(title).unwrap_or((title, Label));
            columns.push(Column {
                name: if keeps { title } else { name }.to_string(),
                title: title.to_string(),
                kind,
            });
        }
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|other| other.name == column.name) {
                let title = &column.title;
                return Err(format!("has the column \"{title}\" twice in its header"));
            }
        }
        Ok(Layout {
            columns,
            has_header: true,
        })
    }

    /// Where the column of a short name is.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Short names, in order, as a list for messages.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        names.join(", ")
    }
}

/// The short name and the kind of what a file calls `title`.
fn find(title: &str) -> Option<(&'static str, Kind)> {
    KNOWN
        .iter()
        .find(|(short, _, long)| *short == title || long.contains(&title))
        .map(|&(short, kind, _)| (short, kind))
}

fn is_time(text: &str) -> bool {
    text.len() >= 19 && super::field::time(text.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_become_short_ones() {
        let header =
            b"firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows";
        let layout = Layout::of(header).unwrap();
        assert_eq!(layout.names(), "ts, td, pr, sa, sp, da, dp, ipkt, ibyt, fl");
    }

    #[test]
    fn a_counter_printed_twice_keeps_both_names() {
        let layout = Layout::of(b"srcAddr,packets,inPackets").unwrap();
        assert_eq!(layout.names(), "sa, packets, ipkt");
    }

    #[test]
    fn the_header_of_another_tool_is_refused() {
        let refused = Layout::of(b"Flow ID,Source IP,Source Port,Protocol").unwrap_err();
        assert!(refused.starts_with("has a header that nfdump does not print: \"Flow ID,"));
    }
}
