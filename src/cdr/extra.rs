//! What the record of a call says beside who, when and where: columns that are added on request.
//!
//! Each follows from the row and a draw of its own, so the thirteen basic columns are the same
//! with and without them. The causes are those of TS 32.298: 0 is a normal release, 3 an
//! unsuccessful attempt, 4 the abnormal end of a call that stood.

use super::block::{self, Hour};
use super::columns::{self, Column, Field, Kind, Names, Text};
use super::identity::Room;
use super::keyed::{Subject, threshold};
use super::row::{DAY_S, Row};
use super::world::World;
use crate::error::Error;

/// Names and kinds of the columns.
pub const EXTRA: [Field; 6] = [
    ("call_type", Kind::Text),
    ("called_id", Kind::Text),
    ("cause_for_termination", Kind::Whole),
    ("callee_first_cell_id", Kind::Text),
    ("callee_last_cell_id", Kind::Text),
    ("utc_time_offset", Kind::Text),
];

const ATTEMPT: u8 = 3;
const DROPPED: u8 = 4;

/// What a record says beside the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extra {
    /// The user whose number was dialed; the callee, unless the call was forwarded.
    pub called: u32,
    /// Why it ended.
    pub cause: u8,
    /// The callee's towers at the beginning and at the end.
    pub cells: [u16; 2],
}

/// What the record of `row`, of a day, says.
#[inline]
pub fn of(world: &World, day: u32, row: &Row) -> Extra {
    let settings = &world.settings;
    let moment = day * DAY_S + row.start;
    let [a, b, c, d] = world
        .key
        .draw(Subject::Record, row.caller, row.callee, moment);
    let cause = match row.duration {
        0 => ATTEMPT,
        _ if a < threshold(settings.drop_share) => DROPPED,
        _ => 0,
    };
    let first = block::whereabouts(world, row.callee, day, row.start);
    let mut called = row.callee;
    if row.kind == 0 && b < threshold(settings.forwarded_share) {
        // Somebody whom the callee knows has calls sent on to the callee.
        let user = &world.users[row.callee as usize];
        let hour = Hour::new(world, day, (row.start / 3600) as usize);
        let call = (1 << 30 | hour.number(), row.start);
        let dialed = world.ties.callee(row.callee, user, hour.at_work(), c, call);
        if dialed != row.caller {
            called = dialed;
        }
    }
    Extra {
        called,
        cause,
        cells: [first, world.places.last(first, row.duration.into(), d)],
    }
}

/// Whether any column is asked for.
pub fn is_any(world: &World) -> bool {
    world.settings.columns.contains(&true)
}

/// The columns that the settings ask for.
pub fn fields(chosen: &[bool; EXTRA.len()]) -> impl Iterator<Item = Field> {
    EXTRA
        .into_iter()
        .zip(*chosen)
        .filter_map(|(field, is_chosen)| is_chosen.then_some(field))
}

/// The type of a call between subscribers: from a mobile, or sent on.
fn call_type(row: &Row, extra: &Extra) -> &'static [u8] {
    if extra.called == row.callee {
        b"MOC"
    } else {
        b"CF"
    }
}

/// The columns that the settings ask for, of rows of a day.
///
/// # Errors
///
/// As [`crate::parallel::for_each`].
pub fn columns(
    world: &World,
    names: &Names,
    day: u32,
    rows: &[Row],
    threads: usize,
) -> Result<Vec<Column>, Error> {
    if !is_any(world) {
        return Ok(Vec::new());
    }
    const PART: usize = 8192;
    let mut extras = vec![Extra::default(); rows.len()];
    let tasks: Vec<_> = extras.chunks_mut(PART).zip(rows.chunks(PART)).collect();
    crate::parallel::for_each(tasks, threads, |(extras, rows)| {
        for (extra, row) in extras.iter_mut().zip(rows) {
            *extra = of(world, day, row);
        }
        Ok(())
    })?;
    let chosen: Vec<usize> = (0..EXTRA.len())
        .filter(|&k| world.settings.columns[k])
        .collect();
    let offset = world.settings.utc_time_offset.as_bytes();
    columns::by_column(chosen.len(), threads, |number| match chosen[number] {
        0 => Column::Text(Text::of(
            rows.iter().zip(&extras),
            3,
            |(row, extra), out| put(call_type(row, extra), out),
        )),
        1 => columns::users(
            world,
            &columns::publics(world, &extras, |extra| extra.called),
        ),
        2 => Column::Whole(extras.iter().map(|extra| extra.cause.into()).collect()),
        3 => columns::cells(names, &extras, |extra| extra.cells[0]),
        4 => columns::cells(names, &extras, |extra| extra.cells[1]),
        _ => Column::Text(Text::of(0..rows.len(), 5, |_, out| put(offset, out))),
    })
}

/// Writes the columns that the settings ask for, each after a comma.
pub fn write(world: &World, names: &Names, day: u32, row: &Row, out: &mut impl FnMut(&[u8])) {
    let extra = of(world, day, row);
    let [of_type, called, cause, first, last, offset] = world.settings.columns;
    if of_type {
        out(b",");
        out(call_type(row, &extra));
    }
    if called {
        let mut text = [0; 32];
        let number = u64::from(world.identities.public(extra.called)) + 1;
        let length = world.digits.named(b",user_", number, 4, &mut text);
        out(&text[..length]);
    }
    if cause {
        out(&[b',', b'0' + extra.cause]);
    }
    for (is_chosen, cell) in [first, last].into_iter().zip(extra.cells) {
        if is_chosen {
            out(b",");
            out(names.cell(usize::from(cell)));
        }
    }
    if offset {
        out(b",");
        out(world.settings.utc_time_offset.as_bytes());
    }
}

fn put(text: &[u8], out: &mut Room) -> usize {
    out[..text.len()].copy_from_slice(text);
    text.len()
}
