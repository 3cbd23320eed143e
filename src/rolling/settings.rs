//! What a window is, in the words of the caller, and the rows that makes of it.

use std::ops::Range;

use super::window::Windows;
use crate::error::Error;
use crate::float::Infinity;
use crate::simd::dispatch;

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
    /// Whether the current row is part of its window. If not, a window of `n` rows is the `n` before
    /// it, and a span of time the rows before it, of the same time too, back to the one a whole span
    /// before.
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
    /// Trailing windows, the current row included, an infinite value missing, no groups.
    pub fn new(span: Span<'_>) -> Settings<'_> {
        Settings {
            span,
            center: false,
            closed: None,
            step: 1,
            min_periods: None,
            include_current: true,
            infinity: Default::default(),
            times: None,
            time_unit: 1e-9,
            groups: None,
        }
    }

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
        // No series is as long, and sums with row numbers stay in range.
        let window = window.min(isize::MAX as usize / 8);
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

    /// Bounds of `answers` of a series of `n` rows at `times`, into `start` and `end`.
    pub fn bounds(
        &self,
        n: usize,
        times: Option<&[i64]>,
        answers: Range<usize>,
        start: &mut Vec<i64>,
        end: &mut Vec<i64>,
    ) {
        if !matches!(self.span, Span::Time(_)) {
            start.clear();
            end.clear();
        }
        let shift = i64::from(self.include_current);
        match (self.span, times) {
            (Span::Time(span), Some(times)) => {
                let rows = answers.start * self.step..n.min(answers.end * self.step);
                self.by_time(times, span, rows, start, end);
            }
            (Span::Bounds(starts, ends), _) => {
                start.extend_from_slice(&starts[answers.clone()]);
                end.extend_from_slice(&ends[answers]);
            }
            (Span::Rows(window), _) => {
                let windows = self.fixed(window);
                for answer in answers {
                    let (from, to) = windows.of(answer * self.step, n);
                    start.push(from as i64);
                    end.push(to as i64);
                }
            }
            _ => {
                start.resize(answers.len(), 0);
                end.extend(answers.map(|answer| (answer * self.step) as i64 + shift));
            }
        }
    }

    /// As pandas lays out windows of time: `closed` decides at the ends; of the rows of the same time
    /// as the current one those after it count only if the window is centred. Without the current
    /// row the left end is closed, so that three days hold the three daily rows before.
    fn by_time(
        &self,
        times: &[i64],
        span: i64,
        rows: Range<usize>,
        start: &mut Vec<i64>,
        end: &mut Vec<i64>,
    ) {
        // What is there is overwritten.
        let count = rows.len().div_ceil(self.step);
        start.resize(count, 0);
        end.resize(count, 0);
        let closed = match self.closed {
            Some(closed) => closed,
            None if self.include_current => Closed::Right,
            None => Closed::Left,
        };
        // The furthest distance inside: as times are whole numbers, an open end is one nearer. Half
        // of an odd span needs no fraction for the same reason.
        let furthest = |is_closed: bool| match (self.center, is_closed) {
            (true, true) => span / 2,
            (true, false) => (span - 1) / 2,
            (false, true) => span,
            (false, false) => span - 1,
        };
        let (back, ahead) = (furthest(closed.left()), furthest(closed.right()));
        let step = self.step;
        // A bound beyond the range of numbers has every time on its inner side, as it has to be.
        let is_before = |time: i64, now: i64| time < now.saturating_sub(back);
        pointers(times, rows.clone(), step, is_before, start);
        if self.center {
            let is_reached = |time: i64, now: i64| time <= now.saturating_add(ahead);
            pointers(times, rows, step, is_reached, end);
        } else if !self.include_current || closed.right() {
            let shift = i64::from(self.include_current);
            for (end, row) in end.iter_mut().zip(rows.step_by(step)) {
                *end = row as i64 + shift;
            }
        } else {
            pointers(times, rows, step, |time, now| time < now, end);
        }
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
                .map(|(s, e)| e.saturating_sub(*s).max(0) as usize)
                .max()
                .unwrap_or(0),
            _ => n,
        }
    }
}

dispatch! {
    /// For every `step`th of `rows`, how many of `times` are `before` the row's own. Times and what
    /// is before them grow together, so one pass is enough.
    fn pointers<B: Before>(
        times: &[i64], rows: Range<usize>, step: usize, before: B, into: &mut [i64],
    ) = pointers_of
}

/// Whether a time, the first, is before the window of another. A name for closures.
trait Before: Fn(i64, i64) -> bool {}
impl<B: Fn(i64, i64) -> bool> Before for B {}

#[inline(always)]
fn pointers_of<B: Before>(
    times: &[i64],
    rows: Range<usize>,
    step: usize,
    before: B,
    into: &mut [i64],
) {
    let now = times.get(rows).unwrap_or_default();
    // Two pointers, one for each half, so that neither waits for the other's loads.
    let half = into.len() / 2;
    let (near, far) = into.split_at_mut(half);
    let start = |k: usize| {
        let first = now.get(k * step);
        first.map_or(0, |&now| times.partition_point(|&time| before(time, now)))
    };
    let (mut low, mut high) = (start(0), start(half));
    for (k, (near, far)) in near.iter_mut().zip(far.iter_mut()).enumerate() {
        low = advance(times, low, |time| before(time, now[k * step]));
        high = advance(times, high, |time| before(time, now[(half + k) * step]));
        (*near, *far) = (low as i64, high as i64);
    }
    // Of an odd number one is left.
    if let Some(last) = far.get_mut(half) {
        *last = advance(times, high, |time| before(time, now[2 * half * step])) as i64;
    }
}

/// The first place from `at` on that is not before.
#[inline(always)]
fn advance(times: &[i64], mut at: usize, before: impl Fn(i64) -> bool) -> usize {
    // Four at once without a branch: irregular times would make each one a surprise.
    // Spelled out, because the copy for AVX2 would call a closure.
    while let Some(&[a, b, c, d]) = times.get(at..).and_then(<[i64]>::first_chunk) {
        let passed = (usize::from(before(a)) + usize::from(before(b)))
            + (usize::from(before(c)) + usize::from(before(d)));
        at += passed;
        if passed < 4 {
            return at;
        }
    }
    while at < times.len() && before(times[at]) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_time(settings: Settings, times: &[i64]) -> Vec<(i64, i64)> {
        let (mut start, mut end) = (Vec::new(), Vec::new());
        let answers = 0..times.len().div_ceil(settings.step);
        settings.bounds(times.len(), Some(times), answers, &mut start, &mut end);
        start.into_iter().zip(end).collect()
    }

    #[test]
    fn half_of_an_odd_span_is_not_rounded() {
        let settings = Settings {
            center: true,
            ..Settings::new(Span::Time(45))
        };
        let found = by_time(settings, &[0, 22, 44, 45, 67, 90]);
        assert_eq!(found, [(0, 2), (0, 3), (1, 4), (2, 5), (3, 5), (5, 6)]);
    }

    #[test]
    fn without_the_current_row_the_left_end_is_closed() {
        let settings = Settings {
            include_current: false,
            ..Settings::new(Span::Time(3))
        };
        let found = by_time(settings, &[0, 1, 2, 3, 3, 8]);
        assert_eq!(found, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (5, 5)]);
    }

    #[test]
    fn spans_may_reach_beyond_the_range_of_numbers() {
        let times = [i64::MIN, -1, 0, 5, i64::MAX];
        for center in [false, true] {
            for closed in [Closed::Right, Closed::Left, Closed::Both, Closed::Neither] {
                let settings = Settings {
                    center,
                    closed: Some(closed),
                    ..Settings::new(Span::Time(i64::MAX))
                };
                let expected = times.iter().enumerate().map(|(row, &now)| {
                    let is_inside = |j: usize| {
                        let apart = 2 * (i128::from(times[j]) - i128::from(now));
                        let span = i128::from(i64::MAX) * if center { 1 } else { 2 };
                        let after = apart > -span || (closed.left() && apart == -span);
                        let last = if center { span } else { 0 };
                        let before = apart < last || (closed.right() && apart == last);
                        after && before && (center || j <= row)
                    };
                    let inside: Vec<usize> = (0..times.len()).filter(|&j| is_inside(j)).collect();
                    inside
                        .first()
                        .map(|&from| (from as i64, inside[inside.len() - 1] as i64 + 1))
                });
                for (found, expected) in by_time(settings, &times).into_iter().zip(expected) {
                    match expected {
                        Some(expected) => assert_eq!(found, expected),
                        None => assert_eq!(found.0, found.1),
                    }
                }
            }
        }
    }
}
