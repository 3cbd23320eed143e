//! The world of one data set: towers, users, communities, rhythms. Built once, then only read.

use super::actors::Actors;
use super::communities::Kind;
use super::identity::{Digits, Identities};
use super::keyed::{Key, Permutation};
use super::messages::Messages;
use super::places::Places;
use super::rhythm::Rhythm;
use super::row::Row;
use super::sessions::Sessions;
use super::settings::{Duration, SIM_BOX, Settings, Shape};
use super::tables::{Quantiles, noise, normal_quantile};
use super::ties::Ties;
use super::towers::{Tower, lay_out};
use super::users::{User, users};
use crate::error::Error;

/// Everything that calls are made from.
#[derive(Debug)]
pub struct World {
    /// The seed as a key.
    pub key: Key,
    /// What the caller asked for.
    pub settings: Settings,
    /// The towers.
    pub towers: Vec<Tower>,
    /// The users, in the order of their homes.
    pub users: Vec<User>,
    /// Those of them who are there for a scenario.
    pub actors: Actors,
    /// Their identifiers.
    pub identities: Identities,
    /// Digits of numbers.
    pub digits: Digits,
    /// Whom they call.
    pub ties: Ties,
    /// Where they are.
    pub places: Places,
    /// When they call.
    pub rhythm: Rhythm,
    /// Durations in seconds by user type, before the user's own factor.
    pub durations: [Quantiles; 3],
    /// A user's factors of the day and of the hour.
    pub moods: [Quantiles; 2],
    /// Seconds between the calls of a series.
    pub gaps: Quantiles,
    /// What short messages are made from.
    pub messages: Messages,
    /// What data sessions are made from.
    pub sessions: Sessions,
}

impl World {
    /// The user whose device the caller of `row` has.
    #[inline(always)]
    pub fn device(&self, row: &Row) -> u32 {
        if row.kind == SIM_BOX {
            self.actors.box_lead(row.caller)
        } else {
            row.caller
        }
    }

    /// Builds the world that `settings` describe.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for what cannot be built.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let key = Key::new(settings.seed);
        let towers = lay_out(key, &settings)?;
        let actors = Actors::new(&settings)?;
        let kinds = kinds(key, &settings, actors.first);
        let (users, activity) = users(key, &settings, &towers, &kinds, &actors);
        let rhythm = Rhythm::new(key, &settings, &activity);
        let durations = settings
            .durations
            .map(|d| durations(settings.duration_shape, d));
        let world = World {
            key,
            identities: Identities::new(key, settings.users),
            digits: Digits,
            ties: Ties::new(key, &settings, actors.first, kinds),
            places: Places::new(key, &settings, &towers),
            moods: [
                noise(settings.user_day_spread),
                noise(settings.user_hour_spread),
            ],
            gaps: Quantiles::new(|p| -settings.follow_up_gap_s * libm::log(1.0 - p)),
            messages: Messages::new(key, &settings, &activity),
            sessions: Sessions::new(key, &settings, &activity),
            actors,
            towers,
            users,
            rhythm,
            durations,
            settings,
        };
        super::limits::check(&world)?;
        Ok(world)
    }
}

fn kinds(key: Key, settings: &Settings, n: u32) -> [Kind; 3] {
    let mut low = 0;
    std::array::from_fn(|k| {
        let community = &settings.communities[k];
        let members = (f64::from(n) * community.share).round() as u32;
        if settings.one_community {
            let high = if k == 2 { n } else { (low + members).min(n) };
            let kind = Kind::new(key, k as u32, community, None, (low, high));
            low = high;
            kind
        } else {
            let order = (k > 0).then(|| Permutation::new(key, 8 + k as u32, u64::from(n)));
            Kind::new(key, k as u32, community, order, (0, members.min(n)))
        }
    })
}

fn durations(shape: Shape, duration: Duration) -> Quantiles {
    let Duration {
        center_s,
        spread,
        least_s,
    } = duration;
    // What a normal distribution has below the least is left out, not piled up there.
    let z = (f64::from(least_s) / center_s - 1.0) / spread.max(1e-9);
    let cut = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
    Quantiles::new(|p| match shape {
        Shape::LogNormal => center_s * libm::exp(spread * normal_quantile(p)),
        Shape::LogLogistic => center_s * libm::exp(spread * libm::log(p / (1.0 - p))),
        Shape::Normal => center_s * (1.0 + spread * normal_quantile(cut + p * (1.0 - cut))),
    })
}
