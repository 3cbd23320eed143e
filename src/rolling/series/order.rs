//! The rows of a call as series: one for each group, in the order of time.

use std::ops::Range;

use crate::error::Error;
use crate::simd::dispatch;

/// Rows ordered so that each group is a stretch.
pub(crate) struct Order {
    /// The row at each place; none if rows are in order already.
    pub(crate) rows: Option<Vec<usize>>,
    /// The stretches.
    pub(crate) series: Vec<Range<usize>>,
    /// Rows of no group.
    pub(crate) outside: Vec<usize>,
}

impl Order {
    pub(crate) fn of(groups: Option<&[i64]>, n: usize) -> Self {
        let Some(groups) = groups else {
            return Order {
                rows: None,
                series: std::iter::once(0..n).collect(),
                outside: Vec::new(),
            };
        };
        if let Some(series) = stretches(groups) {
            return Order {
                rows: None,
                series,
                outside: Vec::new(),
            };
        }
        let outside: Vec<usize> = (0..n).filter(|&i| groups[i] < 0).collect();
        let last = groups.iter().copied().max().unwrap_or(0).max(0) as usize;
        // Codes are dense as a rule: whole numbers, or numbers given to keys.
        let (rows, series) = if last / 4 < n {
            counted(groups, last, n - outside.len())
        } else {
            compared(groups)
        };
        Order {
            rows: Some(rows),
            series,
            outside,
        }
    }

    #[inline(always)]
    pub(crate) fn row(&self, place: usize) -> usize {
        self.rows.as_ref().map_or(place, |rows| rows[place])
    }
}

/// Rows and stretches of groups up to `last`, by counting; rows of a group stay in time order.
fn counted(groups: &[i64], last: usize, total: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    // Where the next row of each group goes; before the second pass, the first.
    let mut next = vec![0; last + 2];
    for &group in groups {
        if group >= 0 {
            next[group as usize + 1] += 1;
        }
    }
    let mut series = Vec::new();
    for group in 0..=last {
        let (start, count) = (next[group], next[group + 1]);
        next[group + 1] = start + count;
        if count > 0 {
            series.push(start..start + count);
        }
    }
    let mut rows = vec![0; total];
    for (row, &group) in groups.iter().enumerate() {
        if group >= 0 {
            let place = &mut next[group as usize];
            rows[*place] = row;
            *place += 1;
        }
    }
    (rows, series)
}

/// Rows and stretches of any groups, by a stable sort.
fn compared(groups: &[i64]) -> (Vec<usize>, Vec<Range<usize>>) {
    let mut rows: Vec<usize> = (0..groups.len()).filter(|&i| groups[i] >= 0).collect();
    rows.sort_by_key(|&i| groups[i]);
    let mut series = Vec::new();
    let mut start = 0;
    for i in 1..=rows.len() {
        if i == rows.len() || groups[rows[i]] != groups[rows[start]] {
            series.push(start..i);
            start = i;
        }
    }
    (rows, series)
}

/// The stretches of equal groups, if groups are sorted and every row has one.
pub(super) fn stretches(groups: &[i64]) -> Option<Vec<Range<usize>>> {
    /// Rows compared at once.
    const ROWS: usize = 64;
    let n = groups.len();
    if groups.first().is_some_and(|&first| first < 0) {
        return None;
    }
    let mut series = Vec::new();
    let mut start = 0;
    for from in (0..n).step_by(ROWS) {
        let here = &groups[from..n.min(from + ROWS)];
        let group = groups[start];
        // Most rows have the group of the row before, which takes no order to see.
        if here.iter().fold(0, |other, &g| other | (g ^ group)) == 0 {
            continue;
        }
        for (i, &g) in (from..).zip(here) {
            if g != groups[start] {
                if g < groups[start] {
                    return None;
                }
                series.push(start..i);
                start = i;
            }
        }
    }
    if n > 0 {
        series.push(start..n);
    }
    Some(series)
}

/// Refuses times that go back within a series.
pub(super) fn check_times(times: Option<&[i64]>, order: &Order) -> Result<(), Error> {
    let Some(times) = times else { return Ok(()) };
    for series in &order.series {
        let mut rows = series.start + 1..series.end;
        let fall = match &order.rows {
            None if is_sorted(&times[series.clone()]) => None,
            _ => rows.find(|&i| times[order.row(i)] < times[order.row(i - 1)]),
        };
        if let Some(i) = fall {
            return Err(Error::Unsorted {
                name: "times",
                row: order.row(i),
                before: order.row(i - 1),
            });
        }
    }
    Ok(())
}

dispatch! {
    /// Whether no value is below the one before it.
    fn is_sorted<T: PartialOrd>(values: &[T]) -> bool = never_falls
}

#[inline(always)]
pub(super) fn never_falls<T: PartialOrd>(values: &[T]) -> bool {
    // One question for many values; a question for each would keep them from being compared at once.
    (0..values.len()).step_by(256).all(|start| {
        let values = &values[start..values.len().min(start + 257)];
        let falls = |falls, (a, b): (&T, &T)| falls | (b < a);
        !values.iter().zip(&values[1..]).fold(false, falls)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_and_comparing_order_rows_alike() {
        let groups = [3, 0, -1, 3, 1, 0, -1, 3];
        let (rows, series) = counted(&groups, 3, 6);
        assert_eq!(rows, [1, 5, 4, 0, 3, 7]);
        assert_eq!(series, [0..2, 2..3, 3..6]);
        assert_eq!((rows, series), compared(&groups));
    }

    #[test]
    fn far_codes_are_compared() {
        let groups = [1 << 60, 5, 1 << 60];
        let order = Order::of(Some(&groups), 3);
        assert_eq!(order.rows, Some(vec![1, 0, 2]));
        assert_eq!(order.series, [0..1, 1..3]);
    }
}
