//! A day of calls, hour by hour: candidates, sorting, a sweep that keeps everybody to one call at a
//! time, and the quota.
//!
//! The sweep goes through the hour's calls by time. A normal call is lost if caller or callee is
//! still in a call; anomalies choose users who are free. More candidates are made than the quota
//! asks for and the surplus is taken away at random after the sweep, so the hour has exactly its
//! rows. If they do not suffice (few users, bad luck), the hour is made again with more.
//!
//! A call that goes on after midnight ties two days together. Which of them take place is decided
//! by the last two hours' candidates alone, before either day is swept: among those that share a
//! user the one of lowest rank. Both days work that out and keep these users' lines free, so each
//! day can be made without the other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::anomalies::{self, Actor, Event};
use super::block::{self, Hour, RANGE};
use super::hourly;
use super::keyed::{Subject, below};
use super::limits;
use super::rhythm::Quota;
use super::row::{DAY_S, Row};
use super::stream::Daily;
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// Hours of a day from which a call may last beyond midnight.
const LATE: usize = 22;
/// Times an hour is made again with more candidates.
const MOST_TRIES: u32 = 24;

/// Rows ahead of the sweep whose users' lines are fetched from memory.
const AHEAD: usize = 16;

/// Asks for the memory of `line` before it is needed: the users of a row stand anywhere.
#[inline(always)]
fn fetch(line: &Line) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Until when a user is in a call, and from when its line is kept for a call across midnight.
#[derive(Debug, Clone, Copy)]
struct Line {
    until: u32,
    kept_from: u32,
}

const FREE: Line = Line {
    until: 0,
    kept_from: u32::MAX,
};

/// Makes the days of a world, one at a time, and keeps the memory for the next.
#[derive(Debug)]
pub struct Maker {
    world: Arc<World>,
    threads: usize,
    day: u32,
    hour: usize,
    quotas: Vec<u64>,
    loads: [f64; 24],
    moods: Vec<f32>,
    lines: Vec<Line>,
    saved: Vec<Line>,
    parts: Vec<Vec<Row>>,
    sorted: Vec<Row>,
    /// Calls across midnight that take place, by time, and the day whose they are.
    border: Vec<Row>,
    border_of: Option<u32>,
    events: Vec<Event>,
    next_event: usize,
    put_off: BinaryHeap<Reverse<(u32, u32)>>,
    kept: Vec<u32>,
}

impl Maker {
    /// A maker on up to `threads` threads.
    pub fn new(world: Arc<World>, threads: usize) -> Self {
        Maker {
            world,
            threads,
            day: 0,
            hour: 24,
            quotas: Vec::new(),
            loads: [0.0; 24],
            moods: Vec::new(),
            lines: Vec::new(),
            saved: Vec::new(),
            parts: Vec::new(),
            sorted: Vec::new(),
            border: Vec::new(),
            border_of: None,
            events: Vec::new(),
            next_event: 0,
            put_off: BinaryHeap::new(),
            kept: Vec::new(),
        }
    }
}

impl Daily for Maker {
    type Row = Row;

    fn day(&self) -> u32 {
        self.day
    }

    fn quota(&self, day: u32) -> Quota {
        self.world.rhythm.quotas()[day as usize]
    }

    fn begin(&mut self, day: u32) -> Result<(), Error> {
        self.lines.clear();
        self.lines.resize(self.world.users.len(), FREE);
        if day > 0 {
            let before = if self.border_of == Some(day - 1) {
                std::mem::take(&mut self.border)
            } else {
                self.across_midnight(day - 1)?
            };
            for row in before {
                for user in [row.caller, row.callee] {
                    self.lines[user as usize].until = row.end() - DAY_S;
                }
            }
        }
        let border = self.across_midnight(day)?;
        for row in &border {
            for user in [row.caller, row.callee] {
                self.lines[user as usize].kept_from = row.start;
            }
        }
        (self.border, self.border_of) = (border, Some(day));
        block::all_moods(&self.world, day, self.threads, &mut self.moods)?;
        self.quotas = self.world.rhythm.normal(&self.world.settings, day);
        self.loads = limits::loads(&self.world, day, self.world.settings.anomaly_ratio);
        self.events = anomalies::schedule(&self.world, day);
        self.next_event = 0;
        self.put_off.clear();
        self.kept.clear();
        self.day = day;
        self.hour = 0;
        Ok(())
    }

    fn next_hour(&mut self, out: &mut Vec<Row>) -> Result<bool, Error> {
        if self.hour == 24 {
            return Ok(false);
        }
        let quota = self.quotas[self.hour] as usize;
        let hour = Hour::new(&self.world, self.day, self.hour);
        let before = out.len();
        self.saved.clone_from(&self.lines);
        let (next_event, put_off) = (self.next_event, self.put_off.clone());
        let mut normal = 0;
        for tries in 0..MOST_TRIES {
            if tries > 0 {
                self.lines.clone_from(&self.saved);
                self.next_event = next_event;
                self.put_off.clone_from(&put_off);
                out.truncate(before);
            }
            self.make(hour, target(quota, self.loads[self.hour], tries), 0)?;
            self.sort();
            normal = self.sweep(out)?;
            if normal >= quota {
                break;
            }
        }
        if normal < quota {
            let expected = format!("so that hour {} of day {} fits", self.hour, self.day);
            let found = self.world.settings.calls_per_user_day;
            return Err(Error::argument("calls_per_user_day", expected, found));
        }
        self.trim(out, before, normal - quota);
        self.hour += 1;
        Ok(true)
    }
}

impl Maker {
    /// Fills `parts` with the candidates of an hour that end after a second of the day.
    fn make(&mut self, hour: Hour, calls: f64, least_end: u32) -> Result<(), Error> {
        let (world, moods) = (&*self.world, &self.moods);
        self.parts
            .resize_with(moods.len().div_ceil(RANGE), Vec::new);
        let tasks: Vec<_> = self.parts.iter_mut().enumerate().collect();
        parallel::for_each(tasks, self.threads, |(part, rows)| {
            rows.clear();
            let (from, to) = (part * RANGE, ((part + 1) * RANGE).min(moods.len()));
            let range = from as u32..to as u32;
            let calls = (calls, least_end);
            block::candidates(world, hour, calls, &moods[from..to], range, rows);
            Ok(())
        })
    }

    /// The calls of a day that last beyond midnight and take place, by time.
    fn across_midnight(&mut self, day: u32) -> Result<Vec<Row>, Error> {
        block::all_moods(&self.world, day, self.threads, &mut self.moods)?;
        let quotas = self.world.rhythm.normal(&self.world.settings, day);
        let loads = limits::loads(&self.world, day, self.world.settings.anomaly_ratio);
        let mut ranked = Vec::new();
        for hour in LATE..24 {
            let at = Hour::new(&self.world, day, hour);
            let quota = quotas[hour] as usize;
            self.make(at, target(quota, loads[hour], 0), DAY_S)?;
            let rows = self.parts.iter().flatten();
            ranked.extend(rows.map(|row| (block::rank(&self.world, row, day), *row)));
        }
        let first = |a: &(f64, Row), b: &(f64, Row)| {
            let key = |r: &Row| (r.start, r.caller, r.callee, r.duration);
            a.0.total_cmp(&b.0).then(key(&a.1).cmp(&key(&b.1)))
        };
        ranked.sort_by(first);
        // The lowest rank at each user, from the lowest on.
        let mut users: Vec<(u32, usize)> = Vec::with_capacity(2 * ranked.len());
        for (place, (_, row)) in ranked.iter().enumerate() {
            users.extend([(row.caller, place), (row.callee, place)]);
        }
        users.sort_unstable();
        users.dedup_by_key(|user| user.0);
        let best = |user: u32| users[users.partition_point(|u| u.0 < user)].1;
        let mut room: Vec<u64> = quotas;
        let mut rows = Vec::new();
        for (place, (_, row)) in ranked.iter().enumerate() {
            let room = &mut room[(row.start / 3600) as usize];
            if best(row.caller) == place && best(row.callee) == place && *room > 0 {
                *room -= 1;
                rows.push(*row);
            }
        }
        rows.sort_by_key(|row| (row.start, row.caller));
        Ok(rows)
    }

    /// Puts the candidates into the order of their seconds.
    fn sort(&mut self) {
        let begin = self.hour as u32 * 3600;
        hourly::by_second(&self.parts, begin, |row| row.start, &mut self.sorted);
    }

    /// Appends the calls that take place and returns how many of them are normal.
    fn sweep(&mut self, out: &mut Vec<Row>) -> Result<usize, Error> {
        let end = (self.hour as u32 + 1) * 3600;
        let sorted = std::mem::take(&mut self.sorted);
        let mut normal = 0;
        let mut due = self.due();
        for (place, row) in sorted.iter().enumerate() {
            if let Some(soon) = sorted.get(place + AHEAD) {
                fetch(&self.lines[soon.caller as usize]);
                fetch(&self.lines[soon.callee as usize]);
            }
            while due <= row.start {
                self.take_event(out)?;
                due = self.due();
            }
            let (caller, callee) = (row.caller as usize, row.callee as usize);
            let [a, b] = [self.lines[caller], self.lines[callee]];
            let stop = row.end();
            let is_free = a.until.max(b.until) <= row.start;
            if is_free && stop <= a.kept_from.min(b.kept_from) && stop <= DAY_S
                || stop > DAY_S && self.crosses(row)
            {
                self.lines[caller].until = stop;
                self.lines[callee].until = stop;
                out.push(*row);
                normal += 1;
            }
        }
        while self.due() < end {
            self.take_event(out)?;
        }
        self.sorted = sorted;
        Ok(normal)
    }

    #[cold]
    fn crosses(&self, row: &Row) -> bool {
        let key = |r: &Row| (r.start, r.caller);
        let at = self.border.partition_point(|r| key(r) < key(row));
        self.border[at..]
            .iter()
            .take_while(|r| key(r) == key(row))
            .any(|r| r == row)
    }

    /// The second of the next anomaly.
    fn due(&self) -> u32 {
        let next = self
            .events
            .get(self.next_event)
            .map_or(u32::MAX, |e| e.start);
        self.put_off
            .peek()
            .map_or(next, |Reverse((second, _))| next.min(*second))
    }

    /// Gives the next anomaly its users, or puts it off by half a minute.
    #[inline(never)]
    fn take_event(&mut self, out: &mut Vec<Row>) -> Result<(), Error> {
        let second = self.due();
        let place = match self.put_off.peek() {
            Some(&Reverse((at, place))) if at == second => {
                self.put_off.pop();
                place as usize
            }
            _ => {
                self.next_event += 1;
                self.next_event - 1
            }
        };
        let mut event = self.events[place];
        event.start = second;
        if let Some(row) = self.place(&event) {
            out.push(row);
            return Ok(());
        }
        if second + 30 > self.events[place].latest {
            let expected = format!(
                "smaller: an anomaly of day {} finds no free users",
                self.day
            );
            let found = self.world.settings.anomaly_ratio;
            return Err(Error::argument("anomaly_ratio", expected, found));
        }
        self.put_off.push(Reverse((second + 30, place as u32)));
        Ok(())
    }

    /// The row of an anomaly, with users who are free.
    fn place(&mut self, event: &Event) -> Option<Row> {
        const TRIES: u32 = 48;
        let world = Arc::clone(&self.world);
        let world = &*world;
        let n = world.actors.first;
        let stop = event.start + u32::from(event.duration);
        let is_free = |lines: &[Line], user: u32, until: u32| {
            let line = lines[user as usize];
            line.until <= event.start && until <= line.kept_from
        };
        // A call of no length takes nobody's line, and some actors have many lines.
        let takes_line = |user: u32| event.duration > 0 && !(event.overlaps && user >= n);
        let hour = Hour::new(world, self.day, (event.start / 3600) as usize);
        for tries in 0..TRIES {
            let number = event.number;
            let [a, b, _, d] = world.key.draw(Subject::Actor, number, self.day, tries);
            let (caller, is_chosen) = match event.caller {
                Actor::Kept(slot) | Actor::Remembered(slot) => (self.kept[slot as usize], true),
                Actor::User(user) => (user, true),
                _ => (below(a, n), false),
            };
            let busy_until = match event.caller {
                Actor::Keep(_, until) => until,
                _ => stop,
            };
            let is_kept = matches!(event.caller, Actor::Kept(_));
            let occupies = !is_kept && takes_line(caller);
            if occupies && !is_free(&self.lines, caller, busy_until) {
                if is_chosen {
                    return None;
                }
                continue;
            }
            let user = &world.users[caller as usize];
            let callee = match event.callee {
                Actor::User(user) => user,
                Actor::Contact if tries < TRIES / 2 => {
                    let call = (1 << 31 | self.day, number << 5 | tries);
                    world.ties.callee(caller, user, hour.at_work(), b, call)
                }
                _ if caller < n => {
                    let other = below(b, n - 1);
                    other + u32::from(other >= caller)
                }
                _ => below(b, n),
            };
            let answers = takes_line(callee);
            if callee == caller || answers && !is_free(&self.lines, callee, stop) {
                continue;
            }
            match (event.caller, event.callee) {
                (Actor::Keep(slot, _), _) => self.keep(slot, caller),
                (_, Actor::Remember(slot)) => self.keep(slot, callee),
                _ => {}
            }
            if occupies {
                self.lines[caller as usize].until = busy_until;
            }
            if answers {
                self.lines[callee as usize].until = stop;
            }
            let mut first = block::whereabouts(world, caller, self.day, event.start);
            if event.is_far {
                first = world.places.far_from(first, a);
            }
            let last = match event.still {
                true => first,
                false => world.places.last(first, u32::from(event.duration), d),
            };
            return Some(Row {
                start: event.start,
                caller,
                callee,
                duration: event.duration,
                first,
                last,
                kind: event.kind,
            });
        }
        None
    }

    fn keep(&mut self, slot: u32, user: u32) {
        let slot = slot as usize;
        if self.kept.len() <= slot {
            self.kept.resize(self.events.len().max(slot + 1), 0);
        }
        self.kept[slot] = user;
    }

    /// Takes `surplus` normal rows from `before` on away, each with the same chance.
    fn trim(&self, out: &mut Vec<Row>, before: usize, surplus: usize) {
        let number = self.day * 24 + self.hour as u32;
        let draw = |k| self.world.key.draw(Subject::Surplus, number, k, 0);
        let may_go = |row: &Row| row.kind == 0 && row.end() <= DAY_S;
        hourly::trim(out, before, surplus, may_go, draw);
    }
}

/// How many candidates to make for `quota` rows when a share `load` of the users is in a call.
///
/// A candidate is lost if either user is busy, and who calls much is busy more often: measured,
/// three to four candidates in a hundred are lost for each hundredth of the load.
fn target(quota: usize, load: f64, tries: u32) -> f64 {
    if quota == 0 {
        return 0.0;
    }
    let quota = quota as f64;
    let mut calls = quota * (1.01 + 3.6 * load) + 3.0 * libm::sqrt(quota) + 2.0;
    for round in 0..tries {
        calls = calls * if round < 3 { 1.12 } else { 1.6 } + 1.0;
    }
    calls
}
