use super::cases::{Random, assert_close, each_task, present};
use super::*;
use crate::rolling::Task;

fn values<S: State<Item = f64>>(task: &Task<f64>, value: impl Fn(Answer<S>) -> f64) -> Vec<f64> {
    let mut out = vec![f64::NAN; task.answers.len()];
    let item = |i| Some(task.value(i)).filter(|v| !v.is_nan());
    drive::<S>(
        task.windows,
        task.answers.clone(),
        task.x.len(),
        item,
        |a| out[a.place] = value(a),
    );
    out
}

#[test]
fn sums_and_extremes_are_those_of_the_window() {
    each_task(|task| {
        let sum = values::<Sum>(task, |a| a.state.0);
        let compensated = values::<CompensatedSum>(task, |a| a.state.value());
        let min = values::<Min>(task, |a| a.state.0);
        let max = values::<Max>(task, |a| a.state.0);
        let count = values::<Max>(task, |a| a.count as f64);
        for place in 0..task.answers.len() {
            let window = present(task, place);
            assert_close(sum[place], window.iter().sum(), 1e-13, "sum");
            assert_close(compensated[place], window.iter().sum(), 1e-13, "sum");
            assert_eq!(count[place], window.len() as f64);
            let smallest = window.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = window.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!((min[place], max[place]), (smallest, largest));
        }
    });
}

#[test]
fn the_place_of_an_extreme_is_the_newest() {
    each_task(|task| {
        let item = |i| Some((task.value(i), i)).filter(|(v, _)| !v.is_nan());
        let (answers, n) = (task.answers.clone(), task.x.len());
        let newest = |a: (usize, usize), sign: f64| {
            (a.0..a.1)
                .rev()
                .filter_map(item)
                .reduce(|best, next| {
                    if sign * next.0 < sign * best.0 {
                        next
                    } else {
                        best
                    }
                })
                .map(|(_, row)| a.1 - 1 - row)
        };
        drive::<ArgMin>(task.windows, answers.clone(), n, item, |a| {
            let found = (a.count > 0).then(|| a.state.age(a.end));
            assert_eq!(found, newest((a.start, a.end), 1.0));
        });
        drive::<ArgMax>(task.windows, answers, n, item, |a| {
            let found = (a.count > 0).then(|| a.state.age(a.end));
            assert_eq!(found, newest((a.start, a.end), -1.0));
        });
    });
}

#[test]
fn mean_and_variance_are_those_of_the_window() {
    each_task(|task| {
        let mean = values::<MomentSums>(task, |a| a.state.moments().mean());
        let var = values::<MomentSums>(task, |a| a.state.moments().var(1.0));
        for place in 0..task.answers.len() {
            let window = present(task, place);
            let n = window.len() as f64;
            let expected = window.iter().sum::<f64>() / n;
            assert_close(mean[place], expected, 1e-13, "mean");
            if n > 1.0 {
                let m2: f64 = window.iter().map(|v| (v - expected).powi(2)).sum();
                assert_close(var[place], m2 / (n - 1.0), 1e-13, "var");
            } else {
                assert!(var[place].is_nan());
            }
            if n > 1.0 && window.iter().all(|v| *v == window[0]) && window[0].is_finite() {
                assert_eq!(var[place], 0.0);
                assert_eq!(mean[place], window[0]);
            }
        }
    });
}

/// Series of whole numbers on which running sums lose their digits.
fn hard_cases() -> Vec<(&'static str, Vec<i64>)> {
    let mut random = Random(11);
    let noise: Vec<i64> = (0..1500).map(|_| (random.normal() * 1e3) as i64).collect();
    let with = |f: &dyn Fn(usize, i64) -> i64| -> Vec<i64> {
        noise.iter().enumerate().map(|(i, v)| f(i, *v)).collect()
    };
    let mut octets = 0;
    vec![
        ("offset", with(&|_, v| 1_000_000_000_000 + v)),
        (
            "spikes",
            with(&|i, v| if i % 333 == 7 { 1 << 52 } else { v }),
        ),
        (
            "scale drop",
            with(&|i, v| if i < 750 { v << 26 } else { v }),
        ),
        (
            "alternating",
            with(&|i, v| {
                if i < 600 {
                    (1 << 53) * (1 - 2 * (i as i64 % 2))
                } else {
                    v
                }
            }),
        ),
        (
            "octets",
            noise
                .iter()
                .map(|v| {
                    octets += v.abs() << 20;
                    octets
                })
                .collect(),
        ),
        ("plateaus", with(&|i, _| noise[i / 40 * 40])),
    ]
}

#[test]
fn hard_cases_keep_twelve_digits() {
    for (name, exact) in hard_cases() {
        let x: Vec<f64> = exact.iter().map(|v| *v as f64).collect();
        for width in [5, 60, 500] {
            let task = Task {
                x: &x,
                y: None,
                windows: Windows::Fixed { width, shift: 0 },
                answers: width - 1..x.len(),
                min_periods: width,
                infinity: crate::Infinity::Missing,
            };
            let sums = values::<CompensatedSum>(&task, |a| a.state.value());
            let vars = values::<MomentSums>(&task, |a| a.state.moments().var(0.0));
            for (place, window) in exact.windows(width).enumerate() {
                let n = width as i128;
                let sum: i128 = window.iter().map(|v| i128::from(*v)).sum();
                let squares: i128 = window.iter().map(|v| i128::from(*v).pow(2)).sum();
                let var = (n * squares - sum * sum) as f64 / (n * n) as f64;
                assert!((vars[place] - var).abs() <= 1e-13 * var, "var of {name}");
                assert_eq!(sums[place], sum as f64, "sum of {name}");
            }
        }
    }
}
