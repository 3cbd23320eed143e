//! Which events count, and when: those of a key in order of time, each once.
//!
//! Every key has a clock of its own, so that a cell whose clock is wrong hurts itself alone. Its
//! watermark is the newest time it has shown, less the lateness that is allowed. An event before the
//! watermark is late and does not count; one at or after it waits until the watermark reaches it,
//! and then leaves in order of time. Without lateness nothing waits. An event of a key and time that
//! has been taken, or waits, is a duplicate. After so many late events without another between them
//! the clock is taken to have been put back: what the key waits for leaves, and it starts afresh.

use super::bytes::{Reader, Writer};

/// How a stream treats times.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// How far an event may be behind the newest of its key.
    pub lateness: i64,
    /// Whether an event at a time that is taken counts as well.
    pub keep_duplicates: bool,
    /// Late events in a row after which a key starts afresh; 0 for never.
    pub restart_after: u32,
}

/// An event that waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// Its time.
    pub time: i64,
    /// Its value.
    pub value: f64,
    /// Its number among all events of the stream.
    pub row: u64,
}

/// The clock of a key.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// The newest time shown; `None` before the first event.
    pub newest: Option<i64>,
    /// The newest time taken.
    taken: Option<i64>,
    /// Late events since the last that was not.
    late: u32,
    /// Events that wait, by time.
    pub waiting: Vec<Waiting>,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts; now, or when the watermark reaches it.
    Counts,
    /// It is before the watermark.
    Late,
    /// Its time has been taken.
    Duplicate,
    /// It counts, and is the first after the clock was put back.
    Restarts,
}

impl Arrival {
    /// Judges an event. If it counts and may have to wait, [`wait`](Arrival::wait) is next.
    #[inline(always)]
    pub fn judge(&self, clock: &mut Clock, time: i64) -> Verdict {
        let Some(newest) = clock.newest else {
            clock.newest = Some(time);
            return Verdict::Counts;
        };
        let watermark = newest.saturating_sub(self.lateness);
        // What was let go before its watermark cannot be gone before.
        if time < clock.taken.map_or(watermark, |taken| watermark.max(taken)) {
            clock.late += 1;
            if self.restart_after > 0 && clock.late >= self.restart_after {
                return Verdict::Restarts;
            }
            return Verdict::Late;
        }
        clock.late = 0;
        if !self.keep_duplicates {
            let waits = clock.waiting.binary_search_by_key(&time, |w| w.time);
            if clock.taken == Some(time) || waits.is_ok() {
                return Verdict::Duplicate;
            }
        }
        if time > newest {
            clock.newest = Some(time);
        }
        Verdict::Counts
    }

    /// Notes an event that is taken as it comes.
    #[inline(always)]
    pub fn take(&self, clock: &mut Clock, time: i64) {
        clock.taken = Some(time);
    }

    /// Lets an event wait, and those leave that the watermark has reached, in order of time.
    pub fn wait(&self, clock: &mut Clock, event: Waiting, mut leave: impl FnMut(Waiting)) {
        // Of the same time, those that came first leave first.
        let place = clock.waiting.partition_point(|w| w.time <= event.time);
        clock.waiting.insert(place, event);
        let watermark = clock.newest.map(|t| t.saturating_sub(self.lateness));
        let ready = clock.waiting.partition_point(|w| Some(w.time) <= watermark);
        for event in clock.waiting.drain(..ready) {
            clock.taken = Some(event.time);
            leave(event);
        }
    }

    /// Lets all events leave.
    pub fn flush(&self, clock: &mut Clock, mut leave: impl FnMut(Waiting)) {
        for event in clock.waiting.drain(..) {
            clock.taken = Some(event.time);
            leave(event);
        }
    }
}

impl Clock {
    pub(super) fn write(&self, to: &mut Writer) {
        for time in [self.newest, self.taken] {
            to.u64(u64::from(time.is_some()));
            to.i64(time.unwrap_or(0));
        }
        to.u64(u64::from(self.late));
        to.u64(self.waiting.len() as u64);
        for w in &self.waiting {
            to.i64(w.time);
            to.f64(w.value);
            to.u64(w.row);
        }
    }

    pub(super) fn read(from: &mut Reader) -> Option<Self> {
        let mut time = || Some((from.up_to(1)? == 1, from.i64()?));
        let (newest, taken) = (time()?, time()?);
        let mut clock = Clock {
            newest: newest.0.then_some(newest.1),
            taken: taken.0.then_some(taken.1),
            late: from.up_to(u32::MAX as usize)? as u32,
            waiting: Vec::new(),
        };
        let n = from.up_to(from.0.len() / 24)?;
        for _ in 0..n {
            clock.waiting.push(Waiting {
                time: from.i64()?,
                value: from.f64()?,
                row: from.u64()?,
            });
        }
        clock.waiting.is_sorted_by_key(|w| w.time).then_some(clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(lateness: i64) -> Arrival {
        Arrival {
            lateness,
            keep_duplicates: false,
            restart_after: 3,
        }
    }

    #[test]
    fn without_lateness_time_goes_forward_only() {
        let (rule, mut clock) = (arrival(0), Clock::default());
        let verdicts = [5, 7, 7, 6, 8].map(|time| {
            let verdict = rule.judge(&mut clock, time);
            if verdict == Verdict::Counts {
                rule.take(&mut clock, time);
            }
            verdict
        });
        use Verdict::{Counts, Duplicate, Late};
        assert_eq!(verdicts, [Counts, Counts, Duplicate, Late, Counts]);
    }

    #[test]
    fn a_clock_that_was_put_back_is_believed_after_a_while() {
        let (rule, mut clock) = (arrival(0), Clock::default());
        assert_eq!(rule.judge(&mut clock, 100), Verdict::Counts);
        assert_eq!(rule.judge(&mut clock, 1), Verdict::Late);
        assert_eq!(rule.judge(&mut clock, 2), Verdict::Late);
        assert_eq!(rule.judge(&mut clock, 3), Verdict::Restarts);
    }

    #[test]
    fn events_wait_for_those_before_them() {
        let (rule, mut clock) = (arrival(10), Clock::default());
        let mut left = Vec::new();
        for (row, time) in [100, 95, 103, 90, 95, 92, 106].into_iter().enumerate() {
            let event = Waiting {
                time,
                value: 0.0,
                row: row as u64,
            };
            if rule.judge(&mut clock, time) == Verdict::Counts {
                rule.wait(&mut clock, event, |w| left.push((w.time, w.row)));
            }
        }
        // 90 and 92 are late (the watermark was 93), the second 95 is a duplicate.
        assert_eq!(left, [(95, 1)]);
        rule.flush(&mut clock, |w| left.push((w.time, w.row)));
        assert_eq!(left, [(95, 1), (100, 0), (103, 2), (106, 6)]);
        assert_eq!(rule.judge(&mut clock, 105), Verdict::Late);
    }
}
