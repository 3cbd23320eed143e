//! How many rows each day and each hour has, before any of them exists.
//!
//! A day's rows follow from the settings, the users' rhythms and keyed noise; its anomalies are what
//! round(ratio x rows so far) grows by; the first row's number is what the days before add up to.
//! So any day can be made alone and its rows numbered as in the whole, the share of anomalies is
//! exact, and a longer run of the same seed begins with the shorter one.

use super::keyed::{Key, Subject};
use super::settings::Settings;
use super::tables::{Quantiles, apportion, noise};

/// Rhythms: each pattern, an hour ahead, in time and an hour behind.
pub const CLASSES: usize = 6;
/// Whole numbers stand for activities so that sums do not depend on their order.
const UNIT: f64 = 1_048_576.0;

/// Total activity of the users of each class.
#[derive(Debug, Clone, Default)]
pub struct Activity([u64; CLASSES]);

impl Activity {
    /// Counts a user.
    pub fn add(&mut self, class: u8, activity: f32) {
        self.0[usize::from(class)] += (f64::from(activity) * UNIT) as u64;
    }
}

/// Rows of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Rows of the days before.
    pub first_row: u64,
    /// Rows of this day.
    pub rows: u64,
    /// How many of them are anomalies.
    pub anomalies: u64,
    /// Anomalies of the days before.
    pub first_anomaly: u64,
}

/// Weights of classes, hours and days.
#[derive(Debug, Clone)]
pub struct Rhythm {
    key: Key,
    /// Names the draws of noise.
    stream: u32,
    activity: [f64; CLASSES],
    /// `[weekend][class][hour]`; a weekday's hours add up to about 1.
    weights: [[[f64; 24]; CLASSES]; 2],
    day_noise: Quantiles,
    hour_noise: Quantiles,
    /// Rows of a day whose weight is 1.
    rows_per_weight: f64,
    quotas: Vec<Quota>,
    seconds: Vec<Quantiles>,
}

impl Rhythm {
    /// The rhythm of a world whose users have this activity.
    pub fn new(key: Key, settings: &Settings, activity: &Activity) -> Self {
        Rhythm::with_noise(key, settings, activity, 0)
    }

    fn with_noise(key: Key, settings: &Settings, activity: &Activity, stream: u32) -> Self {
        let activity = activity.0.map(|sum| sum as f64 / UNIT);
        let mut weights = [[[0.0; 24]; CLASSES]; 2];
        for (class, pattern) in (0..CLASSES).map(|class| (class, class / 3)) {
            for (weekend, hours) in settings.rhythm[pattern].iter().enumerate() {
                let sum: f64 = hours.iter().sum();
                let volume = [1.0, settings.weekend_volume[pattern]][weekend];
                for (hour, weight) in hours.iter().enumerate() {
                    let own = (hour + 24 + 1 - class % 3) % 24;
                    weights[weekend][class][own] = weight / sum * volume;
                }
            }
        }
        let mut rhythm = Rhythm {
            key,
            stream,
            activity,
            weights,
            day_noise: noise(settings.volume_noise[0]),
            hour_noise: noise(settings.volume_noise[1]),
            rows_per_weight: 0.0,
            quotas: Vec::new(),
            seconds: Vec::new(),
        };
        let of = |weekend| -> f64 { (0..24).map(|h| rhythm.plain(weekend, h)).sum() };
        let week = (5.0 * of(0) + 2.0 * of(1)) / 7.0;
        rhythm.rows_per_weight = settings.calls_per_user_day * f64::from(settings.users) / week;
        rhythm.quotas = rhythm.count(settings);
        rhythm.seconds = (0..48)
            .map(|i| rhythm.within_hour(i / 24, i % 24))
            .collect();
        rhythm
    }

    /// The rhythm of another table: so many rows a user and day, none of them an anomaly, the
    /// weights of the hours raised to a power, and noise of its own under the number `stream`.
    pub fn of_table(
        key: Key,
        settings: &Settings,
        activity: &Activity,
        (rows, power): (f64, f64),
        stream: u32,
    ) -> Self {
        let flat = |weight: f64| match weight > 0.0 {
            true => libm::pow(weight, power),
            false => 0.0,
        };
        let settings = Settings {
            calls_per_user_day: rows,
            anomaly_ratio: 0.0,
            rhythm: settings.rhythm.map(|days| days.map(|day| day.map(flat))),
            ..settings.clone()
        };
        Rhythm::with_noise(key, &settings, activity, stream)
    }

    /// What the classes add up to in an hour, without noise.
    fn plain(&self, weekend: usize, hour: usize) -> f64 {
        let classes = self.activity.iter().zip(&self.weights[weekend]);
        classes
            .map(|(activity, hours)| activity * hours[hour])
            .sum()
    }

    fn count(&self, settings: &Settings) -> Vec<Quota> {
        let mut first_row = 0u64;
        let mut first_anomaly = 0;
        let mut quotas = Vec::with_capacity(settings.days as usize);
        for day in 0..settings.days {
            let weekend = settings.weekend(day);
            let weight: f64 = (0..24).map(|h| self.plain(weekend, h)).sum();
            let noise = self
                .day_noise
                .at(self.key.draw(Subject::Noise, day, 24, self.stream)[0]);
            let rows = (self.rows_per_weight * weight * f64::from(noise)).round() as u64;
            let after = anomalies(settings.anomaly_ratio, first_row + rows);
            quotas.push(Quota {
                first_row,
                rows,
                anomalies: after - first_anomaly,
                first_anomaly,
            });
            first_row += rows;
            first_anomaly = after;
        }
        quotas
    }

    /// Rows of each day.
    pub fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// Rows of all days.
    pub fn rows(&self) -> u64 {
        self.quotas
            .last()
            .map_or(0, |last| last.first_row + last.rows)
    }

    /// Weights of the hours of a day, with noise.
    pub fn hours(&self, settings: &Settings, day: u32) -> [f64; 24] {
        let weekend = settings.weekend(day);
        std::array::from_fn(|hour| {
            let bits = self.key.draw(Subject::Noise, day, hour as u32, self.stream)[0];
            self.plain(weekend, hour) * f64::from(self.hour_noise.at(bits))
        })
    }

    /// Normal rows of each hour of a day.
    pub fn normal(&self, settings: &Settings, day: u32) -> Vec<u64> {
        let quota = self.quotas[day as usize];
        apportion(quota.rows - quota.anomalies, &self.hours(settings, day))
    }

    /// Calls to expect of a user of activity 1 in each class, if an hour has `calls` in all.
    pub fn rates(&self, weekend: usize, hour: usize, calls: f64) -> [f32; CLASSES] {
        let scale = calls / self.plain(weekend, hour).max(f64::MIN_POSITIVE);
        std::array::from_fn(|class| (self.weights[weekend][class][hour] * scale) as f32)
    }

    /// When within an hour its calls begin, in seconds.
    ///
    /// The density is a straight line from the mean with the hour before to the hour itself in the
    /// middle and on to the mean with the hour after.
    pub fn seconds(&self, weekend: usize, hour: usize) -> &Quantiles {
        &self.seconds[weekend * 24 + hour]
    }

    fn within_hour(&self, weekend: usize, hour: usize) -> Quantiles {
        let at = |hour: usize| self.plain(weekend, hour % 24);
        let (before, here, after) = (at(hour + 23), at(hour), at(hour + 1));
        let ends = [(before + here) / 2.0, here, (here + after) / 2.0];
        let areas = [(ends[0] + ends[1]) / 4.0, (ends[1] + ends[2]) / 4.0];
        let sum = areas[0] + areas[1];
        Quantiles::new(|p| {
            let half = usize::from(p * sum > areas[0]);
            let (low, high) = (ends[half], ends[half + 1]);
            // Where low x + (high - low) x^2 / 2 reaches the share, for x in 0..1 of half an hour.
            let share = 2.0 * (p * sum - [0.0, areas[0]][half]);
            let root = libm::sqrt(low * low + 2.0 * (high - low) * share);
            let x = if low + root > 0.0 {
                2.0 * share / (low + root)
            } else {
                p
            };
            (half as f64 + x.clamp(0.0, 1.0)) * 1800.0
        })
    }
}

/// round(ratio x rows), half to even as Python rounds.
pub fn anomalies(ratio: f64, rows: u64) -> u64 {
    (ratio * rows as f64).round_ties_even() as u64
}
