//! Whom a user calls.
//!
//! A call goes to the family, the work group, the circle of friends, an acquaintance or a stranger.
//! Within a group some ties are stronger than others, equally from both ends, so that calls are
//! returned. Acquaintances are many for few users (log-normal), mostly near (their distance in the
//! order of homes follows a power law) and half of them mutual: the r-th mutual acquaintance of
//! user i is i XOR a mask that the seed gives r, and back again. No table of contacts exists.

use super::communities::Kind;
use super::keyed::{Key, Subject, below, threshold, unit};
use super::settings::Settings;
use super::tables::{Quantiles, normal_quantile};
use super::users::User;

/// Chooses callees.
#[derive(Debug, Clone)]
pub struct Ties {
    key: Key,
    users: u32,
    kinds: [Kind; 3],
    /// Bits below which a call goes to each kind: `[kinds the user is in][at work or not]`.
    bounds: [[[u32; 4]; 2]; 8],
    /// Acceptance of a tie, in 2^-32; the strongest has all of them.
    strength: Vec<u32>,
    masks: [u32; 128],
    /// Distances of acquaintances in the order of homes: density 1 / distance from 2 to all.
    distances: Quantiles,
}

/// How much likelier calls to the work group are in working hours, and how much less outside.
const AT_WORK: [f64; 2] = [0.4, 1.8];
/// Tries to find a strong tie before any will do.
const TRIES: u32 = 6;

impl Ties {
    /// The ties of a world.
    pub fn new(key: Key, settings: &Settings, kinds: [Kind; 3]) -> Self {
        let mut bounds = [[[0; 4]; 2]; 8];
        for (member, by_time) in bounds.iter_mut().enumerate() {
            for (bounds, factor) in by_time.iter_mut().zip(AT_WORK) {
                let mut shares = settings.contact_shares;
                shares[1] *= factor;
                for (k, share) in shares[..3].iter_mut().enumerate() {
                    if member >> k & 1 == 0 {
                        *share = 0.0;
                    }
                }
                let known: f64 = shares.iter().sum();
                let scale = (1.0 - settings.stranger_share) / known.max(f64::MIN_POSITIVE);
                let mut total = 0.0;
                for (bound, share) in bounds.iter_mut().zip(shares) {
                    total += share * scale;
                    *bound = threshold(total.min(1.0));
                }
            }
        }
        let spread = settings.tie_spread;
        let strongest = libm::exp(spread * 2.0);
        let strength = Quantiles::new(|p| {
            (libm::exp(spread * normal_quantile(p)) / strongest).min(1.0)
        });
        let users = settings.users;
        let bits = (u32::BITS - (users - 1).leading_zeros()).max(2);
        let mut masks = [0; 128];
        for (rank, mask) in masks.iter_mut().enumerate() {
            let [a, b, ..] = key.draw(Subject::Habit, rank as u32, 0, 0);
            // As many masks of each length: a power law of distances.
            let length = 3 + below(a, bits.saturating_sub(3).max(1));
            *mask = (b & ((1 << length) - 1)) | 1 << (length - 1);
        }
        let span = (f64::from(users) / 4.0).max(2.0);
        Ties {
            distances: Quantiles::new(|p| 2.0 * libm::exp(p * libm::log(span))),
            key,
            users,
            kinds,
            bounds,
            strength: (0..1024u32)
                .map(|i| threshold(f64::from(strength.at(i << 22))))
                .collect(),
            masks,
        }
    }

    /// The communities.
    pub fn kinds(&self) -> &[Kind; 3] {
        &self.kinds
    }

    /// Whom user `i` calls; `bits` choose the kind of tie, and `call` names the draws within.
    #[inline]
    pub fn callee(&self, i: u32, user: &User, at_work: bool, bits: u32, call: (u32, u32)) -> u32 {
        let bounds = &self.bounds[usize::from(user.member)][usize::from(at_work)];
        let kind = bounds.iter().position(|&bound| bits < bound).unwrap_or(4);
        match kind {
            0..=2 => self.fellow(kind, i, call),
            3 => self.acquaintance(i, user, call),
            _ => self.stranger(i, call),
        }
    }

    /// Another member of the group of `i`.
    fn fellow(&self, kind: usize, i: u32, call: (u32, u32)) -> u32 {
        let kind = &self.kinds[kind];
        let Some((group, place)) = kind.group_of(i) else {
            return self.stranger(i, call);
        };
        let mut other = i;
        for tries in 0..TRIES {
            let [a, b, ..] = self.key.draw(Subject::Contact, i, call.0, call.1 << 3 | tries);
            let at = below(a, group.size - 1);
            other = kind.member(group, at + u32::from(at >= place));
            let [tie, ..] = self.key.draw(Subject::Tie, i.min(other), i.max(other), 0);
            if b <= self.strength[(tie >> 22) as usize] {
                break;
            }
        }
        other
    }

    fn acquaintance(&self, i: u32, user: &User, call: (u32, u32)) -> u32 {
        let [a, ..] = self.key.draw(Subject::Contact, i, call.0, call.1 << 3 | 7);
        // The first are called more often.
        let u = unit(a);
        let rank = (f64::from(user.acquaintances) * u * u) as u32;
        if rank & 1 == 0 {
            let mutual = i ^ self.masks[(rank >> 1) as usize & 127];
            if mutual < self.users {
                return mutual;
            }
        }
        let [c, d, ..] = self.key.draw(Subject::Tie, i, rank, 1);
        let step = (self.distances.at(c) as u32).clamp(1, self.users - 1);
        if d & 1 == 0 {
            (i + step) % self.users
        } else {
            (i + self.users - step) % self.users
        }
    }

    /// Anybody else.
    fn stranger(&self, i: u32, call: (u32, u32)) -> u32 {
        let [a, ..] = self.key.draw(Subject::Contact, i, call.0, call.1 << 3 | 6);
        let other = below(a, self.users - 1);
        other + u32::from(other >= i)
    }
}
