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
/// Types are so far apart; it has no factor in common with the six digits of a type.
const TYPE_STEP: u64 = 244_141;
/// Up to so many users, public numbers are listed: looking up is faster than computing.
const MOST_LISTED: u32 = 1 << 22;
/// Mobile numbers begin with 6 to 9 and have ten digits.
const MOBILE: u64 = 6_000_000_000;
const MOBILES: u64 = 4_000_000_000;
/// Subscriber numbers within a network have ten digits; a power of two is mapped fastest.
const SUBSCRIBERS: u64 = 1 << 33;

/// More users than this cannot be told apart.
pub const MOST_USERS: u64 = 99_999_998;

/// The maps from a user's place in the world to what its papers say.
#[derive(Debug, Clone)]
pub struct Identities {
    public: Permutation,
    phone: Permutation,
    subscriber: Permutation,
    handset: Permutation,
    /// The number of the first type, of six digits.
    first_type: u64,
    /// Public numbers by place, unless there are very many.
    publics: Vec<u32>,
    networks: [u32; 16],
}

impl Identities {
    /// For `users` users.
    pub fn new(key: Key, users: u32) -> Self {
        let mut networks = [0; 16];
        for (network, (country, code)) in networks.iter_mut().zip(NETWORKS) {
            *network = country * 100 + code;
        }
        let public = Permutation::new(key, 1, u64::from(users));
        let listed = if users <= MOST_LISTED { users } else { 0 };
        let publics = (0..listed)
            .map(|i| public.forward(u64::from(i)) as u32)
            .collect();
        Identities {
            public,
            phone: Permutation::new(key, 2, MOBILES),
            subscriber: Permutation::new(key, 3, SUBSCRIBERS),
            handset: Permutation::new(key, 4, TYPES * SERIALS),
            first_type: Permutation::new(key, 5, SERIALS).forward(0),
            publics,
            networks,
        }
    }

    /// The public number, from 0, of the user at place `i`.
    #[inline(always)]
    pub fn public(&self, i: u32) -> u32 {
        match self.publics.get(i as usize) {
            Some(&public) => public,
            None => self.public.forward(u64::from(i)) as u32,
        }
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
        let kind = (self.first_type + kind * TYPE_STEP) % SERIALS;
        (body * SERIALS + kind) * SERIALS + serial
    }
}

/// Room for a value of text: what is written beyond its end is overwritten by the next.
pub type Room = [u8; 32];

/// Numbers as decimal digits, eight at a time in one machine word.
#[derive(Debug, Default)]
pub struct Digits;

/// The eight digits of `v`, which must be below 10^8: values 0 to 9, the first in the lowest byte.
///
/// Fours, then pairs, then digits are parted by a multiplication instead of a division (Lemire, D.:
/// Converting integers to fixed-digit representations quickly, 2021).
#[inline(always)]
fn eight(v: u32) -> u64 {
    let fours = u64::from(v / 10_000) | u64::from(v % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (pairs - tens * 10) << 8
}

const ASCII: u64 = 0x3030_3030_3030_3030;

/// What eight digits add to a check digit, the last of them doubled and folded.
#[inline(always)]
fn luhn(digits: u64) -> u32 {
    const LANES: u64 = 0x0001_0001_0001_0001;
    let doubled = digits >> 8 & (LANES * 0xFF);
    let plain = digits & (LANES * 0xFF);
    let carries = (doubled + LANES * 3) >> 3 & LANES;
    let sums = 2 * doubled - 9 * carries + plain;
    (sums.wrapping_mul(LANES) >> 48) as u32
}

impl Digits {
    /// Writes the 15 digits of an IMEI whose first 14 are `number`; gives their count.
    #[inline(always)]
    pub fn imei(&self, number: u64, out: &mut Room) -> usize {
        let high = eight((number / 100_000_000) as u32);
        let low = eight((number % 100_000_000) as u32);
        let sum = luhn(high) + luhn(low);
        out[..8].copy_from_slice(&((high + ASCII) >> 16).to_le_bytes());
        out[6..14].copy_from_slice(&(low + ASCII).to_le_bytes());
        out[14] = b'0' + ((10 - sum % 10) % 10) as u8;
        15
    }

    /// Writes the 15 digits of an IMSI; gives their count.
    #[inline(always)]
    pub fn imsi(&self, (network, subscriber): (u32, u64), out: &mut Room) -> usize {
        let high = eight(network * 100 + (subscriber / 100_000_000) as u32);
        let low = eight((subscriber % 100_000_000) as u32);
        out[..8].copy_from_slice(&((high + ASCII) >> 8).to_le_bytes());
        out[7..15].copy_from_slice(&(low + ASCII).to_le_bytes());
        15
    }

    /// Writes `prefix` and `number` with at least `width` digits; gives the count of bytes.
    #[inline(always)]
    pub fn named<const N: usize>(
        &self,
        prefix: &[u8; N],
        number: u64,
        width: usize,
        out: &mut Room,
    ) -> usize {
        let (text, count) = self.decimal(number, width);
        out[..N].copy_from_slice(prefix);
        out[N..N + 16].copy_from_slice(&text);
        N + count
    }

    /// `HH:MM:SS` of a second of a day.
    #[inline(always)]
    pub fn time(&self, second: u32) -> [u8; 8] {
        let (hour, minute) = (second / 3600, second / 60 % 60);
        // The zeros between the three become colons.
        let text = eight(hour * 1_000_000 + minute * 1000 + second % 60) + ASCII;
        (text + (0x0A << 16) + (0x0A << 40)).to_le_bytes()
    }

    /// `number` with at least `width` digits (up to 16), from the first byte on, and how many.
    #[inline(always)]
    pub fn decimal(&self, number: u64, width: usize) -> ([u8; 16], usize) {
        let log = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let count = log.max(width);
        if number < 100_000_000 && width <= 8 {
            let text = (eight(number as u32) + ASCII) >> (8 * (8 - count));
            return (u128::from(text).to_le_bytes(), count);
        }
        let high = eight((number / 100_000_000 % 100_000_000) as u32) + ASCII;
        let low = eight((number % 100_000_000) as u32) + ASCII;
        let text = u128::from(low) << 64 | u128::from(high);
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
        let mut out = [0; 32];
        assert_eq!(Digits.imei(49_015_420_323_751, &mut out), 15);
        assert_eq!(&out[..15], b"490154203237518");
    }

    #[test]
    fn identifiers_are_unique_and_well_formed() {
        let (identities, digits) = (Identities::new(Key::new(1), 50_000), Digits);
        let (mut imeis, mut imsis) = (HashSet::new(), HashSet::new());
        let mut phones = HashSet::new();
        for i in 0..50_000 {
            let n = identities.public(i);
            assert_eq!(identities.place(n), i);
            let mut imei = [0; 32];
            digits.imei(identities.imei(n), &mut imei);
            let imei: [u8; 15] = imei[..15].try_into().unwrap();
            assert!(passes_luhn(&imei));
            assert!(imeis.insert(imei));
            let mut imsi = [0; 32];
            digits.imsi(identities.imsi(n), &mut imsi);
            let imsi: [u8; 15] = imsi[..15].try_into().unwrap();
            assert!(imsi.starts_with(b"404") || imsi.starts_with(b"405"));
            assert!(imsi.iter().all(u8::is_ascii_digit));
            assert!(imsis.insert(imsi));
            let phone = identities.phone(n);
            assert!((6_000_000_000..10_000_000_000).contains(&phone));
            assert!(phones.insert(phone));
        }
    }

    #[test]
    fn seconds_have_their_time() {
        for (second, text) in [(0, "00:00:00"), (86_399, "23:59:59"), (3_661, "01:01:01")] {
            assert_eq!(&Digits.time(second), text.as_bytes());
        }
    }

    #[test]
    fn numbers_are_padded_like_a_format_would() {
        let digits = Digits;
        for (number, width, text) in [
            (7, 4, "0007"),
            (12_345, 4, "12345"),
            (0, 6, "000000"),
            (123_456_789, 6, "123456789"),
            (10_000, 6, "010000"),
            (9_999, 3, "9999"),
            (99_999_999, 6, "99999999"),
            (100_000_000, 6, "100000000"),
            (9_876_543_210, 10, "9876543210"),
        ] {
            let mut out = Vec::new();
            digits.numbered(&mut out, b"x_", number, width);
            assert_eq!(out, format!("x_{text}").as_bytes());
        }
    }
}
