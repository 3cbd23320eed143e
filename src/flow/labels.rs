//! Texts that come again and again, each kept once and known by its number.

use std::hash::{BuildHasher, RandomState};

/// The longest text whose bytes are compared as four machine words.
const SHORT: usize = 31;
const EMPTY: u32 = u32::MAX;

/// The bytes of a short text, then its length in the last byte.
type Key = [u64; 4];

/// Numbers of different texts, from 0 in the order in which they came.
pub struct Labels {
    /// Where each text ends in `bytes`; the first begins at 0.
    pub ends: Vec<u32>,
    /// The texts, one after another.
    pub bytes: Vec<u8>,
    keys: Vec<Key>,
    /// Open addressing: the number of the text that hashes there.
    slots: Vec<u32>,
    last: (Key, u32),
    seed: u64,
}

impl Default for Labels {
    fn default() -> Self {
        Labels {
            ends: Vec::new(),
            bytes: Vec::new(),
            keys: Vec::new(),
            slots: vec![EMPTY; 64],
            last: ([u64::MAX; 4], EMPTY),
            // Texts come from the network: whoever sends them must not know where they collide.
            seed: RandomState::new().hash_one(0u8) | 1,
        }
    }
}

impl Labels {
    /// How many different texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number.
    pub fn text(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[code] as usize]
    }

    /// The number of `bytes[start..end]`, and whether the text is new.
    #[inline(always)]
    pub fn code(&mut self, bytes: &[u8], start: usize, end: usize) -> (u32, bool) {
        let len = end - start;
        if len > SHORT {
            return self.long(&bytes[start..end]);
        }
        let key = match bytes
            .get(start..start + 32)
            .and_then(|raw| raw.try_into().ok())
        {
            Some(raw) => short_key(raw, len),
            None => {
                let mut raw = [0; 32];
                raw[..len].copy_from_slice(&bytes[start..end]);
                short_key(&raw, len)
            }
        };
        if len <= 8 {
            return self.find(key, self.hash_word(key[0]), &bytes[start..end]);
        }
        if key == self.last.0 {
            return (self.last.1, false);
        }
        let (code, is_new) = self.find(key, self.hash(key), &bytes[start..end]);
        self.last = (key, code);
        (code, is_new)
    }

    #[inline(always)]
    fn find(&mut self, key: Key, hash: usize, text: &[u8]) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut slot = hash & mask;
        loop {
            let code = self.slots[slot];
            if code == EMPTY {
                return (self.add(key, text, slot), true);
            }
            if self.keys[code as usize] == key && self.is(code, text) {
                return (code, false);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Keys of short texts tell them apart; those of long ones do not.
    #[inline(always)]
    fn is(&self, code: u32, text: &[u8]) -> bool {
        text.len() <= SHORT || self.text(code) == text
    }

    #[inline(never)]
    fn long(&mut self, text: &[u8]) -> (u32, bool) {
        let mut key: Key = [0, 0, 0, u64::MAX];
        for chunk in text.chunks(8) {
            let mut raw = [0; 8];
            raw[..chunk.len()].copy_from_slice(chunk);
            key[0] = fold(
                key[0] ^ u64::from_le_bytes(raw),
                0x9e37_79b9_7f4a_7c15 ^ self.seed,
            );
        }
        self.find(key, self.hash(key), text)
    }

    /// Of a text of up to eight bytes.
    #[inline(always)]
    fn hash_word(&self, word: u64) -> usize {
        fold(
            word ^ self.seed,
            0x9e37_79b9_7f4a_7c15 ^ self.seed.rotate_left(32),
        ) as usize
    }

    #[inline(always)]
    fn hash(&self, [a, b, c, d]: Key) -> usize {
        let low = fold(a ^ self.seed, b ^ 0x9e37_79b9_7f4a_7c15);
        let high = fold(c ^ 0xc2b2_ae3d_27d4_eb4f, d ^ self.seed);
        fold(low ^ 0x1656_67b1_9e37_79f9, high ^ self.seed) as usize
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, key: Key, text: &[u8], slot: usize) -> u32 {
        let code = self.ends.len() as u32;
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
        self.keys.push(key);
        self.slots[slot] = code;
        if 2 * self.keys.len() > self.slots.len() {
            self.grow();
        }
        code
    }

    fn grow(&mut self) {
        let size = 4 * self.slots.len();
        self.slots = vec![EMPTY; size];
        for code in 0..self.keys.len() {
            let key = self.keys[code];
            let is_short = self.text(code as u32).len() <= 8;
            let hash = if is_short {
                self.hash_word(key[0])
            } else {
                self.hash(key)
            };
            let mut slot = hash & (size - 1);
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = code as u32;
        }
    }
}

/// The halves of the product, one over the other.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// 32 bytes that keep what they are combined with, then 32 that do not.
const KEPT: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut i = 0;
    while i < 32 {
        bytes[i] = 0xff;
        i += 1;
    }
    bytes
};

/// The key of the first `len` bytes of `raw`.
#[inline(always)]
fn short_key(raw: &[u8; 32], len: usize) -> Key {
    let kept: &[u8; 32] = KEPT[32 - len..64 - len].try_into().expect("32 bytes");
    let word = |bytes: &[u8; 32], i: usize| {
        u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("8 bytes"))
    };
    let mut key: Key = std::array::from_fn(|i| word(raw, i) & word(kept, i));
    key[3] |= (len as u64) << 56;
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn every_text_has_one_number() {
        let mut labels = Labels::default();
        let mut expected: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut stream = crate::random::Stream::new(1, 0);
        for _ in 0..20_000 {
            let len = stream.below(70) as usize;
            let text: Vec<u8> = (0..len).map(|_| b'a' + stream.below(2) as u8).collect();
            let next = expected.len() as u32;
            let code = *expected.entry(text.clone()).or_insert(next);
            assert_eq!(labels.code(&text, 0, len), (code, code == next));
            assert_eq!(labels.text(code), &text[..]);
        }
        assert_eq!(labels.len(), expected.len());
    }

    #[test]
    fn bytes_beyond_a_text_do_not_matter() {
        let mut labels = Labels::default();
        let line = b"TCP,UDP,TCP,TC,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        let codes = [(0, 3), (4, 7), (8, 11), (12, 14)].map(|(a, b)| labels.code(line, a, b).0);
        assert_eq!(codes, [0, 1, 0, 2]);
    }
}
