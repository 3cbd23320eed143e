//! Bursts: 10 to 20 calls of 10 to 60 seconds by one caller within an hour, one after the other.
//!
//! The hour's free time is cut by sorted draws and the calls are put between the cuts, so that they
//! never overlap. The caller is kept for the whole burst.

use super::{Actor, Event, Plan};
use crate::cdr::keyed::{Subject, below};

const LEAST: u64 = 10;
const MOST: u64 = 20;
const SPAN_S: u32 = 3600;
const LAST_START_S: u32 = 22 * 3600 + 59 * 60;

/// Calls of each burst so that they add up to `count`, if they can.
pub fn sizes(count: u64) -> Option<(u64, u64)> {
    let bursts = ((count + 7) / 15)
        .max(count.div_ceil(MOST))
        .min(count / LEAST);
    (bursts > 0 && bursts * MOST >= count).then_some((bursts, count))
}

/// The bursts of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let Some((bursts, _)) = sizes(count) else {
        return;
    };
    // Ten each, and the others dealt out at random among those who have room.
    let mut calls = vec![LEAST; bursts as usize];
    let (mut rest, mut draw) = (count - LEAST * bursts, 0);
    while rest > 0 {
        let [a, ..] = plan.draw(draw, 1 << 20);
        draw += 1;
        let place = &mut calls[below(a, bursts as u32) as usize];
        if *place < MOST {
            *place += 1;
            rest -= 1;
        }
    }
    for (burst, &calls) in calls.iter().enumerate() {
        let burst = burst as u32;
        let [a, b, ..] = plan.draw(burst, 2 << 20);
        let begin = plan.second([a, b], LAST_START_S);
        let draws: Vec<[u32; 4]> = (0..calls as u32)
            .map(|call| plan.world.key.draw(Subject::Burst, burst, plan.day, call))
            .collect();
        let durations: Vec<u32> = draws.iter().map(|d| 10 + below(d[0], 51)).collect();
        // A second or more between calls.
        let free = SPAN_S - durations.iter().sum::<u32>() - calls as u32;
        let mut cuts: Vec<u32> = draws.iter().map(|d| below(d[1], free)).collect();
        cuts.sort_unstable();
        let (mut used, first) = (0, cuts[0]);
        let starts: Vec<u32> = (0..calls as usize)
            .map(|call| {
                let start = begin + cuts[call] - first + used;
                used += durations[call] + 1;
                start
            })
            .collect();
        let end = starts[calls as usize - 1] + durations[calls as usize - 1];
        let slot = events.len() as u32;
        for (call, &start) in starts.iter().enumerate() {
            events.push(Event {
                start,
                latest: start,
                duration: durations[call] as u16,
                caller: match call {
                    0 => Actor::Keep(slot, end),
                    _ => Actor::Kept(slot),
                },
                ..Event::of(4, events.len() as u32)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_that_bursts_can_have_is_cut_into_bursts() {
        assert_eq!(sizes(9), None);
        assert_eq!(sizes(10), Some((1, 10)));
        assert_eq!(sizes(25), Some((2, 25)));
        for count in 10..2000 {
            let (bursts, _) = sizes(count).unwrap();
            assert!(bursts * LEAST <= count && count <= bursts * MOST, "{count}");
        }
    }
}
