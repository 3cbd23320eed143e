use super::super::queue::cases::{assert_close, each_task};
use super::*;

/// n and the sums of squares and products about the means.
fn by_definition(pairs: &[(f64, f64)]) -> (f64, f64, f64, f64) {
    let n = pairs.len() as f64;
    let (ax, ay) = pairs.first().copied().unwrap_or_default();
    let mx = ax + pairs.iter().map(|p| p.0 - ax).sum::<f64>() / n;
    let my = ay + pairs.iter().map(|p| p.1 - ay).sum::<f64>() / n;
    let sum = |f: fn(f64, f64) -> f64| pairs.iter().map(|p| f(p.0 - mx, p.1 - my)).sum::<f64>();
    (n, sum(|x, _| x * x), sum(|_, y| y * y), sum(|x, y| x * y))
}

fn correlation((_, xx, yy, xy): (f64, f64, f64, f64)) -> f64 {
    if xx > 0.0 && yy > 0.0 {
        (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0)
    } else {
        f64::NAN
    }
}

fn second(task: &Task<f64>, row: usize) -> f64 {
    let y = task.y.unwrap()[row];
    if task.infinity.is_missing(y) {
        f64::NAN
    } else {
        y
    }
}

#[test]
fn covariance_correlation_and_slope_are_those_of_the_pairs() {
    each_task(|task| {
        let mut out = vec![vec![0.0; task.answers.len()]; 3];
        let statistics = [
            PairStatistic::Cov { ddof: 1 },
            PairStatistic::Corr,
            PairStatistic::Slope,
        ];
        let mut places: Vec<&mut [f64]> = out.iter_mut().map(|o| &mut o[..]).collect();
        pair(task, &statistics, &mut places).unwrap();
        for (place, k) in task.answers.clone().enumerate() {
            let (start, end) = task.windows.of(k, task.x.len());
            let pairs: Vec<(f64, f64)> = (start..end)
                .map(|i| (task.value(i), second(task, i)))
                .filter(|(x, y)| !x.is_nan() && !y.is_nan())
                .collect();
            let sums = by_definition(&pairs);
            let (n, _, yy, xy) = sums;
            let enough = pairs.len() >= task.min_periods.max(1);
            let or_nan = |defined: bool, v: f64| if defined && enough { v } else { f64::NAN };
            assert_close(out[0][place], or_nan(n > 1.0, xy / (n - 1.0)), 1e-12, "cov");
            // Nearly constant windows of the reference are noise; the kernel's are exactly 0.
            let equal = |f: fn(&(f64, f64)) -> f64| pairs.iter().all(|p| f(p) == f(&pairs[0]));
            if equal(|p| p.0) || equal(|p| p.1) {
                assert!(out[1][place].is_nan());
            } else {
                assert_close(
                    out[1][place],
                    or_nan(true, correlation(sums)),
                    1e-12,
                    "corr",
                );
            }
            let slope = or_nan(n > 1.0 && !equal(|p| p.1), xy / yy);
            assert_close(out[2][place], slope, 1e-11, "slope");
        }
    });
}

#[test]
fn slope_without_a_second_series_is_per_row() {
    each_task(|task| {
        let alone = Task {
            y: None,
            ..task.clone()
        };
        let rows: Vec<f64> = (0..task.x.len()).map(|i| i as f64).collect();
        let mut found = vec![0.0; task.answers.len()];
        let mut expected = found.clone();
        pair(&alone, &[PairStatistic::Slope], &mut [&mut found]).unwrap();
        slope(&alone, &rows, &mut expected).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert_close(*found, *expected, 0.0, "slope");
        }
    });
    let x = [1.0, 3.0, f64::NAN, 7.0];
    let task = Task {
        x: &x,
        y: None,
        windows: Windows::Fixed { width: 4, shift: 0 },
        answers: 0..4,
        min_periods: 2,
        infinity: Infinity::Missing,
    };
    let mut out = [0.0; 4];
    pair(&task, &[PairStatistic::Slope], &mut [&mut out]).unwrap();
    assert!(out[0].is_nan());
    assert_eq!(out[1..], [2.0, 2.0, 2.0]);
}

#[test]
fn autocorrelation_pairs_rows_inside_the_window() {
    each_task(|task| {
        for lag in [0, 1, 3, 70] {
            let mut out = vec![0.0; task.answers.len()];
            autocorr(task, lag, &mut out).unwrap();
            for (place, found) in out.iter().enumerate() {
                let (start, end) = task.windows.of(task.answers.start + place, task.x.len());
                let pairs: Vec<(f64, f64)> = (start + lag..end)
                    .map(|i| (task.value(i), task.value(i - lag)))
                    .filter(|(x, y)| !x.is_nan() && !y.is_nan())
                    .collect();
                let present = (start..end).filter(|i| !task.value(*i).is_nan()).count();
                let varies = pairs.iter().any(|p| p.0 != pairs[0].0)
                    && pairs.iter().any(|p| p.1 != pairs[0].1);
                let expected = if varies && present >= task.min_periods {
                    correlation(by_definition(&pairs))
                } else {
                    f64::NAN
                };
                assert_close(*found, expected, 1e-12, "autocorr");
            }
        }
    });
}

#[test]
fn covariance_without_a_second_series_is_refused() {
    let task = Task {
        x: &[1.0],
        y: None,
        windows: Windows::Expanding { shift: 0 },
        answers: 0..1,
        min_periods: 1,
        infinity: Infinity::Missing,
    };
    let error = pair(&task, &[PairStatistic::Corr], &mut [&mut [0.0]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "y must be a second series for covariance and correlation, got none"
    );
}
