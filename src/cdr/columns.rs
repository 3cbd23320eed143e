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

impl Text {
    /// Room for `rows` values of about `width` bytes.
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Text {
            data: Vec::with_capacity(rows * width),
            offsets,
        }
    }

    /// Appends what `write` appends as one value.
    #[inline(always)]
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.data);
        self.offsets.push(self.data.len() as i32);
    }
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
    pub cells: Vec<Vec<u8>>,
}

impl Names {
    /// The names of a world.
    pub fn new(world: &World) -> Self {
        let name = |i: usize| {
            let mut out = Vec::new();
            cell(&world.digits, i as u32, &mut out);
            out
        };
        Names {
            cells: (0..world.towers.len()).map(name).collect(),
        }
    }
}

/// `user_0001`: the public number from 0 plus one.
#[inline(always)]
pub fn user(digits: &Digits, number: u32, out: &mut Vec<u8>) {
    digits.numbered(out, b"user_", u64::from(number) + 1, 4);
}

/// `cell_001`.
pub fn cell(digits: &Digits, number: u32, out: &mut Vec<u8>) {
    digits.numbered(out, b"cell_", u64::from(number) + 1, 3);
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
    let mut columns: Vec<Column> = (0..CALLS.len()).map(|_| Column::Flags(Vec::new())).collect();
    let tasks: Vec<_> = columns.iter_mut().enumerate().collect();
    let digits = &world.digits;
    let text = |width: usize, write: &dyn Fn(&mut Text)| {
        let mut text = Text::with_capacity(n, width);
        write(&mut text);
        Column::Text(text)
    };
    parallel::for_each(tasks, threads, |(number, column)| {
        *column = match number {
            0 => text(12, &|text| {
                for k in 0..n as u64 {
                    text.push(|out| digits.numbered(out, b"call_", first_row + k + 1, 6));
                }
            }),
            1 | 2 => text(12, &|text| {
                for &n in [callers, callees][number - 1] {
                    text.push(|out| user(digits, n, out));
                }
            }),
            3 => times(rows, |row| midnight + i64::from(row.start)),
            4 => times(rows, |row| midnight + i64::from(row.end())),
            5 => Column::Seconds(rows.iter().map(|row| i32::from(row.duration)).collect()),
            6 | 7 => text(10, &|text| {
                for row in rows {
                    let cell = [row.first, row.last][number - 6];
                    text.push(|out| out.extend_from_slice(&names.cells[usize::from(cell)]));
                }
            }),
            8 => text(15, &|text| {
                for &n in callers {
                    let imei = digits.imei(world.identities.imei(n));
                    text.push(|out| out.extend_from_slice(&imei));
                }
            }),
            9 | 10 => text(15, &|text| {
                for &n in [callers, callees][number - 9] {
                    let imsi = digits.imsi(world.identities.imsi(n));
                    text.push(|out| out.extend_from_slice(&imsi));
                }
            }),
            11 => Column::Flags(rows.iter().map(|row| row.kind != 0).collect()),
            _ => text(13, &|text| {
                for row in rows {
                    let kind = KINDS[usize::from(row.kind)].as_bytes();
                    text.push(|out| out.extend_from_slice(kind));
                }
            }),
        };
        Ok(())
    })?;
    Ok(columns)
}

fn times(rows: &[Row], second: impl Fn(&Row) -> i64) -> Column {
    Column::Times(rows.iter().map(|row| second(row) * 1_000_000).collect())
}
