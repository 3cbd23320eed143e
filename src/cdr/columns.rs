//! Rows as columns: numbers become names and times, ready for Arrow and Parquet.
//!
//! Text is written into one buffer a column, in bulk. The columns of a batch are independent tasks.

use super::extra;
use super::identity::{Digits, Room};
use super::row::{DAY_S, Row};
use super::settings::{KINDS, Settings};
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Names and digits.
    Text,
    /// Microseconds since 1970-01-01, local time.
    Time,
    /// Whole numbers of 32 bits.
    Whole,
    /// Whole numbers of 64 bits.
    Long,
    /// Yes or no.
    Flag,
}

/// Name and kind of a column.
pub type Field = (&'static str, Kind);

/// The basic columns of calls, in their order.
pub const CALLS: [Field; 13] = [
    ("call_id", Kind::Text),
    ("caller_id", Kind::Text),
    ("callee_id", Kind::Text),
    ("call_start_ts", Kind::Time),
    ("call_end_ts", Kind::Time),
    ("call_duration", Kind::Whole),
    ("first_cell_id", Kind::Text),
    ("last_cell_id", Kind::Text),
    ("caller_imei", Kind::Text),
    ("caller_imsi", Kind::Text),
    ("callee_imsi", Kind::Text),
    ("is_anomaly", Kind::Flag),
    ("anomaly_type", Kind::Text),
];

/// The columns of calls: the basic ones and those that the settings ask for.
pub fn calls(settings: &Settings) -> Vec<Field> {
    let extra = extra::fields(&settings.columns);
    CALLS.into_iter().chain(extra).collect()
}

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
    /// Whole numbers of 32 bits.
    Whole(Vec<i32>),
    /// Whole numbers of 64 bits.
    Long(Vec<i64>),
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
pub fn copy((word, length): &Word, out: &mut Room) -> usize {
    *out = *word;
    *length
}

/// Columns of which each is a task.
///
/// # Errors
///
/// As [`parallel::for_each`].
pub fn by_column(
    count: usize,
    threads: usize,
    make: impl Fn(usize) -> Column + Sync,
) -> Result<Vec<Column>, Error> {
    let mut columns = vec![Column::Flags(Vec::new()); count];
    let tasks: Vec<_> = columns.iter_mut().enumerate().collect();
    parallel::for_each(tasks, threads, |(number, column)| {
        *column = make(number);
        Ok(())
    })?;
    Ok(columns)
}

/// Public numbers of users of rows.
pub fn publics<R>(world: &World, rows: &[R], user: impl Fn(&R) -> u32) -> Vec<u32> {
    let public = |row: &R| world.identities.public(user(row));
    rows.iter().map(public).collect()
}

/// Names of users.
pub fn users(world: &World, publics: &[u32]) -> Column {
    let write = |&n: &u32, out: &mut Room| user(&world.digits, n, out);
    Column::Text(Text::of(publics.iter(), 12, write))
}

/// Device numbers of users.
pub fn imeis(world: &World, publics: &[u32]) -> Column {
    let (digits, identities) = (&world.digits, &world.identities);
    let write = |&n: &u32, out: &mut Room| digits.imei(identities.imei(n), out);
    Column::Text(Text::of(publics.iter(), 15, write))
}

/// Subscriber numbers of users.
pub fn imsis(world: &World, publics: &[u32]) -> Column {
    let (digits, identities) = (&world.digits, &world.identities);
    let write = |&n: &u32, out: &mut Room| digits.imsi(identities.imsi(n), out);
    Column::Text(Text::of(publics.iter(), 15, write))
}

/// Names of towers.
pub fn cells<R>(names: &Names, rows: &[R], cell: impl Fn(&R) -> u16) -> Column {
    let write = |row: &R, out: &mut Room| copy(&names.cells[usize::from(cell(row))], out);
    Column::Text(Text::of(rows.iter(), 9, write))
}

/// `prefix` and the number of the row, from 1 in the whole data.
pub fn numbered<const N: usize>(
    world: &World,
    prefix: &[u8; N],
    first_row: u64,
    rows: usize,
) -> Column {
    let name = |k: usize, out: &mut Room| {
        let number = first_row + k as u64 + 1;
        world.digits.named(prefix, number, 6, out)
    };
    Column::Text(Text::of(0..rows, N + 8, name))
}

/// Seconds from 1970-01-01 to the midnight at which a day begins.
pub fn midnight(world: &World, day: u32) -> i64 {
    (world.settings.first_day + i64::from(day)) * i64::from(DAY_S)
}

/// Moments from seconds since 1970-01-01.
pub fn times<R>(rows: &[R], second: impl Fn(&R) -> i64) -> Column {
    Column::Times(rows.iter().map(|row| second(row) * 1_000_000).collect())
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
        *out = publics(world, rows, |row| [row.caller, row.callee][side]);
        Ok(())
    })?;
    let [callers, callees] = &numbers;
    let midnight = midnight(world, day);
    let (digits, identities) = (&world.digits, &world.identities);
    let labels: Vec<Word> = KINDS.iter().map(|kind| word(kind.as_bytes())).collect();
    let mut columns = by_column(CALLS.len(), threads, |number| match number {
        0 => numbered(world, b"call_", first_row, rows.len()),
        1 => users(world, callers),
        2 => users(world, callees),
        3 => times(rows, |row| midnight + i64::from(row.start)),
        4 => times(rows, |row| midnight + i64::from(row.end())),
        5 => Column::Whole(rows.iter().map(|row| row.duration.into()).collect()),
        6 => cells(names, rows, |row| row.first),
        7 => cells(names, rows, |row| row.last),
        8 => Column::Text(Text::of(rows.iter().zip(callers), 15, |(row, &n), out| {
            let device = world.device(row);
            let n = if device == row.caller {
                n
            } else {
                identities.public(device)
            };
            digits.imei(identities.imei(n), out)
        })),
        9 => imsis(world, callers),
        10 => imsis(world, callees),
        11 => Column::Flags(rows.iter().map(|row| row.kind != 0).collect()),
        _ => Column::Text(Text::of(rows.iter(), 7, |row, out| {
            copy(&labels[usize::from(row.kind)], out)
        })),
    })?;
    columns.extend(extra::columns(world, names, day, rows, threads)?);
    Ok(columns)
}
