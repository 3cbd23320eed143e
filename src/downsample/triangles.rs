//! Largest-Triangle-Three-Buckets.

use crate::float::Float;

/// Of the rows `from`, about `points`: the first, the last, and of each bucket between them the
/// one that spans the largest triangle.
pub(super) fn choose<T: Float>(
    y: &[T],
    place: impl Fn(usize) -> f64,
    from: &[usize],
    points: usize,
) -> Vec<usize> {
    let n = from.len();
    if n <= points {
        return from.to_vec();
    }
    let buckets = points - 2;
    let end = |bucket: usize| 1 + bucket * (n - 2) / buckets;
    let mut chosen = Vec::with_capacity(points);
    chosen.push(from[0]);
    let mut last = (place(from[0]), y[from[0]].to_f64());
    for bucket in 0..buckets {
        let here = &from[end(bucket)..end(bucket + 1)];
        let next = if bucket + 1 < buckets {
            &from[end(bucket + 1)..end(bucket + 2)]
        } else {
            &from[n - 1..]
        };
        let count = next.len() as f64;
        let mean_x = next.iter().map(|&row| place(row)).sum::<f64>() / count;
        let mean_y = next.iter().map(|&row| y[row].to_f64()).sum::<f64>() / count;
        let mut best = (f64::NEG_INFINITY, here[0]);
        for &row in here {
            let (x, v) = (place(row), y[row].to_f64());
            let area = ((last.0 - mean_x) * (v - last.1) - (last.0 - x) * (mean_y - last.1)).abs();
            // An infinite value has no area that can be compared: it is drawn.
            let area = if area.is_nan() { f64::INFINITY } else { area };
            if area > best.0 {
                best = (area, row);
            }
        }
        let row = best.1;
        chosen.push(row);
        last = (place(row), y[row].to_f64());
    }
    chosen.push(from[n - 1]);
    chosen
}
