//! Draws by name: what a number is for decides what it is.
//!
//! A draw is one Philox block whose counter holds the subject (users, calls, ...) and up to three
//! numbers (which user, which hour, which try). Nothing is carried from one draw to the next, so
//! any thread may make any part of the data. Only additions, multiplications, divisions and square
//! roots of IEEE 754 turn bits into numbers; logarithms and exponentials come from the pure-Rust
//! `libm`, never from the platform, so that every system gives the same bytes.

use crate::random::{philox, philox_lanes};

/// What a draw is for. The numbers are part of the format of the data: never renumber.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Subject {
    /// Where a tower stands and how popular it is.
    Tower = 1,
    /// Who a user is.
    User = 2,
    /// The work place of a group.
    Group = 3,
    /// How many weak ties, places and what else a user has.
    Habit = 4,
    /// Noise of a day's or an hour's total.
    Noise = 5,
    /// A user's mood of the day.
    Day = 6,
    /// A user's hour: how many calls, and from where.
    Hour = 7,
    /// One call.
    Call = 8,
    /// One try to choose whom to call.
    Contact = 9,
    /// The strength of the tie between two users.
    Tie = 10,
    /// Which surplus rows of a block go.
    Surplus = 11,
    /// One anomaly.
    Anomaly = 12,
    /// Who takes part in an anomaly.
    Actor = 13,
    /// The order in which group sizes repeat.
    Sizes = 14,
    /// Keys of permutations.
    Permutation = 15,
    /// A place that a user goes to now and then.
    Place = 16,
    /// A call across midnight.
    Border = 17,
    /// The calls of a burst.
    Burst = 18,
    /// Where a user is in an hour.
    Whereabouts = 19,
    /// What a record says of a call beside who, when and where.
    Record = 20,
    /// A user's hour of messages.
    Texting = 21,
    /// One message.
    Message = 22,
    /// A user's hour of data sessions.
    Surfing = 23,
    /// One data session.
    Session = 24,
}

/// The seed, ready to key draws.
#[derive(Debug, Clone, Copy)]
pub struct Key([u32; 2]);

impl Key {
    /// The key of `seed`.
    pub fn new(seed: u64) -> Self {
        Key([seed as u32, (seed >> 32) as u32])
    }

    /// 128 random bits for `subject` and the numbers that name the draw.
    #[inline(always)]
    pub fn draw(self, subject: Subject, a: u32, b: u32, c: u32) -> [u32; 4] {
        philox(self.0, [a, b, c, subject as u32])
    }
}

/// Draws that [`Key::draw_many`] makes at once.
pub const MANY: usize = 64;

impl Key {
    /// What [`draw`](Self::draw) gives for `a`, `a + 1` and so on, word by word.
    #[inline]
    pub fn draw_many(self, subject: Subject, a: u32, b: u32, out: &mut [[u32; MANY]; 4]) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn wide(key: [u32; 2], counter: [u32; 4], out: &mut [[u32; MANY]; 4]) {
                philox_many(key, counter, out);
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the feature that `wide` is compiled for was just detected.
                return unsafe { wide(self.0, [a, b, 0, subject as u32], out) };
            }
        }
        philox_many(self.0, [a, b, 0, subject as u32], out);
    }
}

/// Whole numbers only, so wide and plain registers give the same bits.
#[inline(always)]
fn philox_many(key: [u32; 2], counter: [u32; 4], out: &mut [[u32; MANY]; 4]) {
    const LANES: usize = 8;
    for begin in (0..MANY).step_by(LANES) {
        let [a, b, c, d] = counter;
        let first = std::array::from_fn(|lane| a.wrapping_add((begin + lane) as u32));
        let mut words = [first, [b; LANES], [c; LANES], [d; LANES]];
        philox_lanes(key, &mut words);
        for (out, words) in out.iter_mut().zip(words) {
            out[begin..begin + LANES].copy_from_slice(&words);
        }
    }
}

/// 32 bits as a number in (0, 1).
#[inline(always)]
pub fn unit(bits: u32) -> f64 {
    (f64::from(bits) + 0.5) * (1.0 / 4_294_967_296.0)
}

/// 32 bits as a whole number in 0..n; n may be 0, which gives 0.
///
/// A value is up to n / 2^32 likelier than another, which no sample of calls can show.
#[inline(always)]
pub fn below(bits: u32, n: u32) -> u32 {
    ((u64::from(bits) * u64::from(n)) >> 32) as u32
}

/// A probability as the bits below which a draw says yes; 1 becomes all but one in 2^32.
#[inline]
pub fn threshold(probability: f64) -> u32 {
    (probability * 4_294_967_296.0) as u32
}

/// A keyed one-to-one map of 0..n onto itself, forwards and backwards in a few multiplications.
///
/// Rounds of "multiply by an odd number, fold the high half onto the low half" on the next power
/// of two, repeated until the value falls below n (cycle walking; Black and Rogaway: Ciphers with
/// arbitrary finite domains, CT-RSA 2002). It mixes well enough for names and groups; it is no
/// cipher.
#[derive(Debug, Clone)]
pub struct Permutation {
    n: u64,
    mask: u64,
    shift: u32,
    offset: u64,
    factors: [u64; 3],
    inverses: [u64; 3],
}

impl Permutation {
    /// The permutation number `which` of 0..n.
    pub fn new(key: Key, which: u32, n: u64) -> Self {
        let bits = (u64::BITS - n.max(2).saturating_sub(1).leading_zeros()).max(2);
        let mask = (1u64 << bits) - 1;
        let wide = |i| {
            let [a, b, ..] = key.draw(Subject::Permutation, which, i, 0);
            u64::from(a) | u64::from(b) << 32
        };
        let factors = [0, 1, 2].map(|i| wide(i) & mask | 1);
        Permutation {
            n,
            mask,
            shift: bits.div_ceil(2),
            offset: wide(3) & mask,
            factors,
            inverses: factors.map(|factor| inverse(factor) & mask),
        }
    }

    /// Where `x` goes.
    #[inline(always)]
    pub fn forward(&self, x: u64) -> u64 {
        let mut x = x;
        loop {
            x = x.wrapping_add(self.offset) & self.mask;
            for factor in self.factors {
                x = x.wrapping_mul(factor) & self.mask;
                x ^= x >> self.shift;
            }
            if x < self.n {
                return x;
            }
        }
    }

    /// What goes to `x`.
    #[inline(always)]
    pub fn backward(&self, x: u64) -> u64 {
        let mut x = x;
        loop {
            for inverse in self.inverses.iter().rev() {
                x ^= x >> self.shift;
                x = x.wrapping_mul(*inverse) & self.mask;
            }
            x = x.wrapping_sub(self.offset) & self.mask;
            if x < self.n {
                return x;
            }
        }
    }
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration.
fn inverse(odd: u64) -> u64 {
    let mut x = odd;
    for _ in 0..5 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_reaches_every_value_once_and_goes_back() {
        for n in [1u64, 2, 3, 7, 64, 100, 1000, 4097] {
            let permutation = Permutation::new(Key::new(7), 3, n);
            let mut seen = vec![false; n as usize];
            for x in 0..n {
                let y = permutation.forward(x);
                assert!(!std::mem::replace(&mut seen[y as usize], true));
                assert_eq!(permutation.backward(y), x);
            }
        }
    }

    #[test]
    fn many_draws_are_the_single_ones() {
        let (key, mut many) = (Key::new(0x1234_5678_9ABC), [[0; MANY]; 4]);
        key.draw_many(Subject::Hour, u32::MAX - 3, 9, &mut many);
        for (k, &first) in many[0].iter().enumerate() {
            let one = key.draw(Subject::Hour, (u32::MAX - 3).wrapping_add(k as u32), 9, 0);
            assert_eq!(one, [first, many[1][k], many[2][k], many[3][k]]);
        }
    }

    #[test]
    fn a_permutation_leaves_no_visible_order() {
        let permutation = Permutation::new(Key::new(1), 0, 100_000);
        let mut up = 0;
        for x in 0..99_999 {
            up += u32::from(permutation.forward(x + 1) > permutation.forward(x));
        }
        assert!((45_000..55_000).contains(&up), "{up}");
    }

    #[test]
    fn draws_differ_in_every_number_that_names_them() {
        let key = Key::new(1);
        let base = key.draw(Subject::Call, 1, 2, 3);
        assert_ne!(base, key.draw(Subject::Day, 1, 2, 3));
        assert_ne!(base, key.draw(Subject::Call, 2, 2, 3));
        assert_ne!(base, key.draw(Subject::Call, 1, 1, 3));
        assert_ne!(base, key.draw(Subject::Call, 1, 2, 4));
        assert_ne!(base, Key::new(2).draw(Subject::Call, 1, 2, 3));
    }
}
