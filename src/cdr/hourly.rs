//! Tables whose rows do not hinder each other: messages and data sessions.
//!
//! As with calls, the quota of each hour is known before, candidates of ranges of users are drawn
//! in parallel, put into the order of their seconds, and the surplus goes at random. There is no
//! sweep, so an hour needs nothing of any other one. `by_second` and `trim` serve calls as well.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use super::block::{self, Hour, RANGE};
use super::columns::{Column, Field, Names};
use super::keyed::{Subject, below};
use super::rhythm::{Quota, Rhythm};
use super::stream::Daily;
use super::world::World;
use crate::error::Error;
use crate::parallel;

/// Times an hour is made again with more candidates.
const MOST_TRIES: u32 = 24;

/// A row of such a table.
pub trait Record: Copy + Default + Debug + Send + Sync + 'static {
    /// Names and kinds of the columns.
    const FIELDS: &'static [Field];
    /// The field of the settings that says how many there are.
    const VOLUME: &'static str;
    /// Names the draws that choose the surplus.
    const NUMBER: u32;

    /// How many rows each day and hour has.
    fn rhythm(world: &World) -> &Rhythm;

    /// Appends the rows of the users in `range`, of about `rows` of all users.
    fn candidates(
        world: &World,
        hour: Hour,
        rows: f64,
        moods: &[f32],
        range: Range<u32>,
        out: &mut Vec<Self>,
    );

    /// Second of the day.
    fn start(&self) -> u32;

    /// The columns of consecutive rows of a day, of which the first is row `first_row` of the data.
    ///
    /// # Errors
    ///
    /// As [`parallel::for_each`].
    fn columns(
        world: &World,
        names: &Names,
        day: u32,
        first_row: u64,
        rows: &[Self],
        threads: usize,
    ) -> Result<Vec<Column>, Error>;
}

/// Makes the days of a table, one at a time.
#[derive(Debug)]
pub struct Maker<R> {
    world: Arc<World>,
    threads: usize,
    day: u32,
    hour: usize,
    quotas: Vec<u64>,
    moods: Vec<f32>,
    parts: Vec<Vec<R>>,
    sorted: Vec<R>,
}

impl<R> Maker<R> {
    /// A maker on up to `threads` threads.
    pub fn new(world: Arc<World>, threads: usize) -> Self {
        Maker {
            world,
            threads,
            day: 0,
            hour: 24,
            quotas: Vec::new(),
            moods: Vec::new(),
            parts: Vec::new(),
            sorted: Vec::new(),
        }
    }
}

impl<R: Record> Daily for Maker<R> {
    type Row = R;

    fn day(&self) -> u32 {
        self.day
    }

    fn quota(&self, day: u32) -> Quota {
        R::rhythm(&self.world).quotas()[day as usize]
    }

    fn begin(&mut self, day: u32) -> Result<(), Error> {
        block::all_moods(&self.world, day, self.threads, &mut self.moods)?;
        self.quotas = R::rhythm(&self.world).normal(&self.world.settings, day);
        (self.day, self.hour) = (day, 0);
        Ok(())
    }

    fn next_hour(&mut self, out: &mut Vec<R>) -> Result<bool, Error> {
        if self.hour == 24 {
            return Ok(false);
        }
        let (world, moods, day) = (&*self.world, &self.moods, self.day);
        let quota = self.quotas[self.hour] as usize;
        let hour = Hour::new(world, day, self.hour);
        self.hour += 1;
        if quota == 0 {
            return Ok(true);
        }
        self.parts
            .resize_with(moods.len().div_ceil(RANGE), Vec::new);
        let mut made = 0;
        // More than a few standard deviations above, so that seldom an hour is made twice.
        let mut rows = 1.01 * quota as f64 + 4.0 * libm::sqrt(quota as f64) + 2.0;
        for _ in 0..MOST_TRIES {
            if made >= quota {
                break;
            }
            let tasks: Vec<_> = self.parts.iter_mut().enumerate().collect();
            parallel::for_each(tasks, self.threads, |(part, out)| {
                out.clear();
                let (from, to) = (part * RANGE, ((part + 1) * RANGE).min(moods.len()));
                let range = from as u32..to as u32;
                R::candidates(world, hour, rows, &moods[from..to], range, out);
                Ok(())
            })?;
            made = self.parts.iter().map(Vec::len).sum();
            rows = rows * 1.25 + 2.0;
        }
        if made < quota {
            let expected = format!("less, so that hour {} of day {day} fits", hour.hour);
            return Err(Error::argument(R::VOLUME, expected, quota));
        }
        let begin = hour.hour as u32 * 3600;
        by_second(&self.parts, begin, R::start, &mut self.sorted);
        let before = out.len();
        out.extend_from_slice(&self.sorted);
        let draw = |k| {
            world
                .key
                .draw(Subject::Surplus, hour.number(), k, R::NUMBER)
        };
        trim(out, before, made - quota, |_| true, draw);
        Ok(true)
    }
}

/// Puts rows of an hour into the order of their seconds, those of a second as they come.
pub fn by_second<R: Copy + Default>(
    parts: &[Vec<R>],
    begin: u32,
    start: impl Fn(&R) -> u32,
    sorted: &mut Vec<R>,
) {
    let mut places = [0u32; 3601];
    for row in parts.iter().flatten() {
        places[(start(row) - begin) as usize + 1] += 1;
    }
    for second in 0..3600 {
        places[second + 1] += places[second];
    }
    sorted.resize(places[3600] as usize, R::default());
    for row in parts.iter().flatten() {
        let place = &mut places[(start(row) - begin) as usize];
        sorted[*place as usize] = *row;
        *place += 1;
    }
}

/// Takes `surplus` rows from `before` on away, each that `may_go` with the same chance.
pub fn trim<R: Copy>(
    out: &mut Vec<R>,
    before: usize,
    surplus: usize,
    may_go: impl Fn(&R) -> bool,
    draw: impl Fn(u32) -> [u32; 4],
) {
    if surplus == 0 {
        return;
    }
    let n = out.len() - before;
    let mut gone = vec![false; n];
    let (mut left, mut number) = (surplus, 0);
    while left > 0 {
        let bits = draw(number);
        number += 1;
        for bits in bits {
            let at = below(bits, n as u32) as usize;
            if left > 0 && !gone[at] && may_go(&out[before + at]) {
                gone[at] = true;
                left -= 1;
            }
        }
    }
    let mut kept = before;
    for at in 0..n {
        if !gone[at] {
            out[kept] = out[before + at];
            kept += 1;
        }
    }
    out.truncate(kept);
}
