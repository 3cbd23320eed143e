//! PBX hack and revenue share: at night, a company's lines call premium numbers, many calls at once.

use super::{Actor, Event, Plan};
use crate::cdr::actors::Role;
use crate::cdr::keyed::below;

const FIRST_S: u32 = 3600;
/// Each line is used within an hour of the night.
const NIGHT_HOURS: u32 = 4;

/// The calls of hacked lines on a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let actors = &plan.world.actors;
    let (lines, premium) = (actors.of(Role::Line), actors.of(Role::Premium));
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, d] = plan.draw(number, 0);
        let line = lines.start + below(a, lines.len() as u32);
        let [hour, ..] = plan.draw(line, 4 << 20);
        let start = FIRST_S + below(hour, NIGHT_HOURS) * 3600 + below(b, 3600);
        events.push(Event {
            start,
            latest: start,
            duration: (600 + below(c, 3000)) as u16,
            caller: Actor::User(line),
            callee: Actor::User(premium.start + below(d, premium.len() as u32)),
            overlaps: true,
            still: true,
            ..Event::of(8, number)
        });
    }
}
