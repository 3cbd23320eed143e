//! How many rows came in the last stretch of time: packets in five seconds.

use std::collections::VecDeque;

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;

/// The rule: rows with a value in `(time - span, time]`, the row itself included.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// Length of the window.
    pub span: i64,
}

/// Rows of one time, and that time.
type Bunch = (i64, u64);

/// Times of a key, rows of the same time in one bunch.
#[derive(Debug, Default)]
pub struct Times {
    bunches: VecDeque<Bunch>,
    total: u64,
}

impl Rule for Count {
    type State = Times;

    fn outputs(&self) -> usize {
        1
    }

    fn start(&self) -> Times {
        Times::default()
    }

    #[inline(always)]
    fn push(&self, state: &mut Times, time: i64, value: f64, out: &mut [f64]) {
        if !value.is_nan() {
            state.total += 1;
            match state.bunches.back_mut() {
                Some((newest, count)) if *newest == time => *count += 1,
                _ => state.bunches.push_back((time, 1)),
            }
        }
        let after = time.saturating_sub(self.span);
        while let Some(&(oldest, count)) = state.bunches.front()
            && oldest <= after
        {
            state.total -= count;
            state.bunches.pop_front();
        }
        out[0] = state.total as f64;
    }

    fn write(&self, state: &Times, to: &mut Writer) {
        to.i64s(state.bunches.iter().map(|&(time, _)| time));
        state.bunches.iter().for_each(|&(_, count)| to.u64(count));
    }

    fn read(&self, from: &mut Reader) -> Option<Times> {
        let times = from.i64s(usize::MAX)?;
        let mut state = Times::default();
        for time in times {
            let count = from.u64().filter(|&count| count > 0)?;
            state.total = state.total.checked_add(count)?;
            let newest = state
                .bunches
                .back()
                .is_none_or(|&(newest, _)| newest < time);
            state.bunches.push_back(newest.then_some((time, count))?);
        }
        Some(state)
    }
}
