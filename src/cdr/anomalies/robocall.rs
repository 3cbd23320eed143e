//! Robocalls: short calls from one number to ever other ones, all through the working day.

use super::{Actor, Event, Plan};
use crate::cdr::actors::Role;
use crate::cdr::keyed::below;

const FIRST_S: u32 = 9 * 3600;
const SPAN_S: u32 = 11 * 3600;

/// The robocalls of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let callers = plan.world.actors.of(Role::Robocaller);
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, _] = plan.draw(number, 0);
        events.push(Event {
            start: FIRST_S + below(a, SPAN_S),
            latest: 23 * 3600,
            duration: (2 + below(c, 24)) as u16,
            caller: Actor::User(callers.start + below(b, callers.len() as u32)),
            still: true,
            ..Event::of(7, number)
        });
    }
}
