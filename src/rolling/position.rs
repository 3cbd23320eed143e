//! Count of present values, the first and the last of them.

use super::Task;
use super::queue::{ArgMax, ArgMin, State, drive};
use crate::{Error, Float};

/// A statistic of which values are present, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionStatistic {
    /// How many values are present. As in pandas, `min_periods` counts rows.
    Count,
    /// The first value present.
    First,
    /// The last value present.
    Last,
    /// Rows between the smallest value and the last row of the window.
    ArgMin,
    /// Rows between the largest value and the last row of the window.
    ArgMax,
}

/// Count, first and last value of each window, and how long ago its extremes were.
///
/// # Errors
///
/// None; the signature is that of all families.
pub fn position<T: Float>(
    task: &Task<T>,
    statistics: &[PositionStatistic],
    out: &mut [&mut [T]],
) -> Result<(), Error> {
    for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
        match statistic {
            PositionStatistic::Count => count(task, out),
            PositionStatistic::First => each::<T, First>(task, out, |s, _| s.0),
            PositionStatistic::Last => each::<T, Last>(task, out, |s, _| s.0),
            PositionStatistic::ArgMin => each::<T, ArgMin>(task, out, |s, end| s.age(end) as f64),
            PositionStatistic::ArgMax => each::<T, ArgMax>(task, out, |s, end| s.age(end) as f64),
        }
    }
    Ok(())
}

fn each<T: Float, S: State<Item = (f64, usize)>>(
    task: &Task<T>,
    out: &mut [T],
    value: impl Fn(&S, usize) -> f64,
) {
    let need = task.min_periods.max(1);
    let item = |i| Some((task.value(i), i)).filter(|(v, _)| !v.is_nan());
    drive::<S>(
        task.windows,
        task.answers.clone(),
        task.x.len(),
        item,
        |a| {
            out[a.place] = if a.count >= need {
                T::from_f64(value(&a.state, a.end))
            } else {
                T::NAN
            };
        },
    );
}

fn count<T: Float>(task: &Task<T>, out: &mut [T]) {
    let present = PresentCounts::of(task);
    for (out, k) in out.iter_mut().zip(task.answers.clone()) {
        let (start, end) = task.windows.of(k, task.x.len());
        *out = if end - start >= task.min_periods {
            T::from_f64(present.between(start, end) as f64)
        } else {
            T::NAN
        };
    }
}

/// How many values are present between any two rows that a task's windows reach.
pub struct PresentCounts {
    first: usize,
    /// Values present from row `first` up to each row; empty if none is missing.
    before: Vec<u32>,
}

impl PresentCounts {
    /// Counts the rows that the task needs.
    pub fn of<T: Float>(task: &Task<T>) -> Self {
        let n = task.x.len();
        let (mut first, mut last) = (n, 0);
        for k in task.answers.clone() {
            let (start, end) = task.windows.of(k, n);
            first = first.min(start);
            last = last.max(end);
        }
        let mut before = Vec::new();
        if (first..last).any(|i| task.value(i).is_nan()) {
            let mut count = 0;
            before.push(0);
            before.extend((first..last).map(|i| {
                count += u32::from(!task.value(i).is_nan());
                count
            }));
        }
        PresentCounts { first, before }
    }

    /// Values present in `start..end`.
    #[inline(always)]
    pub fn between(&self, start: usize, end: usize) -> usize {
        if self.before.is_empty() {
            return end - start;
        }
        // Counts may wrap around in a series of more than 2^32 rows; differences do not mind.
        self.before[end - self.first].wrapping_sub(self.before[start - self.first]) as usize
    }
}

/// The first value.
#[derive(Debug, Clone, Copy)]
struct First(f64);

impl State for First {
    type Item = (f64, usize);

    fn identity() -> Self {
        First(f64::NAN)
    }

    #[inline(always)]
    fn push(&mut self, (value, _): (f64, usize)) {
        self.0 = if self.0.is_nan() { value } else { self.0 };
    }

    #[inline(always)]
    fn push_front(&mut self, (value, _): (f64, usize)) {
        self.0 = value;
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        if front.0.is_nan() { *back } else { *front }
    }
}

/// The last value.
#[derive(Debug, Clone, Copy)]
struct Last(f64);

impl State for Last {
    type Item = (f64, usize);

    fn identity() -> Self {
        Last(f64::NAN)
    }

    #[inline(always)]
    fn push(&mut self, (value, _): (f64, usize)) {
        self.0 = value;
    }

    #[inline(always)]
    fn push_front(&mut self, (value, _): (f64, usize)) {
        self.0 = if self.0.is_nan() { value } else { self.0 };
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        if back.0.is_nan() { *front } else { *back }
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::cases::{assert_close, each_task, present};
    use super::*;

    #[test]
    fn count_first_and_last_are_those_of_the_window() {
        each_task(|task| {
            let mut out = vec![vec![0.0; task.answers.len()]; 3];
            let statistics = [
                PositionStatistic::Count,
                PositionStatistic::First,
                PositionStatistic::Last,
            ];
            let mut places: Vec<&mut [f64]> = out.iter_mut().map(|o| &mut o[..]).collect();
            position(task, &statistics, &mut places).unwrap();
            for (place, k) in task.answers.clone().enumerate() {
                let (start, end) = task.windows.of(k, task.x.len());
                let window = present(task, place);
                let rows = end - start >= task.min_periods;
                let count = if rows { window.len() as f64 } else { f64::NAN };
                assert_close(out[0][place], count, 0.0, "count");
                let enough = window.len() >= task.min_periods;
                let or_nan = |v: Option<&f64>| *v.filter(|_| enough).unwrap_or(&f64::NAN);
                assert_close(out[1][place], or_nan(window.first()), 0.0, "first");
                assert_close(out[2][place], or_nan(window.last()), 0.0, "last");
            }
        });
    }
}
