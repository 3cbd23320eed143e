//! A set of ranks as one bit each, with pointers that stay near the places they were asked for.
//!
//! A pointer knows a number and how many members lie below it, and is told when one comes or goes.
//! Place `k` is as a rule the next member or the one before; otherwise the pointer walks a word or
//! two and selects a bit (Vigna, S. (2008). Broadword implementation of rank/select queries. WEA).

/// Words that a pointer walks before the place is sought from the start.
const WALK: usize = 16;

/// A set of numbers below a fixed bound.
#[derive(Default)]
pub(super) struct Bitmap {
    words: Vec<u64>,
    /// Members in each `1 << shift` words, about as many groups as there are words in one.
    groups: Vec<u32>,
    shift: u32,
    pointers: Vec<Pointer>,
}

/// A number, and how many members are below it.
#[derive(Clone, Copy, Default)]
struct Pointer {
    number: u32,
    below: i32,
}

impl Bitmap {
    /// The empty set of numbers up to `bound`.
    pub fn clear(&mut self, bound: usize, pointers: usize) {
        let words = bound / 64 + 1;
        self.shift = words.ilog2().div_ceil(2).max(3);
        self.words.clear();
        self.words.resize(words, 0);
        self.groups.clear();
        self.groups.resize((words >> self.shift) + 1, 0);
        self.pointers.clear();
        self.pointers.resize(pointers, Pointer::default());
    }

    #[inline(always)]
    pub fn insert(&mut self, number: u32) {
        let word = number / 64;
        self.words[word as usize] |= 1 << (number % 64);
        self.groups[(word >> self.shift) as usize] += 1;
        for pointer in &mut self.pointers {
            pointer.below += i32::from(number < pointer.number);
        }
    }

    #[inline(always)]
    pub fn remove(&mut self, number: u32) {
        let word = number / 64;
        self.words[word as usize] &= !(1 << (number % 64));
        self.groups[(word >> self.shift) as usize] -= 1;
        for pointer in &mut self.pointers {
            pointer.below -= i32::from(number < pointer.number);
        }
    }

    /// The member at place `k`, which must exist.
    #[inline(always)]
    pub fn select(&mut self, pointer: usize, k: usize) -> usize {
        let from = self.pointers[pointer];
        let first = from.number as usize & !63;
        let word = self.words[first / 64];
        let rest = !0 << (from.number % 64);
        let (down, up) = (word & !rest, word & rest);
        // As a rule the place is the pointer's own or beside it: one bit, and no branch.
        let away = k as i32 - from.below;
        let above = if away == 0 {
            up
        } else {
            up & up.wrapping_sub(1)
        };
        let seen = if away < 0 { down } else { above };
        let number = if seen != 0 && (-1..=1).contains(&away) {
            let bit = if away < 0 {
                63 - down.leading_zeros()
            } else {
                above.trailing_zeros()
            };
            first + bit as usize
        } else {
            self.walk(first / 64, away + down.count_ones() as i32, k)
        };
        self.pointers[pointer] = Pointer {
            number: number as u32,
            below: k as i32,
        };
        number
    }

    /// The member with `place` others between it and the start of `word`, at place `k` in all.
    #[inline(always)]
    fn walk(&self, mut word: usize, mut place: i32, k: usize) -> usize {
        let mut steps = 0;
        while place < 0 && steps < WALK {
            word -= 1;
            place += self.words[word].count_ones() as i32;
            steps += 1;
        }
        let mut count = self.words[word].count_ones() as i32;
        while place >= count && steps < WALK {
            place -= count;
            word += 1;
            count = self.words[word].count_ones() as i32;
            steps += 1;
        }
        if place < 0 || place >= count {
            (word, place) = self.find(k);
        }
        word * 64 + select_in_word(self.words[word], place as u32) as usize
    }

    /// The member after `number`, the one at place `k`; both must exist.
    #[inline(always)]
    pub fn next(&self, number: usize, k: usize) -> usize {
        let mut word = number / 64;
        let mut rest = self.words[word] & (!1 << (number % 64));
        let mut steps = 0;
        while rest == 0 {
            if steps == WALK {
                let (word, place) = self.find(k);
                return word * 64 + select_in_word(self.words[word], place as u32) as usize;
            }
            word += 1;
            steps += 1;
            rest = self.words[word];
        }
        word * 64 + rest.trailing_zeros() as usize
    }

    /// The word with the member at place `k`, and how many of its members come before that.
    #[cold]
    fn find(&self, k: usize) -> (usize, i32) {
        let mut place = k as u32;
        let mut group = 0;
        while place >= self.groups[group] {
            place -= self.groups[group];
            group += 1;
        }
        let mut word = group << self.shift;
        while place >= self.words[word].count_ones() {
            place -= self.words[word].count_ones();
            word += 1;
        }
        (word, place as i32)
    }

    /// How many members are below `number`.
    #[inline(always)]
    pub fn below(&self, number: usize) -> usize {
        let word = number / 64;
        let group = word >> self.shift;
        let mut count = (self.words[word] & !(!0 << (number % 64))).count_ones();
        for members in &self.groups[..group] {
            count += members;
        }
        for word in &self.words[group << self.shift..word] {
            count += word.count_ones();
        }
        count as usize
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The position of the bit of `word` that has `place` others below it.
#[inline(always)]
fn select_in_word(word: u64, place: u32) -> u32 {
    let pairs = word - ((word >> 1) & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + ((pairs >> 2) & 0x3333_3333_3333_3333);
    let sums = ((fours + (fours >> 4)) & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(ONES);
    // Bytes whose running count does not exceed `place` lie before the one that is sought.
    let byte = ((((u64::from(place) * ONES) | HIGHS) - sums) & HIGHS).count_ones();
    let before = ((sums << 8) >> (8 * byte)) as u8;
    let index =
        usize::from((word >> (8 * byte)) as u8) * 8 + (place as usize - before as usize) % 8;
    8 * byte + u32::from(IN_BYTE[index])
}

/// `IN_BYTE[8 * byte + place]` is the position of the bit of `byte` that has `place` others below.
static IN_BYTE: [u8; 2048] = {
    let mut table = [0; 2048];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut place) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[8 * byte + place] = bit as u8;
                place += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_of_a_word_is_found_by_its_place() {
        for word in [
            1,
            1 << 63,
            0xF0F0,
            u64::MAX,
            0x8000_0000_0000_0001,
            0x1234_5678_9ABC_DEF0,
        ] {
            let bits = (0..64).filter(|bit| word >> bit & 1 == 1);
            for (place, bit) in bits.enumerate() {
                assert_eq!(select_in_word(word, place as u32), bit);
            }
        }
    }

    #[test]
    fn a_pointer_follows_what_comes_and_goes() {
        let mut set = Bitmap::default();
        set.clear(3000, 1);
        for number in [5, 2999, 70, 1500, 64] {
            set.insert(number);
        }
        assert_eq!(
            (0..5).map(|k| set.select(0, k)).collect::<Vec<_>>(),
            [5, 64, 70, 1500, 2999]
        );
        set.remove(64);
        set.insert(0);
        assert_eq!(
            (0..5).rev().map(|k| set.select(0, k)).collect::<Vec<_>>(),
            [2999, 1500, 70, 5, 0]
        );
        assert_eq!(set.next(70, 3), 1500);
        assert_eq!((set.below(0), set.below(1500), set.below(3000)), (0, 3, 5));
    }
}
