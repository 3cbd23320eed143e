//! Keys as whole numbers from 0 on, in the order in which they first appear.
//!
//! Open addressing with a multiply-and-fold hash. The factors are drawn when the process starts:
//! addresses come from whoever sends packets, and with known factors a sender could choose
//! addresses that collide. The numbers do not depend on the factors.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// The number of a row without a key.
pub const NONE: u32 = u32::MAX;

/// What can be a key.
pub trait Key: Copy + Eq + Default {
    /// A number that differs, most likely, where keys differ in any bit.
    fn hash(self, factors: [u64; 2]) -> u64;
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

impl Key for u32 {
    #[inline(always)]
    fn hash(self, factors: [u64; 2]) -> u64 {
        fold(u64::from(self) ^ factors[0], factors[1])
    }
}

impl Key for u64 {
    #[inline(always)]
    fn hash(self, factors: [u64; 2]) -> u64 {
        fold(self ^ factors[0], factors[1])
    }
}

impl Key for u128 {
    #[inline(always)]
    fn hash(self, factors: [u64; 2]) -> u64 {
        fold(
            fold(self as u64 ^ factors[0], factors[1]) ^ (self >> 64) as u64,
            factors[1],
        )
    }
}

fn factors() -> [u64; 2] {
    static FACTORS: OnceLock<[u64; 2]> = OnceLock::new();
    *FACTORS.get_or_init(|| {
        let random = RandomState::new();
        [random.hash_one(1), random.hash_one(2) | 1]
    })
}

/// Numbers for keys.
#[derive(Debug)]
pub struct Numbers<K> {
    /// Keys with their numbers; [`NONE`] where there is none. A power of two of them.
    slots: Vec<(K, u32)>,
    len: u32,
    factors: [u64; 2],
}

impl<K: Key> Default for Numbers<K> {
    fn default() -> Self {
        Numbers {
            slots: vec![(K::default(), NONE); 1 << 10],
            len: 0,
            factors: factors(),
        }
    }
}

impl<K: Key> Numbers<K> {
    /// How many keys have a number.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of `key`, a new one if it has none yet.
    #[inline]
    pub fn number(&mut self, key: K) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = key.hash(self.factors) as usize & mask;
        loop {
            let (known, number) = self.slots[at];
            if number == NONE {
                return self.add(at, key);
            }
            if known == key {
                return number;
            }
            at = (at + 1) & mask;
        }
    }

    fn add(&mut self, at: usize, key: K) -> u32 {
        let number = self.len;
        self.slots[at] = (key, number);
        self.len += 1;
        if self.slots.len() < 2 * self.len as usize {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 4;
        let old = std::mem::replace(&mut self.slots, vec![(K::default(), NONE); size]);
        for (key, number) in old {
            if number != NONE {
                let mut at = key.hash(self.factors) as usize & (size - 1);
                while self.slots[at].1 != NONE {
                    at = (at + 1) & (size - 1);
                }
                self.slots[at] = (key, number);
            }
        }
    }
}

/// The number of each row's key, and how many there are. `None` is no key.
pub fn number<K: Key>(keys: impl Iterator<Item = Option<K>>) -> (Vec<u32>, usize) {
    let mut numbers = Numbers::default();
    let ids = keys
        .map(|key| key.map_or(NONE, |key| numbers.number(key)))
        .collect();
    (ids, numbers.len())
}

/// Numbers for texts. Up to 15 bytes, as in IPv4, they are hashed as one number.
#[derive(Debug, Default)]
pub struct TextNumbers {
    short: Numbers<u128>,
    /// The numbers of short texts, and those of long ones.
    numbers: Vec<u32>,
    long: std::collections::HashMap<Box<[u8]>, u32>,
    len: u32,
}

impl TextNumbers {
    /// How many texts have a number.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of `text`, a new one if it has none yet.
    #[inline]
    pub fn number(&mut self, text: &[u8]) -> u32 {
        if text.len() <= 15 {
            let mut bytes = [0; 16];
            bytes[..text.len()].copy_from_slice(text);
            bytes[15] = text.len() as u8;
            let short = self.short.number(u128::from_le_bytes(bytes)) as usize;
            if short == self.numbers.len() {
                self.numbers.push(self.len);
                self.len += 1;
            }
            return self.numbers[short];
        }
        if let Some(&number) = self.long.get(text) {
            return number;
        }
        let number = self.len;
        self.long.insert(text.into(), number);
        self.len += 1;
        number
    }
}
