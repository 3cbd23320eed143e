//! What is expected of the next value of a KPI, and how far from it is usual.
//!
//! States that take one row at a time: rows of the same season (hour of the week or of the day),
//! an exponentially weighted mean, and a floor under the scale. Windows of a season are short, so
//! their statistics are taken afresh at each row, in two passes: nothing is ever subtracted.

use crate::error::Error;
use crate::float::Float;
use crate::parallel::{Monitor, for_each};

/// Nanoseconds of an hour.
const HOUR: i64 = 3_600_000_000_000;

/// What makes rows comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// The hour of the week, 0 being Monday at midnight.
    Week,
    /// The hour of the day.
    Day,
}

impl Season {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Season::Week => 168,
            Season::Day => 24,
        }
    }

    /// A season always has hours.
    pub fn is_empty(self) -> bool {
        false
    }

    /// That of a time, in nanoseconds since 1970 as the clock on the wall shows it.
    #[inline]
    pub fn of(self, time: i64) -> usize {
        let hours = time.div_euclid(HOUR);
        match self {
            // 1970 began on a Thursday.
            Season::Week => (hours + 72).rem_euclid(168) as usize,
            Season::Day => hours.rem_euclid(24) as usize,
        }
    }
}

/// Mean and sample standard deviation, or median and 1.4826 times the median absolute deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Center {
    /// The mean.
    Mean,
    /// The median.
    Median,
}

/// Median absolute deviation to standard deviation of a normal distribution.
pub const MAD_TO_STD: f64 = 1.4826;

/// The last values of each season of one series.
#[derive(Debug, Clone)]
pub struct Seasonal {
    pub(crate) season: Season,
    pub(crate) center: Center,
    pub(crate) window: usize,
    pub(crate) min_periods: usize,
    pub(crate) include_current: bool,
    pub(crate) values: Vec<f64>,
    /// Rows of each season so far.
    pub(crate) rows: Vec<u64>,
    pub(crate) scratch: Vec<f64>,
}

impl Seasonal {
    /// The last `window` rows of the same season, missing ones counted as rows.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if `window` is 0.
    pub fn new(
        season: Season,
        center: Center,
        window: usize,
        min_periods: usize,
        include_current: bool,
    ) -> Result<Self, Error> {
        if window == 0 {
            return Err(Error::argument("window", "at least 1", window));
        }
        Ok(Seasonal {
            season,
            center,
            window,
            min_periods,
            include_current,
            values: vec![f64::NAN; window * season.len()],
            rows: vec![0; season.len()],
            scratch: Vec::with_capacity(window),
        })
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows.fill(0);
    }

    /// Baseline and scale at a row, which then belongs to the past.
    #[inline(always)]
    pub fn push(&mut self, time: i64, value: f64) -> (f64, f64) {
        let slot = self.season.of(time);
        if self.include_current {
            self.keep(slot, value);
            self.read(slot)
        } else {
            let answer = self.read(slot);
            self.keep(slot, value);
            answer
        }
    }

    #[inline(always)]
    fn keep(&mut self, slot: usize, value: f64) {
        let (row, window) = (self.rows[slot], self.window as u64);
        // Dividing 32-bit numbers takes a fraction of the time.
        let place = match (u32::try_from(row), u32::try_from(window)) {
            (Ok(row), Ok(window)) => (row % window) as usize,
            _ => (row % window) as usize,
        };
        self.values[slot * self.window + place] = value;
        self.rows[slot] += 1;
    }

    #[inline(always)]
    fn read(&mut self, slot: usize) -> (f64, f64) {
        let filled = self.rows[slot].min(self.window as u64) as usize;
        let at = slot * self.window;
        let values = &self.values[at..at + filled];
        match self.center {
            Center::Mean => mean_and_std(values, self.min_periods),
            Center::Median => median_and_mad(values, self.min_periods, &mut self.scratch),
        }
    }
}

/// Mean and sample standard deviation of the values that are present.
#[inline(always)]
fn mean_and_std(values: &[f64], min_periods: usize) -> (f64, f64) {
    let (mut sum, mut n) = ([0.0; 4], [0.0; 4]);
    lanes(values, |lane, x, present| {
        sum[lane] += if present { x } else { 0.0 };
        n[lane] += if present { 1.0 } else { 0.0 };
    });
    let n = total(n);
    if n < min_periods as f64 || n < 2.0 {
        return (f64::NAN, f64::NAN);
    }
    let mean = total(sum) / n;
    // The sum of the deviations mends the rounding of the mean.
    let (mut rest, mut squares) = ([0.0; 4], [0.0; 4]);
    lanes(values, |lane, x, present| {
        let away = if present { x - mean } else { 0.0 };
        rest[lane] += away;
        squares[lane] += away * away;
    });
    let rest = total(rest);
    let variance = (total(squares) - rest * rest / n).max(0.0) / (n - 1.0);
    (mean + rest / n, variance.sqrt())
}

/// Calls `f` with each value, the lane it goes to, and whether it is present.
#[inline(always)]
fn lanes(values: &[f64], mut f: impl FnMut(usize, f64, bool)) {
    let blocks = values.chunks_exact(4);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, &x) in block.iter().enumerate() {
            f(lane, x, !x.is_nan());
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        f(lane, x, !x.is_nan());
    }
}

#[inline(always)]
fn total(lanes: [f64; 4]) -> f64 {
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// Median and scaled median absolute deviation of the values that are present.
fn median_and_mad(values: &[f64], min_periods: usize, scratch: &mut Vec<f64>) -> (f64, f64) {
    scratch.clear();
    scratch.extend(values.iter().filter(|x| !x.is_nan()));
    if scratch.len() < min_periods.max(2) {
        return (f64::NAN, f64::NAN);
    }
    let median = middle(scratch);
    for x in scratch.iter_mut() {
        *x = (*x - median).abs();
    }
    (median, MAD_TO_STD * middle(scratch))
}

/// The median of at least one value.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    if n % 2 == 1 {
        values[n / 2]
    } else {
        0.5 * (values[n / 2 - 1] + values[n / 2])
    }
}

/// Exponentially weighted mean and variance that begin with the first value.
#[derive(Debug, Clone, PartialEq)]
pub struct Ewma {
    pub(crate) alpha: f64,
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    pub(crate) seen: u64,
}

impl Ewma {
    /// The newest value weighs 2 / (span + 1).
    pub fn new(span: f64) -> Self {
        Ewma {
            alpha: 2.0 / (span + 1.0),
            mean: f64::NAN,
            variance: 0.0,
            seen: 0,
        }
    }

    /// Weight of the newest value.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The mean so far.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation so far.
    pub fn std(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Values so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes one value; a missing one changes nothing.
    #[inline]
    pub fn push(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        self.seen += 1;
        if self.seen == 1 {
            self.mean = x;
            return;
        }
        let away = x - self.mean;
        self.mean += self.alpha * away;
        self.variance = (1.0 - self.alpha) * (self.variance + self.alpha * away * away);
    }
}

/// What is usual in a series as a floor under its scale.
///
/// A few weeks that happen to agree would otherwise make an alarm of every hair's breadth. Usual is
/// the geometric mean of scale / |baseline| (of the scale itself where the baseline is 0), with
/// weights that fade over four weeks of hours.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    pub(crate) factor: f64,
    pub(crate) least: f64,
    pub(crate) seen: u64,
    pub(crate) relative: Fading,
    pub(crate) absolute: Fading,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fading {
    pub(crate) sum: f64,
    pub(crate) weight: f64,
}

impl Fading {
    const KEEP: f64 = 1.0 - 2.0 / 673.0;

    #[inline]
    fn push(&mut self, x: f64) {
        self.sum = Self::KEEP * self.sum + x;
        self.weight = Self::KEEP * self.weight + 1.0;
    }

    #[inline]
    fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}

impl Floor {
    /// Scales that it takes to tell what is usual; until then there is none.
    const ENOUGH: u64 = 24;

    /// At least `factor` times what is usual, and at least `least`.
    pub fn new(factor: f64, least: f64) -> Self {
        Floor {
            factor,
            least,
            seen: 0,
            relative: Fading::default(),
            absolute: Fading::default(),
        }
    }

    /// The scale of the next row, raised to the floor; NaN until there are enough of them.
    #[inline]
    pub fn push(&mut self, baseline: f64, scale: f64) -> f64 {
        if scale.is_nan() {
            return scale;
        }
        if self.factor == 0.0 {
            return scale.max(self.least);
        }
        let level = baseline.abs();
        self.seen += 1;
        if scale > 0.0 && scale.is_finite() {
            if level > 0.0 {
                self.relative.push((scale / level).ln());
            }
            self.absolute.push(scale.ln());
        }
        if self.seen < Self::ENOUGH {
            return f64::NAN;
        }
        let (usual, unit) = if level > 0.0 {
            (&self.relative, level)
        } else {
            (&self.absolute, 1.0)
        };
        let typical = if usual.weight > 0.0 {
            usual.mean().exp() * unit
        } else {
            0.0
        };
        scale.max(self.factor * typical).max(self.least)
    }
}

/// How baselines are made in one pass.
#[derive(Debug, Clone, Copy)]
pub enum Method {
    /// Rows of the same season.
    Seasonal {
        /// Which rows are comparable.
        season: Season,
        /// Mean or median.
        center: Center,
    },
    /// Exponentially weighted; the window is the span.
    Ewma,
    /// Baseline and scale are there already and only get the floor.
    Given,
}

/// Settings of [`baseline`].
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How baselines are made.
    pub method: Method,
    /// Rows they are made of.
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

/// One series, row by row.
enum State {
    Seasonal(Seasonal),
    Ewma(Ewma),
    Given,
}

/// Rows of each task: enough to make the change of threads cheap.
const TASK: usize = 1 << 16;

/// Groups as ranges of rows, several small ones in one task.
///
/// # Errors
///
/// [`Error::Message`] if `starts` does not begin at 0, goes down, or ends beyond `n`.
pub fn tasks(starts: &[i64], n: usize) -> Result<Vec<Vec<(usize, usize)>>, Error> {
    let good = starts.windows(2).all(|pair| pair[0] < pair[1])
        && starts.first().is_none_or(|&first| first == 0)
        && starts.last().is_none_or(|&last| (last as usize) < n)
        && (starts.is_empty() == (n == 0));
    if !good {
        return Err(Error::Message(
            "starts must hold the first row of each group, from 0 upwards".to_owned(),
        ));
    }
    let mut out: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut room = 0;
    for (i, &start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).map_or(n, |&next| next as usize);
        let start = start as usize;
        if room == 0 {
            out.push(Vec::new());
            room = TASK;
        }
        out.last_mut().expect("pushed above").push((start, end));
        room = room.saturating_sub(end - start);
    }
    Ok(out)
}

/// Values kept of all seasons of a series: a gigabyte.
const MOST_KEPT: usize = 1 << 27;

/// The window for series of up to `rows` rows, where a longer one would see nothing more.
fn affordable(window: usize, rows: usize, season: Season) -> Result<usize, Error> {
    let (most, wanted) = (MOST_KEPT / season.len(), window.min(rows.max(1)));
    if wanted > most {
        let expected = format!("at most {most} for a series of {rows} rows");
        return Err(Error::argument("window", expected, window));
    }
    Ok(wanted)
}

/// Values looked at between two looks at whether to stop: about a millisecond.
const STEPS: usize = 1 << 17;

/// Baseline and scale of each row of series that stand one after the other.
///
/// `starts` holds the first row of each series; rows are in time order.
///
/// # Errors
///
/// [`Error::Length`] if arrays differ in length, [`Error::Argument`] for a window of 0,
/// [`Error::Cancelled`] if the caller asked for a stop.
#[allow(clippy::too_many_arguments)] // columns in, columns out
pub fn baseline(
    time: &[i64],
    value: &[f64],
    starts: &[i64],
    settings: &Settings,
    center: &mut [f64],
    scale: &mut [f64],
    threads: usize,
    monitor: &Monitor,
) -> Result<(), Error> {
    let n = value.len();
    for (name, found) in [
        ("time", time.len()),
        ("baseline", center.len()),
        ("scale", scale.len()),
    ] {
        if found != n {
            return Err(Error::Length {
                name,
                expected: n,
                found,
            });
        }
    }
    if settings.window == 0 {
        return Err(Error::argument("window", "at least 1", 0));
    }
    let mut parts = Vec::new();
    let (mut center, mut scale) = (center, scale);
    for groups in tasks(starts, n)? {
        let rows = groups[groups.len() - 1].1 - groups[0].0;
        let (c, rest) = std::mem::take(&mut center).split_at_mut(rows);
        center = rest;
        let (s, rest) = std::mem::take(&mut scale).split_at_mut(rows);
        scale = rest;
        parts.push((groups, c, s));
    }
    let longest = |groups: &[(usize, usize)]| groups.iter().map(|(a, b)| b - a).max();
    for_each(parts, threads, |(groups, c, s)| {
        let first = groups[0].0;
        let mut state = match settings.method {
            Method::Seasonal { season, center } => State::Seasonal(Seasonal::new(
                season,
                center,
                affordable(settings.window, longest(&groups).unwrap_or(0), season)?,
                settings.min_periods,
                settings.include_current,
            )?),
            Method::Ewma => State::Ewma(Ewma::new(settings.window as f64)),
            Method::Given => State::Given,
        };
        for (start, end) in groups {
            match &mut state {
                State::Seasonal(seasonal) => seasonal.clear(),
                State::Ewma(ewma) => *ewma = Ewma::new(settings.window as f64),
                State::Given => {}
            }
            let mut floor = Floor::new(settings.floor, settings.min_scale);
            let (c, s) = (
                &mut c[start - first..end - first],
                &mut s[start - first..end - first],
            );
            match &mut state {
                State::Seasonal(seasonal) => {
                    // A row looks at its whole window, so a long series of wide ones takes minutes.
                    let step = (STEPS / seasonal.window).max(1);
                    for from in (0..end - start).step_by(step) {
                        let to = (from + step).min(end - start);
                        let rows = start + from..start + to;
                        let (time, value) = (&time[rows.clone()], &value[rows]);
                        let (c, s) = (&mut c[from..to], &mut s[from..to]);
                        seasonal_rows::<f64>(seasonal, &mut floor, time, value, c, s);
                        monitor.tick(0)?;
                    }
                }
                State::Ewma(ewma) => {
                    for (i, &x) in value[start..end].iter().enumerate() {
                        let (b, raw) = weighted(ewma, x, settings);
                        (c[i], s[i]) = floored(&mut floor, b, raw);
                    }
                }
                State::Given => {
                    for (b, raw) in c.iter_mut().zip(s.iter_mut()) {
                        (*b, *raw) = floored(&mut floor, *b, *raw);
                    }
                }
            }
            monitor.tick((end - start) as u64)?;
        }
        Ok(())
    })
}

/// Baseline and scale under a floor; both missing until the floor is known.
#[inline(always)]
fn floored(floor: &mut Floor, baseline: f64, raw: f64) -> (f64, f64) {
    let scale = floor.push(baseline, raw);
    let missing = scale.is_nan();
    (if missing { scale } else { baseline }, scale)
}

crate::simd::dispatch! {
    /// Baselines and scales of one series from rows of the same season.
    fn seasonal_rows<T: Float>(
        state: &mut Seasonal,
        floor: &mut Floor,
        time: &[i64],
        value: &[T],
        center: &mut [f64],
        scale: &mut [f64],
    ) = each_seasonal_row
}

#[inline(always)]
fn each_seasonal_row<T: Float>(
    state: &mut Seasonal,
    floor: &mut Floor,
    time: &[i64],
    value: &[T],
    center: &mut [f64],
    scale: &mut [f64],
) {
    for (i, (&time, value)) in time.iter().zip(value).enumerate() {
        let (b, raw) = state.push(time, value.to_f64());
        (center[i], scale[i]) = floored(floor, b, raw);
    }
}

/// Baseline and scale of an exponentially weighted mean at its next value.
#[inline]
fn weighted(ewma: &mut Ewma, value: f64, settings: &Settings) -> (f64, f64) {
    if settings.include_current {
        ewma.push(value);
    }
    let answer = if ewma.seen() >= settings.min_periods.max(2) as u64 {
        (ewma.mean(), ewma.std())
    } else {
        (f64::NAN, f64::NAN)
    };
    if !settings.include_current {
        ewma.push(value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_beyond_the_series_is_cut_and_one_beyond_memory_refused() {
        assert_eq!(affordable(usize::MAX, 1000, Season::Week), Ok(1000));
        assert_eq!(affordable(4, 1000, Season::Week), Ok(4));
        assert_eq!(affordable(4, 0, Season::Week), Ok(1));
        let error = affordable(usize::MAX, 1 << 30, Season::Week).unwrap_err();
        let most = MOST_KEPT / Season::Week.len();
        let text = format!("window must be at most {most} for a series of 1073741824 rows, got ");
        assert!(error.to_string().starts_with(&text));
    }

    #[test]
    fn monday_at_midnight_is_the_first_hour_of_the_week() {
        let monday = 1_767_571_200_000_000_000; // 2026-01-05
        assert_eq!(Season::Week.of(monday), 0);
        assert_eq!(Season::Week.of(monday - 1), 167);
        assert_eq!(Season::Day.of(monday + 5 * HOUR), 5);
        assert_eq!(Season::Day.of(-1), 23);
    }

    #[test]
    fn a_seasonal_baseline_leaves_out_the_row_itself() {
        let mut state = Seasonal::new(Season::Day, Center::Mean, 2, 2, false).unwrap();
        let day = 24 * HOUR;
        let found: Vec<(f64, f64)> = [1.0, 3.0, 5.0, f64::NAN, 7.0]
            .iter()
            .enumerate()
            .map(|(i, &x)| state.push(i as i64 * day, x))
            .collect();
        assert!(found[0].0.is_nan() && found[1].0.is_nan());
        assert_eq!(found[2], (2.0, 2.0_f64.sqrt()));
        assert_eq!(found[3], (4.0, 2.0_f64.sqrt()));
        assert!(found[4].0.is_nan()); // 5 and a missing value
    }

    #[test]
    fn mean_and_std_are_exact_on_constants_and_offsets() {
        let (mean, std) = mean_and_std(&[0.1; 7], 2);
        assert!((mean - 0.1).abs() < 1e-16 && std < 1e-16);
        let (mean, std) = mean_and_std(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0], 2);
        assert_eq!((mean, std), (1e9 + 2.0, 1.0));
    }

    #[test]
    fn the_floor_is_what_is_usual_at_this_level() {
        let mut floor = Floor::new(1.0, 0.0);
        for _ in 0..23 {
            assert!(floor.push(100.0, 10.0).is_nan());
        }
        assert!((floor.push(100.0, 10.0) - 10.0).abs() < 1e-12);
        assert!((floor.push(200.0, 0.0) - 20.0).abs() < 1e-12);
        assert!((floor.push(0.0, 0.0) - 10.0).abs() < 1e-12);
        assert!(floor.push(f64::NAN, f64::NAN).is_nan());
    }
}
