//! Whether a KPI left its course at once or little by little.
//!
//! Around the start of an event, distances from the baseline are fitted by a step (one mean before
//! a row, another from it on) and by a ramp (one mean up to a row, a straight line after it that
//! begins there). The fit with the smaller squared error names the event, and its row is when the
//! change began.

use crate::error::Error;
use crate::parallel::Poll;

/// Rows before the change began that tell what was usual.
const BEFORE: usize = 24;
/// Rows after the start of the event that are looked at.
const AFTER: usize = 24;
/// Rows back from the start of the event within which the change is looked for.
const BACK: usize = 336;
/// A row counts up to this many scales.
const CLIP: f64 = 6.0;
/// Steps of the scale within which a row is no change, in the search for its beginning.
const ALLOWANCE: f64 = 0.25;

/// One event in a column of distances.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// First row of the series.
    pub series: usize,
    /// First row of the event.
    pub first: usize,
    /// Last row of the event.
    pub last: usize,
}

/// The better fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// The row in which the change began.
    pub onset: usize,
    /// Squared error of the best step.
    pub step: f64,
    /// Squared error of the best ramp.
    pub ramp: f64,
}

/// The shape of each event.
///
/// # Errors
///
/// [`Error::Argument`] if an event does not lie in the column, [`Error::Cancelled`] if the caller
/// asked for a stop.
pub fn shapes(z: &[f64], stretches: &[Stretch]) -> Result<Vec<Shape>, Error> {
    let mut poll = Poll::default();
    let mut points = Vec::new();
    stretches
        .iter()
        .map(|&stretch| {
            let Stretch {
                series,
                first,
                last,
            } = stretch;
            if !(series <= first && first <= last && last < z.len()) {
                let found = format!("{first} to {last}");
                return Err(Error::argument("stretches", "rows of one series", found));
            }
            if poll.is_cancelled(10_000) {
                return Err(Error::Cancelled);
            }
            Ok(shape(z, stretch, &mut points))
        })
        .collect()
}

fn shape(z: &[f64], stretch: Stretch, points: &mut Vec<(usize, f64)>) -> Shape {
    let Stretch {
        series,
        first,
        last,
    } = stretch;
    let end = last.min(first + AFTER);
    let from = series.max(began(z, stretch).saturating_sub(BEFORE));
    points.clear();
    points.extend(
        (from..=end)
            .filter(|&i| !z[i].is_nan())
            .map(|i| (i, z[i].clamp(-CLIP, CLIP))),
    );
    let n = points.len();
    if n < 3 {
        return Shape {
            onset: first,
            step: f64::NAN,
            ramp: f64::NAN,
        };
    }
    let (step_at, step) = best_step(points);
    let (ramp_at, ramp) = best_ramp(points);
    let place = if ramp < step { ramp_at } else { step_at };
    Shape {
        onset: points[place].0,
        step,
        ramp,
    }
}

/// The row after which a cumulative sum in the direction of the event never came back to zero.
fn began(z: &[f64], stretch: Stretch) -> usize {
    let Stretch {
        series,
        first,
        last,
    } = stretch;
    let rows = first..=last.min(first + AFTER);
    let total: f64 = rows
        .filter(|&i| !z[i].is_nan())
        .map(|i| z[i].clamp(-CLIP, CLIP))
        .sum();
    let sign = if total < 0.0 { -1.0 } else { 1.0 };
    let (mut sum, mut began) = (0.0_f64, first);
    let from = series.max(first.saturating_sub(BACK));
    for (i, &away) in z[from..=first].iter().enumerate() {
        if away.is_nan() {
            continue;
        }
        let before = sum;
        sum = (sum + sign * away.clamp(-CLIP, CLIP) - ALLOWANCE).max(0.0);
        if before == 0.0 && sum > 0.0 {
            began = from + i;
        }
    }
    if sum > 0.0 { began } else { first }
}

/// Place of the first row after the best step, and its squared error.
fn best_step(points: &[(usize, f64)]) -> (usize, f64) {
    let n = points.len();
    let total: f64 = points.iter().map(|p| p.1).sum();
    let squares: f64 = points.iter().map(|p| p.1 * p.1).sum();
    let (mut sum, mut best) = (0.0, (0, f64::INFINITY));
    for place in 1..n {
        sum += points[place - 1].1;
        let (before, after) = (place as f64, (n - place) as f64);
        let rest = total - sum;
        let error = squares - sum * sum / before - rest * rest / after;
        if error < best.1 {
            best = (place, error);
        }
    }
    (best.0, best.1.max(0.0))
}

/// Place of the last row before the best ramp, and its squared error.
fn best_ramp(points: &[(usize, f64)]) -> (usize, f64) {
    let n = points.len() as f64;
    let mean: f64 = points.iter().map(|p| p.1).sum::<f64>() / n;
    let mut best = (0, f64::INFINITY);
    // A ramp of one row is a step: at least three rows rise.
    for place in 0..points.len().saturating_sub(3) {
        let at = points[place].0;
        let rise = |row: usize| row.saturating_sub(at) as f64;
        let center: f64 = points.iter().map(|p| rise(p.0)).sum::<f64>() / n;
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for &(row, y) in points {
            let (dx, dy) = (rise(row) - center, y - mean);
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
        let error = yy - xy * xy / xx;
        if error < best.1 {
            best = (place, error);
        }
    }
    (best.0, best.1.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(i: usize) -> f64 {
        [0.2, -0.1, 0.1, -0.2, 0.0][i % 5]
    }

    fn of(z: &[f64], first: usize) -> Shape {
        let stretch = Stretch {
            series: 0,
            first,
            last: z.len() - 1,
        };
        shapes(z, &[stretch]).unwrap()[0]
    }

    #[test]
    fn a_step_begins_at_its_row() {
        let z: Vec<f64> = (0..60)
            .map(|i| noise(i) + if i >= 40 { -3.0 } else { 0.0 })
            .collect();
        let found = of(&z, 44);
        assert_eq!(found.onset, 40);
        assert!(found.step < found.ramp);
    }

    #[test]
    fn a_ramp_begins_before_it_is_noticed() {
        let z: Vec<f64> = (0..60)
            .map(|i| noise(i) + 0.1 * i.saturating_sub(20) as f64)
            .collect();
        let found = of(&z, 45);
        assert!(found.ramp < found.step);
        assert!((15..=25).contains(&found.onset), "{}", found.onset);
    }

    #[test]
    fn an_event_outside_the_column_is_refused() {
        let stretch = Stretch {
            series: 0,
            first: 2,
            last: 9,
        };
        let error = shapes(&[0.0; 5], &[stretch]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "stretches must be rows of one series, got 2 to 9"
        );
    }
}
