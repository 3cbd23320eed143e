//! Fewer points that draw the same line.
//!
//! A screen shows a few thousand columns of dots. The series is cut into bins, twice as many as
//! points asked for, of which the lowest and the highest value go on (MinMax); from these, bucket
//! by bucket, the one that spans the largest triangle with the point chosen before and the mean of
//! the next bucket is drawn (Largest-Triangle-Three-Buckets, Steinarsson 2013). Both together are
//! MinMaxLTTB (Van Der Donckt et al. 2023): nearly the picture of the second at nearly the price
//! of the first.

mod extremes;
mod triangles;

use std::ops::Range;

use crate::error::Error;
use crate::float::Float;
use crate::parallel::Monitor;

/// Bins for each point asked for.
const BINS: usize = 2;

/// The rows to draw, in order: about `points` of them, every row of `keep`, and in each bin that
/// misses values the first missing one, so that gaps stay gaps.
///
/// `x` are the places of the rows, none before the one above it; without them rows are one apart.
///
/// # Errors
///
/// [`Error::Argument`] if fewer than 4 points are asked for, [`Error::Length`] if `x` or `keep` is
/// not as long as `y`, [`Error::Unsorted`] if `x` goes back, [`Error::Cancelled`] if the monitor
/// says so.
///
/// # Examples
///
/// ```
/// use linewatch::downsample::downsample;
/// use linewatch::parallel::Monitor;
///
/// let mut y = vec![0.0; 10_000];
/// y[1234] = 9.0;
/// let rows = downsample(&y, None, None, 50, &Monitor::default())?;
/// assert!(rows.len() <= 50 && rows.contains(&1234));
/// # Ok::<(), linewatch::Error>(())
/// ```
pub fn downsample<T: Float>(
    y: &[T],
    x: Option<&[f64]>,
    keep: Option<&[bool]>,
    points: usize,
    monitor: &Monitor,
) -> Result<Vec<usize>, Error> {
    if points < 4 {
        return Err(Error::argument("n_out", "at least 4", points));
    }
    let lengths = [
        ("x", x.map(<[f64]>::len)),
        ("keep", keep.map(<[bool]>::len)),
    ];
    for (name, found) in lengths {
        if let Some(found) = found.filter(|&found| found != y.len()) {
            let expected = y.len();
            return Err(Error::Length {
                name,
                expected,
                found,
            });
        }
    }
    if let Some(row) = x.and_then(first_back) {
        return Err(Error::Unsorted {
            name: "x",
            row,
            before: row.saturating_sub(1),
        });
    }
    if y.len() <= points {
        return Ok((0..y.len()).collect());
    }
    let mut candidates = Vec::with_capacity(points * BINS * 2);
    let mut others = Vec::new();
    for bin in bins(y.len(), x, points * BINS) {
        if bin.is_empty() {
            continue;
        }
        monitor.tick(bin.len() as u64)?;
        extremes::of(y, bin, &mut candidates, &mut others);
    }
    // The line begins and ends where the series does.
    let last = y.len() - 1;
    if candidates.first() != Some(&0) && !y[0].to_f64().is_nan() {
        candidates.insert(0, 0);
    }
    if candidates.last() != Some(&last) && !y[last].to_f64().is_nan() {
        candidates.push(last);
    }
    let place = |row: usize| x.map_or(row as f64, |x| x[row]);
    let mut rows = triangles::choose(y, place, &candidates, points);
    if let Some(keep) = keep {
        others.extend(
            keep.iter()
                .enumerate()
                .filter_map(|(row, &k)| k.then_some(row)),
        );
    }
    if !others.is_empty() {
        rows.append(&mut others);
        rows.sort_unstable();
        rows.dedup();
    }
    Ok(rows)
}

/// The first row whose place is before that of the row above, or is NaN.
fn first_back(x: &[f64]) -> Option<usize> {
    if x.first().is_some_and(|x| x.is_nan()) {
        return Some(0);
    }
    x.windows(2)
        .position(|two| {
            two[0]
                .partial_cmp(&two[1])
                .is_none_or(|order| order.is_gt())
        })
        .map(|k| k + 1)
}

/// Cuts the rows into bins of equal width in `x`, or of equal numbers.
fn bins(n: usize, x: Option<&[f64]>, count: usize) -> Vec<Range<usize>> {
    let count = count.min(n);
    let mut ends: Vec<usize> = match x {
        Some(x) if x[0].is_finite() && x[n - 1].is_finite() && x[0] < x[n - 1] => {
            let width = (x[n - 1] - x[0]) / count as f64;
            (1..count)
                .map(|k| x.partition_point(|&v| v < x[0] + width * k as f64))
                .collect()
        }
        _ => (1..count)
            .map(|k| (k as u128 * n as u128 / count as u128) as usize)
            .collect(),
    };
    ends.push(n);
    let mut start = 0;
    ends.into_iter()
        .map(|end| {
            let bin = start..end.max(start);
            start = bin.end;
            bin
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(y: &[f64], x: Option<&[f64]>, keep: Option<&[bool]>, points: usize) -> Vec<usize> {
        downsample(y, x, keep, points, &Monitor::default()).unwrap()
    }

    #[test]
    fn short_series_are_drawn_whole() {
        assert_eq!(rows(&[1.0, f64::NAN, 3.0], None, None, 4), [0, 1, 2]);
        assert!(rows(&[], None, None, 4).is_empty());
    }

    #[test]
    fn ends_peaks_and_kept_rows_are_there() {
        let mut y: Vec<f64> = (0..5000).map(|i| (f64::from(i) * 0.37).sin()).collect();
        y[777] = 50.0;
        y[4001] = -50.0;
        let mut keep = vec![false; y.len()];
        keep[2500] = true;
        let rows = rows(&y, None, Some(&keep), 100);
        assert!(rows.len() <= 101 && rows.is_sorted());
        for row in [0, 777, 2500, 4001, 4999] {
            assert!(rows.contains(&row), "{row}");
        }
    }

    #[test]
    fn gaps_stay_gaps() {
        let mut y: Vec<f64> = (0..1000).map(f64::from).collect();
        y[300..400].fill(f64::NAN);
        let rows = rows(&y, None, None, 20);
        assert!(rows.iter().any(|&row| (300..400).contains(&row)));
        assert!(rows.contains(&0) && rows.contains(&999));
        let all = vec![f64::NAN; 1000];
        assert!(!self::rows(&all, None, None, 20).is_empty());
    }

    #[test]
    fn bins_follow_the_places() {
        // Half of the rows lie in the first hundredth of the range.
        let x: Vec<f64> = (0..1000)
            .map(|i| {
                if i < 500 {
                    f64::from(i) / 500.0
                } else {
                    1.0 + f64::from(i - 499) / 5.0
                }
            })
            .collect();
        let y: Vec<f64> = x.iter().map(|x| (x * 3.0).sin()).collect();
        let rows = rows(&y, Some(&x), None, 40);
        let early = rows.iter().filter(|&&row| row < 500).count();
        assert!(early < 10, "{early}");
    }

    #[test]
    fn bad_input_is_refused() {
        let fail = |y: &[f64], x: Option<&[f64]>, points| {
            downsample(y, x, None, points, &Monitor::default()).unwrap_err()
        };
        assert!(matches!(fail(&[1.0], None, 3), Error::Argument { .. }));
        assert!(matches!(
            fail(&[1.0, 2.0], Some(&[1.0]), 4),
            Error::Length { .. }
        ));
        let back = fail(&[1.0, 2.0], Some(&[1.0, 0.0]), 4);
        assert!(matches!(back, Error::Unsorted { row: 1, .. }));
    }
}
