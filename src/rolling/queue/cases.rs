//! Random series and windows for the tests of the rolling kernels.

use super::super::{Task, Windows};
use crate::Infinity;

/// A small generator (splitmix64); tests need no better.
pub struct Random(pub u64);

impl Random {
    /// Uniform in 0..bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.uniform() * bound as f64) as usize
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal: mean 0, deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// Noise with plateaus and, at `missing`, NaN and infinite values.
    pub fn series(&mut self, n: usize, missing: f64) -> Vec<f64> {
        let mut x: Vec<f64> = Vec::with_capacity(n);
        for i in 0..n {
            let value = if self.uniform() < missing {
                [f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY][self.below(4)]
            } else if i > 0 && self.uniform() < 0.3 {
                x[i - 1]
            } else if self.uniform() < 0.3 {
                self.below(5) as f64
            } else {
                self.normal()
            };
            x.push(value);
        }
        x
    }
}

/// Every kind of window over `n` rows, owned.
pub enum Kind {
    Fixed(usize, isize),
    Expanding(isize),
    Bounds(Vec<i64>, Vec<i64>, usize),
}

impl Kind {
    pub fn windows(&self) -> Windows<'_> {
        match self {
            Kind::Fixed(width, shift) => Windows::Fixed {
                width: *width,
                shift: *shift,
            },
            Kind::Expanding(shift) => Windows::Expanding { shift: *shift },
            Kind::Bounds(start, end, step) => Windows::Bounds {
                start,
                end,
                step: *step,
                first: 0,
            },
        }
    }

    /// Trailing, centred, lagged, forward, expanding, stepped, irregular, and in any order.
    pub fn all(n: usize, random: &mut Random) -> Vec<Kind> {
        let mut kinds = vec![Kind::Expanding(0), Kind::Expanding(-1)];
        for width in [1, 2, 5, 8, 64] {
            for shift in [0, -1, 1, width as isize / 2, width as isize - 1] {
                kinds.push(Kind::Fixed(width, shift));
            }
        }
        let (mut low, mut high) = (0, 0);
        let (mut start, mut end) = (vec![], vec![]);
        for _ in 0..n {
            high = (high + random.below(4)).min(n);
            low = (low + random.below(4)).min(high);
            start.push(low as i64);
            end.push(high as i64);
        }
        kinds.push(Kind::Bounds(start, end, 1));
        let (mut start, mut end) = (vec![], vec![]);
        for _ in 0..n.div_ceil(3) {
            let (a, b) = (random.below(n + 1), random.below(n + 1));
            start.push(a.min(b) as i64);
            end.push(a.max(b) as i64);
        }
        kinds.push(Kind::Bounds(start, end, 3));
        kinds
    }
}

/// Calls `check` for tasks over random series and windows, some of which start mid-series.
pub fn each_task(check: impl Fn(&Task<f64>)) {
    let mut random = Random(7);
    for n in [0, 1, 2, 7, 40, 150] {
        for missing in [0.0, 0.2, 0.9] {
            let x = random.series(n, missing);
            let y = random.series(n, missing / 2.0);
            for kind in Kind::all(n, &mut random) {
                let windows = kind.windows();
                let answers = match windows {
                    Windows::Bounds { start, .. } => start.len(),
                    _ => n,
                };
                let later = random.below(answers + 1);
                for answers in [0..answers, later..answers] {
                    for infinity in [Infinity::Missing, Infinity::Ieee] {
                        check(&Task {
                            x: &x,
                            y: Some(&y),
                            windows,
                            answers: answers.clone(),
                            min_periods: random_min_periods(n, later),
                            infinity,
                        });
                    }
                }
            }
        }
    }
}

fn random_min_periods(n: usize, later: usize) -> usize {
    (n + later) % 5
}

/// The present values of the window of the task's answer at `place`.
pub fn present(task: &Task<f64>, place: usize) -> Vec<f64> {
    let (start, end) = task.windows.of(task.answers.start + place, task.x.len());
    (start..end)
        .map(|i| task.value(i))
        .filter(|v| !v.is_nan())
        .collect()
}

/// Panics unless both are NaN, equal, or closer than `tolerance`, relative above 1.
pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let same = found == expected || (found.is_nan() && expected.is_nan());
    let near = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
    assert!(same || near, "{what}: found {found}, expected {expected}");
}
