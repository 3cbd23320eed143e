//! What distinguishes a user: type, rhythm, how much and how long it calls, where it lives.
//!
//! Users stand in the order of their homes: the towers share the users by popularity and a tower's
//! users are neighbors in the order. A user's name says nothing of its place (see `identity`).

use super::actors::{Actors, Role};
use super::communities::Kind;
use super::keyed::{Key, Subject, below, unit};
use super::rhythm::Activity;
use super::settings::Settings;
use super::tables::{Quantiles, apportion, noise, normal_quantile};
use super::towers::{NEIGHBORS, Tower};
use super::world::World;

/// A user, in 16 bytes.
#[derive(Debug, Clone, Copy)]
pub struct User {
    /// How much it calls; 1 is the mean of all, about.
    pub activity: f32,
    /// How long it talks, relative to others of its type.
    pub talk: f32,
    /// Tower at home.
    pub home: u16,
    /// Tower at work; the one at home for those without.
    pub work: u16,
    /// Rhythm: pattern times three, plus 0, 1 or 2 for an hour ahead, in time, behind.
    pub class: u8,
    /// Number of its type in [`USER_TYPES`](super::settings::USER_TYPES).
    pub kind: u8,
    /// Kinds of communities that it belongs to, a bit each.
    pub member: u8,
    /// Acquaintances.
    pub acquaintances: u8,
}

/// Nobody is further from the mean than this, or some would have to call without end.
const MOST_ACTIVITY: f64 = 7.0;

/// Days before the data on which fraudulent subscribers come.
const FRESH: (u32, u32) = (1, 20);

/// The users in the order of their homes, then the actors, and what they do in all.
pub fn users(
    key: Key,
    settings: &Settings,
    towers: &[Tower],
    kinds: &[Kind; 3],
    actors: &Actors,
) -> (Vec<User>, Activity) {
    let n = actors.first;
    let draws = |a: &[f64]| -> Vec<f64> {
        let sum: f64 = a.iter().sum();
        a.iter()
            .scan(0.0, |total, share| {
                *total += share / sum;
                Some(*total)
            })
            .collect()
    };
    let types = draws(&settings.user_type_shares);
    let home = weights(towers, &settings.areas.each_ref().map(|area| area.home));
    let work = draws(&weights(
        towers,
        &settings.areas.each_ref().map(|area| area.work),
    ));
    let mut residents = apportion(u64::from(n), &home).into_iter();
    let activity = noise(settings.activity_spread);
    let talk = noise(settings.talker_spread);
    let acquaintances = Quantiles::new(|p| {
        settings.acquaintances * libm::exp(settings.acquaintances_spread * normal_quantile(p))
    });
    let mut users: Vec<User> = Vec::with_capacity(n as usize);
    let mut total = Activity::default();
    let (mut tower, mut left) = (0u16, residents.next().unwrap_or(0));
    for i in 0..n {
        while left == 0 {
            tower += 1;
            left = residents.next().unwrap_or(u64::MAX);
        }
        left -= 1;
        let [a, b, c, d] = key.draw(Subject::User, i, 0, 0);
        let [e, f, g, h] = key.draw(Subject::User, i, 1, 0);
        let kind = choose(&types, unit(a));
        let pattern = u8::from(unit(b) >= settings.business_pattern[kind]);
        let late = unit(g);
        let shift = if late < settings.chronotype_share {
            0
        } else if late < 2.0 * settings.chronotype_share {
            2
        } else {
            1
        };
        let groups: [_; 3] = std::array::from_fn(|k| kinds[k].group_of(i));
        // A family lives where its first member does.
        let home = match groups[0] {
            Some((group, place)) if place > 0 => users[kinds[0].member(group, 0) as usize].home,
            _ => tower,
        };
        let work = match groups[1] {
            Some((group, _)) => {
                let [bits, ..] = key.draw(Subject::Group, group.number, 1, 0);
                choose(&work, unit(bits)) as u16
            }
            None if unit(h) < settings.day_place_share => {
                let near = towers[usize::from(home)].neighbors[below(e, NEIGHBORS as u32) as usize];
                towers[usize::from(near)].neighbors[(f & 3) as usize]
            }
            None => home,
        };
        let relative = settings.user_type_activity[kind] * f64::from(activity.at(c));
        let user = User {
            activity: relative.min(MOST_ACTIVITY) as f32,
            talk: talk.at(d),
            home,
            work,
            class: pattern * 3 + shift,
            kind: kind as u8,
            member: (0..3).fold(0, |bits, k| bits | u8::from(groups[k].is_some()) << k),
            acquaintances: acquaintances.at(f).clamp(1.0, 250.0) as u8,
        };
        total.add(user.class, user.activity);
        users.push(user);
    }
    for i in n..settings.users {
        let is_sim = actors.role(i) == Some(Role::Sim);
        let from = if is_sim { actors.box_lead(i) } else { i };
        let [bits, ..] = key.draw(Subject::User, from, 0, 0);
        let tower = below(bits, towers.len() as u32) as u16;
        users.push(User {
            activity: 0.0,
            talk: 1.0,
            home: tower,
            work: tower,
            class: 4,
            kind: u8::from(actors.role(i) == Some(Role::Line)),
            member: 0,
            acquaintances: 1,
        });
    }
    (users, total)
}

/// The day on which the account of the user at place `i` was made, in days since 1970-01-01.
pub fn created(world: &World, i: u32) -> i32 {
    let (least, most) = match world.actors.role(i) {
        Some(Role::Subscriber) => FRESH,
        _ => world.settings.account_age_days,
    };
    let [bits, ..] = world.key.draw(Subject::User, i, 2, 0);
    (world.settings.first_day - i64::from(least + below(bits, most - least + 1))) as i32
}

/// The first place whose cumulated share is above `u`.
pub fn choose(cumulated: &[f64], u: f64) -> usize {
    cumulated
        .partition_point(|&c| c <= u)
        .min(cumulated.len() - 1)
}

fn weights(towers: &[Tower], by_area: &[f64; 4]) -> Vec<f64> {
    let weight = |tower: &Tower| by_area[usize::from(tower.area)] * f64::from(tower.popularity);
    towers.iter().map(weight).collect()
}
