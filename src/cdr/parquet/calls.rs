//! Row groups of calls.
//!
//! Most columns take few values within a row group (towers, labels, seconds, and users unless there
//! are very many), so they are stored as a dictionary and bit-packed keys, and the keys come from
//! the rows' numbers without ever making text. The three columns of a caller share one page of
//! keys, compressed once.

use std::io::{self, Write};

use super::encode;
use super::file::{
    Chunk, DELTA_LENGTH_BYTE_ARRAY, GROUP, PLAIN, Page, RLE_DICTIONARY, Writer, page,
};
use super::plain;
use crate::cdr::columns::{self, CALLS, Names, Text};
use crate::cdr::extra;
use crate::cdr::row::{DAY_S, Row};
use crate::cdr::settings::KINDS;
use crate::cdr::world::World;
use crate::error::Error;
use crate::parallel;

/// Most rows of a row group.
const MOST_ROWS: usize = 1 << 22;

/// Rows of a row group: several for each user, so that users are a dictionary that pays.
pub fn rows_of_group(world: &World) -> usize {
    (4 * world.users.len()).clamp(GROUP, MOST_ROWS)
}

/// What a task makes.
enum Part {
    /// A page of keys, for one or more columns.
    Keys(Page),
    /// A dictionary.
    Dictionary(Page),
    /// A column without a dictionary.
    Values(Page),
}

impl<W: Write> Writer<W> {
    /// Appends a row group of consecutive rows of a day, the first of which is row `first_row`.
    ///
    /// # Errors
    ///
    /// Those of `out`; as [`parallel::for_each`].
    pub fn calls(
        &mut self,
        world: &World,
        names: &Names,
        day: u32,
        first_row: u64,
        rows: &[Row],
        threads: usize,
    ) -> io::Result<()> {
        let parts = parts(world, names, day, first_row, rows, threads)?;
        let extras = extra::columns(world, names, day, rows, threads).map_err(other)?;
        let extras = plain::pages(&extras, rows.len(), threads)?;
        let by_dictionary = is_dictionary(world, rows);
        let mut chunks: Vec<Chunk<'_>> = (0..CALLS.len())
            .map(|number| {
                let (dictionary, data) = match number {
                    0 => (None, 0),
                    1 | 2 | 8 | 9 | 10 => match Users::of(number) {
                        users if by_dictionary => (Some(users.dictionary), users.keys),
                        users => (None, users.dictionary),
                    },
                    3 | 4 => (Some(3), 8 + number),
                    5 => (Some(13), 14),
                    6 | 7 => (Some(15), 10 + number),
                    11 => (None, 18),
                    _ => (Some(19), 20),
                };
                Chunk {
                    dictionary: dictionary.map(|part: usize| found(&parts[part])),
                    data: found(&parts[data]),
                }
            })
            .collect();
        chunks.extend(extras.iter().map(plain::chunk));
        self.group(rows.len(), &chunks)
    }
}

/// An error of the kernel where only those of the system fit.
pub(super) fn other(error: Error) -> io::Error {
    io::Error::other(error.to_string())
}

fn found(part: &Option<Part>) -> &Page {
    static NOTHING: Page = Page::NOTHING;
    match part {
        Some(Part::Keys(page) | Part::Dictionary(page) | Part::Values(page)) => page,
        None => &NOTHING,
    }
}

/// Which parts hold a column of users.
struct Users {
    dictionary: usize,
    keys: usize,
}

impl Users {
    fn of(number: usize) -> Self {
        Users {
            dictionary: match number {
                1 => 4,
                2 => 5,
                8 => 6,
                9 => 7,
                _ => 8,
            },
            keys: match number {
                2 | 10 => 2,
                8 => 21,
                _ => 1,
            },
        }
    }
}

fn is_dictionary(world: &World, rows: &[Row]) -> bool {
    // A dictionary has three texts for each user, the rows have five.
    3 * world.users.len() <= 2 * rows.len()
}

const PARTS: usize = 22;

/// The pages of a row group; each is a task.
fn parts(
    world: &World,
    names: &Names,
    day: u32,
    first_row: u64,
    rows: &[Row],
    threads: usize,
) -> io::Result<Vec<Option<Part>>> {
    let n = rows.len();
    let by_dictionary = is_dictionary(world, rows);
    let users = world.users.len();
    let (digits, identities) = (&world.digits, &world.identities);
    // Seconds of the group, from the first start to the last end.
    let low = rows.first().map_or(0, |row| row.start);
    let high = rows.iter().map(Row::end).max().unwrap_or(0);
    let longest = rows.iter().map(|row| row.duration).max().unwrap_or(0);
    let midnight = (world.settings.first_day + i64::from(day)) * i64::from(DAY_S);
    let keyed = |most: u32, of: &dyn Fn(&Row) -> u32| -> io::Result<Part> {
        let raw = encode::keys(rows.iter().map(of), encode::width(most));
        Ok(Part::Keys(page(n, RLE_DICTIONARY, &raw)?))
    };
    let write = |numbers: &mut dyn ExactSizeIterator<Item = u32>, kind: usize| match kind {
        4 | 5 => Text::of(numbers, 12, |n, out| columns::user(digits, n, out)),
        6 => Text::of(numbers, 15, |n, out| digits.imei(identities.imei(n), out)),
        _ => Text::of(numbers, 15, |n, out| digits.imsi(identities.imsi(n), out)),
    };
    let is_shared = rows.iter().any(|row| world.device(row) != row.caller);
    let make = |part: usize| -> io::Result<Option<Part>> {
        Ok(Some(match part {
            0 => {
                let text = Text::of(0..n, 13, |k, out| {
                    digits.named(b"call_", first_row + k as u64 + 1, 6, out)
                });
                Part::Values(page(n, DELTA_LENGTH_BYTE_ARRAY, &encode::text(&text))?)
            }
            // Keys are places in the world; the dictionaries are in the same order.
            1 | 2 if by_dictionary => keyed(
                users as u32 - 1,
                match part {
                    1 => &|row| row.caller,
                    _ => &|row| row.callee,
                },
            )?,
            3 => {
                let mut raw = Vec::with_capacity((high - low + 1) as usize * 8);
                for second in low..=high {
                    let time = (midnight + i64::from(second)) * 1_000_000;
                    raw.extend_from_slice(&time.to_le_bytes());
                }
                Part::Dictionary(page((high - low + 1) as usize, PLAIN, &raw)?)
            }
            4..=8 if by_dictionary => {
                if part == 5 || part == 8 {
                    // The same names and numbers as for callers.
                    return Ok(None);
                }
                let text = write(&mut (0..users).map(|i| identities.public(i as u32)), part);
                Part::Dictionary(page(users, PLAIN, &encode::plain(&text))?)
            }
            4..=8 => {
                let public = |row: &Row| match part {
                    5 | 8 => identities.public(row.callee),
                    6 => identities.public(world.device(row)),
                    _ => identities.public(row.caller),
                };
                let text = write(&mut rows.iter().map(public), part);
                Part::Values(page(n, DELTA_LENGTH_BYTE_ARRAY, &encode::text(&text))?)
            }
            11 => keyed(high - low, &|row| row.start - low)?,
            12 => keyed(high - low, &|row| row.end() - low)?,
            13 => {
                let raw: Vec<u8> = (0..=i32::from(longest))
                    .flat_map(i32::to_le_bytes)
                    .collect();
                Part::Dictionary(page(usize::from(longest) + 1, PLAIN, &raw)?)
            }
            14 => keyed(longest.into(), &|row| row.duration.into())?,
            15 => Part::Dictionary(listed((0..names.cells.len()).map(|i| names.cell(i)))?),
            16 => keyed(names.cells.len() as u32 - 1, &|row| row.first.into())?,
            17 => keyed(names.cells.len() as u32 - 1, &|row| row.last.into())?,
            18 => Part::Values(page(
                n,
                PLAIN,
                &encode::flags(rows.iter().map(|r| r.kind != 0)),
            )?),
            19 => Part::Dictionary(listed(KINDS.iter().map(|kind| kind.as_bytes()))?),
            20 => keyed(KINDS.len() as u32 - 1, &|row| row.kind.into())?,
            // Devices, unless every caller has its own.
            21 if by_dictionary && is_shared => keyed(users as u32 - 1, &|row| world.device(row))?,
            _ => return Ok(None),
        }))
    };
    let mut made: Vec<io::Result<Option<Part>>> = (0..PARTS).map(|_| Ok(None)).collect();
    let tasks: Vec<_> = made.iter_mut().enumerate().collect();
    parallel::for_each(tasks, threads, |(number, place)| {
        *place = make(number);
        Ok(())
    })
    .map_err(other)?;
    let mut made: Vec<Option<Part>> = made.into_iter().collect::<io::Result<_>>()?;
    if by_dictionary
        && made[21].is_none()
        && let Some(Part::Keys(page)) = &made[1]
    {
        made[21] = Some(Part::Keys(page.clone()));
    }
    for (from, to) in [(4, 5), (7, 8)] {
        if by_dictionary && let Some(Part::Dictionary(page)) = &made[from] {
            made[to] = Some(Part::Dictionary(page.clone()));
        }
    }
    Ok(made)
}

fn listed<'a>(values: impl Iterator<Item = &'a [u8]>) -> io::Result<Page> {
    let mut text = Text::with_capacity(8, 10);
    for value in values {
        text.push(|out| out.extend_from_slice(value));
    }
    page(text.offsets.len() - 1, PLAIN, &encode::plain(&text))
}
