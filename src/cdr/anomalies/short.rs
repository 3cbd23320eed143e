//! Short calls: 1 to 5 seconds, to anybody.

use super::{Event, Plan};
use crate::cdr::keyed::below;
use crate::cdr::row::DAY_S;

/// The short calls of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, _] = plan.draw(number, 0);
        events.push(Event {
            start: plan.second([a, b], DAY_S - 5),
            latest: DAY_S - 6,
            duration: 1 + below(c, 5) as u16,
            ..Event::of(1, number)
        });
    }
}
