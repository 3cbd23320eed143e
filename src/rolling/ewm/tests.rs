use super::super::queue::cases::{Random, assert_close};
use super::*;
use EwmStatistic::*;

const NAN: f64 = f64::NAN;
const X: [f64; 8] = [1.0, NAN, 3.0, 4.0, NAN, NAN, 7.0, 2.0];
const Y: [f64; 8] = [2.0, 3.0, NAN, 1.0, 5.0, 6.0, 9.0, 0.0];

fn options(adjust: bool, ignore_na: bool) -> EwmOptions {
    EwmOptions {
        alpha: 0.4,
        adjust,
        ignore_na,
        bias: false,
        min_periods: 0,
    }
}

fn values(statistic: EwmStatistic, options: &EwmOptions, deltas: Option<&[f64]>) -> Vec<f64> {
    let mut out = vec![0.0; X.len()];
    ewm(&X, Some(&Y), deltas, options, &[statistic], &mut [&mut out]).unwrap();
    out
}

fn assert_ends(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().rev().zip(expected.iter().rev()) {
        assert_close(*found, *expected, 1e-14, "ewm");
    }
}

#[test]
fn means_and_variances_with_gaps_are_those_of_pandas() {
    let last = [
        (true, true, 3.6509368494101317, 6.43472670122872),
        (true, false, 3.8029040289565996, 8.93073702057615),
        (false, true, 3.4448, 6.379895017497083),
        (false, false, 4.123007518796993, 8.461870894357403),
    ];
    for (adjust, ignore_na, mean, var) in last {
        let options = options(adjust, ignore_na);
        assert_ends(&values(Mean, &options, None), &[mean]);
        assert_ends(&values(Var, &options, None), &[var]);
        assert_ends(&values(Std, &options, None), &[var.sqrt()]);
    }
    let options = options(true, false);
    let sum = [1.0, 0.6, 3.36, 6.016, 3.6096, 2.16576, 8.299456, 6.9796736];
    assert_ends(&values(Sum, &options, None), &sum);
    assert!(values(Var, &options, None)[..2].iter().all(|v| v.is_nan()));
}

#[test]
fn covariance_and_correlation_with_gaps_are_those_of_pandas() {
    let cov = [
        NAN,
        NAN,
        NAN,
        -1.5,
        -1.5,
        -1.5,
        13.040777535607479,
        17.390033968775494,
    ];
    assert_ends(&values(Cov, &options(true, false), None), &cov);
    let corr = [
        NAN,
        NAN,
        NAN,
        -1.0,
        -1.0,
        -1.0,
        0.8498156588249296,
        0.8762253730387128,
    ];
    assert_ends(&values(Corr, &options(false, true), None), &corr);
    let biased = EwmOptions {
        bias: true,
        ..options(true, false)
    };
    let cov = [0.0, 0.0, 0.0, -0.43823580332409967];
    assert_ends(&values(Cov, &biased, None)[..4], &cov);
    assert_ends(
        &values(Var, &biased, None),
        &[3.012879346360499, 5.262421772980412],
    );
}

#[test]
fn half_lives_of_irregular_times_are_those_of_pandas() {
    let deltas = [1.0, 2.0, 1.0, 2.0, 1.0, 1.0, 1.0].map(|s| s / 2.0);
    let halves = |adjust| EwmOptions {
        alpha: 0.5,
        ..options(adjust, false)
    };
    let mean = [1.0, 1.0, 2.4775922500725174, 3.255479161794566];
    assert_ends(&values(Mean, &halves(true), Some(&deltas))[..4], &mean);
    let mean = [5.9482233047033635, 4.791815472394509];
    assert_ends(&values(Mean, &halves(false), Some(&deltas)), &mean);
}

#[test]
fn variance_is_that_of_the_weights() {
    let mut random = Random(3);
    let x = random.series(60, 0.2);
    for ignore_na in [false, true] {
        let options = options(true, ignore_na);
        let mut out = vec![0.0; x.len()];
        ewm(&x, None, None, &options, &[Var], &mut [&mut out]).unwrap();
        for i in 0..x.len() {
            let mut weight = 1.0;
            let mut items = vec![];
            for v in x[..=i].iter().rev() {
                if v.is_finite() {
                    items.push((weight, *v));
                }
                if v.is_finite() || !ignore_na {
                    weight *= 1.0 - options.alpha;
                }
            }
            let w: f64 = items.iter().map(|p| p.0).sum();
            let w2: f64 = items.iter().map(|p| p.0 * p.0).sum();
            let mean: f64 = items.iter().map(|p| p.0 * p.1).sum::<f64>() / w;
            let square: f64 = items.iter().map(|p| p.0 * (p.1 - mean).powi(2)).sum();
            if items.len() > 1 {
                assert_close(out[i], square * w / (w * w - w2), 1e-12, "var");
            } else {
                assert!(out[i].is_nan());
            }
        }
    }
}

#[test]
fn constants_have_no_variance() {
    let x = [0.1; 50];
    for adjust in [true, false] {
        let (mut mean, mut var) = ([0.0_f64; 50], [0.0_f64; 50]);
        let options = options(adjust, false);
        ewm(
            &x,
            None,
            None,
            &options,
            &[Mean, Var],
            &mut [&mut mean, &mut var],
        )
        .unwrap();
        assert_eq!(mean, x);
        assert!(var[0].is_nan());
        assert!(var[1..].iter().all(|v| *v == 0.0));
    }
}

#[test]
fn a_sum_without_adjustment_is_refused() {
    let found = ewm(
        &X,
        None,
        None,
        &options(false, false),
        &[Sum],
        &mut [&mut [0.0; 8]],
    );
    let message = found.unwrap_err().to_string();
    assert_eq!(message, "adjust must be true for a sum, got false");
}
