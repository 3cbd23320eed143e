//! Small changes that last: the cumulative sums of Page and of Hinkley.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;
use super::rolling::{Rolling, Window};

/// What values are compared with.
#[derive(Debug, Clone)]
pub enum Reference {
    /// The same mean and standard deviation at all times.
    Fixed {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// The rows before: a z-score.
    Rows(Rolling),
}

/// Two-sided CUSUM, as [`crate::rolling::cusum`]: upper sum, lower sum and alarm.
#[derive(Debug, Clone)]
pub struct Cusum {
    /// Allowance in standard deviations.
    pub k: f64,
    /// Threshold in standard deviations.
    pub h: f64,
    /// Whether an alarm sets its sum back to 0.
    pub reset: bool,
    /// What values are compared with.
    pub reference: Reference,
}

/// The sums of a key.
#[derive(Debug)]
pub struct Sums {
    above: f64,
    below: f64,
    window: Option<Window>,
}

impl Rule for Cusum {
    type State = Sums;

    fn outputs(&self) -> usize {
        3
    }

    fn start(&self) -> Sums {
        Sums {
            above: 0.0,
            below: 0.0,
            window: match &self.reference {
                Reference::Fixed { .. } => None,
                Reference::Rows(rolling) => Some(rolling.start()),
            },
        }
    }

    #[inline(always)]
    fn push(&self, sums: &mut Sums, time: i64, value: f64, out: &mut [f64]) {
        let z = match (&self.reference, &mut sums.window) {
            (Reference::Rows(rolling), Some(window)) => rolling.score(window, time, value),
            (Reference::Fixed { mean, std }, _) => (value - mean) / std,
            _ => f64::NAN,
        };
        if !z.is_finite() {
            out.copy_from_slice(&[f64::NAN, f64::NAN, 0.0]);
            return;
        }
        let above = (sums.above + z - self.k).max(0.0);
        let below = (sums.below - z - self.k).max(0.0);
        let alarm = if above > self.h && above >= below {
            1.0
        } else if below > self.h {
            -1.0
        } else {
            0.0
        };
        out.copy_from_slice(&[above, below, alarm]);
        let kept = |sum: f64| if self.reset && sum > self.h { 0.0 } else { sum };
        (sums.above, sums.below) = (kept(above), kept(below));
    }

    fn write(&self, sums: &Sums, to: &mut Writer) {
        to.f64(sums.above);
        to.f64(sums.below);
        if let (Reference::Rows(rolling), Some(window)) = (&self.reference, &sums.window) {
            rolling.write(window, to);
        }
    }

    fn read(&self, from: &mut Reader) -> Option<Sums> {
        Some(Sums {
            above: from.f64()?,
            below: from.f64()?,
            window: match &self.reference {
                Reference::Fixed { .. } => None,
                Reference::Rows(rolling) => Some(rolling.read(from)?),
            },
        })
    }
}

/// Two-sided Page-Hinkley test: sums of what is above, or below, the mean of all values so far by
/// more than an allowance. An alarm begins anew: sums, mean and count.
#[derive(Debug, Clone, Copy)]
pub struct PageHinkley {
    /// Allowance, in the unit of the values.
    pub delta: f64,
    /// Sum above which there is an alarm, in the unit of the values.
    pub threshold: f64,
    /// Values the mean needs before the sums begin.
    pub min_periods: usize,
}

/// The mean and the sums of a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hinkley {
    count: u64,
    mean: f64,
    above: f64,
    below: f64,
}

impl Rule for PageHinkley {
    type State = Hinkley;

    fn outputs(&self) -> usize {
        3
    }

    fn start(&self) -> Hinkley {
        Hinkley::default()
    }

    #[inline(always)]
    fn push(&self, state: &mut Hinkley, _: i64, value: f64, out: &mut [f64]) {
        if value.is_nan() {
            out.copy_from_slice(&[f64::NAN, f64::NAN, 0.0]);
            return;
        }
        state.count += 1;
        state.mean += (value - state.mean) / state.count as f64;
        if state.count < self.min_periods as u64 {
            out.copy_from_slice(&[f64::NAN, f64::NAN, 0.0]);
            return;
        }
        let away = value - state.mean;
        state.above = (state.above + away - self.delta).max(0.0);
        state.below = (state.below - away - self.delta).max(0.0);
        let (above, below) = (state.above, state.below);
        let alarm = if above > self.threshold && above >= below {
            1.0
        } else if below > self.threshold {
            -1.0
        } else {
            0.0
        };
        out.copy_from_slice(&[above, below, alarm]);
        if alarm != 0.0 {
            *state = Hinkley::default();
        }
    }

    fn write(&self, state: &Hinkley, to: &mut Writer) {
        to.u64(state.count);
        to.all(&[state.mean, state.above, state.below]);
    }

    fn read(&self, from: &mut Reader) -> Option<Hinkley> {
        Some(Hinkley {
            count: from.u64()?,
            mean: from.f64()?,
            above: from.f64()?,
            below: from.f64()?,
        })
    }
}
