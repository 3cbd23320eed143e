//! Impossible travel: within seconds of a call, the same user calls from the other end of the map.

use super::{Actor, Event, Plan};
use crate::cdr::keyed::below;
use crate::cdr::row::DAY_S;

/// All calls of a journey begin within one hour, in which a user is at one place.
const ROOM_S: u32 = 600;

/// Whether so many calls can be cut into journeys.
pub fn fits(count: u64) -> bool {
    count != 1
}

/// The journeys of a day: two calls each, the last one three if need be.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let mut left = count;
    while left > 0 {
        let calls = if left == 3 { 3 } else { 2 };
        left -= calls;
        let slot = events.len() as u32;
        let [a, b, ..] = plan.draw(slot, 0);
        let second = plan.second([a, b], DAY_S - ROOM_S);
        let begin = second - second % 3600 + (second % 3600).min(3600 - ROOM_S);
        let (mut start, mut ends) = (begin, Vec::new());
        for call in 0..calls as u32 {
            let [c, d, ..] = plan.draw(slot + call, 1);
            let duration = 20 + below(c, 100);
            ends.push((start, duration));
            start += duration + 3 + below(d, 15);
        }
        let until = ends.iter().map(|(start, duration)| start + duration).max();
        for (call, (start, duration)) in ends.into_iter().enumerate() {
            events.push(Event {
                start,
                latest: start,
                duration: duration as u16,
                caller: match call {
                    0 => Actor::Keep(slot, until.unwrap_or(start)),
                    _ => Actor::Kept(slot),
                },
                still: true,
                is_far: call == 1,
                ..Event::of(10, events.len() as u32)
            });
        }
    }
}
