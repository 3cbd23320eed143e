//! A stream as bytes and back, in the checked file format of [`crate::model`].
//!
//! The states of each rule are one array of bytes, slot by slot in the order of the keys. What the
//! rules are is the caller's to say, in the text that comes with the arrays.

use std::fmt;

use super::arrival::Clock;
use super::bytes::{Reader, Writer};
use super::keys::Key;
use super::stream::Stream;
use crate::model::{Array, Model, ModelError, to_bytes};

/// What the file says it is.
const KIND: &str = "stream";
/// The version of the states that is written, and the only one that is read.
const VERSION: u64 = 1;

/// Why a snapshot was refused, in words that follow "the snapshot".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotError(pub String);

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SnapshotError {}

impl From<ModelError> for SnapshotError {
    fn from(error: ModelError) -> Self {
        SnapshotError(match error.to_string().as_str() {
            "is not a linewatch model file" => "is not a linewatch snapshot".into(),
            message => message.replace("save the model again", "take the snapshot again"),
        })
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T, SnapshotError> {
    Err(SnapshotError(message.into()))
}

/// A snapshot that was checked, but for its states.
pub struct Snapshot(Model);

impl Snapshot {
    /// Checks bytes.
    ///
    /// # Errors
    ///
    /// If they are no snapshot, damaged, cut short or of another version.
    pub fn open(bytes: Vec<u8>) -> Result<Self, SnapshotError> {
        let model = Model::from_bytes(bytes)?;
        if model.kind() != KIND {
            return refused(format!("is of a {}, not of a stream", model.kind()));
        }
        let snapshot = Snapshot(model);
        let version = Reader(&snapshot.bytes("version")?).u64();
        if version != Some(VERSION) {
            let found = version.map_or("none".into(), |v| v.to_string());
            return refused(format!(
                "holds states of version {found}, but this linewatch reads version {VERSION} \
                 (use the linewatch that took it, or feed the stream its history again)"
            ));
        }
        Ok(snapshot)
    }

    /// The caller's text.
    pub fn metadata(&self) -> &str {
        self.0.metadata()
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, SnapshotError> {
        let array = self.0.array(name).and_then(|array| array.to_vec::<u8>());
        array.map_or_else(|| refused(format!("lacks {name:?}")), Ok)
    }
}

impl Stream {
    /// The stream as bytes, with a text of the caller's.
    ///
    /// # Errors
    ///
    /// None in practice; the signature is that of the file format.
    pub fn snapshot(&self, metadata: &str) -> Result<Vec<u8>, SnapshotError> {
        let mut version = Writer::default();
        version.u64(VERSION);
        let mut head = Writer::default();
        head.u64(self.rows);
        self.counts.iter().for_each(|&count| head.u64(count));
        let (mut keys, mut clocks) = (Writer::default(), Writer::default());
        for (slot, key) in self.keys.iter() {
            match key {
                Key::Number(number) => {
                    keys.u64(0);
                    keys.i64(*number);
                }
                Key::Text(text) => {
                    keys.u64(1);
                    keys.u64(text.len() as u64);
                    keys.0.extend(text.as_bytes());
                }
            }
            self.clocks[slot as usize].write(&mut clocks);
        }
        let states = self.kernels.iter().map(|kernel| {
            let mut states = Writer::default();
            for (slot, _) in self.keys.iter() {
                kernel.write(slot as usize, &mut states);
            }
            states.0
        });
        let states: Vec<Vec<u8>> = states.collect();
        let names: Vec<String> = (0..states.len()).map(|i| format!("states {i}")).collect();
        let mut arrays = vec![
            ("version", Array::of(&version.0)),
            ("head", Array::of(&head.0)),
            ("keys", Array::of(&keys.0)),
            ("clocks", Array::of(&clocks.0)),
        ];
        for (name, states) in names.iter().zip(&states) {
            arrays.push((name, Array::of(states)));
        }
        Ok(to_bytes(KIND, metadata, &arrays)?)
    }

    /// Takes the keys and states of a snapshot into this stream, which has none yet and whose rules
    /// are those of the stream that was kept.
    ///
    /// # Errors
    ///
    /// If the snapshot contradicts the rules or itself.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let head = snapshot.bytes("head")?;
        let (keys, clocks) = (snapshot.bytes("keys")?, snapshot.bytes("clocks")?);
        let sound = (|| {
            let mut head = Reader(&head);
            self.rows = head.u64()?;
            for count in &mut self.counts {
                *count = head.u64()?;
            }
            let mut keys = Reader(&keys);
            while !keys.0.is_empty() {
                let slots = self.keys.slots();
                let slot = read_key(&mut keys).map(|key| match key {
                    Key::Number(number) => self.keys.of_number(number),
                    Key::Text(text) => self.keys.of_text(&text),
                })?;
                // A key twice would share its slot.
                (slot as usize == slots).then_some(())?;
            }
            self.grow();
            let mut clocks = Reader(&clocks);
            for clock in &mut self.clocks {
                *clock = Clock::read(&mut clocks)?;
            }
            (head.0.is_empty() && clocks.0.is_empty()).then_some(())
        })();
        if sound.is_none() {
            return refused("is not sound: its keys or times contradict each other");
        }
        for i in 0..self.kernels.len() {
            let states = snapshot.bytes(&format!("states {i}"))?;
            let mut states = Reader(&states);
            let kernel = &mut self.kernels[i];
            let n = self.keys.slots();
            let sound = (0..n).all(|slot| kernel.read(slot, &mut states).is_some());
            if !sound || !states.0.is_empty() {
                return refused(format!(
                    "is not sound: states of rule {i} contradict its settings"
                ));
            }
        }
        Ok(())
    }
}

fn read_key(from: &mut Reader) -> Option<Key> {
    Some(match from.up_to(1)? {
        0 => Key::Number(from.i64()?),
        _ => {
            let length = from.up_to(from.0.len())?;
            let (text, rest) = from.0.split_at_checked(length)?;
            from.0 = rest;
            Key::Text(std::str::from_utf8(text).ok()?.into())
        }
    })
}
