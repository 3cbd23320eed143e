//! The least and the greatest length.

use super::sweep::Sweep;
use crate::error::Error;
use crate::packets::keys::NONE;

/// The extremum of the lengths: rows that a later one makes irrelevant are forgotten, so that the
/// first of the rest is the answer. The rows of a key form a chain.
pub(super) fn extremum(
    sweep: &Sweep,
    out: &mut [f64],
    beats: impl Fn(u32, u32) -> bool,
) -> Result<(), Error> {
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
