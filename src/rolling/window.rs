//! Which rows belong to the window of each answer.
//!
//! Every kind of window (by count, by span of time, centred, expanding, custom, one answer in
//! every `step` rows) ends as a `Windows`: for each answer a half-open range of rows.

/// The windows of one series, one for each answer.
#[derive(Debug, Clone, Copy)]
pub enum Windows<'a> {
    /// `width` rows that end `shift` rows after the current one (before it, if negative),
    /// cut at both ends of the series. One answer for each row.
    Fixed {
        /// Rows in a window, before cutting.
        width: usize,
        /// 0 for a trailing window; -1 leaves the current row out.
        shift: isize,
    },
    /// All rows up to the current one, `shift` rows on. One answer for each row.
    Expanding {
        /// 0 to end at the current row; -1 leaves it out.
        shift: isize,
    },
    /// Answer `k` covers rows `start[k - first]..end[k - first]` and belongs to row `k * step`.
    Bounds {
        /// First row of each window.
        start: &'a [i64],
        /// One past the last row of each window.
        end: &'a [i64],
        /// Rows from one answer to the next.
        step: usize,
        /// The answer that the bounds begin with.
        first: usize,
    },
}

impl Windows<'_> {
    /// Rows `start..end` of answer `k` in a series of `n` rows; always `start <= end <= n`.
    #[inline(always)]
    pub fn of(&self, k: usize, n: usize) -> (usize, usize) {
        match *self {
            Windows::Fixed { width, shift } => {
                let end = (k as isize + 1 + shift).clamp(0, n as isize) as usize;
                let start = (k as isize + 1 + shift - width as isize).clamp(0, end as isize);
                (start as usize, end)
            }
            Windows::Expanding { shift } => {
                (0, (k as isize + 1 + shift).clamp(0, n as isize) as usize)
            }
            Windows::Bounds {
                start, end, first, ..
            } => {
                let (start, end) = (start[k - first], end[k - first]);
                let end = end.clamp(0, n as i64) as usize;
                ((start.max(0) as usize).min(end), end)
            }
        }
    }

    /// The row that answer `k` belongs to.
    #[inline(always)]
    pub fn row(&self, k: usize) -> usize {
        match *self {
            Windows::Bounds { step, .. } => k * step,
            _ => k,
        }
    }
}
