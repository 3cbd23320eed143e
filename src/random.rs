//! Random numbers that depend on what they are for, never on when or where they are drawn.
//!
//! Philox4x32-10 turns a key and a counter into 128 random bits without any state (Salmon, Moraes,
//! Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011). The key is the caller's seed.
//! The counter names the draw: a stream (a tree, a user, an hour) and a position in it. So a result
//! is the same on one thread or sixteen, for the whole or for a part.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The 128 bits of Philox4x32-10 at `counter` under `key`.
#[inline(always)]
pub fn philox(mut key: [u32; 2], mut counter: [u32; 4]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
    }
    counter
}

/// [`philox`] of several counters side by side, word by word: `words[w][lane]`.
#[inline(always)]
pub fn philox_lanes<const N: usize>(mut key: [u32; 2], words: &mut [[u32; N]; 4]) {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let [w0, w1, w2, w3] = *words;
        for lane in 0..N {
            let first = u64::from(MULTIPLIERS[0]) * u64::from(w0[lane]);
            let second = u64::from(MULTIPLIERS[1]) * u64::from(w2[lane]);
            words[0][lane] = (second >> 32) as u32 ^ w1[lane] ^ key[0];
            words[1][lane] = second as u32;
            words[2][lane] = (first >> 32) as u32 ^ w3[lane] ^ key[1];
            words[3][lane] = first as u32;
        }
    }
}

/// `bits` as a number in [0, 1), in steps of 2^-53.
#[inline(always)]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// The draws of one stream of one seed, in order.
///
/// # Examples
///
/// ```
/// use linewatch::random::Stream;
///
/// let mut tree = Stream::new(7, 0);
/// let first = tree.next_u64();
/// assert_ne!(first, Stream::new(7, 1).next_u64());
/// assert_eq!(first, Stream::new(7, 0).next_u64());
/// assert!(tree.below(10) < 10);
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    stream: u64,
    block: u64,
    /// The second half of the last block, if it has not been drawn yet.
    kept: Option<u64>,
}

impl Stream {
    /// Stream number `stream` of `seed`, from its beginning.
    pub fn new(seed: u64, stream: u64) -> Self {
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            stream,
            block: 0,
            kept: None,
        }
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        if let Some(bits) = self.kept.take() {
            return bits;
        }
        let counter = [
            self.block as u32,
            (self.block >> 32) as u32,
            self.stream as u32,
            (self.stream >> 32) as u32,
        ];
        let [a, b, c, d] = philox(self.key, counter);
        self.block += 1;
        self.kept = Some(u64::from(c) | u64::from(d) << 32);
        u64::from(a) | u64::from(b) << 32
    }

    /// A number in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.next_u64())
    }

    /// A whole number in 0..`n`, each with the same chance. `n` must not be 0.
    ///
    /// Lemire, D. (2019). Fast random integer generation in an interval. ACM Transactions on
    /// Modeling and Computer Simulation 29(1).
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        debug_assert!(n > 0);
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            let low = wide as u64;
            // Only the draws below 2^64 mod n would be one too many for their value.
            if low >= n || low >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A standard normal number, by Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with Random123.
    #[test]
    fn philox_gives_the_known_answers() {
        let zero = philox([0; 2], [0; 4]);
        assert_eq!(zero, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox([u32::MAX; 2], [u32::MAX; 4]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = philox(
            [0xa409_3822, 0x299f_31d0],
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        );
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn below_reaches_every_value_about_equally_often() {
        let mut stream = Stream::new(1, 2);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        assert!(
            counts.iter().all(|&c| (9_600..10_400).contains(&c)),
            "{counts:?}"
        );
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn units_and_normals_have_their_moments() {
        let mut stream = Stream::new(3, 4);
        let units: Vec<f64> = (0..100_000).map(|_| stream.unit()).collect();
        assert!(units.iter().all(|u| (0.0..1.0).contains(u)));
        assert!((units.iter().sum::<f64>() / 1e5 - 0.5).abs() < 0.005);
        let normals: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        assert!((normals.iter().sum::<f64>() / 1e5).abs() < 0.015);
        assert!((normals.iter().map(|z| z * z).sum::<f64>() / 1e5 - 1.0).abs() < 0.03);
    }
}
