//! Users who exist only for a scenario: SIMs of a box, robocallers, premium numbers.
//!
//! They stand at the end of the world, after all ordinary users. They belong to no community, make no
//! calls of their own and nobody calls them outside their scenario. How many there are follows from
//! the scenario's rows a day, so that each is about as busy as its kind is in life.

use std::ops::Range;

use super::settings::{KINDS, Settings};
use crate::error::Error;

/// What an actor does, and how many rows a day it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A SIM card in a SIM box.
    Sim,
    /// A number that rings once and waits to be called back.
    Wangiri,
    /// A number that calls one number after the other.
    Robocaller,
    /// A line of a company's exchange that strangers make calls from.
    Line,
    /// A number that costs much to call.
    Premium,
    /// Somebody who never means to pay.
    Subscriber,
}

/// All roles, with their names, the number of the kind of their rows and rows a day of each actor.
pub const ROLES: [(Role, &str, u8, f64); 6] = [
    (Role::Sim, "sim", 5, 80.0),
    (Role::Wangiri, "wangiri_number", 6, 2000.0),
    (Role::Robocaller, "robocaller", 7, 800.0),
    (Role::Line, "hacked_line", 8, 120.0),
    (Role::Premium, "premium_number", 8, 600.0),
    (Role::Subscriber, "subscriber", 9, 40.0),
];

/// SIM cards of a box, which share a device.
pub const SIMS_OF_A_BOX: u32 = 16;

/// Where the actors of a world stand.
#[derive(Debug, Clone)]
pub struct Actors {
    /// The first actor; before it are the ordinary users.
    pub first: u32,
    ranges: [Range<u32>; 6],
}

impl Actors {
    /// The actors that the settings ask for.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if they would be more than a quarter of the users.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let sum: f64 = settings.anomaly_mix.iter().sum();
        let rows = f64::from(settings.users) * settings.calls_per_user_day * settings.anomaly_ratio;
        let counts = ROLES.map(|(role, _, kind, each)| {
            let share = settings.anomaly_mix[usize::from(kind) - 1] / sum;
            // On the busiest days there are more rows than on average.
            let expected = 1.2 * rows * share;
            let least = if role == Role::Sim { 5.0 } else { 1.0 };
            let count = libm::ceil(expected / each).max(least);
            if expected > 0.0 { count } else { 0.0 }
        });
        let total: f64 = counts.iter().sum();
        if total > f64::from(settings.users) / 4.0 {
            let expected = format!(
                "at least {} for the scenarios in anomaly_mix (or lower anomaly_ratio)",
                total * 4.0
            );
            return Err(Error::argument("users", expected, settings.users));
        }
        let first = settings.users - total as u32;
        let mut next = first;
        let ranges = counts.map(|count| {
            let begin = next;
            next += count as u32;
            begin..next
        });
        Ok(Actors { first, ranges })
    }

    /// The actors of a role.
    pub fn of(&self, role: Role) -> Range<u32> {
        self.ranges[role as usize].clone()
    }

    /// The role of user `i`, if it is an actor.
    pub fn role(&self, i: u32) -> Option<Role> {
        let is_of = |role: &&(Role, &str, u8, f64)| self.of(role.0).contains(&i);
        ROLES.iter().find(is_of).map(|role| role.0)
    }

    /// The SIM whose device all SIMs of the box of `i` are in.
    #[inline]
    pub fn box_lead(&self, i: u32) -> u32 {
        let first = self.ranges[Role::Sim as usize].start;
        i - (i - first) % SIMS_OF_A_BOX
    }
}

/// The name of the label of a role's rows.
pub fn scenario(role: Role) -> &'static str {
    KINDS[usize::from(ROLES[role as usize].2)]
}
