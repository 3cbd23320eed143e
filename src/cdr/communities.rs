//! Families, work groups and circles of friends: who belongs where, in both directions, by
//! arithmetic.
//!
//! The users of a kind of community stand in a keyed order and are cut into groups. The sizes
//! repeat after a cycle in which every size has exactly its share, so "which group is at this
//! place" and "where does this group begin" are one division and one look-up. Families stand in
//! the order of the world itself, which is the order of homes: a family lives in one place.

use super::keyed::{Key, Permutation, Subject};
use super::settings::Community;
use super::tables::apportion;

/// Groups in a cycle of sizes.
const CYCLE: u64 = 100;

/// A group of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Its number among those of its kind.
    pub number: u32,
    /// Where it begins in the order of its kind.
    first: u32,
    /// How many users it has.
    pub size: u32,
}

/// The communities of one kind.
#[derive(Debug, Clone)]
pub struct Kind {
    order: Option<Permutation>,
    low: u32,
    high: u32,
    /// Users in a cycle.
    cycle: u32,
    /// Group within the cycle at each place of it.
    group_at: Vec<u8>,
    /// Where each group of a cycle begins, and its end.
    starts: Vec<u32>,
}

impl Kind {
    /// Communities among the places `low..high` of an order; `None` is the order of the world.
    pub fn new(
        key: Key,
        which: u32,
        community: &Community,
        order: Option<Permutation>,
        (low, high): (u32, u32),
    ) -> Self {
        let weights: Vec<f64> = community.sizes.iter().map(|s| s.1).collect();
        let counts = apportion(CYCLE, &weights);
        let mut sizes: Vec<u32> = Vec::new();
        for (&(size, _), &count) in community.sizes.iter().zip(&counts) {
            sizes.extend((0..count).map(|_| size));
        }
        let mut keyed: Vec<(u32, usize)> = (0..sizes.len())
            .map(|i| (key.draw(Subject::Sizes, which, i as u32, 0)[0], i))
            .collect();
        keyed.sort_unstable();
        let sizes: Vec<u32> = keyed.into_iter().map(|(_, i)| sizes[i]).collect();
        let mut starts = vec![0];
        let mut group_at = Vec::new();
        for (group, &size) in sizes.iter().enumerate() {
            group_at.extend((0..size).map(|_| group as u8));
            starts.push(group_at.len() as u32);
        }
        Kind {
            order,
            low,
            high,
            cycle: group_at.len() as u32,
            group_at,
            starts,
        }
    }

    /// The group of user `i` and the user's place in it.
    #[inline(always)]
    pub fn group_of(&self, i: u32) -> Option<(Group, u32)> {
        let place = match &self.order {
            Some(order) => order.forward(u64::from(i)) as u32,
            None => i,
        };
        if place < self.low || place >= self.high {
            return None;
        }
        let (round, within) = (
            (place - self.low) / self.cycle,
            (place - self.low) % self.cycle,
        );
        let group = usize::from(self.group_at[within as usize]);
        let first = self.low + round * self.cycle + self.starts[group];
        let size = (self.starts[group + 1] - self.starts[group]).min(self.high - first);
        let number = round * (self.starts.len() as u32 - 1) + group as u32;
        // Whoever is left over at the end belongs to no group.
        (size >= 2).then_some((
            Group {
                number,
                first,
                size,
            },
            place - first,
        ))
    }

    /// The user at `place` of `group`.
    #[inline(always)]
    pub fn member(&self, group: Group, place: u32) -> u32 {
        match &self.order {
            Some(order) => order.backward(u64::from(group.first + place)) as u32,
            None => group.first + place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_found_in_the_group_that_it_belongs_to() {
        let key = Key::new(5);
        let community = Community {
            share: 0.8,
            sizes: vec![(2, 0.2), (3, 0.4), (4, 0.3), (5, 0.1)],
        };
        for users in [10u32, 11, 997, 5000] {
            let order = Permutation::new(key, 9, u64::from(users));
            let kind = Kind::new(key, 0, &community, Some(order), (0, users * 4 / 5));
            let mut members = 0;
            for i in 0..users {
                let Some((group, place)) = kind.group_of(i) else {
                    continue;
                };
                members += 1;
                assert!((2..=5).contains(&group.size));
                assert_eq!(kind.member(group, place), i);
                for other in 0..group.size {
                    let (same, at) = kind.group_of(kind.member(group, other)).unwrap();
                    assert_eq!((same, at), (group, other));
                }
            }
            assert!(members + 1 >= users * 4 / 5);
        }
    }
}
