//! One field of a CSV as a number, a time or an address.
//!
//! Digits are read eight at a time in one machine word (Lemire, D., 2022, fast number parsing
//! without branches on the length); what does not fit the common form takes a slower way that
//! accepts blanks around it.

use std::net::Ipv6Addr;

/// Why a field could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing stands there.
    Missing,
    /// It is not what the column holds.
    Invalid,
    /// It is below zero.
    Negative,
    /// It is beyond what the column can hold.
    TooLarge,
    /// An address with a zone (`%eth0`), which has no number.
    Scoped,
    /// An IPv6 address where only IPv4 fits.
    NotIpv4,
}

use Fault::*;

const MICROS: i64 = 1_000_000;

/// Blanks around a field are no part of it.
pub fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// The number of up to eight digits that end at `end` of `bytes`.
#[inline(always)]
fn eight(bytes: &[u8], end: usize, len: usize) -> Option<u64> {
    debug_assert!((1..=8).contains(&len));
    let word = match end.checked_sub(8) {
        Some(start) => {
            let raw: [u8; 8] = bytes[start..end].try_into().ok()?;
            u64::from_le_bytes(raw)
        }
        None => {
            let mut raw = [0; 8];
            raw[8 - end..].copy_from_slice(&bytes[..end]);
            u64::from_le_bytes(raw)
        }
    };
    let shift = 64 - 8 * len as u32;
    // What stands before the digits becomes zeros.
    let digits = (word ^ 0x3030_3030_3030_3030) >> shift << shift;
    let is_bad = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    if is_bad != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(2561) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    Some((fours & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32)
}

/// A whole number that is `bytes[start..end]`.
#[inline(always)]
pub fn whole(bytes: &[u8], start: usize, end: usize) -> Result<i64, Fault> {
    let len = end.wrapping_sub(start);
    if len.wrapping_sub(1) < 8
        && let Some(value) = eight(bytes, end, len)
    {
        return Ok(value as i64);
    }
    slow_whole(bytes.get(start..end).unwrap_or_default())
}

#[inline(never)]
fn slow_whole(text: &[u8]) -> Result<i64, Fault> {
    let text = trim(text);
    if text.is_empty() {
        return Err(Missing);
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Invalid);
    }
    let is_zero = digits.iter().all(|&digit| digit == b'0');
    if digits.len() < text.len() && !is_zero {
        return Err(Negative);
    }
    let add = |value: i64, &digit: &u8| value.checked_mul(10)?.checked_add(i64::from(digit - b'0'));
    digits.iter().try_fold(0i64, add).ok_or(TooLarge)
}

/// A whole number below 2^31.
#[inline(always)]
pub fn small(bytes: &[u8], start: usize, end: usize) -> Result<i32, Fault> {
    i32::try_from(whole(bytes, start, end)?).map_err(|_| TooLarge)
}

/// A port; an ICMP message `8.0` is its type times 256 and its code, as in NetFlow.
#[inline(always)]
pub fn port(bytes: &[u8], start: usize, end: usize) -> Result<i32, Fault> {
    match whole(bytes, start, end) {
        Ok(port) if port < 65_536 => Ok(port as i32),
        Ok(_) => Err(TooLarge),
        Err(Invalid) => icmp(&bytes[start..end]),
        Err(fault) => Err(fault),
    }
}

#[inline(never)]
fn icmp(text: &[u8]) -> Result<i32, Fault> {
    let text = trim(text);
    let dot = text.iter().position(|&b| b == b'.').ok_or(Invalid)?;
    let (kind, code) = (whole(text, 0, dot)?, whole(text, dot + 1, text.len())?);
    if kind < 256 && code < 256 {
        Ok((kind * 256 + code) as i32)
    } else {
        Err(Invalid)
    }
}

/// Seconds that are `bytes[start..end]`: `0.101`, or `1d 02:03:04.500`.
#[inline(always)]
pub fn seconds(bytes: &[u8], start: usize, end: usize) -> Result<f64, Fault> {
    // Three decimals, as nfdump prints them.
    if end >= start + 5 && end <= start + 12 && bytes[end - 4] == b'.' {
        let (whole, decimals) = (eight(bytes, end - 4, end - 4 - start), eight(bytes, end, 3));
        if let (Some(whole), Some(decimals)) = (whole, decimals) {
            return Ok((whole * 1000 + decimals) as f64 / 1000.0);
        }
    }
    slow_seconds(bytes.get(start..end).unwrap_or_default())
}

#[inline(never)]
fn slow_seconds(text: &[u8]) -> Result<f64, Fault> {
    let text = std::str::from_utf8(trim(text)).map_err(|_| Invalid)?;
    if text.is_empty() {
        return Err(Missing);
    }
    if !text.contains(':') {
        let is_number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
        let value: f64 = match text.bytes().all(is_number) {
            true => text.parse().map_err(|_| Invalid)?,
            false => return Err(Invalid),
        };
        return match value {
            v if v < 0.0 => Err(Negative),
            v if !v.is_finite() => Err(TooLarge),
            v => Ok(v.abs()),
        };
    }
    let (days, clock) = text.split_once('d').unwrap_or(("0", text));
    let days: u32 = days.trim().parse().map_err(|_| Invalid)?;
    let mut total = 0.0;
    let parts: Vec<&str> = clock.trim().split(':').collect();
    for (i, part) in parts.iter().enumerate() {
        let is_last = i + 1 == parts.len();
        let is_digit = |b: u8| b.is_ascii_digit() || (is_last && b == b'.');
        if !part.bytes().all(is_digit) || i > 2 {
            return Err(Invalid);
        }
        total = total * 60.0 + part.parse::<f64>().map_err(|_| Invalid)?;
    }
    Ok(f64::from(days) * 86_400.0 + total)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` if there is no such date.
///
/// Counted in years that begin in March, so that the leap day is the last.
fn days(year: u32, month: u32, day: u32) -> Option<i64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > length || year == 0 {
        return None;
    }
    let (year, month) = if month > 2 {
        (i64::from(year), i64::from(month) - 3)
    } else {
        (i64::from(year) - 1, i64::from(month) + 9)
    };
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

/// Reads times that are often of the same day.
#[derive(Debug, Default)]
pub struct Clock {
    /// The last date, with the blank after it, and its midnight in microseconds.
    date: [u8; 11],
    midnight: i64,
}

impl Clock {
    /// Microseconds from 1970-01-01 to `text`.
    #[inline(always)]
    pub fn read(&mut self, text: &[u8]) -> Result<i64, Fault> {
        // 2016-08-02 02:20:29, perhaps with .511
        if (text.len() == 19 || text.len() == 23)
            && text[..11] == self.date
            && let Some(second) = clock(&text[11..19])
        {
            let value = self.midnight + second * MICROS;
            if text.len() == 19 {
                return Ok(value);
            }
            if text[19] == b'.'
                && let Some(millis) = eight(text, 23, 3)
            {
                return Ok(value + millis as i64 * 1000);
            }
        }
        self.slow(text)
    }

    #[inline(never)]
    fn slow(&mut self, text: &[u8]) -> Result<i64, Fault> {
        let value = time(text)?;
        if text.len() >= 19 && text[4] == b'-' {
            self.date.copy_from_slice(&text[..11]);
            self.midnight = value - value.rem_euclid(86_400 * MICROS);
        }
        Ok(value)
    }
}

/// The second of the day that `02:20:29` is, read as one word.
#[inline(always)]
fn clock(text: &[u8]) -> Option<i64> {
    let word = u64::from_le_bytes(text.try_into().ok()?) ^ u64::from_le_bytes(*b"00:00:00");
    let is_bad = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
    if is_bad != 0 || word & 0x0000_ff00_00ff_0000 != 0 {
        return None;
    }
    // Tens and ones of each pair, side by side.
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let [hour, minute, second] = [0, 24, 48].map(|place| (pairs >> place & 0xff) as i64);
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
}

/// Microseconds from 1970-01-01 to a date and time, or of a number of milliseconds, or of seconds
/// with decimals. A time of zeros is none.
pub fn time(text: &[u8]) -> Result<i64, Fault> {
    let text = trim(text);
    if text.is_empty() {
        return Err(Missing);
    }
    if text.len() >= 19 && text[4] == b'-' {
        let number =
            |start: usize, end: usize| match text[start..end].iter().all(u8::is_ascii_digit) {
                true => whole(text, start, end).map(|v| v as u32),
                false => Err(Invalid),
            };
        let marks = [text[4], text[7], text[10], text[13], text[16]];
        if marks != *b"-- ::" && marks != *b"--T::" {
            return Err(Invalid);
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let micros = decimals(&text[19..])?;
        if (year, month, day) == (0, 0, 0) {
            return Err(Missing);
        }
        if hour > 23 || minute > 59 || second > 60 {
            return Err(Invalid);
        }
        let of_day = i64::from((hour * 60 + minute) * 60 + second);
        let days = days(year, month, day).ok_or(Invalid)?;
        return Ok((days * 86_400 + of_day) * MICROS + micros);
    }
    match text.iter().position(|&b| b == b'.') {
        Some(dot) => {
            let seconds = whole(text, 0, dot)?;
            let micros = seconds.checked_mul(MICROS).ok_or(TooLarge)?;
            let sum = micros.checked_add(decimals(&text[dot..])?);
            sum.filter(|_| seconds < LAST_SECOND).ok_or(TooLarge)
        }
        None => {
            let millis = whole(text, 0, text.len())?;
            let micros = millis.checked_mul(1000).ok_or(TooLarge)?;
            Some(micros)
                .filter(|_| millis < LAST_SECOND * 1000)
                .ok_or(TooLarge)
        }
    }
}

/// The end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_800;

/// `.511` in microseconds; what is finer is cut.
fn decimals(text: &[u8]) -> Result<i64, Fault> {
    let Some((point, digits)) = text.split_first() else {
        return Ok(0);
    };
    if *point != b'.' || digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Invalid);
    }
    let place = |i: usize| i64::from(digits.get(i).map_or(0, |digit| digit - b'0'));
    Ok((0..6).fold(0, |value, i| value * 10 + place(i)))
}

/// Bit `i` for each byte `i` whose highest bit is set in `word`; the other bits are zero there.
#[inline(always)]
fn gathered(word: u64) -> u32 {
    ((word >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// The number of the IPv4 address `bytes[start..end]`, which no blanks surround.
///
/// The dots are found by comparing eight bytes at a time, and each of the four numbers is read as
/// one word.
#[inline(always)]
pub fn ipv4(bytes: &[u8], start: usize, end: usize) -> Option<u32> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let len = end.wrapping_sub(start);
    if len.wrapping_sub(7) > 8 {
        return None;
    }
    let mut raw = [0; 16];
    match bytes.get(start..start + 16) {
        Some(found) => raw.copy_from_slice(found),
        None => raw[..len].copy_from_slice(&bytes[start..end]),
    }
    let (mut dots, mut digits) = (0, 0);
    let mut nibbles = 0u128;
    for half in 0..2 {
        let eight: [u8; 8] = raw[8 * half..8 * half + 8].try_into().ok()?;
        let word = u64::from_le_bytes(eight) ^ 0x3030_3030_3030_3030;
        let other = (word & !HIGH).wrapping_add(0x7676_7676_7676_7676) | word;
        // A dot has become 0x1e.
        let dot = word ^ 0x1e1e_1e1e_1e1e_1e1e;
        let is_dot = !(((dot & !HIGH) + !HIGH) | dot) & HIGH;
        dots |= gathered(is_dot) << (8 * half);
        digits |= gathered(!other & HIGH) << (8 * half);
        nibbles |= u128::from(word) << (64 * half);
    }
    let all = (1u32 << len) - 1;
    let dots = dots & all;
    if dots.count_ones() != 3 || (dots | digits) & all != all {
        return None;
    }
    let (mut address, mut begin, mut rest) = (0u32, 0, dots | 1 << len);
    let mut is_bad = false;
    for _ in 0..4 {
        let stop = rest.trailing_zeros() as usize;
        rest &= rest.wrapping_sub(1);
        let length = stop - begin;
        if length.wrapping_sub(1) > 2 {
            return None;
        }
        // The last digit in the highest byte, nothing before the first.
        let word = ((nibbles >> (8 * begin)) as u32) << (8 * (4 - length));
        let octet = (word >> 24) + 10 * (word >> 16 & 0xff) + 100 * (word >> 8 & 0xff);
        is_bad |= octet > 255;
        address = address << 8 | octet & 0xff;
        begin = stop + 1;
    }
    (!is_bad).then_some(address)
}

/// An address, and whether it names a zone.
#[inline(never)]
pub fn address(text: &[u8]) -> Result<(u128, bool), Fault> {
    let text = trim(text);
    if text.is_empty() {
        return Err(Missing);
    }
    if let Some(v4) = ipv4(text, 0, text.len()) {
        return Ok((0xffff_0000_0000 | u128::from(v4), false));
    }
    let text = std::str::from_utf8(text).map_err(|_| Invalid)?;
    let (text, zone) = match text.split_once('%') {
        Some((text, zone)) if !zone.is_empty() => (text, true),
        Some(_) => return Err(Invalid),
        None => (text, false),
    };
    let address: Ipv6Addr = text.parse().map_err(|_| Invalid)?;
    Ok((address.to_bits(), zone))
}

/// An IPv4 address as a number.
#[inline(always)]
pub fn address_number(bytes: &[u8], start: usize, end: usize) -> Result<u32, Fault> {
    match ipv4(bytes, start, end) {
        Some(address) => Ok(address),
        None => match address(&bytes[start..end])? {
            (bits, false) if bits >> 32 == 0xffff => Ok(bits as u32),
            (_, true) => Err(Scoped),
            _ => Err(NotIpv4),
        },
    }
}

/// An address as 16 bytes, IPv4 as `::ffff:a.b.c.d`.
#[inline(always)]
pub fn address_bytes(bytes: &[u8], start: usize, end: usize) -> Result<[u8; 16], Fault> {
    match ipv4(bytes, start, end) {
        Some(v4) => Ok((0xffff_0000_0000 | u128::from(v4)).to_be_bytes()),
        None => match address(&bytes[start..end])? {
            (_, true) => Err(Scoped),
            (bits, false) => Ok(bits.to_be_bytes()),
        },
    }
}

/// The address `bytes[start..end]` as Arrow views text; what is longer than 12 bytes is appended to
/// `texts`.
#[inline(always)]
pub fn address_view(
    bytes: &[u8],
    start: usize,
    end: usize,
    texts: &mut Vec<u8>,
) -> Result<u128, Fault> {
    let raw: Option<&[u8; 16]> = bytes
        .get(start..start + 16)
        .and_then(|raw| raw.try_into().ok());
    if let Some(raw) = raw
        && ipv4(bytes, start, end).is_some()
    {
        return Ok(view(raw, end - start, texts));
    }
    slow_view(&bytes[start..end], texts)
}

#[inline(never)]
fn slow_view(text: &[u8], texts: &mut Vec<u8>) -> Result<u128, Fault> {
    let text = trim(text);
    address(text)?;
    if text.len() <= 16 {
        let mut raw = [0; 16];
        raw[..text.len()].copy_from_slice(text);
        return Ok(view(&raw, text.len(), texts));
    }
    let prefix = u32::from_le_bytes([text[0], text[1], text[2], text[3]]);
    let place = texts.len() as u128;
    texts.extend_from_slice(text);
    Ok(text.len() as u128 | u128::from(prefix) << 32 | place << 96)
}

/// The view of the first `len` bytes of `raw`, with no copy of a length known only here.
///
/// <https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-view-layout>
#[inline(always)]
fn view(raw: &[u8; 16], len: usize, texts: &mut Vec<u8>) -> u128 {
    let word = u128::from_le_bytes(*raw);
    if len <= 12 {
        return (word & ((1 << (8 * len)) - 1)) << 32 | len as u128;
    }
    let place = texts.len();
    texts.extend_from_slice(raw);
    texts.truncate(place + len);
    len as u128 | (word & 0xffff_ffff) << 32 | (place as u128) << 96
}

/// The text that a view shows.
pub fn viewed<'a>(view: &'a [u8; 16], texts: &'a [u8]) -> &'a [u8] {
    let number =
        |at: usize| u32::from_le_bytes([view[at], view[at + 1], view[at + 2], view[at + 3]]);
    let len = number(0) as usize;
    if len <= 12 {
        &view[4..4 + len]
    } else {
        let start = number(12) as usize;
        &texts[start..start + len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<i64, Fault> {
        let line = format!("1,{text},");
        whole(line.as_bytes(), 2, line.len() - 1)
    }

    #[test]
    fn whole_numbers_of_any_length() {
        for value in [0, 7, 42, 443, 65_535, 99_999_999, 100_000_000, i64::MAX] {
            assert_eq!(number(&value.to_string()), Ok(value));
        }
        assert_eq!(number("  12 "), Ok(12));
        assert_eq!(number("-0"), Ok(0));
        assert_eq!(number("-12"), Err(Negative));
        assert_eq!(number(""), Err(Missing));
        assert_eq!(number("99999999999999999999"), Err(TooLarge));
        for text in [
            "https",
            "1a",
            "1.5",
            "1 2",
            "+1",
            "-",
            "12345678901a",
            "1/2",
            "1:2",
        ] {
            assert_eq!(number(text), Err(Invalid), "{text}");
        }
    }

    #[test]
    fn every_short_string_of_digits_is_its_number() {
        for value in 0..20_000i64 {
            assert_eq!(number(&value.to_string()), Ok(value));
            assert_eq!(number(&format!("{value:08}")), Ok(value));
        }
    }

    #[test]
    fn ports_and_icmp_messages() {
        let read = |text: &str| port(text.as_bytes(), 0, text.len());
        assert_eq!(read("443"), Ok(443));
        assert_eq!(read("8.0"), Ok(2048));
        assert_eq!(read("3.3"), Ok(771));
        assert_eq!(read("65536"), Err(TooLarge));
        assert_eq!(read("https"), Err(Invalid));
        assert_eq!(read("300.1"), Err(Invalid));
    }

    #[test]
    fn durations() {
        let read = |text: &str| seconds(text.as_bytes(), 0, text.len());
        assert_eq!(read("0.101"), Ok(0.101));
        assert_eq!(read("    0.000"), Ok(0.0));
        assert_eq!(read("12345678.250"), Ok(12_345_678.25));
        assert_eq!(read("00:01:30.500"), Ok(90.5));
        assert_eq!(read("2d 00:00:01.000"), Ok(172_801.0));
        assert_eq!(read("-1.000"), Err(Negative));
        assert_eq!(read("a.000"), Err(Invalid));
        assert_eq!(read("inf"), Err(Invalid));
    }

    #[test]
    fn times_in_every_form() {
        let mut clock = Clock::default();
        for _ in 0..2 {
            assert_eq!(
                clock.read(b"2016-08-02 02:20:29"),
                Ok(1_470_104_429_000_000)
            );
            assert_eq!(
                clock.read(b"2016-08-02 02:20:29.511"),
                Ok(1_470_104_429_511_000)
            );
        }
        for second in 0..86_400 {
            let (hour, minute) = (second / 3600, second / 60 % 60);
            let text = format!("2016-08-02 {hour:02}:{minute:02}:{:02}", second % 60);
            let expected = 1_470_096_000_000_000 + second * 1_000_000;
            assert_eq!(clock.read(text.as_bytes()), Ok(expected));
        }
        for text in [
            "24:00:00", "12:60:00", "12:00:61", "12-00:00", "1a:00:00", "12:00:0:",
        ] {
            let text = format!("2016-08-02 {text}");
            assert_eq!(clock.read(text.as_bytes()), Err(Invalid), "{text}");
        }
        assert_eq!(clock.read(b"1470104429000"), Ok(1_470_104_429_000_000));
        assert_eq!(clock.read(b"1470104429.511"), Ok(1_470_104_429_511_000));
        assert_eq!(clock.read(b"1970-01-01 00:00:00"), Ok(0));
        assert_eq!(clock.read(b"2000-02-29 00:00:00"), Ok(951_782_400_000_000));
        assert_eq!(clock.read(b"0000-00-00 00:00:00.000"), Err(Missing));
        for text in [
            "2016-13-02 02:20:29",
            "2015-02-29 00:00:00",
            "2016-08-02",
            "yesterday",
        ] {
            assert_eq!(clock.read(text.as_bytes()), Err(Invalid), "{text}");
        }
    }

    #[test]
    fn addresses() {
        let number = |text: &str| ipv4(text.as_bytes(), 0, text.len());
        assert_eq!(number("192.168.5.57"), Some(0xc0a8_0539));
        for text in [
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "1..2.3",
            "1.2.3.",
            "",
            "1.2.3.4 ",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        for text in [
            "1.2.3.4444",
            ".1.2.3.4",
            "1.2.3.4.",
            "1.2.3,4",
            "a.2.3.4",
            "999.1.1.1",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        let mapped = b"::ffff:1.2.3.4";
        assert_eq!(address_number(mapped, 0, mapped.len()), Ok(0x0102_0304));
        assert_eq!(address_number(b"fe80::1", 0, 7), Err(NotIpv4));
        assert_eq!(address_bytes(b"fe80::1%eth0", 0, 12), Err(Scoped));
        assert_eq!(address(b"fe80::1%eth0").map(|(_, zone)| zone), Ok(true));
        let bytes = address_bytes(b"10.0.0.1", 0, 8).unwrap();
        assert_eq!(bytes[10..], [255, 255, 10, 0, 0, 1]);
    }

    #[test]
    fn ipv4_addresses_of_every_width_among_other_text() {
        let mut stream = crate::random::Stream::new(3, 0);
        for _ in 0..20_000 {
            let bits = stream.next_u64() as u32 >> stream.below(32);
            let bits = bits.rotate_right(stream.below(32) as u32);
            let address = std::net::Ipv4Addr::from_bits(bits).to_string();
            let line = format!("7,{address},9.9.9.9,xx");
            let (start, end) = (2, 2 + address.len());
            assert_eq!(ipv4(line.as_bytes(), start, end), Some(bits), "{address}");
            let mut texts = b"before".to_vec();
            let view = address_view(line.as_bytes(), start, end, &mut texts).unwrap();
            assert_eq!(viewed(&view.to_le_bytes(), &texts), address.as_bytes());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_ipv4_address_if_the_standard_library_says_so(text in "[0-9.a]{0,16}") {
            let expected: Option<std::net::Ipv4Addr> = text.parse().ok();
            let found = ipv4(text.as_bytes(), 0, text.len());
            // Leading zeros do no harm here.
            if expected.is_some() || !text.split('.').any(|part| part.len() > 1 && part.starts_with('0')) {
                proptest::prop_assert_eq!(found, expected.map(std::net::Ipv4Addr::to_bits));
            }
        }
    }
}
