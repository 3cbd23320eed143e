//! Wide windows: a stretch of rows is sorted once, and a window is the set of its rows' ranks.
//!
//! The answers are cut into chunks whose windows together span a few windows of rows. Within a
//! chunk a row that enters sets the bit of its rank and one that leaves clears it.

use std::ops::Range;

use super::bitmap::Bitmap;
use super::ordered::{Middle, Ordered, Plan};
use super::sort::Sorter;
use crate::float::Float;
use crate::parallel::is_cancelled;
use crate::rolling::task::Task;
use crate::simd::dispatch;

/// Rows of a chunk, in first windows of it, and at least.
pub(super) const SPAN: usize = 4;
const LEAST: usize = 1024;

dispatch! {
    /// The statistics of all answers of a task.
    pub(super) fn ranks<T: Float>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]]) = body
}

#[inline(always)]
pub(super) fn body<T: Float>(task: &Task<T>, plan: &Plan, out: &mut [&mut [T]]) {
    let mut window = Ranked::default();
    let mut answer = task.answers.start;
    while answer < task.answers.end {
        let (answers, rows) = chunk(task, answer);
        answer = answers.end;
        window.begin(task, plan, rows);
        if is_cancelled() {
            return;
        }
        for answer in answers {
            // A rank among a million rows takes microseconds.
            if answer % 256 == 0 && is_cancelled() {
                return;
            }
            let bounds = task.windows.of(answer, task.x.len());
            window.advance(plan, bounds);
            plan.write(&mut window, task, answer, bounds, out);
        }
    }
}

/// The answers from `first` on that are worked out together, and the rows of their windows.
#[inline(always)]
fn chunk<T: Float>(task: &Task<T>, first: usize) -> (Range<usize>, Range<usize>) {
    let n = task.x.len();
    let (start, mut end) = task.windows.of(first, n);
    let (mut from, mut last) = (start, first + 1);
    let span = match task.windows {
        super::Windows::Fixed { width, .. } => width.saturating_mul(SPAN).max(LEAST),
        super::Windows::Expanding { .. } => n,
        super::Windows::Bounds { .. } => ((end - start) * SPAN).max(LEAST),
    };
    while last < task.answers.end {
        let next = task.windows.of(last, n);
        let is_back = next.0 < from || next.1 < end;
        // In a chunk far wider than its windows the pointers would have far to go.
        let is_narrow = span > LEAST && (next.1 - next.0) * 16 < end - start;
        if is_back || is_narrow || next.1 - start > span {
            break;
        }
        (from, end) = next;
        last += 1;
    }
    (first..last, start..end)
}

/// A window of the rows of a chunk.
#[derive(Default)]
struct Ranked {
    /// First row of the chunk.
    base: usize,
    /// Rows in the window.
    from: usize,
    to: usize,
    count: usize,
    sorter: Sorter,
    members: Bitmap,
    /// Of each rank, the first rank of an equal value.
    first_equal: Vec<u32>,
    /// Of each rank, one past the last rank of an equal value.
    past_equal: Vec<u32>,
    /// Of each first rank, how many rows of the window share its value.
    copies: Vec<u32>,
    distinct: usize,
    /// Where the run of nearest values began last time.
    nearest: usize,
}

impl Ranked {
    /// An empty window at the first of `rows`.
    #[inline(always)]
    fn begin<T: Float>(&mut self, task: &Task<T>, plan: &Plan, rows: Range<usize>) {
        (self.base, self.from, self.to) = (rows.start, rows.start, rows.start);
        (self.count, self.distinct) = (0, 0);
        self.sorter.sort(task, rows);
        let values = &self.sorter.values;
        self.members.clear(values.len(), plan.pointers);
        if plan.distinct || plan.position {
            self.first_equal.clear();
            self.first_equal
                .resize(values.len() + 1, values.len() as u32);
            let mut first = 0;
            for rank in 0..values.len() {
                first = if values[rank] == values[first] {
                    first
                } else {
                    rank
                };
                self.first_equal[rank] = first as u32;
            }
        }
        if plan.position {
            self.past_equal.clear();
            self.past_equal.resize(values.len(), values.len() as u32);
            for rank in (1..values.len()).rev() {
                let starts = self.first_equal[rank] as usize == rank;
                self.past_equal[rank - 1] = if starts {
                    rank as u32
                } else {
                    self.past_equal[rank]
                };
            }
        }
        if plan.distinct {
            self.copies.clear();
            self.copies.resize(values.len() + 1, 0);
        }
    }

    /// Moves to rows `start..end`, neither of which is before the present one.
    #[inline(always)]
    fn advance(&mut self, plan: &Plan, (start, end): (usize, usize)) {
        let present = self.sorter.values.len();
        for row in self.from..start.min(self.to) {
            let rank = self.sorter.ranks[row - self.base];
            self.members.remove(rank);
            self.count -= usize::from((rank as usize) < present);
            if plan.distinct {
                let first = self.first_equal[rank as usize] as usize;
                self.copies[first] -= 1;
                self.distinct -= usize::from(first < present && self.copies[first] == 0);
            }
        }
        for row in self.to.max(start)..end {
            let rank = self.sorter.ranks[row - self.base];
            self.members.insert(rank);
            self.count += usize::from((rank as usize) < present);
            if plan.distinct {
                let first = self.first_equal[rank as usize] as usize;
                self.copies[first] += 1;
                self.distinct += usize::from(first < present && self.copies[first] == 1);
            }
        }
        (self.from, self.to) = (start, end);
    }

    #[inline(always)]
    fn at(&mut self, pointer: usize, k: usize) -> f64 {
        self.sorter.values[self.members.select(pointer, k)]
    }
}

impl Ordered for Ranked {
    #[inline(always)]
    fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn pair(&mut self, pointer: usize, k: usize, wants_next: bool) -> (f64, f64) {
        let low = self.members.select(pointer, k);
        let high = if wants_next {
            self.members.next(low, k + 1)
        } else {
            low
        };
        (self.sorter.values[low], self.sorter.values[high])
    }

    /// Starts where the last answer was, a step or two away as a rule, and halves what is left
    /// if that takes long.
    #[inline(always)]
    fn nearest(&mut self, centre: Middle, size: usize) -> usize {
        let (mut first, mut last) = (0, self.count - size);
        let mut guess = self.nearest.min(last);
        let mut steps = 0;
        while first < last {
            let middle = if steps < 8 {
                guess.clamp(first, last - 1)
            } else {
                (first + last) / 2
            };
            let is_left =
                -centre.above(self.at(1, middle)) > centre.above(self.at(2, middle + size));
            if is_left {
                first = middle + 1;
                guess = middle + 1;
            } else {
                last = middle;
                guess = middle.saturating_sub(1);
            }
            steps += 1;
        }
        self.nearest = first;
        first
    }

    #[inline(always)]
    fn position(&mut self, (row, _): (usize, f64)) -> (usize, usize) {
        let rank = self.sorter.ranks[row - self.base] as usize;
        let (first, past) = (self.first_equal[rank], self.past_equal[rank]);
        let below = self.members.below(first as usize);
        let equal = if past == first + 1 {
            1
        } else {
            self.members.below(past as usize) - below
        };
        (below, below + equal)
    }

    #[inline(always)]
    fn distinct(&mut self) -> usize {
        self.distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rolling::Windows;

    #[test]
    fn chunks_end_where_bounds_go_back() {
        let x = [0.0; 10];
        let (start, end) = ([0, 0, 1, 0, 5], [1, 2, 3, 4, 5]);
        let task = Task {
            x: &x,
            y: None,
            windows: Windows::Bounds {
                first: 0,
                start: &start,
                end: &end,
                step: 2,
            },
            answers: 0..5,
            min_periods: 1,
            infinity: Default::default(),
        };
        assert_eq!(chunk(&task, 0), (0..3, 0..3));
        assert_eq!(chunk(&task, 3), (3..5, 0..5));
    }
}
