//! What a world and its calls look like: every number that the generator uses.
//!
//! Python names, documents and checks each one; what only the kernel can know (how many towers an
//! area holds, which ratio of anomalies fits) is refused here.

use crate::error::Error;

/// Kinds of users: individual, business, student.
pub const USER_TYPES: [&str; 3] = ["individual", "business", "student"];
/// Rhythms of calling.
pub const PATTERNS: [&str; 2] = ["business", "social"];
/// Kinds of communities.
pub const COMMUNITIES: [&str; 3] = ["families", "work_groups", "friend_circles"];
/// Kinds of areas.
pub const AREAS: [&str; 4] = ["downtown", "commercial", "residential", "suburban"];
/// Labels of rows: what is normal, the four basic anomalies, and scenarios.
pub const KINDS: [&str; 11] = [
    "normal",
    "short_call",
    "long_call",
    "off_hour_call",
    "burst_call",
    "sim_box_call",
    "wangiri_call",
    "robocall",
    "pbx_hack_call",
    "subscription_fraud_call",
    "impossible_travel_call",
];
/// Kinds of anomalies.
pub const ANOMALIES: usize = KINDS.len() - 1;
/// Number of the label of SIM box calls, which show another user's device.
pub const SIM_BOX: u8 = 5;

/// Fewer users cannot be in the calls that the anomalies need at once.
pub const LEAST_USERS: u32 = 10;
/// More towers than this do not fit the two bytes of a row.
pub const MOST_TOWERS: u32 = 65_000;
/// No call lasts longer.
pub const LONGEST_S: u32 = 7200;

/// A rectangle of the map, its share of the towers and how it draws people.
#[derive(Debug, Clone)]
pub struct Area {
    /// Share of the towers.
    pub share: f64,
    /// South and north end, in degrees.
    pub latitude: [f64; 2],
    /// West and east end, in degrees.
    pub longitude: [f64; 2],
    /// How much a tower draws homes.
    pub home: f64,
    /// How much a tower draws work places.
    pub work: f64,
}

/// Communities of one kind.
#[derive(Debug, Clone)]
pub struct Community {
    /// Share of the users who belong to one.
    pub share: f64,
    /// Sizes with their weights.
    pub sizes: Vec<(u32, f64)>,
}

/// How long calls last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Spread is the standard deviation of the logarithm.
    LogNormal,
    /// Spread is the scale of the logarithm.
    LogLogistic,
    /// Spread is the standard deviation, as a share of the center.
    Normal,
}

/// Durations of one kind of user.
#[derive(Debug, Clone, Copy)]
pub struct Duration {
    /// Median (mean for [`Shape::Normal`]) in seconds.
    pub center_s: f64,
    /// See [`Shape`].
    pub spread: f64,
    /// Shortest, in seconds.
    pub least_s: u32,
}

/// Everything that decides the data.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed.
    pub seed: u64,
    /// Users.
    pub users: u32,
    /// Days.
    pub days: u32,
    /// The first day, in days since 1970-01-01.
    pub first_day: i64,
    /// Towers.
    pub towers: u32,
    /// Least distance of towers in meters.
    pub tower_spacing_m: f64,
    /// Share of towers that are small cells.
    pub small_cell_share: f64,
    /// Standard deviation of the logarithm of how popular towers are.
    pub tower_popularity: f64,
    /// Areas, in the order of [`AREAS`].
    pub areas: [Area; 4],
    /// Calls that a user makes a day, on average over users and a week.
    pub calls_per_user_day: f64,
    /// Share of the rows that are anomalies.
    pub anomaly_ratio: f64,
    /// Weights of the anomalies, in the order of [`KINDS`] after the first.
    pub anomaly_mix: [f64; ANOMALIES],
    /// Shares of the user types.
    pub user_type_shares: [f64; 3],
    /// Share of each user type that calls in the business rhythm.
    pub business_pattern: [f64; 3],
    /// How much each user type calls, relative to the others.
    pub user_type_activity: [f64; 3],
    /// Standard deviation of the logarithm of how much users call.
    pub activity_spread: f64,
    /// Least and most days that an account is older than the data.
    pub account_age_days: (u32, u32),
    /// Weights of the hours: `[pattern][weekday or weekend][hour]`.
    pub rhythm: [[[f64; 24]; 2]; 2],
    /// Volume of a Saturday or Sunday relative to a weekday, by pattern.
    pub weekend_volume: [f64; 2],
    /// Share of users an hour ahead of the rhythm, and as many behind.
    pub chronotype_share: f64,
    /// Standard deviations of the logarithm of a day's and an hour's volume.
    pub volume_noise: [f64; 2],
    /// Standard deviation of the logarithm of how much a user calls on a day.
    pub user_day_spread: f64,
    /// Standard deviation of the logarithm of how much a user calls in an hour.
    pub user_hour_spread: f64,
    /// Chance that a call is soon followed by another of the same caller.
    pub follow_up: f64,
    /// Mean seconds between the calls of such a series.
    pub follow_up_gap_s: f64,
    /// Family of the durations.
    pub duration_shape: Shape,
    /// Durations by user type.
    pub durations: [Duration; 3],
    /// Standard deviation of the logarithm of how long users talk.
    pub talker_spread: f64,
    /// Communities, in the order of [`COMMUNITIES`].
    pub communities: [Community; 3],
    /// Whether each user is in one community only.
    pub one_community: bool,
    /// Shares of calls to families, work groups, friend circles, acquaintances.
    pub contact_shares: [f64; 4],
    /// How unequal the ties within a community are: 0 is equal.
    pub tie_spread: f64,
    /// Median number of acquaintances.
    pub acquaintances: f64,
    /// Standard deviation of the logarithm of that number.
    pub acquaintances_spread: f64,
    /// Share of calls to anybody at all.
    pub stranger_share: f64,
    /// Chance to be at home: `[weekday or weekend][hour]`.
    pub at_home: [[f64; 24]; 2],
    /// Chance to be at the work place: `[weekday or weekend][hour]`.
    pub at_work: [[f64; 24]; 2],
    /// Share of users outside work groups who have a day place near home.
    pub day_place_share: f64,
    /// Other places that a user goes to.
    pub other_places: u32,
    /// Chance of a handover whatever the duration.
    pub handover_base: f64,
    /// Duration in seconds at which half of the calls of a moving user have one.
    pub handover_half_s: f64,
    /// Most chance of a handover; what grows with duration stops here.
    pub handover_most: f64,
    /// Whether handovers lead to a neighbor, or to any tower.
    pub handover_to_neighbor: bool,
    /// Which of [`EXTRA`](super::extra::EXTRA) the calls have as columns.
    pub columns: [bool; super::extra::EXTRA.len()],
    /// Share of answered calls that the network drops.
    pub drop_share: f64,
    /// Share of normal calls that reach who answers by forwarding.
    pub forwarded_share: f64,
    /// Local time minus UTC, as `+0530`.
    pub utc_time_offset: String,
    /// Short messages.
    pub sms: Sms,
    /// Data sessions.
    pub data: Data,
}

/// How users write short messages.
#[derive(Debug, Clone)]
pub struct Sms {
    /// Messages that a user sends a day, on average over users and a week, and the power to which
    /// the weights of the hours are raised.
    pub volume: (f64, f64),
    /// Chance that a message is followed by another of the same conversation.
    pub follow_up: f64,
    /// Mean seconds between the messages of a conversation.
    pub gap_s: f64,
}

/// How users are online.
#[derive(Debug, Clone)]
pub struct Data {
    /// Sessions of a user a day, on average over users and a week, and the power to which the
    /// weights of the hours are raised.
    pub volume: (f64, f64),
    /// Median length in seconds, and standard deviation of its logarithm.
    pub length: (f64, f64),
    /// Median rate in kbit/s, and standard deviation of its logarithm.
    pub rate: (f64, f64),
    /// Bytes at which a record is closed.
    pub most_bytes: f64,
    /// Shares of the radio access types, in the order of [`RATS`].
    pub rats: [f64; 3],
}

/// Radio access types, as TS 29.274 names them.
pub const RATS: [&str; 3] = ["EUTRAN", "NR", "UTRAN"];

impl Settings {
    /// Refuses what no world can be built from.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] with the name of the field.
    pub fn check(&self) -> Result<(), Error> {
        let most_users = super::identity::MOST_USERS as u32;
        if !(LEAST_USERS..=most_users).contains(&self.users) {
            let expected = format!("between {LEAST_USERS} and {most_users}");
            return Err(Error::argument("users", expected, self.users));
        }
        if self.days == 0 || self.days > 36_500 {
            return Err(Error::argument("days", "between 1 and 36500", self.days));
        }
        if self.towers < 2 || self.towers > MOST_TOWERS {
            let expected = format!("between 2 and {MOST_TOWERS}");
            return Err(Error::argument("towers", expected, self.towers));
        }
        if !(0.0..=1.0).contains(&self.anomaly_ratio) {
            let (expected, found) = ("between 0 and 1", self.anomaly_ratio);
            return Err(Error::argument("anomaly_ratio", expected, found));
        }
        if !(self.calls_per_user_day > 0.0 && self.calls_per_user_day.is_finite()) {
            let (expected, found) = ("above 0", self.calls_per_user_day);
            return Err(Error::argument("calls_per_user_day", expected, found));
        }
        let (least, most) = self.account_age_days;
        if least == 0 || least > most {
            let expected = "two numbers of days from 1 on, the smaller one first";
            let found = format!("({least}, {most})");
            return Err(Error::argument("account_age_days", expected, found));
        }
        Ok(())
    }

    /// 0 on Monday to Friday, 1 on Saturday and Sunday, for day `day` of the data.
    pub fn weekend(&self, day: impl Into<i64>) -> usize {
        // 1970-01-01 was a Thursday.
        usize::from((self.first_day + day.into() + 3).rem_euclid(7) >= 5)
    }
}
