//! Rules combined into anomalies, alarms and events, row by row.

use super::baseline::tasks;
use super::rules::{Row, Rule, Side};
use crate::error::Error;
use crate::parallel::{Monitor, for_each};

/// No rule.
pub const NO_RULE: u8 = u8::MAX;

/// How the levels of the rules at a row make an anomaly, and anomalies make events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combination {
    /// So many rules must fire: 1 is any of them.
    pub need: usize,
    /// Rows out of the last `of_rows` that must fire.
    pub rows: u32,
    /// See `rows`; at most 64.
    pub of_rows: u32,
    /// Rows in succession for which that must hold.
    pub min_duration: u32,
    /// An anomaly within this time of the one before it belongs to the same event, in nanoseconds.
    pub merge_gap: i64,
    /// No alarm within this time of the one before it, in nanoseconds.
    pub refractory: i64,
}

impl Combination {
    /// # Errors
    ///
    /// [`Error::Argument`] if a number is out of range.
    pub fn check(&self, n_rules: usize) -> Result<(), Error> {
        if self.need == 0 || self.need > n_rules {
            let expected = format!("between 1 and the number of rules ({n_rules})");
            return Err(Error::argument("combine", expected, self.need));
        }
        if self.rows == 0 || self.rows > self.of_rows || self.of_rows > 64 {
            let found = format!("({}, {})", self.rows, self.of_rows);
            let expected = "(k, n) with 1 <= k <= n <= 64";
            return Err(Error::argument("persistence", expected, found));
        }
        if self.min_duration == 0 {
            return Err(Error::argument("min_duration", "at least 1", 0));
        }
        Ok(())
    }
}

/// What is said of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The level that decides, 1 or more where enough rules fire; NaN if too few have an answer.
    pub score: f64,
    /// 1 above usual, -1 below, 0 if the strongest rule has no side or there is none.
    pub direction: i8,
    /// The strongest rule, by its place, or [`NO_RULE`].
    pub rule: u8,
    /// Bit i is set where the i-th rule fires.
    pub rules: u16,
    /// Whether the row is an anomaly.
    pub is_anomaly: bool,
    /// Whether it starts an event.
    pub is_alarm: bool,
    /// Number of the event of the series, from 1; 0 where there is none.
    pub event: i32,
}

/// All rules of one KPI of one cell, with their states.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(crate) rules: Vec<Rule>,
    pub(crate) side: Side,
    pub(crate) combination: Combination,
    pub(crate) levels: Vec<f64>,
    pub(crate) fired: u64,
    pub(crate) held: u32,
    pub(crate) last_rule: u8,
    pub(crate) last_anomaly: Option<i64>,
    pub(crate) last_alarm: Option<i64>,
    pub(crate) event: i32,
}

impl Detector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    ///
    /// As [`Combination::check`].
    pub fn new(rules: Vec<Rule>, side: Side, combination: Combination) -> Result<Self, Error> {
        combination.check(rules.len())?;
        Ok(Detector {
            levels: Vec::with_capacity(rules.len()),
            rules,
            side,
            combination,
            fired: 0,
            held: 0,
            last_rule: NO_RULE,
            last_anomaly: None,
            last_alarm: None,
            event: 0,
        })
    }

    /// The verdict on the next row; `given` has the levels that were computed elsewhere for it.
    #[inline]
    pub fn push(&mut self, time: i64, row: &Row, given: impl Fn(usize) -> f64) -> Verdict {
        let Combination {
            need,
            rows,
            of_rows,
            min_duration,
            merge_gap,
            refractory,
        } = self.combination;
        let (mut mask, mut best, mut rule, mut direction) = (0, f64::NEG_INFINITY, NO_RULE, 0);
        self.levels.clear();
        for (i, state) in self.rules.iter_mut().enumerate() {
            let found = state.push(row, self.side, &given);
            if found.level.is_nan() {
                continue;
            }
            if found.level >= 1.0 {
                mask |= 1 << i;
            }
            if found.level > best {
                (best, rule, direction) = (found.level, i as u8, found.direction);
            }
            self.levels.push(found.level);
        }
        let score = if need == 1 && rule != NO_RULE {
            best
        } else if self.levels.len() >= need {
            let place = need - 1;
            *self
                .levels
                .select_nth_unstable_by(place, |a, b| b.total_cmp(a))
                .1
        } else {
            f64::NAN
        };
        let raw = score >= 1.0;
        self.fired = self.fired << 1 | u64::from(raw);
        let recent = self.fired & (u64::MAX >> (64 - of_rows));
        self.held = if recent.count_ones() >= rows {
            self.held.saturating_add(1)
        } else {
            0
        };
        let is_anomaly = self.held >= min_duration;
        if raw {
            self.last_rule = rule;
        }
        let mut is_alarm = false;
        if is_anomaly {
            let is_past = |last: Option<i64>, quiet: i64| {
                last.is_none_or(|last| time.saturating_sub(last) > quiet)
            };
            is_alarm = is_past(self.last_anomaly, merge_gap)
                && (refractory == 0 || is_past(self.last_alarm, refractory));
            self.last_anomaly = Some(time);
            if is_alarm {
                self.last_alarm = Some(time);
                self.event += 1;
            }
        }
        Verdict {
            score,
            direction,
            rule: match rule {
                NO_RULE if is_anomaly => self.last_rule,
                _ => rule,
            },
            rules: mask,
            is_anomaly,
            is_alarm,
            event: if is_anomaly { self.event } else { 0 },
        }
    }
}

/// Columns of rows that stand series by series, each in time order.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Nanoseconds.
    pub time: &'a [i64],
    /// Values; NaN if missing.
    pub value: &'a [f64],
    /// What is expected.
    pub baseline: &'a [f64],
    /// The usual distance from it.
    pub scale: &'a [f64],
    /// Levels and distances that were computed elsewhere.
    pub given: &'a [&'a [f64]],
    /// The first row of each series.
    pub starts: &'a [i64],
}

/// Verdicts as columns; fields as in [`Verdict`].
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Verdicts {
    pub score: Vec<f64>,
    pub direction: Vec<i8>,
    pub rule: Vec<u8>,
    pub rules: Vec<u16>,
    pub is_anomaly: Vec<bool>,
    pub is_alarm: Vec<bool>,
    pub event: Vec<i32>,
}

/// The part of [`Verdicts`] that one task writes.
struct Part<'a> {
    score: &'a mut [f64],
    direction: &'a mut [i8],
    rule: &'a mut [u8],
    rules: &'a mut [u16],
    is_anomaly: &'a mut [bool],
    is_alarm: &'a mut [bool],
    event: &'a mut [i32],
}

impl<'a> Part<'a> {
    fn split(self, rows: usize) -> (Self, Self) {
        let (score, score_rest) = self.score.split_at_mut(rows);
        let (direction, direction_rest) = self.direction.split_at_mut(rows);
        let (rule, rule_rest) = self.rule.split_at_mut(rows);
        let (rules, rules_rest) = self.rules.split_at_mut(rows);
        let (is_anomaly, anomaly_rest) = self.is_anomaly.split_at_mut(rows);
        let (is_alarm, alarm_rest) = self.is_alarm.split_at_mut(rows);
        let (event, event_rest) = self.event.split_at_mut(rows);
        (
            Part {
                score,
                direction,
                rule,
                rules,
                is_anomaly,
                is_alarm,
                event,
            },
            Part {
                score: score_rest,
                direction: direction_rest,
                rule: rule_rest,
                rules: rules_rest,
                is_anomaly: anomaly_rest,
                is_alarm: alarm_rest,
                event: event_rest,
            },
        )
    }

    #[inline]
    fn write(&mut self, i: usize, verdict: Verdict) {
        self.score[i] = verdict.score;
        self.direction[i] = verdict.direction;
        self.rule[i] = verdict.rule;
        self.rules[i] = verdict.rules;
        self.is_anomaly[i] = verdict.is_anomaly;
        self.is_alarm[i] = verdict.is_alarm;
        self.event[i] = verdict.event;
    }
}

/// The verdict on each row of all series.
///
/// # Errors
///
/// [`Error::Length`] if columns differ in length, [`Error::Unsorted`] if times of a series go
/// down, [`Error::Argument`] as [`Combination::check`], [`Error::Cancelled`] if the caller asked
/// for a stop.
pub fn detect(
    columns: Columns,
    rules: &[Rule],
    side: Side,
    combination: Combination,
    threads: usize,
    monitor: &Monitor,
) -> Result<Verdicts, Error> {
    let n = columns.value.len();
    let lengths = [
        ("time", columns.time.len()),
        ("baseline", columns.baseline.len()),
        ("scale", columns.scale.len()),
    ];
    let given = columns.given.iter().map(|column| ("given", column.len()));
    if let Some((name, found)) = lengths.into_iter().chain(given).find(|(_, len)| *len != n) {
        return Err(Error::Length {
            name,
            expected: n,
            found,
        });
    }
    let detector = Detector::new(rules.to_vec(), side, combination)?;
    let mut out = Verdicts {
        score: vec![0.0; n],
        direction: vec![0; n],
        rule: vec![0; n],
        rules: vec![0; n],
        is_anomaly: vec![false; n],
        is_alarm: vec![false; n],
        event: vec![0; n],
    };
    let mut rest = Part {
        score: &mut out.score,
        direction: &mut out.direction,
        rule: &mut out.rule,
        rules: &mut out.rules,
        is_anomaly: &mut out.is_anomaly,
        is_alarm: &mut out.is_alarm,
        event: &mut out.event,
    };
    let mut parts = Vec::new();
    for groups in tasks(columns.starts, n)? {
        let rows = groups[groups.len() - 1].1 - groups[0].0;
        let (part, after) = rest.split(rows);
        rest = after;
        parts.push((groups, part));
    }
    for_each(parts, threads, |(groups, mut part)| {
        let first = groups[0].0;
        for (start, end) in groups {
            let mut state = detector.clone();
            for i in start..end {
                if i > start && columns.time[i] < columns.time[i - 1] {
                    return Err(Error::Unsorted {
                        name: "time",
                        row: i,
                        before: i - 1,
                    });
                }
                let row = Row::new(columns.value[i], columns.baseline[i], columns.scale[i]);
                let verdict = state.push(columns.time[i], &row, |place| columns.given[place][i]);
                part.write(i - first, verdict);
            }
            monitor.tick((end - start) as u64)?;
        }
        Ok(())
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(z: &[f64], combination: Combination) -> Verdicts {
        let n = z.len();
        let time: Vec<i64> = (0..n as i64).collect();
        let columns = Columns {
            time: &time,
            value: z,
            baseline: &vec![0.0; n],
            scale: &vec![1.0; n],
            given: &[],
            starts: &[0],
        };
        let rules = [Rule::Z { threshold: 2.0 }, Rule::Z { threshold: 4.0 }];
        detect(
            columns,
            &rules,
            Side::Both,
            combination,
            1,
            &Monitor::default(),
        )
        .unwrap()
    }

    const ANY: Combination = Combination {
        need: 1,
        rows: 1,
        of_rows: 1,
        min_duration: 1,
        merge_gap: 1,
        refractory: 0,
    };

    #[test]
    fn any_rule_makes_an_anomaly_and_neighbours_an_event() {
        let out = run(&[0.0, -2.0, 4.0, 0.0, 2.0, f64::NAN, 3.0], ANY);
        assert_eq!(out.score[..5], [0.0, 1.0, 2.0, 0.0, 1.0]);
        assert!(out.score[5].is_nan());
        assert_eq!(out.event, [0, 1, 1, 0, 2, 0, 3]);
        assert_eq!(out.rules, [0, 1, 3, 0, 1, 0, 1]);
        assert_eq!(out.direction, [1, -1, 1, 1, 1, 0, 1]);
        assert_eq!(out.rule[5], NO_RULE);
    }

    #[test]
    fn all_rules_persistence_and_duration_are_stricter() {
        let z = [4.0, 2.0, 4.0, 0.0, 0.0, 4.0];
        let both = Combination { need: 2, ..ANY };
        assert_eq!(run(&z, both).score, [1.0, 0.5, 1.0, 0.0, 0.0, 1.0]);
        let persistent = Combination {
            rows: 2,
            of_rows: 3,
            ..ANY
        };
        assert_eq!(
            run(&z, persistent).is_anomaly,
            [false, true, true, true, false, false]
        );
        let lasting = Combination {
            min_duration: 2,
            ..ANY
        };
        assert_eq!(
            run(&z, lasting).is_anomaly,
            [false, true, true, false, false, false]
        );
    }

    #[test]
    fn a_refractory_period_keeps_alarms_apart() {
        let z = [4.0, 0.0, 0.0, 4.0, 0.0, 0.0, 4.0];
        let quiet = Combination {
            refractory: 4,
            ..ANY
        };
        assert_eq!(run(&z, quiet).event, [1, 0, 0, 1, 0, 0, 2]);
    }

    #[test]
    fn a_combination_out_of_range_is_refused() {
        let error = Combination { need: 3, ..ANY }.check(2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "combine must be between 1 and the number of rules (2), got 3"
        );
    }
}
