//! A stream: events of many keys in, answers of its rules out.

use super::arrival::{Arrival, Clock, Verdict, Waiting};
use super::kernel::{Event, Kernel};
use super::keys::{Key, Keys};
use crate::error::Error;
use crate::parallel::Monitor;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It counted.
    Taken = 0,
    /// It came after its watermark and did not count.
    Late = 1,
    /// Its key and time had been taken, and it did not count.
    Duplicate = 2,
    /// It counted as the first of its key, whose clock was put back.
    Restarted = 3,
}

/// What a stream tells of some events.
#[derive(Debug, Default)]
pub struct Answers {
    /// Their numbers among all events of the stream, from 0.
    pub rows: Vec<u64>,
    /// The slots of their keys.
    pub slots: Vec<u32>,
    /// Their times.
    pub times: Vec<i64>,
    /// Their values.
    pub values: Vec<f64>,
    /// What became of them.
    pub status: Vec<u8>,
    /// A row for each of them, one number for each output; NaN for those that did not count.
    pub outputs: Vec<f64>,
}

impl Answers {
    fn push(&mut self, slot: u32, event: Waiting, status: Status) {
        self.rows.push(event.row);
        self.slots.push(slot);
        self.times.push(event.time);
        self.values.push(event.value);
        self.status.push(status as u8);
    }
}

/// Totals of a stream since its beginning, by [`Status`].
pub type Counts = [u64; 4];

/// Events between two looks at whether to stop.
const CHUNK: usize = 8192;

/// The states of all keys.
pub struct Stream {
    pub(super) arrival: Arrival,
    pub(super) kernels: Vec<Box<dyn Kernel>>,
    pub(super) keys: Keys,
    pub(super) clocks: Vec<Clock>,
    pub(super) rows: u64,
    pub(super) counts: Counts,
}

/// The keys of some events.
#[derive(Debug, Clone, Copy)]
pub enum KeyColumn<'a> {
    /// One key of all of them.
    One(&'a Key),
    /// Whole numbers.
    Numbers(&'a [i64]),
    /// Texts.
    Texts(&'a [&'a str]),
}

impl Stream {
    /// A stream without keys yet.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the lateness is negative.
    pub fn new(arrival: Arrival, kernels: Vec<Box<dyn Kernel>>) -> Result<Self, Error> {
        if arrival.lateness < 0 {
            let expected = "not negative";
            return Err(Error::argument("lateness", expected, arrival.lateness));
        }
        Ok(Stream {
            arrival,
            kernels,
            keys: Keys::default(),
            clocks: Vec::new(),
            rows: 0,
            counts: [0; 4],
        })
    }

    /// Numbers told of an event.
    pub fn width(&self) -> usize {
        self.kernels.iter().map(|kernel| kernel.outputs()).sum()
    }

    /// Events so far, whatever became of them.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Events so far by what became of them.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The keys and their slots.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The newest time a key has shown.
    pub fn newest(&self, slot: u32) -> Option<i64> {
        self.clocks[slot as usize].newest
    }

    /// Events that wait for their watermark.
    pub fn waiting(&self) -> usize {
        self.clocks.iter().map(|clock| clock.waiting.len()).sum()
    }

    /// Takes events in the order they came, and tells of those that leave.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] between two chunks: events up to [`rows`](Stream::rows) are taken then.
    /// Otherwise lengths that differ, and a mix of numbers and texts as keys; nothing is taken.
    pub fn update(
        &mut self,
        keys: KeyColumn,
        times: &[i64],
        values: &[f64],
        monitor: &Monitor,
    ) -> Result<Answers, Error> {
        self.check(keys, times, values)?;
        let mut answers = Answers::default();
        for first in (0..times.len()).step_by(CHUNK) {
            let rows = first..times.len().min(first + CHUNK);
            let n = rows.len() as u64;
            let before = answers.rows.len();
            for i in rows {
                let slot = match keys {
                    KeyColumn::One(Key::Number(key)) => self.keys.of_number(*key),
                    KeyColumn::One(Key::Text(key)) => self.keys.of_text(key),
                    KeyColumn::Numbers(keys) => self.keys.of_number(keys[i]),
                    KeyColumn::Texts(keys) => self.keys.of_text(keys[i]),
                };
                self.arrive(slot, times[i], values[i], &mut answers);
            }
            self.answer(&mut answers, before);
            monitor.tick(n)?;
        }
        Ok(answers)
    }

    /// Lets all events leave that wait.
    pub fn flush(&mut self) -> Answers {
        let mut answers = Answers::default();
        for (slot, clock) in self.clocks.iter_mut().enumerate() {
            self.arrival.flush(clock, |event| {
                answers.push(slot as u32, event, Status::Taken);
            });
        }
        self.answer(&mut answers, 0);
        answers
    }

    /// Forgets a key: its state, its clock and what waits. False if it is not known.
    pub fn forget(&mut self, key: &Key) -> bool {
        let Some(slot) = self.keys.get(key) else {
            return false;
        };
        self.keys.remove(slot);
        self.clear(slot);
        true
    }

    /// Forgets the keys that have shown no time from `time` on, and says how many they were.
    pub fn forget_before(&mut self, time: i64) -> usize {
        let old = |slot: &u32| self.newest(*slot).is_none_or(|newest| newest < time);
        let slots: Vec<u32> = self.keys.iter().map(|(slot, _)| slot).filter(old).collect();
        for &slot in &slots {
            self.keys.remove(slot);
            self.clear(slot);
        }
        slots.len()
    }

    fn clear(&mut self, slot: u32) {
        self.clocks[slot as usize] = Clock::default();
        for kernel in &mut self.kernels {
            kernel.reset(slot as usize);
        }
    }

    pub(super) fn grow(&mut self) {
        let n = self.keys.slots();
        if self.clocks.len() < n {
            self.clocks.resize(n, Clock::default());
            for kernel in &mut self.kernels {
                kernel.grow(n);
            }
        }
    }

    #[inline(always)]
    fn arrive(&mut self, slot: u32, time: i64, value: f64, answers: &mut Answers) {
        if slot as usize >= self.clocks.len() {
            self.grow();
        }
        let value = if value.is_finite() { value } else { f64::NAN };
        let event = Waiting {
            time,
            value,
            row: self.rows,
        };
        self.rows += 1;
        let clock = &mut self.clocks[slot as usize];
        let status = match self.arrival.judge(clock, time) {
            Verdict::Counts if self.arrival.lateness > 0 => {
                let leave = |event| answers.push(slot, event, Status::Taken);
                self.arrival.wait(clock, event, leave);
                return;
            }
            Verdict::Counts => {
                self.arrival.take(clock, time);
                Status::Taken
            }
            Verdict::Late => Status::Late,
            Verdict::Duplicate => Status::Duplicate,
            Verdict::Restarts => {
                for event in std::mem::take(&mut clock.waiting) {
                    answers.push(slot, event, Status::Taken);
                }
                *clock = Clock::default();
                self.arrival.judge(clock, time);
                self.arrival.take(clock, time);
                Status::Restarted
            }
        };
        answers.push(slot, event, status);
    }

    /// Lets the rules answer events from number `first` on.
    fn answer(&mut self, answers: &mut Answers, first: usize) {
        let width = self.width();
        answers.outputs.resize(width * answers.rows.len(), f64::NAN);
        for &status in &answers.status[first..] {
            self.counts[usize::from(status)] += 1;
        }
        let mut from = first;
        while from < answers.rows.len() {
            // A key that starts afresh does so between its events.
            let restarts = answers.status[from..].iter().skip(1);
            let restarted = Status::Restarted as u8;
            let to = restarts.take_while(|&&s| s != restarted).count() + from + 1;
            if answers.status[from] == restarted {
                let slot = answers.slots[from] as usize;
                self.kernels
                    .iter_mut()
                    .for_each(|kernel| kernel.reset(slot));
            }
            self.run(answers, from, to, width);
            from = to;
        }
    }

    fn run(&mut self, answers: &mut Answers, from: usize, to: usize, width: usize) {
        if width == 0 {
            return;
        }
        let counts =
            |status: u8| status == Status::Taken as u8 || status == Status::Restarted as u8;
        let events: Vec<Option<Event>> = (from..to)
            .map(|i| {
                counts(answers.status[i]).then(|| Event {
                    slot: answers.slots[i],
                    time: answers.times[i],
                    value: answers.values[i],
                })
            })
            .collect();
        let out = &mut answers.outputs[from * width..to * width];
        let mut column = 0;
        for kernel in &mut self.kernels {
            kernel.update(&events, out, width, column);
            column += kernel.outputs();
        }
    }

    fn check(&self, keys: KeyColumn, times: &[i64], values: &[f64]) -> Result<(), Error> {
        let n = match keys {
            KeyColumn::One(_) => times.len(),
            KeyColumn::Numbers(keys) => keys.len(),
            KeyColumn::Texts(keys) => keys.len(),
        };
        for (name, found) in [("time", times.len()), ("value", values.len())] {
            if found != n {
                return Err(Error::Length {
                    name,
                    expected: n,
                    found,
                });
            }
        }
        let text = matches!(keys, KeyColumn::Texts(_) | KeyColumn::One(Key::Text(_)));
        match self.keys.are_text() {
            Some(before) if before != text => {
                let kind = |text| if text { "text" } else { "whole numbers" };
                let expected = format!("{}, as the keys before", kind(before));
                Err(Error::argument("key", expected, kind(text)))
            }
            _ => Ok(()),
        }
    }
}
