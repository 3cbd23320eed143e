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
