//! Where a user is: at home, at work or at one of its other places, newly chosen once an hour.
//!
//! The place is a function of user, day and hour, so whoever calls the user finds it there, too; at
//! which second it goes there, `block` says. Other places are near home or work, some anywhere, and the
//! first of them are visited most (preferential return, after Song, Koren, Wang, Barabasi: Modelling
//! the scaling properties of human mobility, Nature Physics 6, 2010).

use super::keyed::{Key, Subject, below, threshold, unit};
use super::settings::Settings;
use super::towers::{NEIGHBORS, Tower, kilometers};
use super::users::User;

/// Where users are and where their calls end.
#[derive(Debug, Clone)]
pub struct Places {
    key: Key,
    neighbors: Vec<[u16; NEIGHBORS]>,
    /// Where the towers stand, in kilometers.
    km: Vec<[f64; 2]>,
    /// Bits below which a user is at home, at home or work: `[weekend][hour]`.
    bounds: [[(u32, u32); 24]; 2],
    others: u32,
    handover: [f32; 3],
    to_neighbor: bool,
}

impl Places {
    /// The places of a world with these towers.
    pub fn new(key: Key, settings: &Settings, towers: &[Tower]) -> Self {
        let bounds = std::array::from_fn(|weekend| {
            std::array::from_fn(|hour| {
                let home = settings.at_home[weekend][hour];
                let work = settings.at_work[weekend][hour];
                (threshold(home), threshold((home + work).min(1.0)))
            })
        });
        Places {
            key,
            neighbors: towers.iter().map(|tower| tower.neighbors).collect(),
            bounds,
            km: kilometers(towers),
            others: settings.other_places,
            handover: [
                settings.handover_base as f32,
                settings.handover_half_s as f32,
                settings.handover_most as f32,
            ],
            to_neighbor: settings.handover_to_neighbor,
        }
    }

    /// The tower of user `i`, chosen by the bits of its hour.
    #[inline]
    pub fn at(&self, i: u32, user: &User, weekend: usize, hour: usize, bits: [u32; 2]) -> u16 {
        let (home, work) = self.bounds[weekend][hour];
        if bits[0] < home || self.others == 0 {
            user.home
        } else if bits[0] < work {
            user.work
        } else {
            self.other(i, user, bits[1])
        }
    }

    fn other(&self, i: u32, user: &User, bits: u32) -> u16 {
        let u = unit(bits);
        let rank = (f64::from(self.others) * u * u) as u32;
        let [a, b, c, d] = self.key.draw(Subject::Place, i, rank, 0);
        if a & 15 == 0 {
            return below(b, self.neighbors.len() as u32) as u16;
        }
        let base = if a & 16 == 0 { user.home } else { user.work };
        let near = self.neighbors[usize::from(base)][below(c, NEIGHBORS as u32) as usize];
        if a & 32 == 0 {
            near
        } else {
            self.neighbors[usize::from(near)][below(d, NEIGHBORS as u32) as usize]
        }
    }

    /// The tower that is farthest from `tower`, of some that `bits` choose.
    pub fn far_from(&self, tower: u16, bits: u32) -> u16 {
        let n = self.km.len() as u32;
        let here = self.km[usize::from(tower)];
        let square = |other: u16| {
            let there = self.km[usize::from(other)];
            (0..2)
                .map(|k| (there[k] - here[k]) * (there[k] - here[k]))
                .sum::<f64>()
        };
        let some = (0..64).map(|k| below(bits.wrapping_add(k * 0x9E37_79B1), n) as u16);
        some.fold(tower, |best, other| {
            if square(other) > square(best) {
                other
            } else {
                best
            }
        })
    }

    /// The tower on which a call of `duration_s` that began on `first` ends.
    #[inline]
    pub fn last(&self, first: u16, duration_s: u32, bits: u32) -> u16 {
        let [base, half, most] = self.handover;
        let t = duration_s as f32;
        let chance = (base + t / (t + half)).min(most.max(base));
        if (bits >> 8) as f32 * (1.0 / 16_777_216.0) >= chance {
            return first;
        }
        if self.to_neighbor {
            self.neighbors[usize::from(first)][((bits & 0xFF) as usize * NEIGHBORS) >> 8]
        } else {
            let n = self.neighbors.len() as u32;
            let other = below(bits.wrapping_mul(0x9E37_79B1), n - 1);
            (other + u32::from(other >= u32::from(first))) as u16
        }
    }
}
