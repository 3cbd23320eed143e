//! Where the towers stand, and which are neighbors.
//!
//! Each area is laid out as a grid of squares with the least distance as their side; a keyed
//! permutation chooses the squares and each tower stands somewhere in the middle of its own. Towers
//! are numbered along a path that winds through the grid, so that towers with near numbers are
//! mostly near each other: places in the world are sorted by home tower, and what is near in the
//! world stays near in memory.

use super::keyed::{Key, Permutation, Subject, unit};
use super::settings::{AREAS, Area, MOST_TOWERS, Settings};
use super::tables::{apportion, noise};
use crate::error::Error;

/// Neighbors that a call may be handed over to.
pub const NEIGHBORS: usize = 6;
/// Kilometers of a degree of latitude.
const KM_PER_DEGREE: f64 = 111.195;

/// A tower.
#[derive(Debug, Clone)]
pub struct Tower {
    /// Degrees north, in millionths.
    pub latitude: i32,
    /// Degrees east, in millionths.
    pub longitude: i32,
    /// Number of its area in [`AREAS`].
    pub area: u8,
    /// Whether it is a small cell rather than a macro cell.
    pub is_small: bool,
    /// How much it draws people, relative to others of its area.
    pub popularity: f32,
    /// The nearest towers, nearest first; all the same if there are fewer.
    pub neighbors: [u16; NEIGHBORS],
}

/// Squares of an area's grid: rows, columns.
fn grid(area: &Area, spacing_m: f64) -> (u64, u64) {
    let km = |degrees: f64| degrees * KM_PER_DEGREE;
    let middle = (area.latitude[0] + area.latitude[1]) / 2.0;
    let height = km(area.latitude[1] - area.latitude[0]);
    let width = km(area.longitude[1] - area.longitude[0]) * cosine(middle);
    let count = |km: f64| ((km * 1000.0 / spacing_m).floor()).max(0.0) as u64;
    (count(height), count(width))
}

fn cosine(degrees: f64) -> f64 {
    libm::cos(degrees * std::f64::consts::PI / 180.0)
}

/// The most towers that the areas hold in their shares.
pub fn capacity(settings: &Settings) -> u64 {
    let total: f64 = settings.areas.iter().map(|area| area.share).sum();
    let mut most = u64::from(MOST_TOWERS);
    for area in settings.areas.iter().filter(|area| area.share > 0.0) {
        let (rows, columns) = grid(area, settings.tower_spacing_m);
        most = most.min(((rows * columns) as f64 / (area.share / total)).floor() as u64);
    }
    // The largest number whose parts all fit, as parts are rounded.
    let fits = |n: u64| {
        let parts = parts(settings, n);
        let grids = settings.areas.each_ref().map(|area| {
            let (rows, columns) = grid(area, settings.tower_spacing_m);
            rows * columns
        });
        parts.iter().zip(grids).all(|(&part, room)| part <= room)
    };
    while most > 0 && !fits(most) {
        most -= 1;
    }
    most
}

fn parts(settings: &Settings, towers: u64) -> Vec<u64> {
    apportion(towers, &settings.areas.each_ref().map(|area| area.share))
}

/// The towers of a world.
///
/// # Errors
///
/// [`Error::Argument`] if the areas do not hold them.
pub fn lay_out(key: Key, settings: &Settings) -> Result<Vec<Tower>, Error> {
    let most = capacity(settings);
    if u64::from(settings.towers) > most {
        let expected = format!(
            "at most {most}, as many as the areas hold {} m apart (lower tower_spacing_m or widen the areas)",
            settings.tower_spacing_m
        );
        return Err(Error::argument("towers", expected, settings.towers));
    }
    let popularity = noise(settings.tower_popularity);
    let mut towers = Vec::with_capacity(settings.towers as usize);
    let counts = parts(settings, u64::from(settings.towers));
    for (number, (area, &count)) in settings.areas.iter().zip(&counts).enumerate() {
        let (rows, columns) = grid(area, settings.tower_spacing_m);
        let permutation = Permutation::new(key, 16 + number as u32, (rows * columns).max(1));
        let mut squares: Vec<u64> = (0..count).map(|i| permutation.forward(i)).collect();
        // Bands of some rows, wound through from west to east and back.
        let band = ((rows as f64 / libm::sqrt(count.max(1) as f64)).ceil() as u64).max(1);
        squares.sort_by_key(|square| {
            let (row, column) = (square / columns, square % columns);
            let along = if (row / band).is_multiple_of(2) {
                column
            } else {
                columns - 1 - column
            };
            (row / band, along, row)
        });
        for square in squares {
            let place = |i: u64, n: u64, ends: [f64; 2], bits: u32| {
                let at = (i as f64 + 0.2 + 0.6 * unit(bits)) / n as f64;
                ((ends[0] + (ends[1] - ends[0]) * at) * 1e6) as i32
            };
            let [a, b, c, d] = key.draw(Subject::Tower, towers.len() as u32, 0, 0);
            towers.push(Tower {
                latitude: place(square / columns, rows, area.latitude, a),
                longitude: place(square % columns, columns, area.longitude, b),
                area: number as u8,
                is_small: unit(c) < settings.small_cell_share,
                popularity: popularity.at(d),
                neighbors: [0; NEIGHBORS],
            });
        }
    }
    debug_assert!(AREAS.len() == counts.len());
    find_neighbors(&mut towers);
    Ok(towers)
}

/// Positions in kilometers, on a plane that touches the middle of the map.
pub fn kilometers(towers: &[Tower]) -> Vec<[f64; 2]> {
    let sum: i64 = towers.iter().map(|tower| i64::from(tower.latitude)).sum();
    let scale = cosine(sum as f64 / towers.len().max(1) as f64 * 1e-6);
    let km = |millionths: i32| f64::from(millionths) * 1e-6 * KM_PER_DEGREE;
    let place = |tower: &Tower| [km(tower.latitude), km(tower.longitude) * scale];
    towers.iter().map(place).collect()
}

/// Looks from each tower to the north and south until no nearer one can come.
fn find_neighbors(towers: &mut [Tower]) {
    let places = kilometers(towers);
    let mut order: Vec<usize> = (0..towers.len()).collect();
    order.sort_by(|&a, &b| places[a][0].total_cmp(&places[b][0]).then(a.cmp(&b)));
    for at in 0..order.len() {
        let here = order[at];
        let mut best: Vec<(f64, usize)> = Vec::with_capacity(NEIGHBORS + 1);
        let consider = |there: usize, best: &mut Vec<(f64, usize)>| {
            let [dx, dy] = [0, 1].map(|k| places[there][k] - places[here][k]);
            let found = (dx * dx + dy * dy, there);
            let rank = best.partition_point(|b| (b.0, b.1) < found);
            best.insert(rank, found);
            best.truncate(NEIGHBORS);
        };
        let (mut up, mut down) = (at + 1, at);
        loop {
            let far = |best: &Vec<(f64, usize)>, there: usize| {
                let dx = places[there][0] - places[here][0];
                best.len() == NEIGHBORS && dx * dx > best[NEIGHBORS - 1].0
            };
            let mut moved = false;
            if up < order.len() && !far(&best, order[up]) {
                consider(order[up], &mut best);
                up += 1;
                moved = true;
            }
            if down > 0 && !far(&best, order[down - 1]) {
                consider(order[down - 1], &mut best);
                down -= 1;
                moved = true;
            }
            if !moved {
                break;
            }
        }
        for (k, neighbor) in towers[here].neighbors.iter_mut().enumerate() {
            *neighbor = best[k % best.len()].1 as u16;
        }
    }
}
