//! Rows as columns: numbers become names and times, ready for Arrow and Parquet.
//!
//! Text is written into one buffer a column, in bulk. The columns of a batch are independent tasks.

use super::identity::Digits;
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

    /// All of `words`, each copied as a whole and then overlapped by the next.
    #[inline(always)]
    pub fn of(words: impl ExactSizeIterator<Item = Word>, width: usize) -> Self {
        let mut offsets = Vec::with_capacity(words.len() + 1);
        offsets.push(0);
        let mut data = vec![0; words.len() * width + 32];
        let mut at = 0;
        for (word, length) in words {
            if data.len() < at + 32 {
                data.resize(2 * data.len() + 64, 0);
            }
            data[at..at + 32].copy_from_slice(&word);
            at += length;
            offsets.push(at as i32);
        }
        data.truncate(at);
        Text { data, offsets }
    }
}

/// `prefix` and then `number` with at least `width` digits; 16 bytes of each at most.
#[inline(always)]
pub fn numbered<const N: usize>(
    digits: &Digits,
    prefix: &[u8; N],
    number: u64,
    width: usize,
) -> Word {
    let (text, count) = digits.decimal(number, width);
    let mut word = [0; 32];
    word[..N].copy_from_slice(prefix);
    word[N..N + 16].copy_from_slice(&text);
    (word, N + count)
}

/// 15 digits.
#[inline(always)]
pub fn fifteen(text: [u8; 15]) -> Word {
    let mut word = [0; 32];
    word[..15].copy_from_slice(&text);
    (word, 15)
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
        let name = |i: usize| numbered(&world.digits, b"cell_", i as u64 + 1, 3);
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

/// `user_0001`: the public number from 0 plus one.
#[inline(always)]
pub fn user(digits: &Digits, number: u32) -> Word {
    numbered(digits, b"user_", u64::from(number) + 1, 4)
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
            0 => {
                let name = |k| numbered(digits, b"call_", first_row + k as u64 + 1, 6);
                Column::Text(Text::of((0..n).map(name), 13))
            }
            1 => Column::Text(Text::of(callers.iter().map(|&n| user(digits, n)), 12)),
            2 => Column::Text(Text::of(callees.iter().map(|&n| user(digits, n)), 12)),
            3 => times(rows, |row| midnight + i64::from(row.start)),
            4 => times(rows, |row| midnight + i64::from(row.end())),
            5 => Column::Seconds(rows.iter().map(|row| i32::from(row.duration)).collect()),
            6 => Column::Text(Text::of(
                rows.iter().map(|r| names.cells[usize::from(r.first)]),
                9,
            )),
            7 => Column::Text(Text::of(
                rows.iter().map(|r| names.cells[usize::from(r.last)]),
                9,
            )),
            8 => {
                let imei = |(row, &n): (&Row, &u32)| {
                    let device = world.device(row);
                    let n = if device == row.caller {
                        n
                    } else {
                        identities.public(device)
                    };
                    fifteen(digits.imei(identities.imei(n)))
                };
                Column::Text(Text::of(rows.iter().zip(callers).map(imei), 15))
            }
            9 | 10 => {
                let imsi = |&n: &u32| fifteen(digits.imsi(identities.imsi(n)));
                Column::Text(Text::of(
                    [callers, callees][number - 9].iter().map(imsi),
                    15,
                ))
            }
            11 => Column::Flags(rows.iter().map(|row| row.kind != 0).collect()),
            _ => Column::Text(Text::of(
                rows.iter().map(|r| labels[usize::from(r.kind)]),
                7,
            )),
        };
        Ok(())
    })?;
    Ok(columns)
}

fn times(rows: &[Row], second: impl Fn(&Row) -> i64) -> Column {
    Column::Times(rows.iter().map(|row| second(row) * 1_000_000).collect())
}
