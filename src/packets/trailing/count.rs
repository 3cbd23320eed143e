//! How many rows a key has in its window.
//!
//! Entering and leaving rows are two sorted streams, and which comes next is a coin toss that no
//! processor foresees. So the toss decides nothing but numbers: every step takes one row of either
//! stream, adds or subtracts one, and writes the count, which the entering row writes last. A step
//! waits for the one before it, so two stretches of the rows take their steps in turn.

use super::sweep::{BLOCK, Sweep};
use crate::error::Error;
use crate::packets::keys::NONE;

/// Rows of a stretch that make its warming up worth while.
const LONG: usize = 1 << 16;

pub(super) fn count(sweep: &Sweep, out: &mut [f64]) -> Result<(), Error> {
    let keys = sweep.rows.keys;
    // The greatest at once, in vector registers.
    let greatest = keys.iter().fold(0, |most: u32, &key| most.max(key));
    if greatest == NONE || greatest as usize >= sweep.rows.n_keys {
        return with_gaps(sweep, out);
    }
    let (start, n) = (sweep.part.start, sweep.part.len());
    let middle = start + n / 2;
    let warming = middle - sweep.origin_of(middle);
    if n >= 2 * LONG && warming < n / 4 && sweep.rows.n_keys < n / 4 {
        return stretches(sweep, [start, middle], out);
    }
    stretches(sweep, [start], out)
}

/// Rows of which some have no key.
fn with_gaps(sweep: &Sweep, out: &mut [f64]) -> Result<(), Error> {
    sweep.run(
        (),
        0u32,
        out,
        |(), count, _| {
            *count += 1;
            f64::from(*count)
        },
        |(), count, _| *count -= 1,
    )
}

/// Counts of the rows from each of `starts` to the next.
fn stretches<const L: usize>(
    sweep: &Sweep,
    starts: [usize; L],
    out: &mut [f64],
) -> Result<(), Error> {
    let places = sweep.rows.n_keys;
    let mut counts = vec![0; places * L];
    let end = |lane: usize| starts.get(lane + 1).map_or(sweep.part.end, |&end| end);
    let mut left: [Stretch; L] = std::array::from_fn(|lane| Stretch {
        tail: sweep.origin_of(starts[lane]),
        head: starts[lane],
        end: end(lane),
    });
    for (stretch, counts) in left.iter().zip(counts.chunks_mut(places.max(1))) {
        for &key in &sweep.rows.keys[stretch.tail..stretch.head] {
            counts[key as usize] += 1;
        }
    }
    while left.iter().all(|stretch| stretch.head < stretch.end) {
        take(sweep, &mut left, &mut counts, out)?;
    }
    for (stretch, counts) in left.iter_mut().zip(counts.chunks_mut(places.max(1))) {
        let mut alone = [*stretch];
        while alone[0].head < alone[0].end {
            take(sweep, &mut alone, counts, out)?;
        }
    }
    Ok(())
}

/// Rows still to come.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The first row in the window.
    tail: usize,
    /// The row that enters next.
    head: usize,
    /// Behind the last one.
    end: usize,
}

/// So many steps of each stretch as none ends within, and a report.
#[inline(never)]
fn take<const L: usize>(
    sweep: &Sweep,
    stretches: &mut [Stretch; L],
    counts: &mut [u32],
    out: &mut [f64],
) -> Result<(), Error> {
    let (keys, times) = (sweep.rows.keys, sweep.rows.times);
    let (first, places) = (sweep.part.start, sweep.rows.n_keys);
    let window = sweep.window as u64;
    let still = stretches.iter().map(|s| s.end - s.head).min();
    let steps = still.unwrap_or(0).min(BLOCK);
    assert!(keys.len() == times.len() && counts.len() == L * places && window > 0);
    let is_inside = |s: &Stretch| first <= s.head && s.tail <= s.head && s.end <= first + out.len();
    assert!(stretches.iter().all(is_inside) && first + out.len() <= keys.len());
    let mut tails = stretches.map(|s| s.tail);
    let mut heads = stretches.map(|s| s.head);
    for _ in 0..steps {
        for lane in 0..L {
            // SAFETY: a step moves a head by at most one row, and there are no more steps than rows
            // before the end of any stretch, which the assertion above puts within `keys`, `times`
            // and `out`. A tail is not beyond its head: where they meet the age is 0, and the window
            // is longer. `count` has seen that every key is below `places`. With checks the compiler
            // branches on `leaves`: 12 ns a row instead of 5.
            unsafe {
                let (tail, head) = (tails[lane], heads[lane]);
                // Times do not decrease, so the difference is not below zero.
                let age = times
                    .get_unchecked(head)
                    .wrapping_sub(*times.get_unchecked(tail));
                let leaves = usize::from(age as u64 >= window);
                let row = head ^ ((head ^ tail) & leaves.wrapping_neg());
                let place = lane * places + *keys.get_unchecked(row) as usize;
                let count = counts.get_unchecked_mut(place);
                *count = count.wrapping_add(1).wrapping_sub(2 * leaves as u32);
                *out.get_unchecked_mut(head - first) = f64::from(*count);
                tails[lane] += leaves;
                heads[lane] += 1 - leaves;
            }
        }
    }
    let mut done = 0;
    for (lane, stretch) in stretches.iter_mut().enumerate() {
        done += heads[lane] - stretch.head;
        (stretch.tail, stretch.head) = (tails[lane], heads[lane]);
    }
    sweep.monitor.tick(done as u64)
}
