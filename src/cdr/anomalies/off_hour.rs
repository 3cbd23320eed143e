//! Off-hour calls: an ordinary length, but begun between 02:00:00 and 04:59:59.

use super::{Event, Plan};
use crate::cdr::block;
use crate::cdr::keyed::below;

const FIRST_S: u32 = 2 * 3600;
const SPAN_S: u32 = 3 * 3600;

/// The off-hour calls of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let users = plan.world.actors.first;
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, _] = plan.draw(number, 0);
        events.push(Event {
            start: FIRST_S + below(a, SPAN_S),
            latest: FIRST_S + SPAN_S - 1,
            // As long as somebody's ordinary call.
            duration: block::duration(plan.world, below(c, users), b) as u16,
            ..Event::of(3, number)
        });
    }
}
