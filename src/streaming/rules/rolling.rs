//! Statistics of the last rows, or of the rows of the last stretch of time.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;
use super::super::queue::{Counted, Kept, Queue};
use crate::error::Error;
use crate::rolling::queue::{MomentSums, State};

/// How far a window reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    /// A number of rows.
    Rows(usize),
    /// A stretch of time.
    Time(i64),
}

/// A statistic of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RollingOutput {
    Count,
    Sum,
    Mean,
    Var,
    Std,
    ZScore,
    Min,
    Max,
}

impl RollingOutput {
    /// The statistics by name.
    pub const NAMES: [(&'static str, RollingOutput); 8] = [
        ("count", RollingOutput::Count),
        ("sum", RollingOutput::Sum),
        ("mean", RollingOutput::Mean),
        ("var", RollingOutput::Var),
        ("std", RollingOutput::Std),
        ("zscore", RollingOutput::ZScore),
        ("min", RollingOutput::Min),
        ("max", RollingOutput::Max),
    ];

    /// The statistic of this name.
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

    fn is_extreme(self) -> bool {
        matches!(self, RollingOutput::Min | RollingOutput::Max)
    }
}

/// The rule: windows as [`crate::rolling`] has them.
#[derive(Debug, Clone)]
pub struct Rolling {
    /// How far the window reaches.
    pub length: Length,
    /// What to tell of it.
    pub statistics: Vec<RollingOutput>,
    /// Values an answer needs; rows, for the count.
    pub min_periods: usize,
    /// Degrees of freedom taken off the number of values.
    pub ddof: u32,
    /// Whether the current row is part of its window.
    pub include_current: bool,
}

/// The window of a key.
#[derive(Debug)]
pub struct Window {
    /// Times of the rows, if the window is a stretch of time; `times[left..]` are inside.
    times: Vec<i64>,
    left: usize,
    moments: Option<Queue<MomentSums>>,
    range: Option<Queue<Range>>,
}

/// What is known of the rows of a window.
pub(super) struct Whole {
    rows: usize,
    moments: Option<Counted<MomentSums>>,
    range: Option<Counted<Range>>,
}

/// Most rows of a window; more cannot be addressed.
const MOST: usize = isize::MAX as usize / 64;

impl Window {
    fn len(&self) -> usize {
        let moments = self.moments.as_ref().map(Queue::len);
        moments.or(self.range.as_ref().map(Queue::len)).unwrap_or(0)
    }

    #[inline(always)]
    fn push(&mut self, value: f64) {
        if let Some(queue) = &mut self.moments {
            queue.push(value);
        }
        if let Some(queue) = &mut self.range {
            queue.push(value);
        }
    }

    #[inline(always)]
    fn pop(&mut self) {
        if let Some(queue) = &mut self.moments {
            queue.pop();
        }
        if let Some(queue) = &mut self.range {
            queue.pop();
        }
    }
}

impl Rolling {
    fn extremes(&self) -> bool {
        self.statistics.iter().any(|s| s.is_extreme())
    }

    fn moments(&self) -> bool {
        !self.statistics.iter().all(|s| s.is_extreme())
    }

    /// Takes a row in.
    #[inline(always)]
    fn enter(&self, window: &mut Window, time: i64, value: f64) {
        if let Length::Time(_) = self.length {
            window.times.push(time);
        }
        window.push(value);
    }

    /// Lets go what the window of a row at `time` does not reach.
    #[inline(always)]
    fn leave(&self, window: &mut Window, time: i64, rows: usize) {
        match self.length {
            Length::Rows(_) => {
                while window.len() > rows {
                    window.pop();
                }
            }
            Length::Time(span) => {
                // Whole numbers: an open end is one nearer.
                let back = span - i64::from(self.include_current);
                let from = time.saturating_sub(back);
                while window.left < window.times.len() && window.times[window.left] < from {
                    window.left += 1;
                    window.pop();
                }
                // Freed when half of the places are of rows that have gone.
                if window.left >= 32 && 2 * window.left >= window.times.len() {
                    window.times.drain(..window.left);
                    window.left = 0;
                }
            }
        }
    }

    /// Takes a row; `tell` is given the window that belongs to it.
    #[inline(always)]
    fn step(&self, window: &mut Window, time: i64, value: f64, tell: impl FnOnce(&Window)) {
        let rows = match self.length {
            Length::Rows(rows) => rows,
            Length::Time(_) => usize::MAX,
        };
        if self.include_current {
            self.enter(window, time, value);
            self.leave(window, time, rows);
            tell(window);
        } else {
            self.leave(window, time, rows);
            tell(window);
            self.enter(window, time, value);
        }
    }

    /// The z-score of a row alone.
    #[inline(always)]
    pub(super) fn score(&self, window: &mut Window, time: i64, value: f64) -> f64 {
        let mut z = f64::NAN;
        self.step(window, time, value, |window| {
            if let Some(queue) = &window.moments {
                z = self.moment(RollingOutput::ZScore, &queue.whole(), window.len(), value);
            }
        });
        z
    }

    /// Writes the answers of a row from what is known of its window of `rows` rows.
    #[inline(always)]
    pub(super) fn tell(&self, whole: &Whole, value: f64, out: &mut [f64]) {
        for (out, &statistic) in out.iter_mut().zip(&self.statistics) {
            *out = match (&whole.moments, &whole.range) {
                (_, Some(range)) if statistic.is_extreme() => {
                    if range.count < self.min_periods.max(1) {
                        f64::NAN
                    } else if statistic == RollingOutput::Min {
                        range.state.low
                    } else {
                        range.state.high
                    }
                }
                (Some(moments), _) => self.moment(statistic, moments, whole.rows, value),
                _ => f64::NAN,
            };
        }
    }

    /// What is known of `rows` in a window of their own.
    pub(super) fn sum_up(&self, rows: &[f64]) -> Whole {
        Whole {
            rows: rows.len(),
            moments: self.moments().then(|| Counted::of(rows)),
            range: self.extremes().then(|| Counted::of(rows)),
        }
    }

    #[inline(always)]
    fn moment(
        &self,
        statistic: RollingOutput,
        &Counted { count, state }: &Counted<MomentSums>,
        rows: usize,
        value: f64,
    ) -> f64 {
        let n = count as f64;
        let freedom = n - f64::from(self.ddof);
        let var = state.m2 / freedom;
        let (answer, least) = match statistic {
            RollingOutput::Count => {
                // As in pandas, rows count here.
                let enough = rows >= self.min_periods;
                return if enough { n } else { f64::NAN };
            }
            RollingOutput::Sum => (state.anchor * n + state.sum, 0),
            RollingOutput::Mean => (state.anchor + state.sum / n, 1),
            RollingOutput::Var => (var, self.ddof as usize + 1),
            RollingOutput::Std => (var.sqrt(), self.ddof as usize + 1),
            _ => {
                let deviation = (value - state.anchor) - state.sum / n;
                let z = if var > 0.0 {
                    deviation / var.sqrt()
                } else {
                    f64::NAN
                };
                (z, self.ddof as usize + 1)
            }
        };
        if count >= self.min_periods.max(least) {
            answer
        } else {
            f64::NAN
        }
    }
}

impl Rule for Rolling {
    type State = Window;

    fn outputs(&self) -> usize {
        self.statistics.len()
    }

    fn start(&self) -> Window {
        Window {
            times: Vec::new(),
            left: 0,
            moments: self.moments().then(Queue::new),
            range: self.extremes().then(Queue::new),
        }
    }

    #[inline(always)]
    fn push(&self, window: &mut Window, time: i64, value: f64, out: &mut [f64]) {
        self.step(window, time, value, |window| {
            let whole = Whole {
                rows: window.len(),
                moments: window.moments.as_ref().map(Queue::whole),
                range: window.range.as_ref().map(Queue::whole),
            };
            self.tell(&whole, value, out);
        });
    }

    fn write(&self, window: &Window, to: &mut Writer) {
        to.i64s(window.times[window.left..].iter().copied());
        if let Some(queue) = &window.moments {
            queue.write(to);
        }
        if let Some(queue) = &window.range {
            queue.write(to);
        }
    }

    fn read(&self, from: &mut Reader) -> Option<Window> {
        let most = match self.length {
            Length::Rows(rows) => rows.saturating_add(1).min(MOST),
            Length::Time(_) => MOST,
        };
        let times = from.i64s(most)?;
        let moments = match self.moments() {
            true => Some(Queue::read(from, most)?),
            false => None,
        };
        let range = match self.extremes() {
            true => Some(Queue::read(from, most)?),
            false => None,
        };
        let window = Window {
            times,
            left: 0,
            moments,
            range,
        };
        let rows = match self.length {
            Length::Rows(_) => 0,
            Length::Time(_) => window.len(),
        };
        let agree = |queue: usize| queue == window.len();
        let sound = window.times.len() == rows
            && window.times.is_sorted()
            && window.moments.as_ref().is_none_or(|q| agree(q.len()))
            && window.range.as_ref().is_none_or(|q| agree(q.len()));
        sound.then_some(window)
    }
}

/// The smallest and the largest value.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    low: f64,
    high: f64,
}

impl State for Range {
    type Item = f64;

    #[inline(always)]
    fn identity() -> Self {
        Range {
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        }
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        self.low = if x < self.low { x } else { self.low };
        self.high = if x > self.high { x } else { self.high };
    }

    #[inline(always)]
    fn merge(front: &Self, back: &Self) -> Self {
        Range {
            low: if back.low < front.low {
                back.low
            } else {
                front.low
            },
            high: if back.high > front.high {
                back.high
            } else {
                front.high
            },
        }
    }
}

impl Kept for Range {
    fn write(&self, to: &mut Writer) {
        to.f64(self.low);
        to.f64(self.high);
    }

    fn read(from: &mut Reader) -> Option<Self> {
        Some(Range {
            low: from.f64()?,
            high: from.f64()?,
        })
    }
}

impl Kept for MomentSums {
    fn write(&self, to: &mut Writer) {
        to.all(&[self.n, self.anchor, self.sum, self.m2]);
    }

    fn read(from: &mut Reader) -> Option<Self> {
        Some(MomentSums {
            n: from.f64()?,
            anchor: from.f64()?,
            sum: from.f64()?,
            m2: from.f64()?,
        })
    }
}
