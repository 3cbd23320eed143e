//! What each packet's source sent in the window that ends at the packet.
//!
//! The window of a row holds the rows of its key with a time in (t - window, t], the row itself and
//! no row after it: of rows with the same time, each sees those above it and not those below. Rows
//! are taken in order of time. As one row enters, those that have left the window of any key leave
//! the sums of theirs, so a row costs the same whatever the window. Sums are whole numbers (times in
//! nanoseconds, entropies in 2^-40), which a subtraction leaves exact.

use std::ops::Range;

use super::keys::{NONE, Numbers};
use crate::error::Error;
use crate::parallel::{self, Monitor};

/// A feature of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Rows of the key in the window.
    PacketCount,
    /// Sum of their lengths.
    ByteCount,
    /// Time since the key's row before, whenever it was, in seconds.
    InterArrival,
    /// Mean of the times between the rows of the window, in seconds.
    InterArrivalMean,
    /// Their standard deviation (of the population), in seconds.
    InterArrivalStd,
    /// Mean of the lengths.
    LengthMean,
    /// Their standard deviation (of the population).
    LengthStd,
    /// The least length.
    LengthMin,
    /// The greatest length.
    LengthMax,
    /// Share of the rows whose TCP flags have these bits set, and those not set.
    FlagRatio(u32, u32),
    /// Distinct destinations.
    DestinationCount,
    /// Distinct destination ports.
    DestinationPortCount,
    /// Entropy of the destination ports, natural logarithm.
    DestinationPortEntropy,
    /// Entropy of the source ports, natural logarithm.
    SourcePortEntropy,
}

impl Feature {
    /// Every feature with its name.
    pub const ALL: [(&'static str, Feature); 20] = [
        ("packet_count", Feature::PacketCount),
        ("byte_count", Feature::ByteCount),
        ("inter_arrival_s", Feature::InterArrival),
        ("inter_arrival_mean_s", Feature::InterArrivalMean),
        ("inter_arrival_std_s", Feature::InterArrivalStd),
        ("length_mean", Feature::LengthMean),
        ("length_std", Feature::LengthStd),
        ("length_min", Feature::LengthMin),
        ("length_max", Feature::LengthMax),
        ("syn_ratio", Feature::FlagRatio(0x002, 0)),
        ("syn_without_ack_ratio", Feature::FlagRatio(0x002, 0x010)),
        ("ack_ratio", Feature::FlagRatio(0x010, 0)),
        ("fin_ratio", Feature::FlagRatio(0x001, 0)),
        ("rst_ratio", Feature::FlagRatio(0x004, 0)),
        ("psh_ratio", Feature::FlagRatio(0x008, 0)),
        ("urg_ratio", Feature::FlagRatio(0x020, 0)),
        ("destination_count", Feature::DestinationCount),
        ("destination_port_count", Feature::DestinationPortCount),
        ("destination_port_entropy", Feature::DestinationPortEntropy),
        ("source_port_entropy", Feature::SourcePortEntropy),
    ];

    /// The feature called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, feature)| *feature)
    }
}

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

/// The features of each row, in the order of the rows; NaN for a row without key.
///
/// `window` is in nanoseconds, at least 1. Rows need not be in order of time as a whole, but those
/// of a key must be.
///
/// # Errors
///
/// [`Error::Unsorted`] if a key goes back in time, [`Error::Length`] if a column that is asked for
/// is too short or too long, [`Error::Cancelled`].
pub fn features(
    rows: &Rows,
    features: &[Feature],
    window: i64,
    threads: usize,
    monitor: &Monitor,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut outs = vec![vec![0.0; rows.times.len()]; features.len()];
    let slices = outs.iter_mut().map(Vec::as_mut_slice).collect();
    fill(rows, features, window, threads, monitor, slices)?;
    Ok(outs)
}

/// [`features`] into memory of the caller's, one slice for each feature.
///
/// # Errors
///
/// Those of [`features`]; [`Error::Length`] if a slice has another length than the rows.
pub fn fill(
    rows: &Rows,
    features: &[Feature],
    window: i64,
    threads: usize,
    monitor: &Monitor,
    outs: Vec<&mut [f64]>,
) -> Result<(), Error> {
    check(rows, features, window)?;
    let n = rows.times.len();
    let lengths = outs.iter().map(|out| out.len());
    if let Some(found) = lengths.into_iter().find(|&length| length != n) {
        return Err(Error::Length {
            name: "outs",
            expected: n,
            found,
        });
    }
    let steps = || rows.times.windows(2);
    if !steps().fold(false, |any, step| any | (step[1] < step[0])) {
        return in_order(rows, features, window, threads, monitor, outs);
    }
    let back = 1 + steps()
        .position(|step| step[1] < step[0])
        .unwrap_or_default();
    refuse_back(rows, back)?;
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by_key(|&row| rows.times[row as usize]); // stable: the order of equal times stays
    let sorted = Sorted::new(rows, &order);
    let mut answers = vec![vec![0.0; n]; features.len()];
    let slices = answers.iter_mut().map(Vec::as_mut_slice).collect();
    let sorted_rows = sorted.rows(rows.n_keys);
    in_order(&sorted_rows, features, window, threads, monitor, slices)?;
    for (out, answer) in outs.into_iter().zip(answers) {
        for (&row, value) in order.iter().zip(answer) {
            out[row as usize] = value;
        }
    }
    Ok(())
}

fn check(rows: &Rows, features: &[Feature], window: i64) -> Result<(), Error> {
    if window < 1 {
        return Err(Error::argument("window", "longer than 0", window));
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
fn refuse_back(rows: &Rows, from: usize) -> Result<(), Error> {
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
struct Sorted {
    keys: Vec<u32>,
    times: Vec<i64>,
    lengths: Vec<u32>,
    flags: Vec<u32>,
    destinations: Vec<u32>,
    destination_ports: Vec<u32>,
    source_ports: Vec<u32>,
}

impl Sorted {
    fn new(rows: &Rows, order: &[u32]) -> Self {
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

    fn rows(&self, n_keys: usize) -> Rows<'_> {
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

/// Rows that a thread does at once and then reports.
const BLOCK: usize = 1 << 14;
/// Rows that are worth a thread.
const SHARE: usize = 1 << 16;

/// One feature at a time, and the rows in as many parts as there are threads. A part warms up on
/// the rows that its first window holds.
fn in_order(
    rows: &Rows,
    features: &[Feature],
    window: i64,
    threads: usize,
    monitor: &Monitor,
    outs: Vec<&mut [f64]>,
) -> Result<(), Error> {
    let n = rows.times.len();
    let parts = threads.min(n / SHARE).max(1);
    let bounds: Vec<usize> = (0..=parts).map(|part| n * part / parts).collect();
    let sets = Sets::new(rows, features);
    let mut tasks = Vec::new();
    for (feature, out) in features.iter().zip(outs) {
        if *feature == Feature::InterArrival {
            // It looks back without limit, so it is not parted.
            tasks.push((*feature, 0..n, out));
            continue;
        }
        let mut rest = out;
        for bound in bounds.windows(2) {
            let (out, left) = rest.split_at_mut(bound[1] - bound[0]);
            tasks.push((*feature, bound[0]..bound[1], out));
            rest = left;
        }
    }
    parallel::for_each(tasks, threads, |(feature, part, out)| {
        let sweep = Sweep {
            rows,
            window,
            part,
            monitor,
        };
        feature.sweep(&sweep, &sets, out)
    })
}

/// Numbers of (key, value) pairs, for what counts distinct values.
struct Sets {
    destinations: Pairs,
    destination_ports: Pairs,
    source_ports: Pairs,
}

/// The number of each row's pair; [`NONE`] without a value.
#[derive(Default)]
struct Pairs {
    ids: Vec<u32>,
    n: usize,
}

impl Sets {
    fn new(rows: &Rows, features: &[Feature]) -> Self {
        let pairs = |values: &[u32], asking: &[Feature]| {
            if !asking.iter().any(|feature| features.contains(feature)) {
                return Pairs::default();
            }
            let mut numbers = Numbers::<u64>::default();
            let pair = |(&key, &value): (&u32, &u32)| {
                if key == NONE || value == NONE {
                    NONE
                } else {
                    numbers.number(u64::from(key) << 32 | u64::from(value))
                }
            };
            let ids = rows.keys.iter().zip(values).map(pair).collect();
            Pairs {
                ids,
                n: numbers.len(),
            }
        };
        use Feature::*;
        Sets {
            destinations: pairs(rows.destinations, &[DestinationCount]),
            destination_ports: pairs(
                rows.destination_ports,
                &[DestinationPortCount, DestinationPortEntropy],
            ),
            source_ports: pairs(rows.source_ports, &[SourcePortEntropy]),
        }
    }
}

/// One pass over a part of the rows.
struct Sweep<'a> {
    rows: &'a Rows<'a>,
    window: i64,
    part: Range<usize>,
    monitor: &'a Monitor,
}

impl Sweep<'_> {
    /// The first row in the window of the first row of the part.
    fn origin(&self) -> usize {
        let times = self.rows.times;
        let Some(&time) = times.get(self.part.start) else {
            return self.part.start;
        };
        let gone = time.saturating_sub(self.window);
        times[..self.part.start].partition_point(|&time| time <= gone)
    }

    /// Calls `enter` for each row as it comes, which gives its answer, and `leave` for each row as it
    /// leaves the window. Both get what all keys share, the state of the row's key, and the row.
    #[inline(always)]
    fn run<A, S: Clone>(
        &self,
        mut shared: A,
        empty: S,
        out: &mut [f64],
        enter: impl Fn(&mut A, &mut S, usize) -> f64,
        leave: impl Fn(&mut A, &mut S, usize),
    ) -> Result<(), Error> {
        let Rows { keys, times, .. } = *self.rows;
        let mut states = vec![empty; self.rows.n_keys];
        let start = self.part.start;
        let mut tail = self.origin();
        let mut row = tail;
        while row < self.part.end {
            let end = (row + BLOCK).min(self.part.end);
            for now in row..end {
                let gone = times[now].saturating_sub(self.window);
                while tail < now && times[tail] <= gone {
                    if keys[tail] != NONE {
                        leave(&mut shared, &mut states[keys[tail] as usize], tail);
                    }
                    tail += 1;
                }
                let answer = if keys[now] == NONE {
                    f64::NAN
                } else {
                    enter(&mut shared, &mut states[keys[now] as usize], now)
                };
                if now >= start {
                    out[now - start] = answer;
                }
            }
            self.monitor.tick((end - row.max(start).min(end)) as u64)?;
            row = end;
        }
        Ok(())
    }
}

/// Seconds in a nanosecond.
const SECOND: f64 = 1e-9;

impl Feature {
    fn needs_length(self) -> bool {
        use Feature::*;
        matches!(
            self,
            ByteCount | LengthMean | LengthStd | LengthMin | LengthMax
        )
    }

    fn needs_flags(self) -> bool {
        matches!(self, Feature::FlagRatio(..))
    }

    fn sweep(self, sweep: &Sweep, sets: &Sets, out: &mut [f64]) -> Result<(), Error> {
        let lengths = sweep.rows.lengths;
        match self {
            Feature::PacketCount => sweep.run(
                (),
                0u32,
                out,
                |(), count, _| {
                    *count += 1;
                    f64::from(*count)
                },
                |(), count, _| *count -= 1,
            ),
            Feature::ByteCount => sweep.run(
                (),
                0u64,
                out,
                |(), sum, row| {
                    *sum += u64::from(lengths[row]);
                    *sum as f64
                },
                |(), sum, row| *sum -= u64::from(lengths[row]),
            ),
            Feature::LengthMean => sweep.run(
                (),
                (0u32, 0u64),
                out,
                |(), (count, sum), row| {
                    *count += 1;
                    *sum += u64::from(lengths[row]);
                    *sum as f64 / f64::from(*count)
                },
                |(), (count, sum), row| {
                    *count -= 1;
                    *sum -= u64::from(lengths[row]);
                },
            ),
            Feature::LengthStd => sweep.run(
                (),
                Moments::default(),
                out,
                |(), moments, row| {
                    moments.add(u64::from(lengths[row]));
                    moments.std()
                },
                |(), moments, row| moments.remove(u64::from(lengths[row])),
            ),
            Feature::LengthMin => extremum(sweep, out, |new, old| new <= old),
            Feature::LengthMax => extremum(sweep, out, |new, old| new >= old),
            Feature::FlagRatio(set, unset) => {
                let flags = sweep.rows.flags;
                let has = |row: usize| u32::from(flags[row] & (set | unset) == set);
                sweep.run(
                    (),
                    (0u32, 0u32),
                    out,
                    |(), (count, with), row| {
                        *count += 1;
                        *with += has(row);
                        f64::from(*with) / f64::from(*count)
                    },
                    |(), (count, with), row| {
                        *count -= 1;
                        *with -= has(row);
                    },
                )
            }
            Feature::InterArrival => inter_arrival(sweep, out),
            Feature::InterArrivalMean => gaps(sweep, out, |gaps| gaps.mean()),
            Feature::InterArrivalStd => gaps(sweep, out, |gaps| gaps.std()),
            Feature::DestinationCount => distinct(sweep, &sets.destinations, out),
            Feature::DestinationPortCount => distinct(sweep, &sets.destination_ports, out),
            Feature::DestinationPortEntropy => entropy(sweep, &sets.destination_ports, out),
            Feature::SourcePortEntropy => entropy(sweep, &sets.source_ports, out),
        }
    }
}

/// Count, sum and sum of squares of whole numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: u32,
    sum: u128,
    squares: u128,
}

impl Moments {
    #[inline(always)]
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.squares += u128::from(value) * u128::from(value);
    }

    #[inline(always)]
    fn remove(&mut self, value: u64) {
        self.count -= 1;
        self.sum -= u128::from(value);
        self.squares -= u128::from(value) * u128::from(value);
    }

    #[inline(always)]
    fn mean(&self) -> f64 {
        self.sum as f64 / f64::from(self.count)
    }

    /// Of the population. NaN for none.
    #[inline(always)]
    fn std(&self) -> f64 {
        let count = u128::from(self.count);
        // The difference that would cancel is taken while it is exact.
        let scaled = match self.squares.checked_mul(count) {
            Some(squares) => match self.sum.checked_mul(self.sum) {
                Some(square) => (squares - square) as f64,
                None => return self.std_of_huge(),
            },
            None => return self.std_of_huge(),
        };
        scaled.sqrt() / f64::from(self.count)
    }

    /// Sums beyond 64 bits: gaps of months in a window of years.
    #[cold]
    fn std_of_huge(&self) -> f64 {
        let mean = self.mean();
        (self.squares as f64 / f64::from(self.count) - mean * mean)
            .max(0.0)
            .sqrt()
    }
}

fn inter_arrival(sweep: &Sweep, out: &mut [f64]) -> Result<(), Error> {
    let Rows {
        keys,
        times,
        n_keys,
        ..
    } = *sweep.rows;
    let mut last = vec![i64::MIN; n_keys];
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let rows = block * BLOCK..block * BLOCK + out.len();
        for ((&key, &time), out) in keys[rows.clone()].iter().zip(&times[rows]).zip(&mut *out) {
            *out = f64::NAN;
            if key == NONE {
                continue;
            }
            let before = &mut last[key as usize];
            if *before != i64::MIN {
                *out = time.wrapping_sub(*before) as u64 as f64 * SECOND;
            }
            *before = time;
        }
        sweep.monitor.tick(out.len() as u64)?;
    }
    Ok(())
}

/// The times between the rows of a key in the window.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    moments: Moments,
    /// The last row of the key.
    last: u32,
    /// Rows in the window.
    count: u32,
}

fn gaps(sweep: &Sweep, out: &mut [f64], answer: impl Fn(&Moments) -> f64) -> Result<(), Error> {
    let times = sweep.rows.times;
    let origin = sweep.origin();
    let empty = Gaps {
        moments: Moments::default(),
        last: NONE,
        count: 0,
    };
    sweep.run(
        // The time from a row to the next of its key, which leaves together with the row.
        vec![0u64; sweep.part.end - origin],
        empty,
        out,
        |after, gaps, row| {
            if gaps.count > 0 {
                let gap = times[row].wrapping_sub(times[gaps.last as usize]) as u64;
                gaps.moments.add(gap);
                after[gaps.last as usize - origin] = gap;
            }
            gaps.last = row as u32;
            gaps.count += 1;
            if gaps.moments.count == 0 {
                f64::NAN
            } else {
                answer(&gaps.moments) * SECOND
            }
        },
        |after, gaps, row| {
            gaps.count -= 1;
            if gaps.count > 0 {
                gaps.moments.remove(after[row - origin]);
            }
        },
    )
}

/// The extremum of the lengths: rows that a later one makes irrelevant are forgotten, so that the
/// first of the rest is the answer. The rows of a key form a chain.
fn extremum(sweep: &Sweep, out: &mut [f64], beats: impl Fn(u32, u32) -> bool) -> Result<(), Error> {
    let lengths = sweep.rows.lengths;
    let origin = sweep.origin();
    sweep.run(
        // Neighbours of a row in its chain: before and after.
        vec![[NONE; 2]; sweep.part.end - origin],
        [NONE; 2],
        out,
        |links, [first, last], row| {
            while *last != NONE && beats(lengths[row], lengths[*last as usize]) {
                *last = links[*last as usize - origin][0];
            }
            if *last == NONE {
                *first = row as u32;
            } else {
                links[row - origin][0] = *last;
                links[*last as usize - origin][1] = row as u32;
            }
            *last = row as u32;
            f64::from(lengths[*first as usize])
        },
        |links, [first, last], row| {
            if *first == row as u32 {
                if first == last {
                    (*first, *last) = (NONE, NONE);
                } else {
                    *first = links[row - origin][1];
                    links[*first as usize - origin][0] = NONE;
                }
            }
        },
    )
}

fn distinct(sweep: &Sweep, pairs: &Pairs, out: &mut [f64]) -> Result<(), Error> {
    sweep.run(
        vec![0u32; pairs.n],
        0u32,
        out,
        |counts, distinct, row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *distinct += u32::from(*count == 0);
                *count += 1;
            }
            f64::from(*distinct)
        },
        |counts, distinct, row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *count -= 1;
                *distinct -= u32::from(*count == 0);
            }
        },
    )
}

/// The entropy of counts c with sum n is ln n - (sum of c ln c) / n. The sum is kept in steps of
/// 2^-40, so that what is added can be taken away again exactly.
fn entropy(sweep: &Sweep, pairs: &Pairs, out: &mut [f64]) -> Result<(), Error> {
    const STEP: f64 = (1u64 << 40) as f64;
    let table: Vec<i64> = (0..1u32 << 12)
        .map(|count| exact(count, STEP) as i64)
        .collect();
    let weight = |count: u32| match table.get(count as usize) {
        Some(&weight) => i128::from(weight),
        None => exact(count, STEP),
    };
    sweep.run(
        vec![0u32; pairs.n],
        (0u32, 0i128),
        out,
        |counts, (n, sum), row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *sum += weight(*count + 1) - weight(*count);
                *count += 1;
                *n += 1;
            }
            if *sum == weight(*n) {
                return 0.0; // none, or all the same: exactly nothing
            }
            let n = f64::from(*n);
            (n.ln() - *sum as f64 / STEP / n).max(0.0)
        },
        |counts, (n, sum), row| {
            if let Some(count) = counts.get_mut(pairs.ids[row] as usize) {
                *sum -= weight(*count) - weight(*count - 1);
                *count -= 1;
                *n -= 1;
            }
        },
    )
}

/// c ln c in steps.
fn exact(count: u32, step: f64) -> i128 {
    let count = f64::from(count.max(1));
    (count * count.ln() * step).round() as i128
}
