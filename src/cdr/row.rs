//! A call in 20 bytes, before its numbers become text.

/// A call. Users are places in the world, seconds count from the day's midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Second of the day on which the call begins.
    pub start: u32,
    /// Who calls.
    pub caller: u32,
    /// Who is called.
    pub callee: u32,
    /// Length in seconds.
    pub duration: u16,
    /// The caller's tower at the beginning.
    pub first: u16,
    /// The caller's tower at the end.
    pub last: u16,
    /// Number of its label in [`KINDS`](super::settings::KINDS).
    pub kind: u8,
}

impl Row {
    /// The second of the day on which the call ends; beyond 86,400 on the next day.
    #[inline(always)]
    pub fn end(&self) -> u32 {
        self.start + u32::from(self.duration)
    }
}

/// Seconds of a day.
pub const DAY_S: u32 = 86_400;
