//! A set of ranks as one bit each, with pointers that stay near the places they were asked for.
//!
//! A pointer knows a word and how many members lie before it. Putting in or taking out a member
//! tells it without looking; to find place `k` it walks a word or two and selects a bit
//! (Vigna, S. (2008). Broadword implementation of rank/select queries. WEA).

/// Words whose members are counted together: ranks are counted over these first.
const GROUP: usize = 16;

/// A set of numbers below a fixed bound.
#[derive(Default)]
pub(super) struct Bitmap {
    words: Vec<u64>,
    /// Members in each `GROUP` words; empty if nobody asks how many lie before a number.
    groups: Vec<u32>,
    pointers: Vec<Pointer>,
}

#[derive(Clone, Copy, Default)]
struct Pointer {
    word: u32,
    /// Members before the word.
    before: i32,
}

impl Bitmap {
    /// The empty set of numbers up to `bound`.
    pub fn clear(&mut self, bound: usize, pointers: usize, counts: bool) {
        let words = bound / 64 + 1;
        self.words.clear();
        self.words.resize(words, 0);
        self.groups.clear();
        self.groups
            .resize(if counts { words / GROUP + 1 } else { 0 }, 0);
        self.pointers.clear();
        self.pointers.resize(pointers, Pointer::default());
    }

    #[inline(always)]
    pub fn insert(&mut self, number: u32) {
        let word = number / 64;
        self.words[word as usize] |= 1 << (number % 64);
        for pointer in &mut self.pointers {
            pointer.before += i32::from(word < pointer.word);
        }
        if !self.groups.is_empty() {
            self.groups[word as usize / GROUP] += 1;
        }
    }

    #[inline(always)]
    pub fn remove(&mut self, number: u32) {
        let word = number / 64;
        self.words[word as usize] &= !(1 << (number % 64));
        for pointer in &mut self.pointers {
            pointer.before -= i32::from(word < pointer.word);
        }
        if !self.groups.is_empty() {
            self.groups[word as usize / GROUP] -= 1;
        }
    }

    /// The member at place `k`, which must exist.
    #[inline(always)]
    pub fn select(&mut self, pointer: usize, k: usize) -> usize {
        let pointer = &mut self.pointers[pointer];
        let mut word = pointer.word as usize;
        let mut place = k as i32 - pointer.before;
        while place < 0 {
            word -= 1;
            place += self.words[word].count_ones() as i32;
        }
        let mut count = self.words[word].count_ones() as i32;
        while place >= count {
            place -= count;
            word += 1;
            count = self.words[word].count_ones() as i32;
        }
        pointer.word = word as u32;
        pointer.before = k as i32 - place;
        word * 64 + select_in_word(self.words[word], place as u32) as usize
    }

    /// The member after `number`, which must exist.
    #[inline(always)]
    pub fn next(&self, number: usize) -> usize {
        let mut word = number / 64;
        let mut rest = self.words[word] & (!1 << (number % 64));
        while rest == 0 {
            word += 1;
            rest = self.words[word];
        }
        word * 64 + rest.trailing_zeros() as usize
    }

    /// How many members are below `number`.
    #[inline(always)]
    pub fn below(&self, number: usize) -> usize {
        let word = number / 64;
        let group = word / GROUP;
        let groups: u32 = self.groups[..group].iter().sum();
        let words: u32 = self.words[group * GROUP..word]
            .iter()
            .map(|word| word.count_ones())
            .sum();
        let rest = self.words[word] & !(!0 << (number % 64));
        (groups + words + rest.count_ones()) as usize
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
    let byte = (((u64::from(place) * ONES | HIGHS) - sums) & HIGHS).count_ones();
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
        set.clear(3000, 1, true);
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
        assert_eq!(set.next(70), 1500);
        assert_eq!((set.below(0), set.below(1500), set.below(3000)), (0, 3, 5));
    }
}
