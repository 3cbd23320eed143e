//! The driver with several blocks of answers side by side.
//!
//! A fixed window of `width` rows slides over one block of `width` answers with a single rebuild
//! of the suffixes (see the driver above), so blocks do not depend on each other: four of them
//! run as the lanes of one register. The few answers left over, windows cut by the ends of the
//! series, all other kinds of windows and machines without AVX2 take one lane.

use std::cell::RefCell;
use std::ops::Range;

use super::super::Windows;
use super::vector::Vector;
use super::{State, drive};

/// A state in lanes, what it takes in and where its answers go.
pub trait Family {
    /// The state; missing items are NaN in their lane and leave it as it is.
    type State<V: Vector>: State;
    /// The items of rows `row`, `row + stride` and so on, one a lane.
    fn item<V: Vector>(&self, row: usize, stride: usize) -> <Self::State<V> as State>::Item;
    /// Takes the answers at `place`, `place + stride` and so on, from the task's first.
    fn answer<V: Vector>(&mut self, place: usize, stride: usize, state: &Self::State<V>);
}

/// Calls `family.answer` for each of `answers`, in any order.
pub fn drive_family<F: Family>(family: &mut F, windows: Windows, answers: Range<usize>, n: usize) {
    let first = answers.start;
    let done = in_lanes(family, windows, answers.clone(), n);
    let family = RefCell::new(family);
    for rest in [answers.start..done.start, done.end..answers.end] {
        let skip = rest.start - first;
        drive::<F::State<f64>>(
            windows,
            rest,
            n,
            |i| Some(family.borrow().item::<f64>(i, 1)),
            |a| {
                family
                    .borrow_mut()
                    .answer::<f64>(skip + a.place, 1, &a.state)
            },
        );
    }
}

/// Gives as many answers as fit into whole rounds of lanes; returns which.
#[cfg(target_arch = "x86_64")]
fn in_lanes<F: Family>(
    family: &mut F,
    windows: Windows,
    answers: Range<usize>,
    n: usize,
) -> Range<usize> {
    use super::vector::Wide;

    /// The suffix states of wider windows would leave the cache.
    const WIDEST: usize = 4096;

    #[target_feature(enable = "avx2")]
    fn wide_blocks<F: Family>(
        family: &mut F,
        suffixes: &mut [F::State<Wide>],
        row: usize,
        place: usize,
    ) {
        blocks::<F, Wide>(family, suffixes, row, place);
    }

    let none = answers.start..answers.start;
    let Windows::Fixed { width, .. } = windows else {
        return none;
    };
    let inner = whole_windows(windows, answers.clone(), n);
    let round = Wide::LANES * width;
    let fits = (2..=WIDEST).contains(&width) && inner.len() >= round;
    if !fits || !std::arch::is_x86_feature_detected!("avx2") {
        return none;
    }
    let done = inner.start..inner.start + inner.len() / round * round;
    let row = windows.of(done.start, n).0;
    let mut suffixes = vec![F::State::<Wide>::identity(); width];
    for skip in (0..done.len()).step_by(round) {
        let place = done.start - answers.start + skip;
        // SAFETY: AVX2 was just detected.
        unsafe { wide_blocks(family, &mut suffixes, row + skip, place) };
    }
    done
}

/// Gives none of the answers.
#[cfg(not(target_arch = "x86_64"))]
fn in_lanes<F: Family>(_: &mut F, _: Windows, answers: Range<usize>, _: usize) -> Range<usize> {
    answers.start..answers.start
}

/// The answers whose windows have all their rows.
fn whole_windows(windows: Windows, answers: Range<usize>, n: usize) -> Range<usize> {
    let Windows::Fixed { width, shift } = windows else {
        return answers.start..answers.start;
    };
    let low = (width as isize - 1 - shift).clamp(answers.start as isize, answers.end as isize);
    let high = (n as isize - shift).clamp(low, answers.end as isize);
    low as usize..high as usize
}

/// A block of answers in each lane, as many as there are places for suffixes; the window of the
/// very first starts at `row`.
#[inline(always)]
fn blocks<F: Family, V: Vector>(
    family: &mut F,
    suffixes: &mut [F::State<V>],
    row: usize,
    place: usize,
) {
    let width = suffixes.len();
    let mut suffix = F::State::<V>::identity();
    for (j, kept) in suffixes.iter_mut().enumerate().rev() {
        suffix.push_front(family.item::<V>(row + j, width));
        *kept = suffix;
    }
    family.answer::<V>(place, width, &suffix);
    let mut running = F::State::<V>::identity();
    for (j, front) in suffixes.iter().enumerate().skip(1) {
        running.push(family.item::<V>(row + width + j - 1, width));
        family.answer::<V>(place + j, width, &State::merge(front, &running));
    }
}
