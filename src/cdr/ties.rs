//! Whom a user calls.
//!
//! A call goes to the family, the work group, the circle of friends, an acquaintance or a stranger.
//! Within a group some ties are stronger than others, equally from both ends, so that calls are
//! returned. Acquaintances are many for few users (log-normal), mostly near (their distance in the
//! order of homes follows a power law) and half of them mutual: the r-th mutual acquaintance of
//! user i is i XOR a mask that the seed gives r, and back again. No table of contacts exists.

use super::communities::Kind;
use super::keyed::{Key, Subject, below, threshold};
use super::settings::Settings;
use super::tables::{Quantiles, apportion};
use super::users::User;

/// Chooses callees.
#[derive(Debug, Clone)]
pub struct Ties {
    key: Key,
    users: u32,
    kinds: [Kind; 3],
    /// Bits below which a call goes to each kind: `[kinds the user is in][at work or not]`.
    bounds: [[[u32; 4]; 2]; 8],
    /// Fellows in equal shares of a user's calls to its group: `[size][place][share]`.
    fellows: Vec<Vec<[u8; SHARES]>>,
    masks: [u32; 128],
    /// Distances of acquaintances in the order of homes: density 1 / distance from 2 to all.
    distances: Quantiles,
}

/// How much likelier calls to the work group are in working hours, and how much less outside.
const AT_WORK: [f64; 2] = [0.4, 1.8];
/// Equal shares of the calls to a group.
const SHARES: usize = 64;

impl Ties {
    /// The ties of the first `users` of a world.
    pub fn new(key: Key, settings: &Settings, users: u32, kinds: [Kind; 3]) -> Self {
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
        let sizes = settings
            .communities
            .iter()
            .flat_map(|c| c.sizes.iter().map(|s| s.0));
        let most = sizes.max().unwrap_or(2);
        let fellows = (0..=most)
            .map(|size| fellows(size, settings.tie_spread))
            .collect();
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
            fellows,
            masks,
        }
    }

    /// The communities.
    pub fn kinds(&self) -> &[Kind; 3] {
        &self.kinds
    }

    /// Whom user `i` calls; `bits` choose the kind of tie and who, `call` names further draws.
    #[inline]
    pub fn callee(&self, i: u32, user: &User, at_work: bool, bits: u32, call: (u32, u32)) -> u32 {
        let bounds = &self.bounds[usize::from(user.member)][usize::from(at_work)];
        let kind = bounds.iter().map(|&bound| usize::from(bits >= bound)).sum();
        // The bits from the ninth on say little of the kind, which the highest decide.
        let who = bits >> 8;
        match kind {
            0..=2 => self.fellow(kind, i, who, call),
            3 => self.acquaintance(i, user, who),
            _ => self.stranger(i, call),
        }
    }

    /// Another member of the group of `i`.
    #[inline(always)]
    fn fellow(&self, kind: usize, i: u32, who: u32, call: (u32, u32)) -> u32 {
        let kind = &self.kinds[kind];
        let Some((group, place)) = kind.group_of(i) else {
            return self.stranger(i, call);
        };
        let shares = &self.fellows[group.size as usize][place as usize];
        kind.member(group, u32::from(shares[who as usize % SHARES]))
    }

    #[inline]
    fn acquaintance(&self, i: u32, user: &User, who: u32) -> u32 {
        // The first are called more often.
        let u = (who & 0x3FFF) as f32 * (1.0 / 16_384.0);
        let rank = (f32::from(user.acquaintances) * u * u) as u32;
        if rank & 1 == 0 {
            let mutual = i ^ self.masks[(rank >> 1) as usize & 127];
            if mutual < self.users {
                return mutual;
            }
        }
        let [a, b, ..] = self.key.draw(Subject::Tie, i, rank, 1);
        let step = (self.distances.at(a) as u32).clamp(1, self.users - 1);
        let other = if b & 1 == 0 {
            i + step
        } else {
            i + self.users - step
        };
        if other >= self.users {
            other - self.users
        } else {
            other
        }
    }

    /// Anybody else.
    #[inline(never)]
    fn stranger(&self, i: u32, call: (u32, u32)) -> u32 {
        let [a, ..] = self.key.draw(Subject::Contact, i, call.0, call.1);
        let other = below(a, self.users - 1);
        other + u32::from(other >= i)
    }
}

/// Whom the member at each place of a group of `size` calls, in equal shares.
///
/// The tie of two places is as strong as a power of the bits in which they differ says: the member
/// next door (0 and 1, 2 and 3) is the closest, equally from both ends.
fn fellows(size: u32, spread: f64) -> Vec<[u8; SHARES]> {
    let of = |place: u32| {
        let others: Vec<u32> = (0..size).filter(|&other| other != place).collect();
        let strength = |other: &u32| libm::exp(-spread * libm::log(f64::from(place ^ other)));
        let weights: Vec<f64> = others.iter().map(strength).collect();
        let mut shares = [0; SHARES];
        let counts = apportion(SHARES as u64, &weights);
        let each = others.iter().zip(counts);
        let all = each.flat_map(|(&other, count)| (0..count).map(move |_| other as u8));
        for (share, other) in shares.iter_mut().zip(all) {
            *share = other;
        }
        shares
    };
    (0..size).map(of).collect()
}
