//! The keys of a stream and their slots.

use std::collections::HashMap;

/// A key: whole numbers or text, one of them throughout a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(Box<str>),
}

/// Slots of keys; a slot that was given up is taken again.
#[derive(Debug, Default)]
pub struct Keys {
    numbers: HashMap<i64, u32>,
    texts: HashMap<Box<str>, u32>,
    /// The key of each slot, none where it was given up.
    by_slot: Vec<Option<Key>>,
    free: Vec<u32>,
}

impl Keys {
    /// The slot of a number, made if there is none yet.
    pub fn of_number(&mut self, key: i64) -> u32 {
        if let Some(&slot) = self.numbers.get(&key) {
            return slot;
        }
        let slot = self.place(Key::Number(key));
        self.numbers.insert(key, slot);
        slot
    }

    /// The slot of a text, made if there is none yet.
    pub fn of_text(&mut self, key: &str) -> u32 {
        if let Some(&slot) = self.texts.get(key) {
            return slot;
        }
        let slot = self.place(Key::Text(key.into()));
        self.texts.insert(key.into(), slot);
        slot
    }

    fn place(&mut self, key: Key) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.by_slot[slot as usize] = Some(key);
            return slot;
        }
        self.by_slot.push(Some(key));
        (self.by_slot.len() - 1) as u32
    }

    /// The slot of a key that is known.
    pub fn get(&self, key: &Key) -> Option<u32> {
        match key {
            Key::Number(number) => self.numbers.get(number).copied(),
            Key::Text(text) => self.texts.get(text).copied(),
        }
    }

    /// Gives up a slot.
    pub fn remove(&mut self, slot: u32) {
        match self.by_slot[slot as usize].take() {
            Some(Key::Number(number)) => self.numbers.remove(&number),
            Some(Key::Text(text)) => self.texts.remove(&text),
            None => return,
        };
        self.free.push(slot);
    }

    /// Slots there are, those given up included.
    pub fn slots(&self) -> usize {
        self.by_slot.len()
    }

    /// Keys with their slots, in the order of the slots.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Key)> {
        let keys = self.by_slot.iter().enumerate();
        keys.filter_map(|(slot, key)| Some((slot as u32, key.as_ref()?)))
    }

    /// The key of a slot.
    pub fn key(&self, slot: u32) -> Option<&Key> {
        self.by_slot.get(slot as usize)?.as_ref()
    }

    /// Whether the keys so far are text; `None` if there are none.
    pub fn are_text(&self) -> Option<bool> {
        let (_, key) = self.iter().next()?;
        Some(matches!(key, Key::Text(_)))
    }
}
