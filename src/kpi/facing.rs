//! Cells that can take each other's traffic: near enough, and each within the other's sector.
//!
//! Distances are great circles, by the haversine formula, on a sphere of the Earth's mean radius.
//! Sites go into cubes of a grid around the centre of the Earth, so a cell looks only into the
//! cubes that its radius reaches, wherever it lies: poles and the date line are no special places.

use std::collections::HashMap;

use crate::error::Error;
use crate::parallel::{self, Monitor};

/// Mean radius of the Earth in kilometres (IUGG).
pub const EARTH_KM: f64 = 6371.0088;
/// Cells that one task takes.
const TASK: usize = 256;

/// Where cells stand and look; one value a cell, angles in degrees.
#[derive(Clone, Copy)]
pub struct Sites<'a> {
    /// Latitude, -90 to 90.
    pub latitude: &'a [f64],
    /// Longitude, any turn.
    pub longitude: &'a [f64],
    /// Direction of the antenna, clockwise from north; NaN looks everywhere.
    pub azimuth: &'a [f64],
    /// How far the cell looks for others, in kilometres.
    pub radius_km: &'a [f64],
    /// The site it belongs to.
    pub site: &'a [i64],
}

/// Cells and those that face them, sorted by cell, then distance, then row.
#[derive(Debug, Default, PartialEq)]
pub struct Facing {
    /// Row of the cell.
    pub cell: Vec<u32>,
    /// Row of the cell that faces it.
    pub neighbor: Vec<u32>,
    /// Between the two, in kilometres.
    pub distance_km: Vec<f64>,
    /// Initial bearing from the cell to its neighbour; NaN if they stand at one place.
    pub bearing_deg: Vec<f64>,
}

struct Place {
    latitude: f64,
    longitude: f64,
    unit: [f64; 3],
}

impl Place {
    fn new(latitude_deg: f64, longitude_deg: f64) -> Self {
        let (latitude, longitude) = (latitude_deg.to_radians(), longitude_deg.to_radians());
        let unit = [
            latitude.cos() * longitude.cos(),
            latitude.cos() * longitude.sin(),
            latitude.sin(),
        ];
        Place {
            latitude,
            longitude,
            unit,
        }
    }

    fn distance_km(&self, other: &Place) -> f64 {
        let half_latitude = ((other.latitude - self.latitude) / 2.0).sin();
        let half_longitude = ((other.longitude - self.longitude) / 2.0).sin();
        let h = half_latitude * half_latitude
            + self.latitude.cos() * other.latitude.cos() * half_longitude * half_longitude;
        2.0 * EARTH_KM * h.min(1.0).sqrt().asin()
    }

    /// Initial bearing towards `other`, 0 to 360.
    fn bearing_deg(&self, other: &Place) -> f64 {
        let turn = other.longitude - self.longitude;
        let y = turn.sin() * other.latitude.cos();
        let x = self.latitude.cos() * other.latitude.sin()
            - self.latitude.sin() * other.latitude.cos() * turn.cos();
        y.atan2(x).to_degrees().rem_euclid(360.0)
    }
}

/// Whether `bearing` lies within `half_width` of `azimuth`, all in degrees.
fn in_sector(azimuth: f64, bearing: f64, half_width: f64) -> bool {
    let apart = (bearing - azimuth).rem_euclid(360.0);
    azimuth.is_nan() || apart.min(360.0 - apart) <= half_width
}

/// Places by cube, the cubes as long as the radius of a usual cell.
struct Grid {
    size: f64,
    cubes: HashMap<[i32; 3], Vec<u32>>,
}

impl Grid {
    fn new(places: &[Place], radius_km: &[f64]) -> Self {
        let mut radii: Vec<f64> = radius_km.iter().copied().filter(|&r| r > 0.0).collect();
        radii.sort_unstable_by(f64::total_cmp);
        let usual = radii.get(radii.len() / 2).copied().unwrap_or(1.0);
        // Below 10 m a cube would hold one cell and only cost.
        let size = (usual / EARTH_KM).clamp(0.01 / EARTH_KM, 1.0);
        let mut cubes: HashMap<_, Vec<u32>> = HashMap::new();
        for (row, place) in places.iter().enumerate() {
            let cube = place.unit.map(|u| (u / size).floor() as i32);
            cubes.entry(cube).or_default().push(row as u32);
        }
        Grid { size, cubes }
    }

    /// Calls `visit` with the rows that may be within `radius_km` of `place`.
    fn near(&self, place: &Place, radius_km: f64, mut visit: impl FnMut(u32)) {
        // The chord is shorter than the arc; a hair more covers the rounding of both.
        let reach = (radius_km / EARTH_KM).min(2.0) * (1.0 + 1e-9) + 1e-12;
        let low = place.unit.map(|u| ((u - reach) / self.size).floor() as i32);
        let high = place.unit.map(|u| ((u + reach) / self.size).floor() as i32);
        let count: f64 = (0..3).map(|i| f64::from(high[i] - low[i] + 1)).product();
        if count > self.cubes.len() as f64 {
            self.cubes.values().flatten().for_each(|&row| visit(row));
            return;
        }
        for x in low[0]..=high[0] {
            for y in low[1]..=high[1] {
                for z in low[2]..=high[2] {
                    if let Some(rows) = self.cubes.get(&[x, y, z]) {
                        rows.iter().for_each(|&row| visit(row));
                    }
                }
            }
        }
    }
}

/// The cells that face each of `cells` (rows of `sites`), on `threads` threads.
///
/// One of another site faces a cell if it is within the cell's radius, and the initial bearing
/// from each to the other is within `half_width_deg` of its azimuth. One of the same site faces
/// it if it has the same azimuth. At one and the same place there is no bearing, and sectors are
/// not asked.
///
/// # Errors
///
/// [`Error::Cancelled`] if the caller stops it.
pub fn facing(
    sites: Sites,
    cells: &[u32],
    half_width_deg: f64,
    threads: usize,
    monitor: &Monitor,
) -> Result<Facing, Error> {
    let angles = sites.latitude.iter().zip(sites.longitude);
    let places: Vec<Place> = angles.map(|(&a, &o)| Place::new(a, o)).collect();
    let grid = Grid::new(&places, sites.radius_km);
    let mut parts: Vec<Facing> = Vec::new();
    parts.resize_with(cells.len().div_ceil(TASK), Facing::default);
    let tasks: Vec<_> = cells.chunks(TASK).zip(&mut parts).collect();
    parallel::for_each(tasks, threads, |(cells, part)| {
        for &cell in cells {
            part.add(sites, &places, &grid, cell, half_width_deg);
            monitor.tick(1)?;
        }
        Ok(())
    })?;
    Ok(parts.into_iter().fold(Facing::default(), Facing::then))
}

impl Facing {
    fn add(&mut self, sites: Sites, places: &[Place], grid: &Grid, cell: u32, half_width: f64) {
        let (i, radius) = (cell as usize, sites.radius_km[cell as usize]);
        let here = &places[i];
        let mut found: Vec<(f64, u32, f64)> = Vec::new();
        grid.near(here, radius, |row| {
            let j = row as usize;
            if i == j {
                return;
            }
            let distance = here.distance_km(&places[j]);
            if distance > radius {
                return;
            }
            let apart = distance > 0.0;
            let there = if apart {
                here.bearing_deg(&places[j])
            } else {
                f64::NAN
            };
            let (mine, its) = (sites.azimuth[i], sites.azimuth[j]);
            let faces = if sites.site[i] == sites.site[j] {
                mine == its || (mine.is_nan() && its.is_nan())
            } else {
                !apart
                    || in_sector(mine, there, half_width)
                        && in_sector(its, places[j].bearing_deg(here), half_width)
            };
            if faces {
                found.push((distance, row, there));
            }
        });
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (distance, row, bearing) in found {
            self.cell.push(cell);
            self.neighbor.push(row);
            self.distance_km.push(distance);
            self.bearing_deg.push(bearing);
        }
    }

    fn then(mut self, other: Facing) -> Facing {
        self.cell.extend(other.cell);
        self.neighbor.extend(other.neighbor);
        self.distance_km.extend(other.distance_km);
        self.bearing_deg.extend(other.bearing_deg);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn all(sites: Sites, half_width: f64, threads: usize) -> Facing {
        let cells: Vec<u32> = (0..sites.site.len() as u32).collect();
        facing(sites, &cells, half_width, threads, &Monitor::default()).unwrap()
    }

    #[test]
    fn two_cells_that_look_at_each_other_face_each_other() {
        // One degree of latitude is 111.2 km; the first looks north, the second south.
        let sites = Sites {
            latitude: &[48.0, 48.01, 48.01],
            longitude: &[2.0, 2.0, 2.0],
            azimuth: &[0.0, 180.0, 0.0],
            radius_km: &[2.0, 2.0, 2.0],
            site: &[0, 1, 1],
        };
        let found = all(sites, 60.0, 1);
        assert_eq!(
            (&found.cell[..], &found.neighbor[..]),
            (&[0, 1][..], &[1, 0][..])
        );
        assert!((found.distance_km[0] - 1.112).abs() < 1e-3);
        assert!(found.bearing_deg[0].abs() < 1e-9 && (found.bearing_deg[1] - 180.0).abs() < 1e-9);
    }

    #[test]
    fn a_sector_wraps_at_north() {
        assert!(in_sector(350.0, 40.0, 60.0) && in_sector(10.0, 320.0, 60.0));
        assert!(in_sector(350.0, 50.0, 60.0) && !in_sector(350.0, 50.1, 60.0));
        assert!(in_sector(f64::NAN, 123.0, 1.0));
    }

    #[test]
    fn the_grid_finds_what_all_pairs_find_also_at_poles_and_date_line() {
        let mut draw = Stream::new(1, 1);
        for (latitude, longitude) in [(34.0, -6.8), (89.99, 0.0), (-17.0, 180.0), (0.0, 0.0)] {
            let n = 300;
            let mut around = |middle: f64, by: f64| -> Vec<f64> {
                (0..n).map(|_| middle + by * (draw.unit() - 0.5)).collect()
            };
            let (lat, lon) = (around(latitude, 0.02), around(longitude, 0.5));
            let lat: Vec<f64> = lat.iter().map(|a| a.clamp(-90.0, 90.0)).collect();
            let azimuth: Vec<f64> = (0..n).map(|_| 30.0 * draw.below(12) as f64).collect();
            let radius: Vec<f64> = (0..n).map(|_| 20.0 * draw.unit().powi(3)).collect();
            let site: Vec<i64> = (0..n as i64).map(|i| i / 3).collect();
            let sites = Sites {
                latitude: &lat,
                longitude: &lon,
                azimuth: &azimuth,
                radius_km: &radius,
                site: &site,
            };
            let found = all(sites, 60.0, 1);
            assert!(found.cell.len() > 100);
            assert_eq!(found, all(sites, 60.0, 3));
            let places: Vec<_> = (0..n).map(|i| Place::new(lat[i], lon[i])).collect();
            let mut expected = Vec::new();
            for i in 0..n {
                for j in (0..n).filter(|&j| j != i) {
                    let near = places[i].distance_km(&places[j]) <= radius[i];
                    let bearing = |a: usize, b: usize| places[a].bearing_deg(&places[b]);
                    let faces = if site[i] == site[j] {
                        azimuth[i] == azimuth[j]
                    } else {
                        in_sector(azimuth[i], bearing(i, j), 60.0)
                            && in_sector(azimuth[j], bearing(j, i), 60.0)
                    };
                    if near && faces {
                        expected.push((i as u32, j as u32));
                    }
                }
            }
            let mut pairs: Vec<_> = found.cell.into_iter().zip(found.neighbor).collect();
            pairs.sort_unstable();
            assert_eq!(pairs, expected);
        }
    }
}
