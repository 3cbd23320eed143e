//! Short messages: conversations in which two users write in turn.
//!
//! A conversation begins like a call does, with somebody whom the user knows, and each message may
//! be followed by another, mostly by the other one. What would follow after the hour is written at
//! its beginning, so that the hour keeps its shape and needs no other hour.

use std::ops::Range;

use super::block::{self, Hour, Stay};
use super::columns::{self, Column, Field, Kind, Names};
use super::hourly::Record;
use super::keyed::{Key, Subject, below};
use super::rhythm::{Activity, Rhythm};
use super::settings::Settings;
use super::tables::{Quantiles, normal_quantile};
use super::world::World;
use crate::error::Error;

/// Octets that a message holds (TS 23.040).
const MOST_OCTETS: u32 = 140;
/// Messages of a conversation within an hour, at most.
const MOST: usize = 64;

/// What messages are made from.
#[derive(Debug)]
pub struct Messages {
    rhythm: Rhythm,
    gaps: Quantiles,
    octets: Quantiles,
}

impl Messages {
    /// For users of this activity.
    pub fn new(key: Key, settings: &Settings, activity: &Activity) -> Self {
        let gap = settings.sms.gap_s;
        Messages {
            rhythm: Rhythm::of_table(
                key,
                settings,
                activity,
                settings.sms.volume,
                Message::NUMBER,
            ),
            gaps: Quantiles::new(|p| -gap * libm::log(1.0 - p)),
            octets: Quantiles::new(|p| 45.0 * libm::exp(0.7 * normal_quantile(p))),
        }
    }
}

/// A message. Users are places in the world, seconds count from the day's midnight.
#[derive(Debug, Clone, Copy, Default)]
pub struct Message {
    start: u32,
    sender: u32,
    recipient: u32,
    /// Seconds until it is delivered.
    delay: u16,
    /// Towers of the sender and of the recipient when it is sent.
    from: u16,
    to: u16,
    octets: u8,
}

impl Record for Message {
    const FIELDS: &'static [Field] = &[
        ("sms_id", Kind::Text),
        ("sender_id", Kind::Text),
        ("recipient_id", Kind::Text),
        ("sms_ts", Kind::Time),
        ("delivery_ts", Kind::Time),
        ("message_size", Kind::Whole),
        ("sender_cell_id", Kind::Text),
        ("recipient_cell_id", Kind::Text),
        ("sender_imei", Kind::Text),
        ("sender_imsi", Kind::Text),
        ("recipient_imsi", Kind::Text),
    ];
    const VOLUME: &'static str = "sms_per_user_day";
    const NUMBER: u32 = 1;

    fn rhythm(world: &World) -> &Rhythm {
        &world.messages.rhythm
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
        let table = &world.messages;
        let follow_up = (world.settings.sms.follow_up * 256.0).round() as u32;
        let conversations = rows * (1.0 - f64::from(follow_up) / 256.0);
        let rates = table.rhythm.rates(hour.weekend, hour.hour, conversations);
        let seconds = table.rhythm.seconds(hour.weekend, hour.hour);
        let (begin, number) = (hour.hour as u32 * 3600, hour.number());
        let moods = (Subject::Texting, moods);
        let mut talk: Vec<(u32, [u32; 4])> = Vec::with_capacity(MOST);
        block::each_user(world, hour, &rates, moods, range, |i, user, count| {
            let mut mine = Stay::new(world, i, user, hour);
            let mut message = 0;
            for _ in 0..count {
                talk.clear();
                loop {
                    let bits = world.key.draw(Subject::Message, i, number, message);
                    let second = match talk.last() {
                        None => (seconds.at(bits[1]) as u32).min(3599),
                        Some((last, _)) => (last + 3 + table.gaps.at(bits[1]) as u32) % 3600,
                    };
                    talk.push((second, bits));
                    message += 1;
                    // The low bits of the tie's draw have no part in choosing it.
                    if bits[0] & 0xFF >= follow_up || talk.len() == MOST {
                        break;
                    }
                }
                let call = (1 << 29 | number, message);
                let other = world
                    .ties
                    .callee(i, user, hour.at_work(), talk[0].1[0], call);
                let mut theirs = Stay::new(world, other, &world.users[other as usize], hour);
                talk.sort_by_key(|(second, _)| *second);
                let mut is_answer = false;
                for &(second, [_, _, size, more]) in &talk {
                    let ends = [(i, mine.at(second)), (other, theirs.at(second))];
                    let [sender, recipient] = if is_answer { [ends[1], ends[0]] } else { ends };
                    out.push(Message {
                        start: begin + second,
                        sender: sender.0,
                        recipient: recipient.0,
                        delay: delay(more),
                        from: sender.1,
                        to: recipient.1,
                        octets: (table.octets.at(size) as u32).clamp(1, MOST_OCTETS) as u8,
                    });
                    // Three of four messages are answered by the next one.
                    is_answer ^= size & 3 != 0;
                }
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
        let people = |side: usize| move |row: &Message| [row.sender, row.recipient][side];
        let senders = columns::publics(world, rows, people(0));
        let recipients = columns::publics(world, rows, people(1));
        let midnight = columns::midnight(world, day);
        columns::by_column(Self::FIELDS.len(), threads, |number| match number {
            0 => columns::numbered(world, b"sms_", first_row, rows.len()),
            1 => columns::users(world, &senders),
            2 => columns::users(world, &recipients),
            3 => columns::times(rows, |row| midnight + i64::from(row.start)),
            4 => columns::times(rows, |row| {
                midnight + i64::from(row.start + u32::from(row.delay))
            }),
            5 => Column::Whole(rows.iter().map(|row| row.octets.into()).collect()),
            6 => columns::cells(names, rows, |row| row.from),
            7 => columns::cells(names, rows, |row| row.to),
            8 => columns::imeis(world, &senders),
            9 => columns::imsis(world, &senders),
            _ => columns::imsis(world, &recipients),
        })
    }
}

/// Seconds until a message is delivered: a few, or up to two hours if the phone is off.
fn delay(bits: u32) -> u16 {
    if bits & 31 == 0 {
        let u = u64::from(bits >> 16);
        60 + ((u * u * 7140) >> 32) as u16
    } else {
        1 + below(bits, 4) as u16
    }
}
