//! Calls as lines of CSV, in the columns and formats of `columns`, but written straight from rows.
//!
//! No field holds a comma, a quote or a line break, so none is quoted. Lines end with a line feed.

use super::columns::{CALLS, Names};
use super::row::{DAY_S, Row};
use super::settings::KINDS;
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// Rows of one task.
const PART: usize = 8192;
/// More than the longest line.
const LINE: usize = 320;

/// The first line.
pub fn header() -> String {
    CALLS.join(",") + "\n"
}

/// The lines of consecutive rows of a day, of which the first is row `first_row` of the data; in
/// as many buffers as there are parts.
///
/// # Errors
///
/// As [`parallel::for_each`].
pub fn lines(
    world: &World,
    names: &Names,
    day: u32,
    first_row: u64,
    rows: &[Row],
    threads: usize,
    out: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    out.resize_with(rows.len().div_ceil(PART), Vec::new);
    let dates = [0, 1].map(|next| date(world.settings.first_day + i64::from(day + next)));
    let tasks: Vec<_> = out.iter_mut().zip(rows.chunks(PART)).enumerate().collect();
    parallel::for_each(tasks, threads, |(part, (out, rows))| {
        out.clear();
        out.reserve(rows.len() * 160);
        let first = first_row + (part * PART) as u64;
        for (k, row) in rows.iter().enumerate() {
            line(world, names, &dates, first + k as u64, row, out);
        }
        Ok(())
    })
}

/// A line under way.
struct Line {
    text: [u8; LINE],
    length: usize,
}

impl Line {
    #[inline(always)]
    fn put(&mut self, text: &[u8]) {
        self.text[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }

    #[inline(always)]
    fn comma(&mut self) {
        self.put(b",");
    }
}

#[inline(always)]
fn line(
    world: &World,
    names: &Names,
    dates: &[[u8; 11]; 2],
    number: u64,
    row: &Row,
    out: &mut Vec<u8>,
) {
    let digits = &world.digits;
    let [caller, callee] = [row.caller, row.callee].map(|i| world.identities.public(i));
    let mut line = Line {
        text: [0; LINE],
        length: 0,
    };
    let numbered = |line: &mut Line, prefix: &[u8], number: u64, width: usize| {
        let (text, first) = digits.padded(number, width);
        line.put(prefix);
        line.put(&text[first..]);
    };
    let moment = |line: &mut Line, second: u32| {
        let next = second >= DAY_S;
        let second = if next { second - DAY_S } else { second };
        line.put(&dates[usize::from(next)]);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let [.., a, b] = digits.four(hour);
        let [.., c, d] = digits.four(minute);
        let [.., e, f] = digits.four(second % 60);
        line.put(&[a, b, b':', c, d, b':', e, f, b',']);
    };
    numbered(&mut line, b"call_", number + 1, 6);
    numbered(&mut line, b",user_", u64::from(caller) + 1, 4);
    numbered(&mut line, b",user_", u64::from(callee) + 1, 4);
    line.comma();
    moment(&mut line, row.start);
    moment(&mut line, row.end());
    numbered(&mut line, b"", u64::from(row.duration), 1);
    line.comma();
    line.put(&names.cells[usize::from(row.first)]);
    line.comma();
    line.put(&names.cells[usize::from(row.last)]);
    line.comma();
    line.put(&digits.imei(world.identities.imei(caller)));
    line.comma();
    line.put(&digits.imsi(world.identities.imsi(caller)));
    line.comma();
    line.put(&digits.imsi(world.identities.imsi(callee)));
    line.put(if row.kind == 0 { b",0," } else { b",1," });
    line.put(KINDS[usize::from(row.kind)].as_bytes());
    line.put(b"\n");
    out.extend_from_slice(&line.text[..line.length]);
}

/// `2024-01-01 ` of a day counted from 1970-01-01, with the space that a time follows.
///
/// Howard Hinnant, chrono-compatible low-level date algorithms: civil from days.
fn date(day: i64) -> [u8; 11] {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let text = format!("{year:04}-{month:02}-{day:02} ");
    text.as_bytes()[..11].try_into().unwrap_or(*b"0000-00-00 ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (day, text) in [
            (0, "1970-01-01 "),
            (19_723, "2024-01-01 "),
            (19_782, "2024-02-29 "),
            (-1, "1969-12-31 "),
        ] {
            assert_eq!(&date(day), text.as_bytes());
        }
    }
}
