//! Wangiri: a number rings many phones once, for no second, and some of those who missed the call
//! call back, to a number that costs them dear.

use super::{Actor, Event, Plan};
use crate::cdr::actors::Role;
use crate::cdr::keyed::below;
use crate::cdr::row::DAY_S;

/// One call back among so many rows.
const CALL_BACK: u64 = 20;
/// The campaign of a number goes on for so long.
const CAMPAIGN_S: u32 = 2 * 3600;
const LONGEST_S: u32 = 600;

/// The rings and calls back of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let numbers = plan.world.actors.of(Role::Wangiri);
    let back = count / CALL_BACK;
    let first = events.len() as u32;
    let rings = (count - back) as u32;
    for _ in 0..rings {
        let number = events.len() as u32;
        let [a, b, ..] = plan.draw(number, 0);
        let actor = numbers.start + below(a, numbers.len() as u32);
        let [begin, ..] = plan.draw(actor, 3 << 20);
        let start = 9 * 3600 + below(begin, 8 * 3600) + below(b, CAMPAIGN_S);
        events.push(Event {
            start,
            latest: start,
            duration: 0,
            caller: Actor::User(actor),
            callee: Actor::Remember(number),
            still: true,
            ..Event::of(6, number)
        });
    }
    for _ in 0..back {
        let number = events.len() as u32;
        let [a, b, c, _] = plan.draw(number, 0);
        let ring = first + below(a, rings);
        let Event { start, caller, .. } = events[ring as usize];
        let latest = DAY_S - LONGEST_S;
        // From a minute on; the square makes soon likelier than late.
        let u = u64::from(b >> 16);
        let wait = 60 + ((u * u * u64::from(latest - start - 60)) >> 32) as u32;
        events.push(Event {
            start: start + wait,
            latest,
            duration: (30 + below(c, LONGEST_S - 30)) as u16,
            caller: Actor::Remembered(ring),
            callee: caller,
            overlaps: true,
            ..Event::of(6, number)
        });
    }
}
