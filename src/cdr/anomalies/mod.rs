//! What is planted: events with a label, put between the normal calls.
//!
//! A kind of anomaly turns its share of a day's quota into [`Event`]s: when, how long, who with whom
//! as far as it matters. The sweep in `day` chooses users who are free at that moment, so an
//! anomaly never fails for want of a free line and the quota is met exactly.
//!
//! To add a kind: a module with a `schedule` like those here, a name in
//! [`KINDS`](super::settings::KINDS) and an arm in [`schedule`].

use super::keyed::{Subject, below};
use super::row::DAY_S;
use super::settings::ANOMALIES;
use super::world::World;

mod burst;
mod long;
mod off_hour;
mod pbx_hack;
mod robocall;
mod short;
mod sim_box;
mod subscription;
mod travel;
mod wangiri;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Anybody who is free.
    Anyone,
    /// Somebody whom the caller knows and who is free.
    Contact,
    /// Anybody who is free until a second of the day, and is then kept until it under a number.
    Keep(u32, u32),
    /// Who was kept under this number.
    Kept(u32),
    /// Anybody, busy or not, to be known again under this number.
    Remember(u32),
    /// Who was remembered under this number.
    Remembered(u32),
    /// This one.
    User(u32),
}

/// A call that must take place.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// Second of the day.
    pub start: u32,
    /// Latest second to which it may be put off if nobody is free.
    pub latest: u32,
    /// Length in seconds.
    pub duration: u16,
    /// Number of its label in [`KINDS`](super::settings::KINDS).
    pub kind: u8,
    /// Who calls.
    pub caller: Actor,
    /// Who is called.
    pub callee: Actor,
    /// Number among the anomalies of the day; names its draws.
    pub number: u32,
    /// Whether actors may be in other calls at the same time.
    pub overlaps: bool,
    /// Whether the caller stays at one tower.
    pub still: bool,
    /// Whether the caller is at the other end of the map.
    pub is_far: bool,
}

impl Event {
    /// An event of a kind among anybody, of no length and at no time yet.
    pub fn of(kind: u8, number: u32) -> Self {
        Event {
            start: 0,
            latest: 0,
            duration: 0,
            kind,
            caller: Actor::Anyone,
            callee: Actor::Anyone,
            number,
            overlaps: false,
            still: false,
            is_far: false,
        }
    }
}

/// Kinds repeat in this many anomalies.
const CYCLE: u64 = 1000;

/// How many anomalies of each kind a day has.
///
/// The kinds take turns by their weights, so any stretch of anomalies is close to the mix. A burst
/// has at least ten calls and a journey two; what is left over goes to another kind of the mix,
/// else to short calls.
pub fn mix(weights: &[f64; ANOMALIES], first: u64, count: u64) -> [u64; ANOMALIES] {
    let sum: f64 = weights.iter().sum();
    let mut turn = [0u64; ANOMALIES];
    let mut cycle = Vec::with_capacity(CYCLE as usize);
    for i in 0..CYCLE {
        let lag = |k: usize| weights[k] / sum * (i + 1) as f64 - turn[k] as f64;
        let best = (0..ANOMALIES).fold(0, |best, k| if lag(k) > lag(best) { k } else { best });
        turn[best] += 1;
        cycle.push(best);
    }
    let mut counts = turn.map(|n| n * (count / CYCLE));
    for i in 0..count % CYCLE {
        counts[cycle[((first + i) % CYCLE) as usize]] += 1;
    }
    for (kind, fits) in [
        (BURST, burst::sizes(counts[BURST]).is_some()),
        (TRAVEL, travel::fits(counts[TRAVEL])),
    ] {
        if counts[kind] > 0 && !fits {
            let takes = |&k: &usize| weights[k] > 0.0 && k != BURST && k != TRAVEL;
            let other = (0..ANOMALIES).find(takes).unwrap_or(0);
            counts[other] += counts[kind];
            counts[kind] = 0;
        }
    }
    counts
}

/// Places of kinds in the mix.
const BURST: usize = 3;
const TRAVEL: usize = 9;

/// The anomalies of a day, by time.
pub fn schedule(world: &World, day: u32) -> Vec<Event> {
    let settings = &world.settings;
    let quota = world.rhythm.quotas()[day as usize];
    let counts = mix(&settings.anomaly_mix, quota.first_anomaly, quota.anomalies);
    let mut events = Vec::with_capacity(quota.anomalies as usize);
    let plan = Plan::new(world, day);
    short::schedule(&plan, counts[0], &mut events);
    long::schedule(&plan, counts[1], &mut events);
    off_hour::schedule(&plan, counts[2], &mut events);
    burst::schedule(&plan, counts[BURST], &mut events);
    sim_box::schedule(&plan, counts[4], &mut events);
    wangiri::schedule(&plan, counts[5], &mut events);
    robocall::schedule(&plan, counts[6], &mut events);
    pbx_hack::schedule(&plan, counts[7], &mut events);
    subscription::schedule(&plan, counts[8], &mut events);
    travel::schedule(&plan, counts[TRAVEL], &mut events);
    events.sort_by_key(|event| (event.start, event.number));
    debug_assert_eq!(events.len() as u64, quota.anomalies);
    events
}

/// What a kind of anomaly may ask when it makes its schedule.
#[derive(Debug)]
pub struct Plan<'w> {
    world: &'w World,
    day: u32,
    /// Cumulated shares of the hours.
    hours: [f64; 24],
}

impl<'w> Plan<'w> {
    fn new(world: &'w World, day: u32) -> Self {
        let mut hours = world.rhythm.hours(&world.settings, day);
        let mut total = 0.0;
        for hour in &mut hours {
            total += *hour;
            *hour = total;
        }
        Plan {
            world,
            day,
            hours: hours.map(|hour| hour / total),
        }
    }

    /// Random bits for part `part` of event `number`.
    fn draw(&self, number: u32, part: u32) -> [u32; 4] {
        self.world
            .key
            .draw(Subject::Anomaly, number, self.day, part)
    }

    /// A second of the day before `end`, as busy as the rhythm has it.
    fn second(&self, [a, b]: [u32; 2], end: u32) -> u32 {
        let last = self.hours[(end / 3600).min(24) as usize - 1];
        let u = super::keyed::unit(a) * last;
        let hour = self.hours.partition_point(|&h| h <= u).min(23) as u32;
        (hour * 3600 + below(b, 3600)).min(end.min(DAY_S) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(weights: &[f64]) -> [f64; ANOMALIES] {
        std::array::from_fn(|k| weights.get(k).copied().unwrap_or(0.0))
    }

    #[test]
    fn kinds_share_the_quota() {
        let even = of(&[1.0; 4]);
        assert_eq!(mix(&even, 0, 400)[..5], [100, 100, 100, 100, 0]);
        assert_eq!(mix(&even, 7, 5000)[..4], [1250; 4]);
        assert_eq!(mix(&of(&[1.0]), 3, 10)[..2], [10, 0]);
        // Two burst calls are no burst.
        assert_eq!(mix(&even, 0, 8)[..4], [4, 2, 2, 0]);
        assert_eq!(mix(&of(&[0.0, 0.0, 0.0, 1.0]), 0, 8)[..4], [8, 0, 0, 0]);
    }
}
