//! Calls as lines of CSV, in the columns and formats of `columns`, but written straight from rows.
//!
//! No field holds a comma, a quote or a line break, so none is quoted. Lines end with a line feed.

use super::columns::{Column, Field, Names, Text, Word, room};
use super::extra;
use super::identity::{Digits, Room};
use super::row::{DAY_S, Row};
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// Rows of one task: their text stays in the cache until it is written.
pub const PART: usize = 4096;
/// More than the longest line.
const LINE: usize = 512;

/// The first line.
pub fn header(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.0).collect();
    names.join(",") + "\n"
}

/// Text under way: the buffer has room for another line before each one, and is kept for the next
/// text.
#[derive(Debug, Default)]
pub struct Lines {
    text: Vec<u8>,
    length: usize,
}

impl Lines {
    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    /// Writes a value, up to 32 bytes of which as many stay as `write` says.
    #[inline(always)]
    fn value(&mut self, write: impl FnOnce(&mut Room) -> usize) {
        self.length += write(room(&mut self.text, self.length));
    }

    #[inline(always)]
    fn word(&mut self, (word, length): &Word) {
        self.value(|out| {
            *out = *word;
            *length
        });
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, text: [u8; N]) {
        self.text[self.length..self.length + N].copy_from_slice(&text);
        self.length += N;
    }

    fn bytes_of(&mut self, text: &[u8]) {
        self.text[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }

    /// Makes room for a line when `rows` more are to come.
    #[inline(always)]
    fn reserve(&mut self, rows: usize) {
        if self.text.len() < self.length + LINE {
            self.text.resize(self.length + rows * 168 + 2 * LINE, 0);
        }
    }
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
    out: &mut Vec<Lines>,
) -> Result<(), Error> {
    out.resize_with(rows.len().div_ceil(PART), Lines::default);
    let dates = [0, 1].map(|next| date(world.settings.first_day + i64::from(day + next)));
    let has_extra = extra::is_any(world);
    let tasks: Vec<_> = out.iter_mut().zip(rows.chunks(PART)).enumerate().collect();
    parallel::for_each(tasks, threads, |(part, (out, rows))| {
        out.length = 0;
        let first = first_row + (part * PART) as u64;
        // In a loop of their own the look-ups wait for memory together, not one after the other.
        let ends = rows.iter().map(|row| [row.caller, row.callee]);
        let publics: Vec<[u32; 2]> = ends
            .map(|ends| ends.map(|i| world.identities.public(i)))
            .collect();
        for (k, (row, ends)) in rows.iter().zip(&publics).enumerate() {
            out.reserve(rows.len() - k);
            line(world, names, &dates, first + k as u64, row, ends, out);
            if has_extra {
                out.length -= 1;
                extra::write(world, names, day, row, &mut |text| out.bytes_of(text));
                out.put(*b"\n");
            }
        }
        Ok(())
    })
}

#[inline(always)]
fn line(
    world: &World,
    names: &Names,
    dates: &[[u8; 11]; 2],
    number: u64,
    row: &Row,
    &[caller, callee]: &[u32; 2],
    out: &mut Lines,
) {
    let (digits, identities) = (&world.digits, &world.identities);
    let moment = |second: u32| {
        let next = second >= DAY_S;
        let second = if next { second - DAY_S } else { second };
        let mut text = [0; 20];
        text[0] = b',';
        text[1..12].copy_from_slice(&dates[usize::from(next)]);
        text[12..].copy_from_slice(&digits.time(second));
        text
    };
    out.value(|out| digits.named(b"call_", number + 1, 6, out));
    out.value(|out| digits.named(b",user_", u64::from(caller) + 1, 4, out));
    out.value(|out| digits.named(b",user_", u64::from(callee) + 1, 4, out));
    out.put(moment(row.start));
    out.put(moment(row.end()));
    out.value(|out| digits.named(b",", u64::from(row.duration), 1, out));
    out.put(*b",");
    out.word(&names.cells[usize::from(row.first)]);
    out.put(*b",");
    out.word(&names.cells[usize::from(row.last)]);
    out.put(*b",");
    let device = match world.device(row) {
        own if own == row.caller => caller,
        other => identities.public(other),
    };
    out.value(|out| digits.imei(identities.imei(device), out));
    out.put(*b",");
    out.value(|out| digits.imsi(identities.imsi(caller), out));
    out.put(*b",");
    out.value(|out| digits.imsi(identities.imsi(callee), out));
    out.word(&names.endings[usize::from(row.kind)]);
}

/// Columns as lines, in the formats of calls.
pub fn of_columns(columns: &[Column], rows: usize, digits: &Digits, out: &mut Lines) {
    out.length = 0;
    for row in 0..rows {
        out.reserve(rows - row);
        for (k, column) in columns.iter().enumerate() {
            if k > 0 {
                out.put(*b",");
            }
            match column {
                Column::Text(Text { data, offsets }) => {
                    out.bytes_of(&data[offsets[row] as usize..offsets[row + 1] as usize]);
                }
                Column::Times(times) => {
                    let second = times[row] / 1_000_000;
                    let day = second.div_euclid(i64::from(DAY_S));
                    out.put(date(day));
                    out.put(digits.time((second - day * i64::from(DAY_S)) as u32));
                }
                Column::Whole(numbers) => out.number(i64::from(numbers[row]), digits),
                Column::Long(numbers) => out.number(numbers[row], digits),
                Column::Flags(flags) => out.put([b'0' + u8::from(flags[row])]),
            }
        }
        out.put(*b"\n");
    }
}

impl Lines {
    fn number(&mut self, number: i64, digits: &Digits) {
        self.value(|out| digits.named(b"", number as u64, 1, out));
    }
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
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = *b"0000-00-00 ";
    for (at, width, value) in [(0, 4, year), (5, 2, month), (8, 2, day)] {
        let mut value = value;
        for place in (at..at + width).rev() {
            text[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    text
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
