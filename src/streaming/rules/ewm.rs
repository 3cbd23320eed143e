//! Exponentially weighted mean and variance, and how far a value is from those before it.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;
use crate::error::Error;
use crate::rolling::ewm::Running;

/// How weights fade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fading {
    /// By rows: the share of the newest value.
    Rows {
        /// Above 0 and at most 1.
        alpha: f64,
    },
    /// By time.
    Time {
        /// What is left of a weight after a half-life: 0.5, but not known to the compiler, which
        /// would take another power than the batch does.
        half: f64,
        /// Seconds in which a weight halves.
        halflife_s: f64,
        /// Seconds in one unit of time.
        unit_s: f64,
    },
}

/// What to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EwmOutput {
    /// Weighted mean.
    Mean,
    /// Weighted variance, corrected for bias.
    Var,
    /// Its root.
    Std,
    /// The value less the mean before it.
    Error,
    /// The same, in standard deviations before it.
    ZScore,
}

impl EwmOutput {
    /// The outputs by name.
    pub const NAMES: [(&'static str, EwmOutput); 5] = [
        ("mean", EwmOutput::Mean),
        ("var", EwmOutput::Var),
        ("std", EwmOutput::Std),
        ("error", EwmOutput::Error),
        ("zscore", EwmOutput::ZScore),
    ];

    /// The output of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, output)| *output).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name).join(", ");
            Error::argument("statistic", format!("one of {names}"), name)
        })
    }
}

/// The rule: as [`crate::rolling::ewm`], with adjusted weights.
#[derive(Debug, Clone)]
pub struct Ewm {
    /// How weights fade.
    pub fading: Fading,
    /// What to tell.
    pub statistics: Vec<EwmOutput>,
    /// Values an answer needs; at least 1.
    pub min_periods: usize,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy)]
pub struct Weighted {
    running: Running,
    rows: u64,
    /// The time of the first row and of the last, present or not.
    first: i64,
    last: i64,
}

impl Rule for Ewm {
    type State = Weighted;

    fn outputs(&self) -> usize {
        self.statistics.len()
    }

    fn start(&self) -> Weighted {
        Weighted {
            running: Running::new(),
            rows: 0,
            first: 0,
            last: 0,
        }
    }

    #[inline(always)]
    fn push(&self, state: &mut Weighted, time: i64, value: f64, out: &mut [f64]) {
        let decay = match self.fading {
            Fading::Rows { alpha } => 1.0 - alpha,
            // The first row has nothing to fade.
            Fading::Time { .. } if state.rows == 0 => {
                state.first = time;
                0.5
            }
            Fading::Time {
                half,
                halflife_s,
                unit_s,
            } => {
                let seconds = |time: i64| time.wrapping_sub(state.first) as f64 * unit_s;
                half.powf((seconds(time) - seconds(state.last)) / halflife_s)
            }
        };
        state.last = time;
        state.rows += 1;
        let before = state.running;
        state.running.push(value, decay);
        let need = self.min_periods.max(1);
        let known = |running: &Running, value: f64| {
            if running.count() >= need {
                value
            } else {
                f64::NAN
            }
        };
        for (out, statistic) in out.iter_mut().zip(&self.statistics) {
            let after = &state.running;
            *out = match statistic {
                EwmOutput::Mean => known(after, after.mean()),
                EwmOutput::Var => known(after, after.var()),
                EwmOutput::Std => known(after, after.var().sqrt()),
                EwmOutput::Error => known(&before, value - before.mean()),
                EwmOutput::ZScore => {
                    let (error, std) = (value - before.mean(), before.var().sqrt());
                    known(&before, if std > 0.0 { error / std } else { f64::NAN })
                }
            };
        }
    }

    fn write(&self, state: &Weighted, to: &mut Writer) {
        to.u64(state.rows);
        to.i64(state.first);
        to.i64(state.last);
        let (count, numbers) = state.running.parts();
        to.u64(count as u64);
        to.all(&numbers);
    }

    fn read(&self, from: &mut Reader) -> Option<Weighted> {
        let (rows, first, last) = (from.u64()?, from.i64()?, from.i64()?);
        let count = from.up_to(usize::MAX)?;
        let mut numbers = [0.0; 6];
        for number in &mut numbers {
            *number = from.f64()?;
        }
        let running = Running::of_parts(count, numbers);
        Some(Weighted {
            running,
            rows,
            first,
            last,
        })
    }
}
