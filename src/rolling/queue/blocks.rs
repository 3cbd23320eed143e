//! The driver with several blocks of answers side by side.
//!
//! A fixed window of `width` rows slides over one block of `width` answers with a single rebuild
//! of the suffixes (see the driver above), so blocks do not depend on each other: four of them
//! run as the lanes of one register. The few answers left over, windows cut by the ends of the
//! series and all other kinds of windows take one lane.

use std::ops::{Add, Div, Mul, Range, Sub};

use super::super::Windows;
use super::{State, drive};

/// Lanes of an AVX2 register.
const LANES: usize = 4;

/// The suffix states of wider windows would leave the cache.
const WIDEST: usize = 4096;

/// A number for each lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lanes<const L: usize>(pub [f64; L]);

impl<const L: usize> Lanes<L> {
    /// The same number in each lane.
    #[inline(always)]
    pub fn all(value: f64) -> Self {
        Lanes([value; L])
    }

    /// `f` of each lane.
    #[inline(always)]
    pub fn map(mut self, f: impl Fn(f64) -> f64) -> Self {
        for value in &mut self.0 {
            *value = f(*value);
        }
        self
    }

    /// `f` of each lane of both.
    #[inline(always)]
    pub fn zip(mut self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        for (value, other) in self.0.iter_mut().zip(other.0) {
            *value = f(*value, other);
        }
        self
    }

    /// `then` in the lanes where this is not 0, 0 in the others.
    #[inline(always)]
    pub fn keep(self, then: Self) -> Self {
        self.zip(then, |flag, then| if flag != 0.0 { then } else { 0.0 })
    }

    /// `then` in the lanes where this is not 0, `or` in the others.
    #[inline(always)]
    pub fn choose(self, then: Self, or: Self) -> Self {
        let mut chosen = or;
        for l in 0..L {
            chosen.0[l] = if self.0[l] != 0.0 { then.0[l] } else { or.0[l] };
        }
        chosen
    }
}

macro_rules! lanewise {
    ($($trait:ident $method:ident $op:tt),*) => {$(
        impl<const L: usize> $trait for Lanes<L> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $op b)
            }
        }
    )*};
}
lanewise!(Add add +, Sub sub -, Mul mul *, Div div /);

/// A state in lanes, what it takes in and where its answers go.
pub trait Family {
    /// The state; missing items are NaN in their lane and leave it as it is.
    type State<const L: usize>: State;
    /// The items of the rows, one a lane.
    fn item<const L: usize>(&self, rows: [usize; L]) -> <Self::State<L> as State>::Item;
    /// Takes the answers at `places`, counted from the first of the task's.
    fn answer<const L: usize>(&mut self, places: [usize; L], state: &Self::State<L>);
}

/// Calls `family.answer` for each of `answers`, in any order.
#[inline(always)]
pub fn drive_family<F: Family>(family: &mut F, windows: Windows, answers: Range<usize>, n: usize) {
    let first = answers.start;
    let inner = inner_answers(windows, answers.clone(), n);
    let mut rest = [answers.clone(), answers.end..answers.end];
    if let Windows::Fixed { width, .. } = windows
        && (2..=WIDEST).contains(&width)
        && inner.len() >= LANES * width
    {
        let rounds = inner.len() / (LANES * width);
        let done = inner.start..inner.start + rounds * LANES * width;
        let row = windows.of(done.start, n).0;
        for round in 0..rounds {
            let skip = round * LANES * width;
            let place = done.start - first + skip;
            lane_blocks::<F, LANES>(family, width, row + skip, place);
        }
        rest = [answers.start..done.start, done.end..answers.end];
    }
    for answers in rest {
        let skip = answers.start - first;
        // Rust cannot borrow `family` for items and answers at once, so answers take turns.
        let cell = std::cell::RefCell::new(&mut *family);
        drive::<F::State<1>>(
            windows,
            answers,
            n,
            |i| Some(cell.borrow().item([i])),
            |a| cell.borrow_mut().answer([skip + a.place], &a.state),
        );
    }
}

/// The answers whose windows have all their rows.
fn inner_answers(windows: Windows, answers: Range<usize>, n: usize) -> Range<usize> {
    let Windows::Fixed { width, shift } = windows else {
        return answers.start..answers.start;
    };
    let low = (width as isize - 1 - shift).max(answers.start as isize);
    let high = (n as isize - shift).min(answers.end as isize);
    low as usize..high.max(low) as usize
}

/// `L` blocks of `width` answers; the window of the first one starts at `row`.
#[inline(always)]
fn lane_blocks<F: Family, const L: usize>(family: &mut F, width: usize, row: usize, place: usize) {
    let lanes = |from: usize| -> [usize; L] { std::array::from_fn(|l| from + l * width) };
    let mut suffixes = vec![<F::State<L> as State>::identity(); width];
    let mut suffix = F::State::<L>::identity();
    for j in (0..width).rev() {
        suffix.push_front(family.item(lanes(row + j)));
        suffixes[j] = suffix;
    }
    family.answer(lanes(place), &suffix);
    let mut running = F::State::<L>::identity();
    for j in 1..width {
        running.push(family.item(lanes(row + width + j - 1)));
        let whole = State::merge(&suffixes[j], &running);
        family.answer(lanes(place + j), &whole);
    }
}
