//! Fixed windows against sums written out in full.

use super::*;
use crate::float::Infinity;
use crate::rolling::extrema::{ExtremeStatistic, extrema};
use crate::rolling::window::Windows;
use crate::simd::Plain;

const STATISTICS: [MomentStatistic; 8] = [
    MomentStatistic::Sum { compensated: true },
    MomentStatistic::Mean { compensated: true },
    MomentStatistic::Sum { compensated: false },
    MomentStatistic::Mean { compensated: false },
    MomentStatistic::Var { ddof: 1 },
    MomentStatistic::Std { ddof: 0 },
    MomentStatistic::Sem { ddof: 1 },
    MomentStatistic::ZScore { ddof: 1 },
];

/// A series of `n` values of which about `missing` of 100 are NaN, with a level shift, a constant
/// stretch and, if asked for, infinite values.
fn series(n: usize, missing: u64, infinite: bool) -> Vec<f64> {
    let mut state = 88172645463325252u64 + missing;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 33
    };
    (0..n)
        .map(|i| {
            let (dice, value) = (random() % 100, (random() % 10_000) as f64 / 1e4);
            match i {
                _ if dice < missing => f64::NAN,
                _ if infinite && dice > 97 => f64::INFINITY,
                _ if infinite && dice > 96 => f64::NEG_INFINITY,
                _ if i * 4 / n == 2 => 77.6,
                _ => value + (i * 3 / n) as f64 * 50.0,
            }
        })
        .collect()
}

fn task(x: &[f64], width: usize, shift: isize, min_periods: usize) -> Task<'_, f64> {
    Task {
        x,
        y: None,
        windows: Windows::Fixed { width, shift },
        answers: 0..x.len(),
        min_periods,
        infinity: Infinity::Missing,
    }
}

/// The present values of window `k`, added up where they lie.
fn naive(task: &Task<f64>, statistic: MomentStatistic, k: usize) -> f64 {
    let (start, end) = task.windows.of(k, task.x.len());
    let present = |v: &f64| !v.is_nan();
    let values: Vec<f64> = (start..end)
        .map(|i| task.value(i))
        .filter(present)
        .collect();
    let n = values.len();
    if n < task.min_periods.max(statistic.least()) {
        return f64::NAN;
    }
    let n = n as f64;
    let sum: f64 = values.iter().sum();
    let anchor = values.first().copied().unwrap_or(0.0);
    let constant = values.iter().all(|&v| v == anchor);
    let mean = anchor + values.iter().map(|v| v - anchor).sum::<f64>() / n;
    let m2: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    match statistic {
        MomentStatistic::Sum { .. } if constant => anchor * n,
        MomentStatistic::Sum { .. } => sum,
        MomentStatistic::Mean { .. } if sum.is_infinite() => sum,
        MomentStatistic::Mean { .. } => mean,
        MomentStatistic::Var { ddof } => m2 / (n - f64::from(ddof)),
        MomentStatistic::Std { ddof } => (m2 / (n - f64::from(ddof))).sqrt(),
        MomentStatistic::Sem { ddof } => (m2 / (n - f64::from(ddof)) / n).sqrt(),
        MomentStatistic::ZScore { ddof } => {
            let std = (m2 / (n - f64::from(ddof))).sqrt();
            let z = (task.value(k) - mean) / std;
            if std > 0.0 { z } else { f64::NAN }
        }
    }
}

fn check(task: &Task<f64>) {
    let n = task.answers.len();
    let mut answers = vec![vec![-7.0; n]; STATISTICS.len()];
    let mut out: Vec<&mut [f64]> = answers.iter_mut().map(|a| &mut a[..]).collect();
    moments(task, &STATISTICS, &mut out).unwrap();
    for (statistic, answers) in STATISTICS.into_iter().zip(&answers) {
        for (&answer, k) in answers.iter().zip(task.answers.clone()) {
            let expected = naive(task, statistic, k);
            let close = (answer - expected).abs() <= 1e-10 * expected.abs().max(1.0);
            let same = answer.is_nan() && expected.is_nan() || answer == expected;
            assert!(
                close || same,
                "{statistic:?} at {k}: {answer}, not {expected}; {:?}, n {}, min_periods {}",
                task.windows,
                task.x.len(),
                task.min_periods
            );
        }
    }
    for (statistic, least, identity) in [
        (
            ExtremeStatistic::Min,
            f64::min as fn(f64, f64) -> f64,
            f64::INFINITY,
        ),
        (ExtremeStatistic::Max, f64::max, f64::NEG_INFINITY),
    ] {
        let mut answers = vec![-7.0; n];
        extrema(task, &[statistic], &mut [&mut answers]).unwrap();
        for (&answer, k) in answers.iter().zip(task.answers.clone()) {
            let (start, end) = task.windows.of(k, task.x.len());
            let present = (start..end).map(|i| task.value(i)).filter(|v| !v.is_nan());
            if present.clone().count() < task.min_periods.max(1) {
                assert!(answer.is_nan());
            } else {
                assert_eq!(
                    answer,
                    present.fold(identity, least),
                    "{statistic:?} at {k}"
                );
            }
        }
    }
}

#[test]
fn every_width_agrees_with_the_definition() {
    for width in (1..=70).chain([100, 130, 1000]) {
        for missing in [0, 10, 50, 100] {
            let x = series(3 * width + 37, missing, false);
            for min_periods in [0, 1, width] {
                check(&task(&x, width, 0, min_periods));
            }
        }
    }
}

#[test]
fn windows_beside_the_row_are_cut_at_both_ends() {
    for width in [1, 2, 3, 5, 12, 13, 49, 64, 100, 130] {
        for n in [width, width + 1, 2 * width - 1, 2 * width, 5 * width + 3] {
            for missing in [0, 10, 50] {
                let x = series(n, missing, false);
                for shift in [-1, width as isize / 2, width as isize, -(width as isize)] {
                    for min_periods in [0, 1, width] {
                        check(&task(&x, width, shift, min_periods));
                    }
                }
            }
        }
    }
}

#[test]
fn answers_may_begin_anywhere() {
    for width in [1, 7, 12, 40, 60, 130] {
        let x = series(700, 5, false);
        for answers in [0..0, 0..1, 3..9, 129..131, 300..700, 699..700] {
            for shift in [0, -1, 5] {
                let answers = answers.clone();
                check(&Task {
                    answers,
                    ..task(&x, width, shift, 1)
                });
            }
        }
    }
}

#[test]
fn infinite_values_are_missing_or_take_part() {
    for width in [1, 4, 10, 30, 60, 130] {
        let x = series(600, 3, true);
        for infinity in [Infinity::Missing, Infinity::Ieee] {
            check(&Task {
                infinity,
                ..task(&x, width, 0, 1)
            });
        }
    }
}

#[test]
fn compensated_sums_survive_cancellation() {
    for width in [1, 2, 5, 30, 130] {
        for missing in [0, 10] {
            // Whole numbers, for which a sum of 128 bits is exact, and huge ones that cancel.
            let mut x = series(1200, missing, false);
            for (i, v) in x.iter_mut().enumerate() {
                let huge = if i % 3 == 2 { 0.0 } else { 1e25 };
                *v = (*v * 1e4).round() + if i % 3 == 1 { -huge } else { huge };
            }
            let task = task(&x, width, 0, 1);
            let mut out = vec![0.0; x.len()];
            let sum = MomentStatistic::Sum { compensated: true };
            moments(&task, &[sum], &mut [&mut out]).unwrap();
            for (k, &answer) in out.iter().enumerate() {
                let (start, end) = task.windows.of(k, x.len());
                let present = x[start..end].iter().filter(|v| !v.is_nan());
                let exact = present.clone().map(|&v| v as i128).sum::<i128>() as f64;
                if present.count() > 0 {
                    let error = (answer - exact).abs();
                    assert!(
                        error <= 1e-12 * exact.abs(),
                        "{width}, {k}: {answer}, {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn equal_values_have_their_own_mean() {
    for width in [3, 7, 12, 36, 60, 500] {
        for gap in [0, 2, 7] {
            let mut x = vec![77.6; 1200];
            x[..300].fill(0.3);
            if gap > 0 {
                x.iter_mut().step_by(gap).for_each(|v| *v = f64::NAN);
            }
            let task = task(&x, width, 0, 1);
            let mut out = vec![0.0; x.len()];
            let mean = MomentStatistic::Mean { compensated: false };
            moments(&task, &[mean], &mut [&mut out]).unwrap();
            for (k, &answer) in out.iter().enumerate() {
                let (start, end) = task.windows.of(k, x.len());
                let mut present = x[start..end].iter().filter(|v| !v.is_nan());
                if let Some(first) = present.next()
                    && present.all(|v| v == first)
                {
                    assert_eq!(answer, *first, "width {width}, gap {gap}, answer {k}");
                }
            }
        }
    }
}

#[test]
fn any_machine_gives_the_same_bits() {
    for width in [3, 12, 13, 33, 48, 49, 130] {
        for missing in [0, 10] {
            let x = series(1000, missing, false);
            let task = task(&x, width, 0, 1);
            let bits = |out: &[f64]| out.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let (mut here, mut plain) = (vec![0.0; 1000], vec![0.0; 1000]);
            for statistic in &STATISTICS[..2] {
                compensated_sums(&task, *statistic, &mut here);
                of_compensated::<f64, Plain>(&task, *statistic, &mut plain);
                assert_eq!(bits(&here), bits(&plain));
            }
            for statistic in &STATISTICS[2..4] {
                sums(&task, *statistic, &mut here);
                of_sums::<f64, Plain>(&task, *statistic, &mut plain);
                assert_eq!(bits(&here), bits(&plain));
            }
            for statistic in &STATISTICS[4..] {
                deviations(&task, &[*statistic], &mut [&mut here]);
                of_deviations::<f64, Plain>(&task, &[*statistic], &mut [&mut plain]);
                assert_eq!(bits(&here), bits(&plain));
            }
        }
    }
}
