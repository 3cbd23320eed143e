//! Texts that come again and again, each kept once and known by its number.

use std::hash::{BuildHasher, RandomState};

/// The longest text whose bytes are compared as two machine words of 16 bytes.
const SHORT: usize = 31;
const EMPTY: u32 = u32::MAX;

/// The bytes of a short text, then its length in the last byte.
type Key = [u128; 2];

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
            last: ([u128::MAX; 2], EMPTY),
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
        let key = match bytes.get(start..start + 32) {
            Some(raw) => short_key(raw, len),
            None => {
                let mut raw = [0; 32];
                raw[..len].copy_from_slice(&bytes[start..end]);
                short_key(&raw, len)
            }
        };
        if key == self.last.0 {
            return (self.last.1, false);
        }
        let (code, is_new) = self.find(key, &bytes[start..end]);
        self.last = (key, code);
        (code, is_new)
    }

    #[inline(always)]
    fn find(&mut self, key: Key, text: &[u8]) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut slot = self.hash(key) & mask;
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
        let mut key: Key = [0, u128::MAX];
        for chunk in text.chunks(16) {
            let mut raw = [0; 16];
            raw[..chunk.len()].copy_from_slice(chunk);
            let mixed = key[0] ^ u128::from_le_bytes(raw);
            key[0] = mixed
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
                .rotate_right(61);
        }
        self.find(key, text)
    }

    #[inline(always)]
    fn hash(&self, key: Key) -> usize {
        let fold = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            (product >> 64) as u64 ^ product as u64
        };
        let [a, b] = key;
        let low = fold(
            a as u64 ^ self.seed,
            (a >> 64) as u64 ^ 0x9e37_79b9_7f4a_7c15,
        );
        let high = fold(
            b as u64 ^ 0xc2b2_ae3d_27d4_eb4f,
            (b >> 64) as u64 ^ self.seed,
        );
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
            let mut slot = self.hash(self.keys[code]) & (size - 1);
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = code as u32;
        }
    }
}

#[inline(always)]
fn short_key(raw: &[u8], len: usize) -> Key {
    let word = |range: std::ops::Range<usize>| {
        u128::from_le_bytes(raw[range].try_into().expect("16 bytes"))
    };
    let kept = |len: usize| match len {
        0 => 0,
        16.. => u128::MAX,
        _ => u128::MAX >> (128 - 8 * len),
    };
    let high = word(16..32) & kept(len.saturating_sub(16));
    [word(0..16) & kept(len), high | (len as u128) << 120]
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
