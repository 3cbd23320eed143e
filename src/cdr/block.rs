//! The calls that users would make in an hour if nobody were ever busy.
//!
//! Each user's hour is drawn by itself: how many series of calls begin (the user's rate, its moods
//! of the day and the hour, and a draw), when, and how many calls follow each other soon. Calls
//! that would follow after the hour come at its beginning instead, so that every second of an hour
//! keeps its share and an hour needs no other hour.
//!
//! Where a user is follows from the draws of this hour and the one before: it moves at a second of
//! its own in each hour.

use std::ops::Range;

use super::keyed::{MANY, Subject, below, unit};
use super::rhythm::CLASSES;
use super::row::Row;
use super::settings::{LONGEST_S, Settings};
use super::users::User;
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// Users of one task.
pub const RANGE: usize = 4096;

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

    /// Counted from the first hour of the data; names draws.
    pub fn number(self) -> u32 {
        self.day.wrapping_mul(24).wrapping_add(self.hour as u32)
    }

    /// The hour before, also of the first hour of the data.
    fn before(self, settings: &Settings) -> Self {
        if self.hour > 0 {
            let hour = self.hour - 1;
            return Hour { hour, ..self };
        }
        Hour {
            day: self.day.wrapping_sub(1),
            hour: 23,
            weekend: settings.weekend(i64::from(self.day) - 1),
        }
    }

    /// Whether most people are at work.
    pub fn at_work(self) -> bool {
        self.weekend == 0 && (9..18).contains(&self.hour)
    }
}

/// How much each user does on a day.
///
/// # Errors
///
/// As [`parallel::for_each`].
pub fn all_moods(world: &World, day: u32, threads: usize, out: &mut Vec<f32>) -> Result<(), Error> {
    out.resize(world.users.len(), 0.0);
    let tasks: Vec<_> = out.chunks_mut(RANGE).enumerate().collect();
    parallel::for_each(tasks, threads, |(part, moods)| {
        let from = (part * RANGE) as u32;
        self::moods(world, day, from..from + moods.len() as u32, moods);
        Ok(())
    })
}

/// How much each user of `range` calls on a day, in the same order.
fn moods(world: &World, day: u32, range: Range<u32>, out: &mut [f32]) {
    for (mood, i) in out.iter_mut().zip(range) {
        let bits = world.key.draw(Subject::Day, i, day, 0)[0];
        *mood = world.users[i as usize].activity * world.moods[0].at(bits);
    }
}

/// Appends the calls of the users in `range` that end after second `least_end` of the day, of about
/// `calls` of all users.
///
/// A larger number of calls adds some and changes none.
pub fn candidates(
    world: &World,
    hour: Hour,
    (calls, least_end): (f64, u32),
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
    let moods = (Subject::Hour, moods);
    each_user(world, hour, &rates, moods, range, |i, user, count| {
        let mut stay = Stay::new(world, i, user, hour);
        let mut call = 0;
        for _ in 0..count {
            let mut free_at = None;
            loop {
                let [tie, time, length, end] = world.key.draw(Subject::Call, i, number, call);
                let second = match free_at {
                    None => seconds.at(time) as u32,
                    Some(after) => (after + 5 + world.gaps.at(time) as u32) % 3600,
                };
                let second = second.min(3599);
                let duration = self::duration(world, i, length);
                if begin + second + duration > least_end {
                    let first = stay.at(second);
                    out.push(Row {
                        start: begin + second,
                        caller: i,
                        callee: world.ties.callee(i, user, at_work, tie, (number, call)),
                        duration: duration as u16,
                        first,
                        last: world.places.last(first, duration, end),
                        kind: 0,
                    });
                }
                call += 1;
                // The low bits of the tie's draw have no part in choosing it.
                if tie & 0xFF >= follow_up {
                    break;
                }
                free_at = Some(second + duration);
            }
        }
    });
}

/// Calls `f` with each user of `range` who begins something in an hour, and how often it does.
///
/// `rates` are what to expect of a user of activity 1 by class, `subject` and `moods` whose draws
/// these are and how much each user does on the day.
#[inline(always)]
pub fn each_user(
    world: &World,
    hour: Hour,
    rates: &[f32; CLASSES],
    (subject, moods): (Subject, &[f32]),
    range: Range<u32>,
    mut f: impl FnMut(u32, &User, u32),
) {
    let (number, hourly) = (hour.number(), &world.moods[1]);
    let mut draws = [[0; MANY]; 4];
    for (i, mood) in range.zip(moods) {
        // One draw serves two users; ranges begin with an even multiple of many.
        let at = (i as usize / 2) % MANY;
        if at == 0 && i & 1 == 0 {
            world.key.draw_many(subject, i / 2, number, &mut draws);
        }
        let side = (i & 1) as usize * 2;
        let [chance, noise] = [draws[side][at], draws[side + 1][at]];
        let user = &world.users[i as usize];
        let expected = rates[usize::from(user.class)] * mood * hourly.at(noise);
        let count = (expected + (chance >> 8) as f32 * (1.0 / 16_777_216.0)) as u32;
        if count > 0 {
            f(i, user, count);
        }
    }
}

/// Where a user is in an hour: it goes from where it was to where it will be at a second of its
/// own, so a crowd does not move at once. Actors stay where they are.
#[derive(Debug)]
pub struct Stay<'w> {
    world: &'w World,
    i: u32,
    user: &'w User,
    hour: Hour,
    /// The second of the hour in which it leaves.
    leaves: u32,
    bits: [u32; 2],
    /// Towers before and after, once known.
    towers: [Option<u16>; 2],
}

impl<'w> Stay<'w> {
    /// The stay of user `i` in an hour.
    #[inline]
    pub fn new(world: &'w World, i: u32, user: &'w User, hour: Hour) -> Self {
        let [a, b, c, _] = world.key.draw(Subject::Whereabouts, i, hour.number(), 0);
        let is_actor = i >= world.actors.first;
        Stay {
            world,
            i,
            user,
            hour,
            leaves: below(c, 3600),
            bits: [a, b],
            towers: [is_actor.then_some(user.home); 2],
        }
    }

    /// The tower at a second of the hour.
    #[inline]
    pub fn at(&mut self, second: u32) -> u16 {
        let side = usize::from(second >= self.leaves);
        match self.towers[side] {
            Some(tower) => tower,
            None => self.look_up(side),
        }
    }

    #[inline]
    fn look_up(&mut self, side: usize) -> u16 {
        let (world, mut hour, mut bits) = (self.world, self.hour, self.bits);
        if side == 0 {
            hour = hour.before(&world.settings);
            let [a, b, ..] = world
                .key
                .draw(Subject::Whereabouts, self.i, hour.number(), 0);
            bits = [a, b];
        }
        let places = &world.places;
        let tower = places.at(self.i, self.user, hour.weekend, hour.hour, bits);
        self.towers[side] = Some(tower);
        tower
    }
}

/// The tower where user `i` is at a second of a day.
#[inline]
pub fn whereabouts(world: &World, i: u32, day: u32, second: u32) -> u16 {
    let hour = Hour::new(world, day, (second / 3600) as usize);
    Stay::new(world, i, &world.users[i as usize], hour).at(second % 3600)
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
