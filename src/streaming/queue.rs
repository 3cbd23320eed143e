//! A window that rows enter at one end and leave at the other, summed up at any time.
//!
//! Two stacks, as in [`crate::rolling::queue`]: the states of all suffixes of the older rows, the
//! newer rows as they are with one running state. Nothing is ever subtracted.

use super::bytes::{Reader, Writer};
use crate::rolling::queue::State;

/// A state that can be kept.
pub trait Kept: State<Item = f64> {
    /// Writes it down.
    fn write(&self, to: &mut Writer);
    /// Reads it.
    fn read(from: &mut Reader) -> Option<Self>;
}

/// The state of some rows and how many of them held a value.
#[derive(Debug, Clone, Copy)]
pub struct Counted<S> {
    /// Rows with a value.
    pub count: usize,
    /// What is known of them.
    pub state: S,
}

impl<S: State<Item = f64>> Counted<S> {
    fn empty() -> Self {
        Counted {
            count: 0,
            state: S::identity(),
        }
    }

    /// The state of some rows, in order.
    pub fn of(rows: &[f64]) -> Self {
        let mut all = Counted::empty();
        rows.iter().for_each(|&value| all.push(value));
        all
    }

    #[inline(always)]
    fn push(&mut self, value: f64) {
        if !value.is_nan() {
            self.state.push(value);
            self.count += 1;
        }
    }
}

/// Rows of a window, oldest first to leave.
#[derive(Debug)]
pub struct Queue<S> {
    /// Suffix states of the older rows; the last is that of the oldest row.
    front: Vec<Counted<S>>,
    /// The newer rows.
    back: Vec<f64>,
    running: Counted<S>,
}

impl<S: State<Item = f64>> Queue<S> {
    /// Of no rows.
    pub fn new() -> Self {
        Queue {
            front: Vec::new(),
            back: Vec::new(),
            running: Counted::empty(),
        }
    }

    /// Rows in the window, missing ones included.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// Takes a row; NaN is a missing one.
    #[inline(always)]
    pub fn push(&mut self, value: f64) {
        self.back.push(value);
        self.running.push(value);
    }

    /// Lets the oldest row go.
    #[inline(always)]
    pub fn pop(&mut self) {
        if self.front.is_empty() {
            self.turn();
        }
        self.front.pop();
    }

    /// The newer rows become the older ones.
    fn turn(&mut self) {
        let mut suffix = Counted::<S>::empty();
        for &value in self.back.iter().rev() {
            if !value.is_nan() {
                suffix.state.push_front(value);
                suffix.count += 1;
            }
            self.front.push(suffix);
        }
        self.back.clear();
        self.running = Counted::empty();
    }

    /// All rows of the window.
    #[inline(always)]
    pub fn whole(&self) -> Counted<S> {
        match self.front.last() {
            Some(front) => Counted {
                count: front.count + self.running.count,
                state: S::merge(&front.state, &self.running.state),
            },
            None => self.running,
        }
    }
}

impl<S: Kept> Queue<S> {
    /// Writes the window down.
    pub fn write(&self, to: &mut Writer) {
        to.u64(self.front.len() as u64);
        for suffix in &self.front {
            to.u64(suffix.count as u64);
            suffix.state.write(to);
        }
        to.f64s(self.back.iter().copied());
    }

    /// Reads a window of at most `most` rows.
    pub fn read(from: &mut Reader, most: usize) -> Option<Self> {
        let n = from.up_to(most.min(from.0.len() / 8))?;
        let mut queue = Queue::new();
        for place in 0..n {
            queue.front.push(Counted {
                count: from.up_to(place + 1)?,
                state: S::read(from)?,
            });
        }
        for value in from.f64s(most - n)? {
            queue.push(value);
        }
        Some(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rolling::queue::{Max, MomentSums};

    #[test]
    fn a_window_forgets_what_left_it() {
        let mut queue = Queue::<MomentSums>::new();
        for value in [1e300, 2.0, f64::NAN, 4.0] {
            queue.push(value);
        }
        queue.pop();
        let whole = queue.whole();
        assert_eq!((queue.len(), whole.count), (3, 2));
        assert_eq!(whole.state.moments().mean(), 3.0);
        queue.pop();
        queue.push(4.0);
        assert_eq!(queue.whole().state.m2, 0.0);
    }

    #[test]
    fn an_empty_window_has_the_empty_state() {
        let mut queue = Queue::<Max>::new();
        queue.push(3.0);
        queue.pop();
        assert_eq!((queue.len(), queue.whole().count), (0, 0));
    }
}
