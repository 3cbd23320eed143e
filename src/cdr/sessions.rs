//! Data sessions: when a user is online, over which radio, and how many bytes go either way.
//!
//! A record covers one stretch within an hour: it ends by itself, when the next session of its user
//! begins, when its bytes reach the limit, or at the full hour, where the network closes records.
//! So a user is in one session at a time, and an hour needs no other hour. Bytes are the product of
//! a log-normal length and a log-normal rate, so few sessions carry most of them.

use std::ops::Range;

use super::block::{self, Hour, Stay};
use super::columns::{self, Column, Field, Kind, Names, Text, word};
use super::hourly::Record;
use super::keyed::{Key, Subject, unit};
use super::rhythm::{Activity, Rhythm};
use super::settings::{RATS, Settings};
use super::tables::{Quantiles, normal_quantile};
use super::world::World;
use crate::error::Error;

// Causes for the closing of a record (TS 32.298).
const NORMAL: u8 = 0;
const VOLUME: u8 = 16;
const TIME: u8 = 17;

/// What sessions are made from.
#[derive(Debug)]
pub struct Sessions {
    rhythm: Rhythm,
    lengths: Quantiles,
    rates: Quantiles,
    /// Cumulated shares of the radio access types, in 65,536ths.
    rats: [u32; 3],
}

impl Sessions {
    /// For users of this activity.
    pub fn new(key: Key, settings: &Settings, activity: &Activity) -> Self {
        let data = &settings.data;
        let log_normal = |(median, spread): (f64, f64)| {
            Quantiles::new(|p| median * libm::exp(spread * normal_quantile(p)))
        };
        let sum: f64 = data.rats.iter().sum();
        let mut total = 0.0;
        Sessions {
            rhythm: Rhythm::of_table(key, settings, activity, data.volume, Session::NUMBER),
            lengths: log_normal(data.length),
            rates: log_normal(data.rate),
            rats: data.rats.map(|share| {
                total += share / sum;
                (total * 65_536.0).round() as u32
            }),
        }
    }
}

/// A session. The user is a place in the world, seconds count from the day's midnight.
#[derive(Debug, Clone, Copy, Default)]
pub struct Session {
    start: u32,
    user: u32,
    down: u64,
    up: u64,
    length: u16,
    cell: u16,
    cause: u8,
    rat: u8,
}

impl Record for Session {
    const FIELDS: &'static [Field] = &[
        ("session_id", Kind::Text),
        ("user_id", Kind::Text),
        ("session_start_ts", Kind::Time),
        ("session_end_ts", Kind::Time),
        ("session_duration", Kind::Whole),
        ("cell_id", Kind::Text),
        ("rat_type", Kind::Text),
        ("downlink_volume", Kind::Long),
        ("uplink_volume", Kind::Long),
        ("cause_for_record_closing", Kind::Whole),
        ("imei", Kind::Text),
        ("imsi", Kind::Text),
    ];
    const VOLUME: &'static str = "data_sessions_per_user_day";
    const NUMBER: u32 = 2;

    fn rhythm(world: &World) -> &Rhythm {
        &world.sessions.rhythm
    }

    fn start(&self) -> u32 {
        self.start
    }

    fn candidates(
        world: &World,
        hour: Hour,
        rows: f64,
        moods: &[f32],
        range: Range<u32>,
        out: &mut Vec<Self>,
    ) {
        let table = &world.sessions;
        let rates = table.rhythm.rates(hour.weekend, hour.hour, rows);
        let seconds = table.rhythm.seconds(hour.weekend, hour.hour);
        let (begin, number) = (hour.hour as u32 * 3600, hour.number());
        let moods = (Subject::Surfing, moods);
        let mut starts: Vec<(u32, [u32; 4])> = Vec::new();
        block::each_user(world, hour, &rates, moods, range, |i, user, count| {
            let mut stay = Stay::new(world, i, user, hour);
            starts.clear();
            starts.extend((0..count).map(|k| {
                let bits = world.key.draw(Subject::Session, i, number, k);
                ((seconds.at(bits[0]) as u32).min(3599), bits)
            }));
            starts.sort_by_key(|(second, _)| *second);
            // Sessions that would begin in the same second are one.
            starts.dedup_by_key(|(second, _)| *second);
            for (k, &(second, bits)) in starts.iter().enumerate() {
                let next = starts.get(k + 1).map_or(3600, |(next, _)| *next);
                out.push(Session {
                    start: begin + second,
                    user: i,
                    cell: stay.at(second),
                    ..table.session(
                        bits,
                        next - second,
                        next == 3600,
                        world.settings.data.most_bytes,
                    )
                });
            }
        });
    }

    fn columns(
        world: &World,
        names: &Names,
        day: u32,
        first_row: u64,
        rows: &[Self],
        threads: usize,
    ) -> Result<Vec<Column>, Error> {
        let users = columns::publics(world, rows, |row| row.user);
        let midnight = columns::midnight(world, day);
        let rats = RATS.map(|name| word(name.as_bytes()));
        columns::by_column(Self::FIELDS.len(), threads, |number| match number {
            0 => columns::numbered(world, b"data_", first_row, rows.len()),
            1 => columns::users(world, &users),
            2 => columns::times(rows, |row| midnight + i64::from(row.start)),
            3 => columns::times(rows, |row| {
                midnight + i64::from(row.start + u32::from(row.length))
            }),
            4 => Column::Whole(rows.iter().map(|row| row.length.into()).collect()),
            5 => columns::cells(names, rows, |row| row.cell),
            6 => Column::Text(Text::of(rows.iter(), 6, |row, out| {
                columns::copy(&rats[usize::from(row.rat)], out)
            })),
            7 => Column::Long(rows.iter().map(|row| row.down as i64).collect()),
            8 => Column::Long(rows.iter().map(|row| row.up as i64).collect()),
            9 => Column::Whole(rows.iter().map(|row| row.cause.into()).collect()),
            10 => columns::imeis(world, &users),
            _ => columns::imsis(world, &users),
        })
    }
}

impl Sessions {
    /// What the draw of a session says, if it must end after `room` seconds.
    #[inline]
    fn session(&self, bits: [u32; 4], room: u32, is_last: bool, most_bytes: f64) -> Session {
        let mut length = (self.lengths.at(bits[1]) as u32).max(1);
        let mut cause = NORMAL;
        if length >= room {
            length = room;
            cause = if is_last { TIME } else { NORMAL };
        }
        // 1 kbit/s is 125 bytes a second.
        let rate = f64::from(self.rates.at(bits[2])) * 125.0;
        let mut bytes = f64::from(length) * rate;
        if bytes > most_bytes {
            length = ((most_bytes / rate) as u32).clamp(1, length);
            bytes = most_bytes;
            cause = VOLUME;
        }
        // Mostly a few hundredths go up, seldom a third.
        let u = unit(bits[3]);
        let up = bytes * (0.02 + 0.35 * u * u * u);
        let kind = bits[3] & 0xFFFF;
        let rat = self.rats[..2]
            .iter()
            .filter(|&&bound| kind >= bound)
            .count();
        Session {
            down: (bytes - up) as u64,
            up: up as u64,
            length: length as u16,
            cause,
            rat: rat as u8,
            ..Session::default()
        }
    }
}
