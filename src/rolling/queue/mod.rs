//! The driver that joins mergeable states.
//!
//! Two stacks make a queue: the window `start..end` is split at `mid`. For the rows before `mid`
//! the states of all suffixes `i..mid` are kept, for the rows from `mid` on one running state. An
//! answer is the merge of one suffix state with the running state, so nothing is ever subtracted:
//! a large value, a NaN or an infinity is forgotten with its window. When `start` passes `mid` the
//! suffixes are built anew, up to the end of the window; every row is pushed twice in all. The
//! technique is folklore; Tangwongsan, Hirzel and Schneider, "General incremental sliding-window
//! aggregation", PVLDB 8(7), 2015, describe it and its relatives.
//!
//! A state that keeps values relative to an *anchor* takes the first value it is given, the first
//! of the running part and the last of the suffixes. Both lie in every window they serve.

use std::ops::Range;

use super::Windows;
use crate::parallel::Poll;

pub mod blocks;
#[cfg(test)]
pub(crate) mod cases;
mod moments;
mod states;
pub mod vector;

pub use moments::{MomentSums, Moments};
pub use states::{ArgMax, ArgMin, CompensatedSum, Max, Min, Sum};

/// What is known of some values, in order; can take one more and be merged with what comes after.
pub trait State: Copy {
    /// What is taken in: a value, a pair, a value and its row.
    type Item: Copy;
    /// The state of no values.
    fn identity() -> Self;
    /// Takes an item that comes after those seen.
    fn push(&mut self, item: Self::Item);
    /// Takes an item that comes before those seen.
    #[inline(always)]
    fn push_front(&mut self, item: Self::Item) {
        self.push(item);
    }
    /// The state of the values of `front`, then those of `back`.
    fn merge(front: &Self, back: &Self) -> Self;
}

/// One window, summed up.
#[derive(Debug, Clone, Copy)]
pub struct Answer<S> {
    /// Where the answer goes: 0 for the first of the task's answers.
    pub place: usize,
    /// First row of the window.
    pub start: usize,
    /// One past the last row of the window.
    pub end: usize,
    /// Rows of the window that gave an item.
    pub count: usize,
    /// The state of these items.
    pub state: S,
}

/// A state and the number of items in it.
#[derive(Clone, Copy)]
struct Counted<S> {
    count: usize,
    state: S,
}

impl<S: State> Counted<S> {
    #[inline(always)]
    fn empty() -> Self {
        Counted {
            count: 0,
            state: S::identity(),
        }
    }

    #[inline(always)]
    fn push(&mut self, item: Option<S::Item>) {
        if let Some(item) = item {
            self.state.push(item);
            self.count += 1;
        }
    }

    #[inline(always)]
    fn push_front(&mut self, item: Option<S::Item>) {
        if let Some(item) = item {
            self.state.push_front(item);
            self.count += 1;
        }
    }
}

/// Calls `answer` for the window of each of `answers`, in order.
///
/// `item(i)` gives what row `i` of `n` rows holds, `None` if it is missing. Right for any windows;
/// constant time an answer on average when neither end moves back, one window's time for an answer
/// whose window does. A cancelled drive stops early. Memory is that of the states of the largest window (none when expanding).
#[inline(always)]
pub fn drive<S: State>(
    windows: Windows,
    answers: Range<usize>,
    n: usize,
    item: impl Fn(usize) -> Option<S::Item>,
    mut answer: impl FnMut(Answer<S>),
) {
    let first = answers.start;
    let mut suffixes: Vec<Counted<S>> = Vec::new();
    let mut poll = Poll::default();
    let mut k = first;
    let mut slides = false;
    while k < answers.end {
        // `suffixes` holds the states of i..mid for i in low..mid, `running` that of mid..reached.
        let (mut start, mut end) = windows.of(k, n);
        let low = start;
        // A window that does not follow from another needs no suffixes yet, an expanding one never.
        let mid = if slides { end } else { start };
        if poll.is_cancelled(1 + mid - low) {
            return;
        }
        rebuild(&mut suffixes, low..mid, &item);
        let mut running = Counted::empty();
        let mut reached = mid;
        // Until the window leaves `mid` behind, or goes back.
        while low <= start && start <= mid && reached <= end {
            if poll.is_cancelled(1 + end - reached) {
                return;
            }
            for i in reached..end {
                running.push(item(i));
            }
            reached = end;
            let mut whole = running;
            if start < mid {
                let front = &suffixes[start - low];
                whole.count += front.count;
                whole.state = S::merge(&front.state, &running.state);
            }
            answer(Answer {
                place: k - first,
                start,
                end,
                count: whole.count,
                state: whole.state,
            });
            k += 1;
            if k == answers.end {
                return;
            }
            (start, end) = windows.of(k, n);
        }
        slides = low <= start && reached <= end;
    }
}

/// Fills `suffixes` with the states of `i..rows.end` for each `i` in `rows`. Kept out of line to
/// leave the registers to the loop over answers.
#[inline(never)]
fn rebuild<S: State>(
    suffixes: &mut Vec<Counted<S>>,
    rows: Range<usize>,
    item: &impl Fn(usize) -> Option<S::Item>,
) {
    if suffixes.len() < rows.len() {
        suffixes.resize(rows.len(), Counted::empty());
    }
    let mut suffix = Counted::empty();
    for (place, i) in suffixes[..rows.len()].iter_mut().zip(rows).rev() {
        suffix.push_front(item(i));
        *place = suffix;
    }
}

#[cfg(test)]
mod tests;
