//! A Parquet file of calls: row groups of columns, then the footer.

use std::io::{self, Write};

use super::encode;
use super::thrift::Struct;
use crate::cdr::columns::{self, CALLS, Names, Text};
use crate::cdr::row::{DAY_S, Row};
use crate::cdr::settings::KINDS;
use crate::cdr::world::World;
use crate::error::Error;
use crate::parallel;

/// Rows of a row group.
pub const GROUP: usize = 1 << 19;
/// Level of Zstandard.
const LEVEL: i32 = 1;
/// Users a row group stores as a dictionary, at most one for so many rows.
const ROWS_PER_USER: usize = 3;

// Numbers of parquet.thrift.
const BOOLEAN: i32 = 0;
const INT32: i32 = 1;
const INT64: i32 = 2;
const BYTE_ARRAY: i32 = 6;
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;
const RLE_DICTIONARY: i32 = 8;
const ZSTD: i32 = 6;
const MAGIC: &[u8] = b"PAR1";

/// The type of column `number` of [`CALLS`].
fn kind(number: usize) -> i32 {
    match number {
        3 | 4 => INT64,
        5 => INT32,
        11 => BOOLEAN,
        _ => BYTE_ARRAY,
    }
}

/// Bytes before and after compression.
#[derive(Debug, Clone, Default)]
struct Page {
    values: usize,
    encoding: i32,
    raw: usize,
    packed: Vec<u8>,
}

fn page(values: usize, encoding: i32, raw: &[u8]) -> io::Result<Page> {
    Ok(Page {
        values,
        encoding,
        raw: raw.len(),
        packed: zstd::bulk::compress(raw, LEVEL)?,
    })
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

/// Writes calls of one day.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    position: u64,
    groups: Vec<Struct>,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Writer {
            out,
            position: 4,
            groups: Vec::new(),
            rows: 0,
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Appends a row group of consecutive rows of a day, the first of which is row `first_row`.
    ///
    /// # Errors
    ///
    /// Those of `out`; as [`parallel::for_each`].
    pub fn group(
        &mut self,
        world: &World,
        names: &Names,
        day: u32,
        first_row: u64,
        rows: &[Row],
        threads: usize,
    ) -> io::Result<()> {
        let parts = parts(world, names, day, first_row, rows, threads)?;
        let mut columns = Vec::with_capacity(CALLS.len());
        let mut total = 0;
        for (number, name) in CALLS.iter().enumerate() {
            let (dictionary, data) = match number {
                0 => (None, 0),
                1 | 2 | 8 | 9 | 10 => match Users::of(number) {
                    users if is_dictionary(world, rows) => (Some(users.dictionary), users.keys),
                    users => (None, users.dictionary),
                },
                3 | 4 => (Some(3), 8 + number),
                5 => (Some(13), 14),
                6 | 7 => (Some(15), 10 + number),
                11 => (None, 18),
                _ => (Some(19), 20),
            };
            let start = self.position;
            let mut raw = 0;
            let mut encodings = vec![RLE];
            if let Some(dictionary) = dictionary {
                let page = found(&parts[dictionary]);
                let header = Struct::default()
                    .i32(1, 2)
                    .i32(2, page.raw as i32)
                    .i32(3, page.packed.len() as i32)
                    .with(
                        7,
                        Struct::default().i32(1, page.values as i32).i32(2, PLAIN),
                    )
                    .end();
                self.put(&header)?;
                self.put(&page.packed)?;
                raw += header.len() + page.raw;
                encodings.push(PLAIN);
            }
            let data_at = self.position;
            let page = found(&parts[data]);
            let header = Struct::default()
                .i32(1, 0)
                .i32(2, page.raw as i32)
                .i32(3, page.packed.len() as i32)
                .with(
                    5,
                    Struct::default()
                        .i32(1, page.values as i32)
                        .i32(2, page.encoding)
                        .i32(3, RLE)
                        .i32(4, RLE),
                )
                .end();
            self.put(&header)?;
            self.put(&page.packed)?;
            raw += header.len() + page.raw;
            encodings.push(page.encoding);
            total += raw;
            let mut meta = Struct::default()
                .i32(1, kind(number))
                .i32s(2, &encodings)
                .texts(3, &[name])
                .i32(4, ZSTD)
                .i64(5, rows.len() as i64)
                .i64(6, raw as i64)
                .i64(7, (self.position - start) as i64)
                .i64(9, data_at as i64);
            if dictionary.is_some() {
                meta = meta.i64(11, start as i64);
            }
            columns.push(Struct::default().i64(2, start as i64).with(3, meta));
        }
        self.groups.push(
            Struct::default()
                .structs(1, columns)
                .i64(2, total as i64)
                .i64(3, rows.len() as i64),
        );
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        let mut schema = vec![
            Struct::default()
                .text(4, "schema")
                .i32(5, CALLS.len() as i32),
        ];
        for (number, name) in CALLS.iter().enumerate() {
            let element = Struct::default()
                .i32(1, kind(number))
                .i32(3, 0)
                .text(4, name);
            schema.push(match kind(number) {
                // Text in UTF-8, and microseconds of local time.
                BYTE_ARRAY => element
                    .i32(6, 0)
                    .with(10, Struct::default().with(1, Struct::default())),
                INT64 => element.with(
                    10,
                    Struct::default().with(
                        8,
                        Struct::default()
                            .bool(1, false)
                            .with(2, Struct::default().with(2, Struct::default())),
                    ),
                ),
                _ => element,
            });
        }
        let footer = Struct::default()
            .i32(1, 2)
            .structs(2, schema)
            .i64(3, self.rows as i64)
            .structs(4, std::mem::take(&mut self.groups))
            .text(6, concat!("linewatch version ", env!("CARGO_PKG_VERSION")))
            .end();
        self.put(&footer)?;
        self.put(&(footer.len() as u32).to_le_bytes())?;
        self.put(MAGIC)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn found(part: &Option<Part>) -> &Page {
    static NOTHING: Page = Page {
        values: 0,
        encoding: PLAIN,
        raw: 0,
        packed: Vec::new(),
    };
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
    world.users.len() * ROWS_PER_USER <= rows.len()
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
                if part == 5 {
                    // The same names as for callers.
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
    .map_err(|error: Error| io::Error::other(error.to_string()))?;
    let mut made: Vec<Option<Part>> = made.into_iter().collect::<io::Result<_>>()?;
    if by_dictionary
        && made[21].is_none()
        && let Some(Part::Keys(page)) = &made[1]
    {
        made[21] = Some(Part::Keys(page.clone()));
    }
    if by_dictionary && let Some(Part::Dictionary(page)) = &made[4] {
        made[5] = Some(Part::Dictionary(page.clone()));
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
