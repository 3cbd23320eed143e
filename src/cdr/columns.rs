//! Rows as columns: numbers become names and times, ready for Arrow and Parquet.
//!
//! Text is written into one buffer a column, in bulk. The columns of a batch are independent tasks.

use super::identity::{Digits, Room};
use super::row::{DAY_S, Row};
use super::settings::KINDS;
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// Names of the columns of calls, in their order.
pub const CALLS: [&str; 13] = [
    "call_id",
    "caller_id",
    "callee_id",
    "call_start_ts",
    "call_end_ts",
    "call_duration",
    "first_cell_id",
    "last_cell_id",
    "caller_imei",
    "caller_imsi",
    "callee_imsi",
    "is_anomaly",
    "anomaly_type",
];

/// Text values one after the other, and where each begins and the last ends.
#[derive(Debug, Default, Clone)]
pub struct Text {
    /// All bytes; ASCII.
    pub data: Vec<u8>,
    /// One more than there are values.
    pub offsets: Vec<i32>,
}

/// A value of up to 32 bytes and how many they are.
pub type Word = ([u8; 32], usize);

impl Text {
    /// Nothing yet; room for `rows` values of about `width` bytes.
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Text {
            data: Vec::with_capacity(rows * width),
            offsets,
        }
    }

    /// Appends what `write` appends as one value.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.data);
        self.offsets.push(self.data.len() as i32);
    }

    /// The values that `write` writes for each item; it gives their lengths.
    #[inline(always)]
    pub fn of<T>(
        items: impl ExactSizeIterator<Item = T>,
        width: usize,
        write: impl Fn(T, &mut Room) -> usize,
    ) -> Self {
        let mut offsets = Vec::with_capacity(items.len() + 1);
        offsets.push(0);
        let mut data = vec![0; items.len() * width + 32];
        let mut at = 0;
        for item in items {
            if data.len() < at + 32 {
                data.resize(2 * data.len() + 64, 0);
            }
            at += write(item, room(&mut data, at));
            offsets.push(at as i32);
        }
        data.truncate(at);
        Text { data, offsets }
    }
}

/// The 32 bytes of `data` from `at` on, which must be there.
#[inline(always)]
pub fn room(data: &mut [u8], at: usize) -> &mut Room {
    let room = data[at..].first_chunk_mut();
    room.expect("room is made before a value is written")
}

/// A column.
#[derive(Debug, Clone)]
pub enum Column {
    /// Names and digits.
    Text(Text),
    /// Microseconds since 1970-01-01, local time.
    Times(Vec<i64>),
    /// Seconds.
    Seconds(Vec<i32>),
    /// Yes or no.
    Flags(Vec<bool>),
}

/// Names of the towers, and of everything else that is looked up rather than computed.
#[derive(Debug)]
pub struct Names {
    /// `cell_001` and so on.
    pub cells: Vec<Word>,
    /// How a line of CSV ends, by kind: flag and label.
    pub endings: Vec<Word>,
}

impl Names {
    /// The names of a world.
    pub fn new(world: &World) -> Self {
        let name = |i: usize| {
            let mut word = [0; 32];
            let length = world.digits.named(b"cell_", i as u64 + 1, 3, &mut word);
            (word, length)
        };
        Names {
            cells: (0..world.towers.len()).map(name).collect(),
            endings: KINDS
                .iter()
                .enumerate()
                .map(|(k, kind)| ending(k > 0, kind))
                .collect(),
        }
    }

    /// The name of a tower.
    pub fn cell(&self, number: usize) -> &[u8] {
        let (word, length) = &self.cells[number];
        &word[..*length]
    }
}

/// Text of up to 32 bytes as a word.
pub fn word(text: &[u8]) -> Word {
    let mut word = [0; 32];
    word[..text.len()].copy_from_slice(text);
    (word, text.len())
}

fn ending(is_anomaly: bool, kind: &str) -> Word {
    word(format!(",{},{kind}\n", u8::from(is_anomaly)).as_bytes())
}

/// Writes `user_0001`: the public number from 0 plus one.
#[inline(always)]
pub fn user(digits: &Digits, number: u32, out: &mut Room) -> usize {
    digits.named(b"user_", u64::from(number) + 1, 4, out)
}

/// Writes a word.
#[inline(always)]
fn copy((word, length): &Word, out: &mut Room) -> usize {
    *out = *word;
    *length
}

/// The columns of consecutive rows of a day, of which the first is row `first_row` of the data.
///
/// # Errors
///
/// As [`parallel::for_each`].
pub fn columns(
    world: &World,
    names: &Names,
    day: u32,
    first_row: u64,
    rows: &[Row],
    threads: usize,
) -> Result<Vec<Column>, Error> {
    let mut numbers = [Vec::new(), Vec::new()];
    let tasks: Vec<_> = numbers.iter_mut().enumerate().collect();
    parallel::for_each(tasks, threads, |(side, out)| {
        let public = |row: &Row| world.identities.public([row.caller, row.callee][side]);
        out.extend(rows.iter().map(public));
        Ok(())
    })?;
    let [callers, callees] = &numbers;
    let midnight = (world.settings.first_day + i64::from(day)) * i64::from(DAY_S);
    let n = rows.len();
    let mut columns: Vec<Column> = (0..CALLS.len())
        .map(|_| Column::Flags(Vec::new()))
        .collect();
    let tasks: Vec<_> = columns.iter_mut().enumerate().collect();
    let digits = &world.digits;
    let labels: Vec<Word> = KINDS.iter().map(|kind| word(kind.as_bytes())).collect();
    let identities = &world.identities;
    parallel::for_each(tasks, threads, |(number, column)| {
        *column = match number {
            0 => Column::Text(Text::of(0..n, 13, |k, out| {
                digits.named(b"call_", first_row + k as u64 + 1, 6, out)
            })),
            1 | 2 => {
                let users = [callers, callees][number - 1].iter();
                Column::Text(Text::of(users, 12, |&n, out| user(digits, n, out)))
            }
            3 => times(rows, |row| midnight + i64::from(row.start)),
            4 => times(rows, |row| midnight + i64::from(row.end())),
            5 => Column::Seconds(rows.iter().map(|row| i32::from(row.duration)).collect()),
            6 => Column::Text(Text::of(rows.iter(), 9, |row, out| {
                copy(&names.cells[usize::from(row.first)], out)
            })),
            7 => Column::Text(Text::of(rows.iter(), 9, |row, out| {
                copy(&names.cells[usize::from(row.last)], out)
            })),
            8 => Column::Text(Text::of(rows.iter().zip(callers), 15, |(row, &n), out| {
                let device = world.device(row);
                let n = if device == row.caller {
                    n
                } else {
                    identities.public(device)
                };
                digits.imei(identities.imei(n), out)
            })),
            9 | 10 => {
                let users = [callers, callees][number - 9].iter();
                let imsi = |&n: &u32, out: &mut Room| digits.imsi(identities.imsi(n), out);
                Column::Text(Text::of(users, 15, imsi))
            }
            11 => Column::Flags(rows.iter().map(|row| row.kind != 0).collect()),
            _ => Column::Text(Text::of(rows.iter(), 7, |row, out| {
                copy(&labels[usize::from(row.kind)], out)
            })),
        };
        Ok(())
    })?;
    Ok(columns)
}

fn times(rows: &[Row], second: impl Fn(&Row) -> i64) -> Column {
    Column::Times(rows.iter().map(|row| second(row) * 1_000_000).collect())
}
