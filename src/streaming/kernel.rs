//! A rule, and the states it has made for the keys of a stream.

use super::bytes::{Reader, Writer};

/// What a rule is told: a key's value at a time. NaN is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Which key, as a number from 0.
    pub slot: u32,
    /// Never before that of the key's last event.
    pub time: i64,
    /// Finite, or NaN.
    pub value: f64,
}

/// How a state is made, changed and kept.
pub trait Rule: Send {
    /// What is remembered of a key.
    type State: Send;
    /// Numbers it tells after each event.
    fn outputs(&self) -> usize;
    /// The state before any event.
    fn start(&self) -> Self::State;
    /// Takes an event and writes [`outputs`](Rule::outputs) numbers, NaN for what is not known.
    fn push(&self, state: &mut Self::State, time: i64, value: f64, out: &mut [f64]);
    /// Writes a state down.
    fn write(&self, state: &Self::State, to: &mut Writer);
    /// Reads what [`write`](Rule::write) wrote; `None` if it cannot have been written so.
    fn read(&self, from: &mut Reader) -> Option<Self::State>;
}

/// A rule with its states, whatever their type.
pub trait Kernel: Send {
    /// Numbers it tells after each event.
    fn outputs(&self) -> usize;
    /// Makes states for slots below `n`.
    fn grow(&mut self, n: usize);
    /// Puts a state back to its start.
    fn reset(&mut self, slot: usize);
    /// Takes events; those of `None` are left out. The answers of event `i` go to columns
    /// `first..` of row `i` of `out`, a table `width` wide.
    fn update(&mut self, events: &[Option<Event>], out: &mut [f64], width: usize, first: usize);
    /// Writes the state of a slot.
    fn write(&self, slot: usize, to: &mut Writer);
    /// Reads a state for a slot.
    fn read(&mut self, slot: usize, from: &mut Reader) -> Option<()>;
}

/// One state for each slot.
pub struct Table<R: Rule> {
    rule: R,
    states: Vec<R::State>,
}

impl<R: Rule> Table<R> {
    /// Of no slots yet.
    pub fn new(rule: R) -> Self {
        Table {
            rule,
            states: Vec::new(),
        }
    }
}

impl<R: Rule> Kernel for Table<R> {
    fn outputs(&self) -> usize {
        self.rule.outputs()
    }

    fn grow(&mut self, n: usize) {
        while self.states.len() < n {
            self.states.push(self.rule.start());
        }
    }

    fn reset(&mut self, slot: usize) {
        self.states[slot] = self.rule.start();
    }

    fn update(&mut self, events: &[Option<Event>], out: &mut [f64], width: usize, first: usize) {
        let last = first + self.rule.outputs();
        for (event, row) in events.iter().zip(out.chunks_exact_mut(width)) {
            if let Some(Event { slot, time, value }) = *event {
                let state = &mut self.states[slot as usize];
                self.rule.push(state, time, value, &mut row[first..last]);
            }
        }
    }

    fn write(&self, slot: usize, to: &mut Writer) {
        self.rule.write(&self.states[slot], to);
    }

    fn read(&mut self, slot: usize, from: &mut Reader) -> Option<()> {
        self.states[slot] = self.rule.read(from)?;
        Some(())
    }
}
