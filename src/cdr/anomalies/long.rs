//! Long calls: one to two hours, to somebody known; over before midnight.

use super::{Actor, Event, Plan};
use crate::cdr::keyed::below;
use crate::cdr::row::DAY_S;

const LEAST_S: u32 = 3600;
const MOST_S: u32 = 7200;

/// The long calls of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, _] = plan.draw(number, 0);
        events.push(Event {
            start: plan.second([a, b], DAY_S - MOST_S),
            latest: DAY_S - MOST_S,
            duration: (LEAST_S + below(c, MOST_S - LEAST_S + 1)) as u16,
            callee: Actor::Contact,
            ..Event::of(2, number)
        });
    }
}
