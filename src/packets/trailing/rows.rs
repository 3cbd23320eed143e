//! The columns of the rows, checked, and put in order of time.

use super::feature::Feature;
use super::spectrum;
use crate::error::Error;
use crate::packets::keys::NONE;

/// Columns of the rows. Those that no feature asks for may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows<'a> {
    /// Number of each row's key, below `n_keys`; [`NONE`] without one.
    pub keys: &'a [u32],
    /// Keys.
    pub n_keys: usize,
    /// Time in nanoseconds.
    pub times: &'a [i64],
    /// Length in bytes.
    pub lengths: &'a [u32],
    /// TCP flags, 0 without.
    pub flags: &'a [u32],
    /// Number of the destination; [`NONE`] without one.
    pub destinations: &'a [u32],
    /// Destination port; [`NONE`] without one.
    pub destination_ports: &'a [u32],
    /// Source port; [`NONE`] without one.
    pub source_ports: &'a [u32],
}

pub(super) fn check(rows: &Rows, features: &[Feature], window: i64) -> Result<(), Error> {
    if window < 1 {
        return Err(Error::argument("window", "longer than 0", window));
    }
    if window < spectrum::BINS as i64 && features.iter().any(|f| f.is_spectral()) {
        let expected = "64 ns or longer for features of the spectrum";
        return Err(Error::argument("window", expected, format!("{window} ns")));
    }
    let n = rows.times.len();
    if n >= NONE as usize {
        return Err(Error::argument("table", "shorter than 2**32 - 1 rows", n));
    }
    let columns = [
        ("key", rows.keys.len(), true),
        (
            "length",
            rows.lengths.len(),
            features.iter().any(|f| f.needs_length()),
        ),
        (
            "tcp_flags",
            rows.flags.len(),
            features.iter().any(|f| f.needs_flags()),
        ),
        (
            "destination_address",
            rows.destinations.len(),
            features.contains(&Feature::DestinationCount),
        ),
        (
            "destination_port",
            rows.destination_ports.len(),
            features.contains(&Feature::DestinationPortCount)
                || features.contains(&Feature::DestinationPortEntropy),
        ),
        (
            "source_port",
            rows.source_ports.len(),
            features.contains(&Feature::SourcePortEntropy),
        ),
    ];
    for (name, found, is_needed) in columns {
        if is_needed && found != n {
            return Err(Error::Length {
                name,
                expected: n,
                found,
            });
        }
    }
    // The greatest at once, in vector registers; a search would go one by one.
    let greatest = |most: u32, &key: &u32| most.max(if key == NONE { 0 } else { key });
    let most = rows.keys.iter().fold(0, greatest);
    if n > 0 && most as usize >= rows.n_keys.max(1) {
        let expected = format!("below {}", rows.n_keys);
        return Err(Error::argument("key", expected, most));
    }
    if rows.n_keys == 0 && rows.keys.iter().any(|&key| key != NONE) {
        return Err(Error::argument("key", "missing where there are no keys", 0));
    }
    Ok(())
}

/// Refuses rows of which one is earlier than the row of its key before it.
pub(super) fn refuse_back(rows: &Rows, from: usize) -> Result<(), Error> {
    let mut last = vec![NONE; rows.n_keys];
    for (row, &key) in rows.keys.iter().enumerate() {
        if key == NONE {
            continue;
        }
        let before = &mut last[key as usize];
        if row >= from && *before != NONE && rows.times[*before as usize] > rows.times[row] {
            return Err(Error::Unsorted {
                name: "time",
                row,
                before: *before as usize,
            });
        }
        *before = row as u32;
    }
    Ok(())
}

/// The columns in order of time.
pub(super) struct Sorted {
    keys: Vec<u32>,
    times: Vec<i64>,
    lengths: Vec<u32>,
    flags: Vec<u32>,
    destinations: Vec<u32>,
    destination_ports: Vec<u32>,
    source_ports: Vec<u32>,
}

impl Sorted {
    pub(super) fn new(rows: &Rows, order: &[u32]) -> Self {
        fn take<T: Copy>(column: &[T], order: &[u32]) -> Vec<T> {
            if column.is_empty() {
                return Vec::new();
            }
            order.iter().map(|&row| column[row as usize]).collect()
        }
        Sorted {
            keys: take(rows.keys, order),
            times: take(rows.times, order),
            lengths: take(rows.lengths, order),
            flags: take(rows.flags, order),
            destinations: take(rows.destinations, order),
            destination_ports: take(rows.destination_ports, order),
            source_ports: take(rows.source_ports, order),
        }
    }

    pub(super) fn rows(&self, n_keys: usize) -> Rows<'_> {
        Rows {
            keys: &self.keys,
            n_keys,
            times: &self.times,
            lengths: &self.lengths,
            flags: &self.flags,
            destinations: &self.destinations,
            destination_ports: &self.destination_ports,
            source_ports: &self.source_ports,
        }
    }
}
