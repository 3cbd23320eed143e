//! Who a user is on paper: name, telephone number, IMSI and IMEI, by arithmetic from its number.
//!
//! Each is a keyed one-to-one map of the user's public number, so all are unique without a table,
//! and a row's identifiers cost a few multiplications instead of four misses of the cache.

use super::keyed::{Key, Permutation};

/// MCC and MNC of Indian networks, from the numbering plan of ITU-T E.212: (MCC, MNC).
///
/// Airtel, BSNL and Vodafone Idea, in several circles each; all with codes of two digits.
const NETWORKS: [(u32, u32); 16] = [
    (404, 10),
    (404, 45),
    (404, 49),
    (404, 90),
    (404, 34),
    (404, 38),
    (404, 55),
    (404, 11),
    (404, 20),
    (404, 22),
    (404, 86),
    (405, 56),
    (405, 51),
    (405, 52),
    (405, 53),
    (405, 54),
];

/// Type allocation codes in use; each serves a million handsets.
const TYPES: u64 = 4096;
const SERIALS: u64 = 1_000_000;
/// Mobile numbers begin with 6 to 9 and have ten digits.
const MOBILE: u64 = 6_000_000_000;
const MOBILES: u64 = 4_000_000_000;
/// Subscriber numbers within a network.
const SUBSCRIBERS: u64 = 10_000_000_000;

/// More users than this cannot be told apart.
pub const MOST_USERS: u64 = 99_999_998;

/// The maps from a user's place in the world to what its papers say.
#[derive(Debug, Clone)]
pub struct Identities {
    public: Permutation,
    phone: Permutation,
    subscriber: Permutation,
    handset: Permutation,
    types: Permutation,
    networks: [u32; 16],
}

impl Identities {
    /// For `users` users.
    pub fn new(key: Key, users: u32) -> Self {
        let mut networks = [0; 16];
        for (network, (country, code)) in networks.iter_mut().zip(NETWORKS) {
            *network = country * 100 + code;
        }
        Identities {
            public: Permutation::new(key, 1, u64::from(users)),
            phone: Permutation::new(key, 2, MOBILES),
            subscriber: Permutation::new(key, 3, SUBSCRIBERS),
            handset: Permutation::new(key, 4, TYPES * SERIALS),
            types: Permutation::new(key, 5, SERIALS),
            networks,
        }
    }

    /// The public number, from 0, of the user at place `i`.
    #[inline(always)]
    pub fn public(&self, i: u32) -> u32 {
        self.public.forward(u64::from(i)) as u32
    }

    /// The place of the user with public number `n`.
    #[inline(always)]
    pub fn place(&self, n: u32) -> u32 {
        self.public.backward(u64::from(n)) as u32
    }

    /// Ten digits after +91.
    pub fn phone(&self, n: u32) -> u64 {
        MOBILE + self.phone.forward(u64::from(n))
    }

    /// 15 digits: country, network, subscriber.
    #[inline(always)]
    pub fn imsi(&self, n: u32) -> (u32, u64) {
        let subscriber = self.subscriber.forward(u64::from(n));
        let network = self.networks[(subscriber >> 7 & 15) as usize];
        (network, subscriber)
    }

    /// The first 14 digits: type allocation code (8) and serial number (6).
    #[inline(always)]
    pub fn imei(&self, n: u32) -> u64 {
        let handset = self.handset.forward(u64::from(n));
        let (kind, serial) = (handset / SERIALS, handset % SERIALS);
        // Reporting bodies 35 (Europe) and 86 (China), then six digits of the type.
        let body = if kind & 1 == 0 { 35 } else { 86 };
        (body * SERIALS + self.types.forward(kind)) * SERIALS + serial
    }
}

/// Decimal digits of four-digit groups, and what they add to a check digit.
#[derive(Debug)]
pub struct Digits {
    text: Vec<[u8; 4]>,
    /// Sum of the digits, each second from the right doubled and folded.
    luhn: Vec<u8>,
}

impl Default for Digits {
    fn default() -> Self {
        let text = (0..10_000u32)
            .map(|v| [v / 1000, v / 100 % 10, v / 10 % 10, v % 10].map(|d| b'0' + d as u8))
            .collect();
        let luhn = (0..10_000u32)
            .map(|v| {
                let digits = [v % 10, v / 10 % 10, v / 100 % 10, v / 1000];
                let fold = |(place, d): (usize, u32)| match place % 2 {
                    0 => (2 * d) / 10 + (2 * d) % 10,
                    _ => d,
                };
                digits.into_iter().enumerate().map(fold).sum::<u32>() as u8
            })
            .collect();
        Digits { text, luhn }
    }
}

impl Digits {
    /// The four digits of `v`, which must be below 10,000.
    #[inline(always)]
    pub fn four(&self, v: u32) -> [u8; 4] {
        self.text[v as usize]
    }

    /// The 15 digits of an IMEI whose first 14 are `number`.
    #[inline(always)]
    pub fn imei(&self, number: u64) -> [u8; 15] {
        // Groups from the right, so that each ends on a digit that counts double.
        let (high, low) = ((number / 100_000_000) as u32, (number % 100_000_000) as u32);
        let (a, b, c, d) = (high / 10_000, high % 10_000, low / 10_000, low % 10_000);
        let sum: u32 = [a, b, c, d]
            .into_iter()
            .map(|group| u32::from(self.luhn[group as usize]))
            .sum();
        let mut out = [0; 15];
        out[..2].copy_from_slice(&self.four(a)[2..]);
        out[2..6].copy_from_slice(&self.four(b));
        out[6..10].copy_from_slice(&self.four(c));
        out[10..14].copy_from_slice(&self.four(d));
        out[14] = b'0' + ((10 - sum % 10) % 10) as u8;
        out
    }

    /// The 15 digits of an IMSI.
    #[inline(always)]
    pub fn imsi(&self, (network, subscriber): (u32, u64)) -> [u8; 15] {
        let (high, low) = (
            (subscriber / 100_000_000) as u32,
            (subscriber % 100_000_000) as u32,
        );
        let mut out = [0; 15];
        let network = network * 10 + high / 10;
        out[0] = b'0' + (network / 100_000) as u8;
        out[1] = b'0' + (network / 10_000 % 10) as u8;
        out[2..6].copy_from_slice(&self.four(network % 10_000));
        out[6] = b'0' + (high % 10) as u8;
        out[7..11].copy_from_slice(&self.four(low / 10_000));
        out[11..15].copy_from_slice(&self.four(low % 10_000));
        out
    }

    /// `number` with at least `width` digits (up to 16), from the first byte on, and how many.
    #[inline(always)]
    pub fn decimal(&self, number: u64, width: usize) -> ([u8; 16], usize) {
        let count = number
            .checked_ilog10()
            .map_or(1, |log| log as usize + 1)
            .max(width);
        let word = |v: u32| {
            let [high, low] =
                [self.four(v / 10_000), self.four(v % 10_000)].map(u32::from_le_bytes);
            u64::from(low) << 32 | u64::from(high)
        };
        if number < 100_000_000 && width <= 8 {
            let text = word(number as u32) >> (8 * (8 - count));
            return (u128::from(text).to_le_bytes(), count);
        }
        let (high, low) = (number / 100_000_000, number % 100_000_000);
        let text =
            u128::from(word(low as u32)) << 64 | u128::from(word((high % 100_000_000) as u32));
        ((text >> (8 * (16 - count))).to_le_bytes(), count)
    }

    /// Appends `prefix` and `number` with at least `width` digits.
    #[inline(always)]
    pub fn numbered(&self, out: &mut Vec<u8>, prefix: &[u8], number: u64, width: usize) {
        let (text, count) = self.decimal(number, width);
        out.extend_from_slice(prefix);
        out.extend_from_slice(&text[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// ISO/IEC 7812-1: from the right, each second digit doubled, the sum divisible by ten.
    fn passes_luhn(digits: &[u8]) -> bool {
        let sum: u32 = digits.iter().rev().enumerate().fold(0, |sum, (i, d)| {
            let d = u32::from(d - b'0');
            sum + if i % 2 == 0 {
                d
            } else {
                d * 2 / 10 + d * 2 % 10
            }
        });
        sum.is_multiple_of(10)
    }

    #[test]
    fn a_known_imei_has_its_check_digit() {
        assert_eq!(
            &Digits::default().imei(49_015_420_323_751),
            b"490154203237518"
        );
    }

    #[test]
    fn identifiers_are_unique_and_well_formed() {
        let (identities, digits) = (Identities::new(Key::new(1), 50_000), Digits::default());
        let (mut imeis, mut imsis) = (HashSet::new(), HashSet::new());
        let mut phones = HashSet::new();
        for i in 0..50_000 {
            let n = identities.public(i);
            assert_eq!(identities.place(n), i);
            let imei = digits.imei(identities.imei(n));
            assert!(passes_luhn(&imei));
            assert!(imeis.insert(imei));
            let imsi = digits.imsi(identities.imsi(n));
            assert!(imsi.starts_with(b"404") || imsi.starts_with(b"405"));
            assert!(imsi.iter().all(u8::is_ascii_digit));
            assert!(imsis.insert(imsi));
            let phone = identities.phone(n);
            assert!((6_000_000_000..10_000_000_000).contains(&phone));
            assert!(phones.insert(phone));
        }
    }

    #[test]
    fn numbers_are_padded_like_a_format_would() {
        let digits = Digits::default();
        for (number, width, text) in [
            (7, 4, "0007"),
            (12_345, 4, "12345"),
            (0, 6, "000000"),
            (123_456_789, 6, "123456789"),
            (10_000, 6, "010000"),
            (9_999, 3, "9999"),
        ] {
            let mut out = Vec::new();
            digits.numbered(&mut out, b"x_", number, width);
            assert_eq!(out, format!("x_{text}").as_bytes());
        }
    }
}
