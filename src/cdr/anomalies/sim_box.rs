//! SIM box: the SIMs of a box take turns in a few devices in one place, to call numbers that seldom
//! repeat. All SIMs of a box show one IMEI.

use super::{Actor, Event, Plan};
use crate::cdr::actors::Role;
use crate::cdr::block;
use crate::cdr::keyed::below;
use crate::cdr::row::DAY_S;

/// The SIM box calls of a day.
pub fn schedule(plan: &Plan<'_>, count: u64, events: &mut Vec<Event>) {
    let sims = plan.world.actors.of(Role::Sim);
    for _ in 0..count {
        let number = events.len() as u32;
        let [a, b, c, d] = plan.draw(number, 0);
        let [e, ..] = plan.draw(number, 1);
        let sim = sims.start + below(c, sims.len() as u32);
        let duration = block::duration(plan.world, below(e, plan.world.actors.first), d);
        let latest = DAY_S - duration;
        events.push(Event {
            start: plan.second([a, b], latest),
            latest,
            duration: duration as u16,
            caller: Actor::User(sim),
            still: true,
            ..Event::of(5, number)
        });
    }
}
