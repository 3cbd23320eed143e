//! Cumulative sums of deviations from a baseline.
//!
//! The two-sided scheme of Page, "Continuous inspection schemes", Biometrika 41, 1954: one sum
//! grows while values are above the baseline by more than an allowance, the other while they are
//! below, and an alarm is raised when a sum passes a threshold.

use crate::{Error, Float};

/// What values are compared with.
#[derive(Debug, Clone, Copy)]
pub enum Baseline<'a> {
    /// The same mean and standard deviation for all rows.
    Fixed {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// A mean and a standard deviation for each row.
    Rows {
        /// The means; NaN where the baseline is not known yet.
        mean: &'a [f64],
        /// The standard deviations.
        std: &'a [f64],
    },
}

/// When an alarm is raised, and what follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CusumOptions {
    /// Allowance: deviations up to this many standard deviations count for nothing.
    pub k: f64,
    /// Threshold: a sum above this many standard deviations raises an alarm.
    pub h: f64,
    /// Whether an alarm sets its sum back to 0 (after the row that shows it).
    pub reset: bool,
}

/// Upper and lower cumulative sum and alarm of each row.
///
/// With `z` the distance from the baseline in standard deviations, `upper` becomes
/// `max(0, upper + z - k)` and `lower` `max(0, lower - z - k)`. The alarm is 1 where `upper` is
/// above `h`, -1 where `lower` is (the larger sum decides between both), else 0. Rows whose value or
/// baseline is missing, or whose standard deviation is 0, give NaN and no alarm and leave the sums
/// as they are.
///
/// # Errors
///
/// [`Error::Argument`] if `k` or `h` is negative or not finite, [`Error::Length`] if an array has
/// not one place for each row.
pub fn cusum<T: Float>(
    x: &[T],
    baseline: Baseline,
    options: &CusumOptions,
    upper: &mut [T],
    lower: &mut [T],
    alarm: &mut [i8],
) -> Result<(), Error> {
    let CusumOptions { k, h, reset } = *options;
    for (name, value) in [("k", k), ("h", h)] {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::argument(name, "finite and not negative", value));
        }
    }
    let mut lengths = vec![
        ("upper", upper.len()),
        ("lower", lower.len()),
        ("alarm", alarm.len()),
    ];
    if let Baseline::Rows { mean, std } = baseline {
        lengths.extend([("mean", mean.len()), ("std", std.len())]);
    }
    let expected = x.len();
    if let Some(&(name, found)) = lengths.iter().find(|(_, found)| *found != expected) {
        return Err(Error::Length {
            name,
            expected,
            found,
        });
    }
    let (mut above, mut below) = (0.0_f64, 0.0_f64);
    for i in 0..x.len() {
        let (mean, std) = match baseline {
            Baseline::Fixed { mean, std } => (mean, std),
            Baseline::Rows { mean, std } => (mean[i], std[i]),
        };
        let z = (x[i].to_f64() - mean) / std;
        // A standard deviation of 0 gives an infinite z, or none.
        if !z.is_finite() {
            (upper[i], lower[i], alarm[i]) = (T::NAN, T::NAN, 0);
            continue;
        }
        above = (above + z - k).max(0.0);
        below = (below - z - k).max(0.0);
        upper[i] = T::from_f64(above);
        lower[i] = T::from_f64(below);
        alarm[i] = if above > h && above >= below {
            1
        } else if below > h {
            -1
        } else {
            0
        };
        if reset && above > h {
            above = 0.0;
        }
        if reset && below > h {
            below = 0.0;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    fn run(x: &[f64], baseline: Baseline, reset: bool) -> (Vec<f64>, Vec<f64>, Vec<i8>) {
        let options = CusumOptions {
            k: 0.5,
            h: 4.0,
            reset,
        };
        let (mut upper, mut lower) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let mut alarm = vec![0; x.len()];
        cusum(x, baseline, &options, &mut upper, &mut lower, &mut alarm).unwrap();
        (upper, lower, alarm)
    }

    #[test]
    fn a_lasting_shift_raises_an_alarm_and_starts_again() {
        let x = [10.0, 14.0, 14.0, NAN, 14.0, 14.0, 4.0, 4.0];
        let baseline = Baseline::Fixed {
            mean: 10.0,
            std: 2.0,
        };
        let (upper, lower, alarm) = run(&x, baseline, true);
        assert_eq!(upper[..3], [0.0, 1.5, 3.0]);
        assert!(upper[3].is_nan() && lower[3].is_nan());
        assert_eq!(upper[4..], [4.5, 1.5, 0.0, 0.0]);
        assert_eq!(lower[4..], [0.0, 0.0, 2.5, 5.0]);
        assert_eq!(alarm, [0, 0, 0, 0, 1, 0, 0, -1]);
        let (upper, _, alarm) = run(&x, baseline, false);
        assert_eq!(upper[4..], [4.5, 6.0, 2.5, 0.0]);
        assert_eq!(alarm, [0, 0, 0, 0, 1, 1, 0, -1]);
    }

    #[test]
    fn rows_without_a_baseline_leave_the_sums_as_they_are() {
        let mean = [NAN, 0.0, 0.0, 0.0];
        let std = [NAN, 1.0, 0.0, 1.0];
        let baseline = Baseline::Rows {
            mean: &mean,
            std: &std,
        };
        let (upper, _, alarm) = run(&[9.0, 2.5, 9.0, 2.5], baseline, true);
        assert!(upper[0].is_nan() && upper[2].is_nan());
        assert_eq!((upper[1], upper[3]), (2.0, 4.0));
        assert_eq!(alarm, [0; 4]);
    }

    #[test]
    fn a_negative_threshold_is_refused() {
        let options = CusumOptions {
            k: 0.5,
            h: -1.0,
            reset: true,
        };
        let baseline = Baseline::Fixed {
            mean: 0.0,
            std: 1.0,
        };
        let found = cusum::<f64>(&[], baseline, &options, &mut [], &mut [], &mut []);
        let message = found.unwrap_err().to_string();
        assert_eq!(message, "h must be finite and not negative, got -1");
    }
}
