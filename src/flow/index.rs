//! Where the fields of a stretch of CSV lie: the places of its commas and line ends.
//!
//! 64 bytes are compared at a time and the places taken from the bits of the answer, as in simdjson
//! (Langdale, G., Lemire, D., 2019, Parsing gigabytes of JSON per second, VLDB Journal 28).

/// Commas and line ends of a stretch of text that ends with a line.
#[derive(Debug, Default)]
pub struct Index {
    /// Place of each comma and line end, after a first entry that stands for the one before the
    /// text: one more is where the first field begins. Only as many as the last line end says.
    pub places: Vec<u32>,
    /// The entries of `places` that are line ends.
    pub lines: Vec<u32>,
    /// Whether there is a quote.
    pub has_quotes: bool,
}

/// Which of 64 bytes are commas, line ends and quotes.
struct Masks {
    commas: u64,
    ends: u64,
    quotes: u64,
}

impl Index {
    /// Looks through `text`, which is shorter than 2^32 bytes.
    pub fn fill(&mut self, text: &[u8]) {
        // Room for a comma at every byte, and for those that are written too many.
        let room = text.len() + 80;
        if self.places.len() < room {
            self.places.resize(room, 0);
        }
        self.lines.clear();
        self.has_quotes = false;
        self.places[0] = u32::MAX;
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("bmi2")
            {
                // SAFETY: the features that it is compiled for were just detected (machines with
                // AVX2 and BMI2 have BMI1, LZCNT and POPCNT).
                return unsafe { self.wide(text) };
            }
        }
        self.look(text, plain);
    }

    /// The same body for machines with wide registers.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn wide(&mut self, text: &[u8]) {
        use std::arch::x86_64::*;
        self.look(text, |chunk| {
            // SAFETY: both halves lie in the 64 bytes, and unaligned loads are allowed.
            let halves = unsafe {
                [
                    _mm256_loadu_si256(chunk.as_ptr().cast()),
                    _mm256_loadu_si256(chunk[32..].as_ptr().cast()),
                ]
            };
            let equal = |byte: u8| {
                let byte = _mm256_set1_epi8(byte as i8);
                let [low, high] =
                    halves.map(|half| _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, byte)) as u32);
                u64::from(high) << 32 | u64::from(low)
            };
            Masks {
                commas: equal(b','),
                ends: equal(b'\n'),
                quotes: equal(b'"'),
            }
        });
    }

    #[inline(always)]
    fn look(&mut self, text: &[u8], masks: impl Fn(&[u8; 64]) -> Masks) {
        let (chunks, rest) = text.as_chunks::<64>();
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        let (mut n, mut base, mut quotes) = (1, 0, 0);
        for chunk in chunks.iter().chain((!rest.is_empty()).then_some(&last)) {
            let found = masks(chunk);
            quotes |= found.quotes;
            let all = found.commas | found.ends;
            let count = all.count_ones() as usize;
            // Eight at a time: some too many cost less than a branch for each.
            let mut left = all;
            let mut at = n;
            while left != 0 {
                let places: &mut [u32; 8] = (&mut self.places[at..at + 8])
                    .try_into()
                    .expect("eight places");
                for place in places {
                    *place = base + left.trailing_zeros();
                    left &= left.wrapping_sub(1);
                }
                at += 8;
            }
            let mut ends = found.ends;
            while ends != 0 {
                let before = (all & ((1 << ends.trailing_zeros()) - 1)).count_ones();
                self.lines.push(n as u32 + before);
                ends &= ends - 1;
            }
            n += count;
            base += 64;
        }
        self.has_quotes = quotes != 0;
    }
}

/// For any machine.
#[inline(always)]
fn plain(chunk: &[u8; 64]) -> Masks {
    let equal = |byte: u8| {
        let mut mask = 0;
        for (i, eight) in chunk.as_chunks::<8>().0.iter().enumerate() {
            // A byte that is equal becomes zero, which alone borrows into its highest bit.
            let x = u64::from_le_bytes(*eight) ^ (0x0101_0101_0101_0101 * u64::from(byte));
            let low = (x & 0x7f7f_7f7f_7f7f_7f7f) + 0x7f7f_7f7f_7f7f_7f7f;
            let zero = !(low | x | 0x7f7f_7f7f_7f7f_7f7f);
            // The highest bits of the eight bytes, side by side.
            mask |= ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
        }
        mask
    };
    Masks {
        commas: equal(b','),
        ends: equal(b'\n'),
        quotes: equal(b'"'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &[u8]) {
        let found = text
            .iter()
            .enumerate()
            .filter(|(_, b)| matches!(b, b',' | b'\n'));
        let places: Vec<u32> = found.map(|(i, _)| i as u32).collect();
        let is_end = |&(_, &place): &(usize, &u32)| text[place as usize] == b'\n';
        let lines = places.iter().enumerate().filter(is_end);
        let lines: Vec<u32> = lines.map(|(i, _)| i as u32 + 1).collect();
        let mut index = Index::default();
        index.fill(text);
        for pass in 0..2 {
            assert_eq!(index.places[0], u32::MAX);
            assert_eq!(index.places[1..=places.len()], places);
            assert_eq!(index.lines, lines);
            assert_eq!(index.has_quotes, text.contains(&b'"'), "pass {pass}");
            index.places.resize(text.len() + 80, 0);
            index.lines.clear();
            index.look(text, plain);
        }
    }

    proptest! {
        #[test]
        fn places_are_those_of_commas_and_line_ends(text in "[,\n\"a0\u{2c80}é]{0,300}") {
            check(text.as_bytes());
        }

        #[test]
        fn any_bytes_do(text in prop::collection::vec(any::<u8>(), 0..200)) {
            check(&text);
        }
    }

    #[test]
    fn nothing_but_commas() {
        for n in [0, 1, 63, 64, 65, 1000] {
            check(&vec![b','; n]);
            check(&vec![b'\n'; n]);
        }
    }
}
