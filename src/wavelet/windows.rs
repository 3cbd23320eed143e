//! Where the windows of a call are: along a series, or along each group of its rows.

use std::borrow::Cow;

use crate::rolling::series::order::Order;

/// Windows of a column, in the order of their groups and of time.
pub struct Windows {
    order: Order,
    /// First place and length of each; a place is a row of what [`Windows::gather`] gives.
    pub places: Vec<(usize, usize)>,
}

impl Windows {
    /// Windows of `n` rows: all of `window` rows, the second of the pair apart, or without one the
    /// whole of each group.
    ///
    /// Rows of one of `groups` are a series of its own, groups come as they appear, rows of a
    /// negative group are left out. What is left at the end of a series is in no window.
    pub fn of(n: usize, groups: Option<&[i64]>, window: Option<(usize, usize)>) -> Self {
        let mut order = Order::of(groups, n);
        if let Some(rows) = &order.rows {
            order
                .series
                .sort_unstable_by_key(|series| rows[series.start]);
        }
        let mut places = Vec::new();
        for series in &order.series {
            match window {
                None => places.push((series.start, series.len())),
                Some((length, hop)) => {
                    let last = series.end.saturating_sub(length.saturating_sub(1));
                    let starts = (series.start..last).step_by(hop.max(1));
                    places.extend(starts.map(|start| (start, length)));
                }
            }
        }
        Windows { order, places }
    }

    /// The values of `x` with groups side by side.
    pub fn gather<'a, T: Copy>(&self, x: &'a [T]) -> Cow<'a, [T]> {
        match &self.order.rows {
            None => Cow::Borrowed(x),
            Some(rows) => rows.iter().map(|row| x[*row]).collect(),
        }
    }

    /// The last row of each window.
    ///
    /// # Panics
    ///
    /// If a window is empty.
    pub fn last_rows(&self) -> impl Iterator<Item = usize> {
        let last = |(start, length): &(usize, usize)| self.order.row(start + length - 1);
        self.places.iter().map(last)
    }
}

/// Codes looked at together.
const BLOCK: usize = 32;

/// Where each run of equal codes starts and how long it is, if the codes ascend from 0 or more.
///
/// Most blocks are inside of a run, which one comparison of them all tells.
pub fn runs(codes: &[i64]) -> Option<(Vec<i64>, Vec<i64>)> {
    if codes.first().is_some_and(|first| *first < 0) {
        return None;
    }
    let (mut starts, mut current) = (Vec::new(), -1);
    for (k, block) in codes.chunks(BLOCK).enumerate() {
        if block.iter().fold(0, |bits, code| bits | (code ^ current)) == 0 {
            continue;
        }
        for (i, code) in block.iter().enumerate() {
            if *code != current {
                if *code < current {
                    return None;
                }
                starts.push((k * BLOCK + i) as i64);
                current = *code;
            }
        }
    }
    let ends = starts.iter().skip(1).copied().chain([codes.len() as i64]);
    let lengths = starts.iter().zip(ends).map(|(start, end)| end - start);
    let lengths = lengths.collect();
    Some((starts, lengths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_cut_from_its_start_on() {
        let of = |n, window| Windows::of(n, None, window).places;
        assert_eq!(of(7, Some((3, 2))), [(0, 3), (2, 3), (4, 3)]);
        assert_eq!(of(2, Some((3, 2))), []);
        assert_eq!(of(0, Some((1, 1))), []);
        assert_eq!(of(7, None), [(0, 7)]);
        assert_eq!(of(3, Some((1, usize::MAX))), [(0, 1)]);
        assert_eq!(of(3, Some((usize::MAX, 1))), []);
    }

    #[test]
    fn runs_are_found_where_codes_ascend() {
        assert_eq!(runs(&[]), Some((vec![], vec![])));
        assert_eq!(runs(&[0, 0, 7]), Some((vec![0, 2], vec![2, 1])));
        assert_eq!(runs(&[-1, 0]), None);
        assert_eq!(runs(&[3, 3, 2]), None);
        let lengths: Vec<i64> = (1..90).collect();
        let codes: Vec<i64> = lengths
            .iter()
            .flat_map(|n| vec![2 * n; *n as usize])
            .collect();
        let starts = lengths.iter().map(|n| n * (n - 1) / 2).collect();
        assert_eq!(runs(&codes), Some((starts, lengths)));
    }

    #[test]
    fn groups_come_as_they_appear() {
        let groups = [5, 1, -1, 5, 1, 5];
        let windows = Windows::of(6, Some(&groups), None);
        let lengths: Vec<usize> = windows.places.iter().map(|place| place.1).collect();
        assert_eq!(lengths, [3, 2]);
        assert_eq!(windows.last_rows().collect::<Vec<_>>(), [5, 4]);
        let x = [0, 10, 20, 30, 40, 50];
        let gathered = windows.gather(&x);
        let (start, length) = windows.places[0];
        assert_eq!(gathered[start..start + length], [0, 30, 50]);
        let windows = Windows::of(6, Some(&groups), Some((2, 1)));
        assert_eq!(windows.last_rows().collect::<Vec<_>>(), [3, 5, 4]);
    }
}
