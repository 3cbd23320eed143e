//! The calls that users would make in an hour if nobody were ever busy.
//!
//! Each user's hour is drawn by itself: how many series of calls begin (the user's rate, its moods
//! of the day and the hour, and a draw), when, and how many calls follow each other soon. Calls
//! that would follow after the hour come at its beginning instead, so that every second of an hour
//! keeps its share and an hour needs no other hour.

use std::ops::Range;

use super::keyed::{MANY, Subject, unit};
use super::row::Row;
use super::settings::LONGEST_S;
use super::users::User;
use super::world::World;

/// An hour of a day.
#[derive(Debug, Clone, Copy)]
pub struct Hour {
    /// Day of the data.
    pub day: u32,
    /// Hour of the day.
    pub hour: usize,
    /// 1 on Saturday and Sunday.
    pub weekend: usize,
}

impl Hour {
    /// Hour `hour` of day `day`.
    pub fn new(world: &World, day: u32, hour: usize) -> Self {
        Hour {
            day,
            hour,
            weekend: world.settings.weekend(day),
        }
    }

    fn number(self) -> u32 {
        self.day * 24 + self.hour as u32
    }

    /// Whether most people are at work.
    pub fn at_work(self) -> bool {
        self.weekend == 0 && (9..18).contains(&self.hour)
    }
}

/// How much each user of `range` calls on a day, in the same order.
pub fn moods(world: &World, day: u32, range: Range<u32>, out: &mut [f32]) {
    for (mood, i) in out.iter_mut().zip(range) {
        let bits = world.key.draw(Subject::Day, i, day, 0)[0];
        *mood = world.users[i as usize].activity * world.moods[0].at(bits);
    }
}

/// Appends the calls of the users in `range`, of about `calls` of all users.
///
/// A larger number adds calls and changes none.
pub fn candidates(
    world: &World,
    hour: Hour,
    calls: f64,
    moods: &[f32],
    range: Range<u32>,
    out: &mut Vec<Row>,
) {
    let settings = &world.settings;
    let follow_up = (settings.follow_up * 256.0).round() as u32;
    let series = 1.0 - f64::from(follow_up) / 256.0;
    let rates = world.rhythm.rates(hour.weekend, hour.hour, calls * series);
    let seconds = world.rhythm.seconds(hour.weekend, hour.hour);
    let begin = hour.hour as u32 * 3600;
    let (number, at_work) = (hour.number(), hour.at_work());
    let hourly = &world.moods[1];
    let mut draws = [[0; MANY]; 4];
    for (i, mood) in range.zip(moods) {
        // One draw serves two users; ranges begin with an even multiple of many.
        let at = (i as usize / 2) % MANY;
        if at == 0 && i & 1 == 0 {
            world
                .key
                .draw_many(Subject::Hour, i / 2, number, &mut draws);
        }
        let side = (i & 1) as usize * 2;
        let [chance, noise] = [draws[side][at], draws[side + 1][at]];
        let user = &world.users[i as usize];
        let expected = rates[usize::from(user.class)] * mood * hourly.at(noise);
        let count = (expected + (chance >> 8) as f32 * (1.0 / 16_777_216.0)) as u32;
        if count == 0 {
            continue;
        }
        let first = whereabouts(world, i, user, hour);
        let mut call = 0;
        for _ in 0..count {
            let mut free_at = None;
            loop {
                let [tie, time, length, end] = world.key.draw(Subject::Call, i, number, call);
                let second = match free_at {
                    None => seconds.at(time) as u32,
                    Some(after) => (after + 5 + world.gaps.at(time) as u32) % 3600,
                };
                let duration = self::duration(world, i, length);
                out.push(Row {
                    start: begin + second.min(3599),
                    caller: i,
                    callee: world.ties.callee(i, user, at_work, tie, (number, call)),
                    duration: duration as u16,
                    first,
                    last: world.places.last(first, duration, end),
                    kind: 0,
                });
                call += 1;
                // The low bits of the tie's draw have no part in choosing it.
                if tie & 0xFF >= follow_up {
                    break;
                }
                free_at = Some(second + duration);
            }
        }
    }
}

/// The tower where user `i` is in an hour; actors stay where they are.
#[inline]
pub fn whereabouts(world: &World, i: u32, user: &User, hour: Hour) -> u16 {
    if i >= world.actors.first {
        return user.home;
    }
    let [a, b, ..] = world.key.draw(Subject::Whereabouts, i, hour.number(), 0);
    world.places.at(i, user, hour.weekend, hour.hour, [a, b])
}

/// How long user `i` talks.
#[inline]
pub fn duration(world: &World, i: u32, bits: u32) -> u32 {
    let user = &world.users[i as usize];
    let kind = usize::from(user.kind);
    let seconds = world.durations[kind].at(bits) * user.talk;
    (seconds as u32).clamp(world.settings.durations[kind].least_s, LONGEST_S)
}

/// A number in (0, 1) that ranks a call among those that cannot all be had.
pub fn rank(world: &World, row: &Row, day: u32) -> f64 {
    let number = row.start ^ day.rotate_left(17);
    unit(
        world
            .key
            .draw(Subject::Border, row.caller, row.callee, number)[0],
    )
}
