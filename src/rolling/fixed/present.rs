//! Which values are present, and how many of them in each window.

use crate::float::Float;

/// Values whose presence is added up together.
const SIDE: usize = 8;

/// Marks of present values, and counts of them.
#[derive(Default)]
pub(super) struct Present {
    /// 1 for a value that is present.
    marks: Vec<u8>,
    /// Values present among eight from each on.
    eights: Vec<u8>,
    counts: Vec<f64>,
}

impl Present {
    /// Copies `rows` with `none` for what is missing, and remembers where that is.
    #[inline(always)]
    pub(super) fn mask<T: Float>(
        &mut self,
        limit: f64,
        rows: &[T],
        none: f64,
        values: &mut Vec<f64>,
    ) {
        values.resize(rows.len(), 0.0);
        self.marks.resize(rows.len(), 0);
        for ((row, value), mark) in rows.iter().zip(values).zip(&mut self.marks) {
            let v = row.to_f64();
            let is_present = v.abs() <= limit;
            *value = if is_present { v } else { none };
            *mark = u8::from(is_present);
        }
    }

    /// Values present in every window of `width` rows, and four places more for those who read by
    /// fours.
    #[inline(always)]
    pub(super) fn counts(&mut self, width: usize) -> &[f64] {
        let Present {
            marks,
            eights,
            counts,
        } = self;
        let n = marks.len() + 1 - width;
        counts.resize(n + 4, 0.0);
        let (head, tail) = counts[..n].split_at_mut(n.min(SIDE));
        let mut count = [0i32; SIDE];
        let mut now: i32 = marks[..width].iter().map(|&m| i32::from(m)).sum();
        for (j, (count, out)) in count.iter_mut().zip(head).enumerate() {
            if j > 0 {
                now += i32::from(marks[j + width - 1]) - i32::from(marks[j - 1]);
            }
            *count = now;
            *out = f64::from(now);
        }
        if tail.is_empty() {
            return counts;
        }
        eights_of(marks, eights);
        // Eight windows on, eight rows have come and eight have gone. Counts are whole numbers, and
        // may be subtracted.
        let (gone, come) = (&eights[..], &eights[width..]);
        let whole = tail.len() / SIDE * SIDE;
        let (whole, rest) = tail.split_at_mut(whole);
        for ((out, come), gone) in whole
            .chunks_exact_mut(SIDE)
            .zip(come.chunks_exact(SIDE))
            .zip(gone.chunks_exact(SIDE))
        {
            for l in 0..SIDE {
                count[l] += i32::from(come[l]) - i32::from(gone[l]);
                out[l] = f64::from(count[l]);
            }
        }
        let from = whole.len();
        let change = come[from..].iter().zip(&gone[from..]);
        for ((out, count), (&come, &gone)) in rest.iter_mut().zip(count).zip(change) {
            *out = f64::from(count + i32::from(come) - i32::from(gone));
        }
        counts
    }
}

/// Sums of eight marks from each on.
#[inline(always)]
fn eights_of(marks: &[u8], eights: &mut Vec<u8>) {
    let n = marks.len() + 1 - SIDE;
    eights.resize(n, 0);
    let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|k| &marks[k..k + n]);
    for (j, eight) in eights.iter_mut().enumerate() {
        *eight = a[j] + b[j] + c[j] + d[j] + e[j] + f[j] + g[j] + h[j];
    }
}
