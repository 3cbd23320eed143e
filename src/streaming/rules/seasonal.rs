//! The same hour of the last weeks.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;
use super::rolling::{Length, Rolling};

/// The rule: statistics of the last rows of the same season, such as the hour of the week.
#[derive(Debug, Clone)]
pub struct Seasonal {
    /// The window within a season, of rows.
    rolling: Rolling,
    /// Length of a season, an hour, in units of time.
    resolution: i64,
    /// Seasons in a period: 168 hours of a week.
    seasons: usize,
}

impl Seasonal {
    /// Of the last `rows` of each season.
    pub fn new(rolling: Rolling, resolution: i64, seasons: usize) -> Self {
        Seasonal {
            rolling,
            resolution,
            seasons,
        }
    }

    /// Most rows of a season that a state may hold.
    fn rows(&self) -> usize {
        match self.rolling.length {
            Length::Rows(rows) => rows,
            Length::Time(_) => 0,
        }
    }
}

/// The last rows of each season, oldest first.
#[derive(Debug)]
pub struct Seasons(Vec<Vec<f64>>);

impl Rule for Seasonal {
    type State = Seasons;

    fn outputs(&self) -> usize {
        self.rolling.outputs()
    }

    fn start(&self) -> Seasons {
        Seasons(vec![Vec::new(); self.seasons])
    }

    #[inline(always)]
    fn push(&self, state: &mut Seasons, time: i64, value: f64, out: &mut [f64]) {
        let season = time
            .div_euclid(self.resolution)
            .rem_euclid(self.seasons as i64) as usize;
        let rows = &mut state.0[season];
        let most = self.rows();
        let enter = |rows: &mut Vec<f64>| {
            if rows.len() == most {
                rows.remove(0);
            }
            rows.push(value);
        };
        if self.rolling.include_current {
            enter(rows);
        }
        // So few rows are summed up anew.
        self.rolling.tell(&self.rolling.sum_up(rows), value, out);
        if !self.rolling.include_current {
            enter(rows);
        }
    }

    fn write(&self, state: &Seasons, to: &mut Writer) {
        for rows in &state.0 {
            to.f64s(rows.iter().copied());
        }
    }

    fn read(&self, from: &mut Reader) -> Option<Seasons> {
        let most = self.rows();
        let seasons: Option<Vec<_>> = (0..self.seasons).map(|_| from.f64s(most)).collect();
        Some(Seasons(seasons?))
    }
}
