//! Subscription fraud: a fresh account calls much and long from its first day, and nobody calls it.

use super::{Actor, Event, Plan};
use crate::cdr::actors::Role;
use crate::cdr::keyed::below;
use crate::cdr::row::DAY_S;

const LONGEST_S: u32 = 1800;

/// The calls of fraudulent subscribers on a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let callers = plan.world.actors.of(Role::Subscriber);
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, d] = plan.draw(number, 0);
        events.push(Event {
            start: plan.second([a, b], DAY_S - 4 * LONGEST_S),
            latest: DAY_S - LONGEST_S,
            duration: (60 + below(c, LONGEST_S - 60)) as u16,
            caller: Actor::User(callers.start + below(d, callers.len() as u32)),
            ..Event::of(9, number)
        });
    }
}
