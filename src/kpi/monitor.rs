//! Baseline, rules and events of a KPI as the state of a stream: one row after the other, with the
//! answers that the whole series would get.

use std::collections::VecDeque;

use super::baseline::{Center, Ewma, Floor, MAD_TO_STD, Season, Seasonal};
use super::detect::Detector;
use super::kept::Kept;
use super::rules::{Row, Rule as Anomaly};
use crate::error::Error;
use crate::streaming::rules::{Length, Rolling, RollingOutput, Window};
use crate::streaming::{Reader, Rule, Writer};

/// What is expected of a row, by name as [`Expectation`] takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The last rows of the same season.
    Seasonal(Season),
    /// The last rows.
    Rolling,
    /// Exponentially weighted.
    Ewma,
    /// The median of the last rows, and of what a season has beyond it.
    SeasonalMedian,
}

/// Rows of a season in a seasonal median, and those it needs.
const SEASONS: (usize, usize) = (8, 3);

/// Most rows of a window: a state has a place for each, of each hour of the week.
const MOST: usize = 1 << 16;

/// How baseline and scale of the next row are made.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    /// From which rows.
    pub method: Method,
    /// Mean or median of them.
    pub center: Center,
    /// How many of them.
    pub window: usize,
    /// Values that must be present.
    pub min_periods: usize,
    /// Whether a row belongs to its own baseline.
    pub include_current: bool,
    /// Factor of the [`Floor`].
    pub floor: f64,
    /// The least scale.
    pub min_scale: f64,
}

/// The last rows, as they are.
#[derive(Debug, Clone, Default)]
struct Last {
    rows: VecDeque<f64>,
    scratch: Vec<f64>,
}

impl Last {
    fn push(&mut self, value: f64, window: usize) {
        if self.rows.len() == window {
            self.rows.pop_front();
        }
        self.rows.push_back(value);
    }

    /// The median of the values present, and how many they are; they are left in `scratch`.
    fn median(&mut self) -> (f64, usize) {
        self.scratch.clear();
        self.scratch
            .extend(self.rows.iter().filter(|x| !x.is_nan()));
        (middle(&mut self.scratch), self.scratch.len())
    }

    /// The median of the distances from `center` of what [`median`](Last::median) found.
    fn deviation(&mut self, center: f64) -> f64 {
        self.scratch
            .iter_mut()
            .for_each(|x| *x = (*x - center).abs());
        middle(&mut self.scratch)
    }

    fn write(&self, to: &mut Writer) {
        to.f64s(self.rows.iter().copied());
    }

    fn read(&mut self, from: &mut Reader, window: usize) -> Option<()> {
        self.rows = from.f64s(window)?.into();
        Some(())
    }
}

/// The median; NaN of no values.
fn middle(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    let by = f64::total_cmp;
    let (below, &mut upper, _) = values.select_nth_unstable_by(n / 2, by);
    if n % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().max_by(by).unwrap_or(upper);
    (lower + upper) / 2.0
}

enum Past {
    Seasonal(Seasonal),
    Rolling(Rolling, Window),
    RollingMedian(Last),
    Ewma(Ewma),
    SeasonalMedian {
        values: Last,
        seasons: Seasonal,
        distances: Last,
    },
}

/// Baseline and scale of one series.
pub struct Expected {
    how: Expectation,
    past: Past,
    floor: Floor,
}

impl Expectation {
    fn rolling(&self) -> Rolling {
        Rolling {
            length: Length::Rows(self.window),
            statistics: vec![RollingOutput::Mean, RollingOutput::Std],
            min_periods: self.least(),
            ddof: 1,
            include_current: self.include_current,
        }
    }

    /// Values that the last rows must have.
    fn least(&self) -> usize {
        self.min_periods.max(self.window.min(2))
    }

    /// # Errors
    ///
    /// [`Error::Argument`] for a window of 0 or too many rows.
    fn start(&self) -> Result<Expected, Error> {
        if !(1..=MOST).contains(&self.window) {
            let expected = format!("between 1 and {MOST} rows");
            return Err(Error::argument("window", expected, self.window));
        }
        let past = match (self.method, self.center) {
            (Method::Seasonal(season), center) => Past::Seasonal(Seasonal::new(
                season,
                center,
                self.window,
                self.min_periods,
                self.include_current,
            )?),
            (Method::Rolling, Center::Mean) => {
                let rolling = self.rolling();
                let window = rolling.start();
                Past::Rolling(rolling, window)
            }
            (Method::Rolling, Center::Median) => Past::RollingMedian(Last::default()),
            (Method::Ewma, _) => Past::Ewma(Ewma::new(self.window as f64)),
            (Method::SeasonalMedian, _) => Past::SeasonalMedian {
                values: Last::default(),
                seasons: Seasonal::new(Season::Week, Center::Median, SEASONS.0, SEASONS.1, false)?,
                distances: Last::default(),
            },
        };
        Ok(Expected {
            how: *self,
            past,
            floor: Floor::new(self.floor, self.min_scale),
        })
    }
}

impl Expected {
    /// Baseline and scale of a row, which then belongs to the past.
    fn push(&mut self, time: i64, value: f64) -> (f64, f64) {
        let how = &self.how;
        let (baseline, scale) = match &mut self.past {
            Past::Seasonal(seasonal) => seasonal.push(time, value),
            Past::Rolling(rolling, window) => {
                let mut out = [f64::NAN; 2];
                rolling.push(window, time, value, &mut out);
                // One value has no deviation, so it makes no baseline either.
                let [mean, std] = out;
                (if std.is_nan() { std } else { mean }, std)
            }
            Past::RollingMedian(last) => {
                if how.include_current {
                    last.push(value, how.window);
                }
                let (median, count) = last.median();
                let answer = if count >= how.least() {
                    (median, MAD_TO_STD * last.deviation(median))
                } else {
                    (f64::NAN, f64::NAN)
                };
                if !how.include_current {
                    last.push(value, how.window);
                }
                answer
            }
            Past::Ewma(ewma) => {
                if how.include_current {
                    ewma.push(value);
                }
                let answer = if ewma.seen() >= how.min_periods.max(2) as u64 {
                    (ewma.mean(), ewma.std())
                } else {
                    (f64::NAN, f64::NAN)
                };
                if !how.include_current {
                    ewma.push(value);
                }
                answer
            }
            Past::SeasonalMedian {
                values,
                seasons,
                distances,
            } => {
                let known = |(median, count): (f64, usize)| {
                    if count >= how.min_periods {
                        median
                    } else {
                        f64::NAN
                    }
                };
                let level = known(values.median());
                values.push(value, how.window);
                let (season, _) = seasons.push(time, value - level);
                let center = level + season;
                let scale = MAD_TO_STD * known(distances.median());
                distances.push((value - center).abs(), how.window);
                (if scale.is_nan() { scale } else { center }, scale)
            }
        };
        let scale = self.floor.push(baseline, scale);
        (if scale.is_nan() { scale } else { baseline }, scale)
    }

    fn write(&self, to: &mut Writer) {
        match &self.past {
            Past::Seasonal(seasonal) => seasonal.write(to),
            Past::Rolling(rolling, window) => rolling.write(window, to),
            Past::RollingMedian(last) => last.write(to),
            Past::Ewma(ewma) => ewma.write(to),
            Past::SeasonalMedian {
                values,
                seasons,
                distances,
            } => {
                values.write(to);
                seasons.write(to);
                distances.write(to);
            }
        }
        self.floor.write(to);
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        let window = self.how.window;
        match &mut self.past {
            Past::Seasonal(seasonal) => seasonal.read(from)?,
            Past::Rolling(rolling, window) => *window = rolling.read(from)?,
            Past::RollingMedian(last) => last.read(from, window)?,
            Past::Ewma(ewma) => ewma.read(from)?,
            Past::SeasonalMedian {
                values,
                seasons,
                distances,
            } => {
                values.read(from, window)?;
                seasons.read(from)?;
                distances.read(from, window)?;
            }
        }
        self.floor.read(from)
    }
}

/// The rule of a stream: everything that is known of a row of one KPI of one cell.
pub struct Monitor {
    expectation: Expectation,
    /// The baseline by medians, for a rule that is given its distance.
    robust: Option<Expectation>,
    detector: Detector,
    clock: Clock,
}

/// What clocks on the wall show: from each time on, how far they are ahead of it.
#[derive(Debug, Clone, Default)]
pub struct Clock(pub Vec<(i64, i64)>);

impl Clock {
    /// The time on the wall.
    fn wall(&self, time: i64) -> i64 {
        let changes = self.0.partition_point(|&(from, _)| from <= time);
        // Before the first change the clocks are as after it.
        let ahead = self.0.get(changes.saturating_sub(1));
        time.saturating_add(ahead.map_or(0, |&(_, ahead)| ahead))
    }
}

impl Monitor {
    /// Rules on the distance from a baseline; with `robust` those of [`Anomaly::Given`] see the
    /// distance from that one.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for a window of 0, or a given level that nothing gives.
    pub fn new(
        expectation: Expectation,
        robust: Option<Expectation>,
        detector: Detector,
        clock: Clock,
    ) -> Result<Self, Error> {
        expectation.start()?;
        if let Some(robust) = &robust {
            robust.start()?;
        }
        let places = usize::from(robust.is_some());
        let beyond =
            |rule: &Anomaly| matches!(rule, Anomaly::Given { place, .. } if *place >= places);
        if detector.rules.iter().any(beyond) {
            let expected = "those of one row at a time";
            return Err(Error::argument(
                "rules",
                expected,
                "one that needs other rows",
            ));
        }
        Ok(Monitor {
            expectation,
            robust,
            detector,
            clock,
        })
    }
}

/// All that is known of a KPI of a cell.
pub struct Watched {
    expected: Expected,
    robust: Option<Expected>,
    detector: Detector,
}

impl Rule for Monitor {
    type State = Watched;

    fn outputs(&self) -> usize {
        9
    }

    fn start(&self) -> Watched {
        let start = |how: &Expectation| how.start().expect("checked by Monitor::new");
        Watched {
            expected: start(&self.expectation),
            robust: self.robust.as_ref().map(start),
            detector: self.detector.clone(),
        }
    }

    fn push(&self, state: &mut Watched, time: i64, value: f64, out: &mut [f64]) {
        let wall = self.clock.wall(time);
        let (baseline, scale) = state.expected.push(wall, value);
        let given = match &mut state.robust {
            Some(robust) => {
                let (baseline, scale) = robust.push(wall, value);
                Row::new(value, baseline, scale).z
            }
            None => f64::NAN,
        };
        let row = Row::new(value, baseline, scale);
        let verdict = state.detector.push(time, &row, |_| given);
        out.copy_from_slice(&[
            baseline,
            scale,
            verdict.score,
            f64::from(verdict.direction),
            f64::from(verdict.rule),
            f64::from(verdict.rules),
            f64::from(u8::from(verdict.is_anomaly)),
            f64::from(u8::from(verdict.is_alarm)),
            f64::from(verdict.event),
        ]);
    }

    fn write(&self, state: &Watched, to: &mut Writer) {
        state.expected.write(to);
        if let Some(robust) = &state.robust {
            robust.write(to);
        }
        state.detector.write(to);
    }

    fn read(&self, from: &mut Reader) -> Option<Watched> {
        let mut state = self.start();
        state.expected.read(from)?;
        if let Some(robust) = &mut state.robust {
            robust.read(from)?;
        }
        state.detector.read(from)?;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_on_the_wall_is_put_forward_and_back() {
        let clock = Clock(vec![(0, 3), (100, 4), (200, 3)]);
        let shown = [-5, 99, 100, 199, 200].map(|time| clock.wall(time));
        assert_eq!(shown, [-2, 102, 104, 203, 203]);
        assert_eq!(Clock::default().wall(7), 7);
    }
}
