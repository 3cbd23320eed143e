use super::cases::{assert_close, each_task, present};
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
