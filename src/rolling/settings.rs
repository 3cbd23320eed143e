//! What a window is, in the words of the caller, and the rows that makes of it.

use super::window::Windows;
use crate::error::Error;
use crate::float::Infinity;

/// How far a window reaches.
#[derive(Debug, Clone, Copy)]
pub enum Span<'a> {
    /// A number of rows.
    Rows(usize),
    /// A stretch of time, in the unit of `times`.
    Time(i64),
    /// Back to the first row.
    Expanding,
    /// Rows `start[k]..end[k]` for answer `k`.
    Bounds(&'a [i64], &'a [i64]),
}

/// Which ends of a window belong to it. pandas' `closed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The last row, and not the one a whole window before it.
    Right,
    /// The one a whole window before, and not the last.
    Left,
    /// Both.
    Both,
    /// Neither.
    Neither,
}

impl Closed {
    /// From pandas' name for it.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "right" => Ok(Closed::Right),
            "left" => Ok(Closed::Left),
            "both" => Ok(Closed::Both),
            "neither" => Ok(Closed::Neither),
            _ => Err(Error::argument(
                "closed",
                "\"right\", \"left\", \"both\" or \"neither\"",
                format_args!("{name:?}"),
            )),
        }
    }

    fn left(self) -> bool {
        matches!(self, Closed::Left | Closed::Both)
    }

    fn right(self) -> bool {
        matches!(self, Closed::Right | Closed::Both)
    }
}

/// Everything about a rolling call but the series and the statistics.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// How far a window reaches.
    pub span: Span<'a>,
    /// Whether the current row is in the middle of its window.
    pub center: bool,
    /// Which ends belong to the window; `Right` if none is given.
    pub closed: Option<Closed>,
    /// One answer in every `step` rows.
    pub step: usize,
    /// Values an answer needs: all of a window of rows, one of any other, if none is given.
    pub min_periods: Option<usize>,
    /// Whether the current row is part of its window.
    pub include_current: bool,
    /// What an infinite value means.
    pub infinity: Infinity,
    /// A time for each row, not decreasing (within a group).
    pub times: Option<&'a [i64]>,
    /// Seconds in one unit of `times`.
    pub time_unit: f64,
    /// A group for each row; rows of a group form a series. Negative for none.
    pub groups: Option<&'a [i64]>,
}

impl Settings<'_> {
    /// Refuses what contradicts itself, for series of `n` rows.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] or [`Error::Length`], naming the argument.
    pub fn check(&self, n: usize) -> Result<(), Error> {
        let at_least_one = |name, value: usize| match value {
            0 => Err(Error::argument(name, "at least 1", value)),
            _ => Ok(()),
        };
        at_least_one("step", self.step)?;
        let of_length = |name, values: Option<&[i64]>, expected| match values {
            Some(values) if values.len() != expected => Err(Error::Length {
                name,
                expected,
                found: values.len(),
            }),
            _ => Ok(()),
        };
        of_length("times", self.times, n)?;
        of_length("groups", self.groups, n)?;
        match self.span {
            Span::Rows(window) => {
                at_least_one("window", window)?;
                if let Some(min_periods) = self.min_periods.filter(|&m| m > window) {
                    let expected = format!("at most the window of {window} rows");
                    return Err(Error::argument("min_periods", expected, min_periods));
                }
            }
            Span::Time(span) => {
                if span <= 0 {
                    return Err(Error::argument("window", "longer than no time", span));
                }
                if self.times.is_none() {
                    let expected = "given, one for each row, when window is a span of time";
                    return Err(Error::argument("times", expected, "None"));
                }
            }
            Span::Expanding => {}
            Span::Bounds(start, end) => {
                of_length("start", Some(start), n.div_ceil(self.step))?;
                of_length("end", Some(end), n.div_ceil(self.step))?;
            }
        }
        let unsupported =
            |name, expected: &str, found: &str| Err(Error::argument(name, expected, found));
        if !self.include_current && (self.center || self.closed.is_some()) {
            let expected = "True when center or closed is given (closed=\"left\" also leaves the current row out)";
            return unsupported("include_current", expected, "False");
        }
        if matches!(self.span, Span::Expanding) && (self.center || self.closed.is_some()) {
            let expected = "a number of rows or a span of time when center or closed is given";
            return unsupported("window", expected, "\"expanding\"");
        }
        if self.groups.is_some() && self.step > 1 {
            return unsupported("step", "1 when groups are given", &self.step.to_string());
        }
        if self.groups.is_some() && matches!(self.span, Span::Bounds(..)) {
            let expected =
                "a number of rows, a span of time or \"expanding\" when groups are given";
            return unsupported("window", expected, "bounds");
        }
        Ok(())
    }

    /// Values an answer needs.
    pub fn min_periods(&self) -> usize {
        self.min_periods.unwrap_or(match self.span {
            Span::Rows(window) => window,
            _ => 1,
        })
    }

    /// Windows of fixed rows or expanding ones, one for each row; the other kinds and other steps
    /// have bounds of their own for each answer.
    pub fn regular(&self) -> Option<Windows<'static>> {
        if self.step != 1 {
            return None;
        }
        let shift = if self.include_current { 0 } else { -1 };
        match self.span {
            Span::Rows(window) => Some(self.fixed(window)),
            Span::Expanding => Some(Windows::Expanding { shift }),
            _ => None,
        }
    }

    /// As pandas lays out windows of rows.
    fn fixed(&self, window: usize) -> Windows<'static> {
        if !self.include_current {
            return Windows::Fixed {
                width: window,
                shift: -1,
            };
        }
        let closed = self.closed.unwrap_or(Closed::Right);
        let ahead = if self.center { (window - 1) / 2 } else { 0 };
        let open = usize::from(!closed.right());
        Windows::Fixed {
            width: window + usize::from(closed.left()) - open,
            shift: ahead as isize - open as isize,
        }
    }

    /// Bounds of the answers `first..first + count` of a series of `n` rows at `times`.
    pub fn bounds(
        &self,
        n: usize,
        times: Option<&[i64]>,
        first: usize,
        count: usize,
    ) -> (Vec<i64>, Vec<i64>) {
        let rows = (first..first + count).map(|k| k * self.step);
        match (self.span, times) {
            (Span::Time(span), Some(times)) => self.by_time(times, span, rows),
            (Span::Bounds(start, end), _) => (
                start[first..first + count].to_vec(),
                end[first..first + count].to_vec(),
            ),
            (Span::Rows(window), _) => {
                let windows = self.fixed(window);
                rows.map(|row| windows.of(row, n))
                    .map(|(a, b)| (a as i64, b as i64))
                    .unzip()
            }
            _ => {
                let shift = i64::from(self.include_current);
                rows.map(|row| (0, row as i64 + shift)).unzip()
            }
        }
    }

    /// As pandas lays out windows of time: `closed` decides at the ends; of the rows of the same time
    /// as the current one those after it count only if the window is centred.
    fn by_time(
        &self,
        times: &[i64],
        span: i64,
        rows: impl Iterator<Item = usize>,
    ) -> (Vec<i64>, Vec<i64>) {
        let closed = self.closed.unwrap_or(Closed::Right);
        let half = span / 2;
        let back = if self.center { half } else { span };
        let (mut low, mut high) = (None, None);
        rows.map(|row| {
            let time = times[row];
            // One less where the left end is closed, so that one comparison serves both.
            let after = time
                .saturating_sub(back)
                .saturating_sub(i64::from(closed.left()));
            let mut start = low.unwrap_or_else(|| times.partition_point(|&t| t <= after));
            while start < row && times[start] <= after {
                start += 1;
            }
            low = Some(start);
            let until = if self.center {
                time.saturating_add(half)
            } else {
                time
            };
            let inside = |t: i64| t < until || (closed.right() && t == until);
            let end = if closed.right() && !self.center {
                row + usize::from(self.include_current)
            } else {
                let mut end = high.unwrap_or_else(|| times.partition_point(|&t| inside(t)));
                while end < times.len() && inside(times[end]) {
                    end += 1;
                }
                high = Some(end);
                end
            };
            (start as i64, end as i64)
        })
        .unzip()
    }

    /// Rows of the widest window, about; it decides how finely work is cut.
    pub fn reach(&self, n: usize, times: Option<&[i64]>) -> usize {
        match (self.span, times) {
            (Span::Rows(window), _) => window.saturating_add(1),
            (Span::Time(span), Some(times)) => {
                let probes = (0..n).step_by(4096);
                let reach = |row: usize| {
                    let from = times[row].saturating_sub(span);
                    row - times[..row].partition_point(|&t| t < from)
                };
                probes.map(reach).max().unwrap_or(0)
            }
            (Span::Bounds(start, end), _) => start
                .iter()
                .zip(end)
                .map(|(s, e)| (e - s).max(0) as usize)
                .max()
                .unwrap_or(0),
            _ => n,
        }
    }
}
