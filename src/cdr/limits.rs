//! What a world can bear: how much of the time users are in a call, and so how many calls and
//! anomalies fit.

use super::anomalies::mix;
use super::world::World;
use crate::error::Error;

/// Share of users in a call in the busiest hour beyond which the quotas may not be met.
const MOST_BUSY: f64 = 0.4;

/// Refuses settings whose calls or anomalies do not fit.
///
/// # Errors
///
/// [`Error::Argument`] with the largest value that fits.
pub fn check(world: &World) -> Result<(), Error> {
    let settings = &world.settings;
    let calm = busy(world, 0.0);
    if calm > MOST_BUSY {
        let most = settings.calls_per_user_day * MOST_BUSY / calm;
        let expected = format!("at most {}, as calls take long", floor(most));
        let found = settings.calls_per_user_day;
        return Err(Error::argument("calls_per_user_day", expected, found));
    }
    let ratio = settings.anomaly_ratio;
    if busy(world, ratio) > MOST_BUSY {
        let (mut fits, mut fails) = (0.0, ratio);
        for _ in 0..40 {
            let middle = (fits + fails) / 2.0;
            if busy(world, middle) > MOST_BUSY {
                fails = middle;
            } else {
                fits = middle;
            }
        }
        let expected = format!(
            "at most {}, as the users of more anomalies would be in two calls at once",
            floor(fits)
        );
        return Err(Error::argument("anomaly_ratio", expected, ratio));
    }
    Ok(())
}

fn floor(value: f64) -> f64 {
    let digits = if value >= 1.0 { 100.0 } else { 10_000.0 };
    (value * digits).floor() / digits
}

/// Share of the users in a call in the busiest hour of the busiest day.
fn busy(world: &World, ratio: f64) -> f64 {
    let days = world.rhythm.quotas().iter().enumerate();
    let busiest = days.max_by_key(|(_, quota)| quota.rows);
    busiest.map_or(0.0, |(day, _)| {
        loads(world, day as u32, ratio)
            .into_iter()
            .fold(0.0, f64::max)
    })
}

/// Share of the users in a call in each hour of a day, on average, if `ratio` of the rows are
/// anomalies.
pub fn loads(world: &World, day: u32, ratio: f64) -> [f64; 24] {
    let settings = &world.settings;
    let rows = world.rhythm.quotas()[day as usize].rows as f64;
    let hours = world.rhythm.hours(settings, day);
    let total: f64 = hours.iter().sum();
    let types = settings.user_type_shares;
    let lengths = (0..3).map(|k| types[k] * world.durations[k].mean());
    let length = lengths.sum::<f64>() / types.iter().sum::<f64>();
    let anomalies = ratio * rows;
    let kinds = mix(&settings.anomaly_mix, 0, anomalies as u64).map(|n| n as f64);
    let normal = (rows - anomalies) * length * 2.0;
    std::array::from_fn(|hour| {
        let [share, before] = [hours[hour], hours[(hour + 23) % 24]].map(|h| h / total);
        let off_hour = if (2..5).contains(&hour) {
            kinds[2] / 3.0
        } else {
            0.0
        };
        let seconds = normal * share
            + kinds[0] * share * 6.0
            // A long call reaches into the next hours.
            + kinds[1] * (share + before) * 5400.0
            + off_hour * length * 2.0
            + kinds[3] * share * (3600.0 / 15.0 + 35.0)
            // Scenarios take the lines of those who are called.
            + kinds[4..].iter().sum::<f64>() * share * 300.0;
        seconds / 3600.0 / f64::from(settings.users)
    })
}
