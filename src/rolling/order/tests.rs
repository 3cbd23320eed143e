//! Every statistic against a sort of each window, over the sizes and values where windows go wrong.

use super::*;
use crate::float::Infinity;

const WIDTHS: [usize; 11] = [1, 2, 3, 5, 16, 17, 100, 128, 130, 300, 1000];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }

    /// One of several kinds of series, `missing` per cent of it NaN.
    fn series(&mut self, kind: usize, n: usize, missing: usize) -> Vec<f64> {
        let mut walk = 0.0;
        (0..n)
            .map(|row| {
                let uniform = self.below(1 << 20) as f64 / 1048576.0 - 0.5;
                walk += uniform;
                let value = match kind {
                    0 => uniform,
                    1 => self.below(4) as f64 - 1.0,
                    2 => (row / 40) as f64 * 0.1,
                    3 => walk,
                    4 => [f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1e300][self.below(5)],
                    5 => {
                        if self.below(50) == 0 {
                            1e17
                        } else {
                            1.0 + uniform * 1e-12
                        }
                    }
                    // Two levels: the median jumps between them.
                    _ => self.below(2) as f64 * 1e6 + uniform,
                };
                if self.below(100) < missing {
                    f64::NAN
                } else {
                    value
                }
            })
            .collect()
    }
}

fn all() -> Vec<OrderStatistic> {
    use Interpolation::*;
    let quantile = |q, interpolation| OrderStatistic::Quantile { q, interpolation };
    let rank = |method, ascending, pct| OrderStatistic::Rank {
        method,
        ascending,
        pct,
    };
    vec![
        OrderStatistic::Median,
        quantile(0.0, Linear),
        quantile(0.25, Linear),
        quantile(0.95, Lower),
        quantile(0.3, Higher),
        quantile(0.5, Midpoint),
        quantile(0.5, Nearest),
        quantile(0.75, Nearest),
        quantile(1.0, Linear),
        OrderStatistic::Mad,
        OrderStatistic::RobustZScore,
        OrderStatistic::HampelFlag { threshold: 3.0 },
        OrderStatistic::HampelRepair { threshold: 1.0 },
        rank(RankMethod::Average, true, false),
        rank(RankMethod::Min, false, false),
        rank(RankMethod::Max, true, true),
        OrderStatistic::NUnique,
    ]
}

fn middle(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n % 2 == 1 {
        sorted[n / 2]
    } else {
        (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0
    }
}

/// The definition, from a sort of one window.
fn naive(task: &Task<f64>, statistic: OrderStatistic, answer: usize) -> f64 {
    let (start, end) = task.windows.of(answer, task.x.len());
    let mut sorted: Vec<f64> = (start..end)
        .map(|row| task.value(row))
        .filter(|v| !v.is_nan())
        .collect();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let n = sorted.len();
    let row = task.windows.row(answer);
    let value = if row < task.x.len() {
        task.value(row)
    } else {
        f64::NAN
    };
    if n < task.min_periods.max(1) {
        return match statistic {
            OrderStatistic::NUnique if task.min_periods == 0 => 0.0,
            OrderStatistic::HampelRepair { .. } => value,
            _ => f64::NAN,
        };
    }
    let median = middle(&sorted);
    // From both values in the middle, since the median may be rounded.
    let above = |v: f64| 0.5 * (v - sorted[(n - 1) / 2]) + 0.5 * (v - sorted[n / 2]);
    let mut deviations: Vec<f64> = sorted.iter().map(|&v| above(v).abs()).collect();
    let mad = if median.is_finite() {
        deviations.sort_by(|a, b| a.partial_cmp(b).unwrap());
        middle(&deviations)
    } else {
        f64::NAN
    };
    let score = if mad == 0.0 {
        f64::NAN
    } else {
        0.6745 * above(value) / mad
    };
    let flag = |threshold: f64| match () {
        _ if value.is_nan() || mad.is_nan() => f64::NAN,
        _ if mad == 0.0 => f64::from(u8::from(above(value) != 0.0)),
        _ => f64::from(u8::from(score.abs() > threshold)),
    };
    match statistic {
        OrderStatistic::Median => median,
        OrderStatistic::Quantile { q, interpolation } => {
            let exact = q * (n - 1) as f64;
            let (low, high) = (
                sorted[exact.floor() as usize],
                sorted[exact.ceil() as usize],
            );
            match interpolation {
                _ if low == high => low,
                Interpolation::Linear if low.is_infinite() => low,
                Interpolation::Linear => low + (high - low) * exact.fract(),
                Interpolation::Lower => low,
                Interpolation::Higher => high,
                Interpolation::Midpoint => (low + high) / 2.0,
                Interpolation::Nearest => sorted[exact.round_ties_even() as usize],
            }
        }
        OrderStatistic::Mad => mad,
        OrderStatistic::RobustZScore => score,
        OrderStatistic::HampelFlag { threshold } => flag(threshold),
        OrderStatistic::HampelRepair { threshold } => {
            if flag(threshold) == 1.0 {
                median
            } else {
                value
            }
        }
        OrderStatistic::Rank {
            method,
            ascending,
            pct,
        } => {
            let last = task.value(end - 1);
            if last.is_nan() {
                return f64::NAN;
            }
            let is_before = |v: f64| if ascending { v < last } else { v > last };
            let first = sorted.iter().filter(|&&v| is_before(v)).count() as f64 + 1.0;
            let equal = sorted.iter().filter(|&&v| v == last).count() as f64;
            let rank = match method {
                RankMethod::Average => first + (equal - 1.0) / 2.0,
                RankMethod::Min => first,
                RankMethod::Max => first + equal - 1.0,
            };
            if pct { rank / n as f64 } else { rank }
        }
        OrderStatistic::NUnique => {
            sorted.dedup();
            sorted.len() as f64
        }
    }
}

fn computed(task: &Task<f64>, statistics: &[OrderStatistic]) -> Vec<Vec<f64>> {
    let mut columns = vec![vec![-7.0; task.answers.len()]; statistics.len()];
    let mut places: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
    order(task, statistics, &mut places).unwrap();
    columns
}

/// Compares with the definition, the whole at once and in two parts.
fn check(task: &Task<f64>) {
    let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
    let statistics = all();
    let whole = computed(task, &statistics);
    for (statistic, column) in statistics.iter().zip(&whole) {
        for (answer, &value) in task.answers.clone().zip(column) {
            let expected = naive(task, *statistic, answer);
            assert!(
                same(value, expected),
                "{statistic:?} of answer {answer} is {value}, expected {expected}: {:?}",
                task.windows
            );
        }
    }
    let cut = task.answers.len() * 2 / 5;
    for answers in [0..cut, cut..task.answers.len()] {
        let part = Task {
            answers: answers.clone(),
            ..task.clone()
        };
        for (column, part) in whole.iter().zip(computed(&part, &statistics)) {
            assert!(
                column[answers.clone()]
                    .iter()
                    .zip(&part)
                    .all(|(&a, &b)| same(a, b))
            );
        }
    }
}

fn task<'a>(x: &'a [f64], windows: Windows<'a>, answers: usize) -> Task<'a, f64> {
    Task {
        x,
        y: None,
        windows,
        answers: 0..answers,
        min_periods: 1,
        infinity: Infinity::Ieee,
    }
}

#[test]
fn fixed_windows_match_a_sort_of_each() {
    let mut random = Random(1);
    for width in WIDTHS {
        for n in [0, 1, width - 1, width, width + 1, 3 * width + 7] {
            let kind = random.below(7);
            let missing = [0, 0, 10, 50, 100][random.below(5)];
            let x = random.series(kind, n, missing);
            for shift in [0, -1, width as isize / 2] {
                let mut task = task(&x, Windows::Fixed { width, shift }, n);
                task.min_periods = [0, 1, width.div_ceil(2), width][random.below(4)];
                if random.below(2) == 0 {
                    task.infinity = Infinity::Missing;
                }
                check(&task);
            }
        }
    }
}

#[test]
fn every_kind_of_series_matches_at_both_widths() {
    let mut random = Random(2);
    for kind in 0..7 {
        for missing in [0, 10] {
            for width in [20, 260] {
                let x = random.series(kind, 1500, missing);
                check(&task(&x, Windows::Fixed { width, shift: 0 }, 1500));
            }
        }
    }
}

#[test]
fn expanding_windows_match_a_sort_of_each() {
    let mut random = Random(3);
    for n in [0, 1, 2, 100, 129, 1400] {
        for kind in [0, 1, 4] {
            let x = random.series(kind, n, 10);
            for shift in [0, -1] {
                check(&task(&x, Windows::Expanding { shift }, n));
            }
        }
    }
}

#[test]
fn windows_by_bounds_match_a_sort_of_each() {
    let mut random = Random(4);
    for round in 0..60 {
        let n = [1, 50, 700, 3000][round % 4];
        let step = 1 + random.below(4);
        let widest = 1 + [10, 120, 600][random.below(3)];
        let (mut start, mut end) = (vec![], vec![]);
        let (mut from, mut to) = (0, 0);
        for _ in 0..n / step {
            if round % 3 == 2 {
                // Bounds that go back, one past the series and one crossed.
                from = random.below(n);
                to = random.below(widest) + from;
            } else {
                to = (to + random.below(2 * step + 2)).min(n);
                from = (from + random.below(2 * step + 2))
                    .max(to.saturating_sub(widest))
                    .min(to);
                if random.below(100) == 0 {
                    from = to;
                }
            }
            start.push(from as i64);
            end.push(to as i64);
        }
        let kind = random.below(7);
        let x = random.series(kind, n, 10);
        check(&task(
            &x,
            Windows::Bounds {
                first: 0,
                start: &start,
                end: &end,
                step,
            },
            start.len(),
        ));
    }
}

#[test]
fn both_copies_of_the_code_give_the_same_bits() {
    let bits = |columns: Vec<Vec<f64>>| {
        columns
            .concat()
            .iter()
            .map(|v| v.to_bits())
            .collect::<Vec<_>>()
    };
    let x = Random(6).series(0, 1200, 10);
    for width in [10, 50, 100, 300] {
        let task = task(&x, Windows::Fixed { width, shift: 0 }, 1200);
        let plan = ordered::Plan::new(&all());
        let mut columns = vec![vec![0.0; 1200]; all().len()];
        let mut places: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
        if width <= 128 {
            small::body(&task, &plan, &mut places, width);
        } else {
            ranks::body(&task, &plan, &mut places);
        }
        assert_eq!(bits(columns), bits(computed(&task, &all())));
    }
}

#[test]
fn single_precision_gives_the_nearest_single() {
    let x: Vec<f32> = Random(5)
        .series(0, 900, 10)
        .iter()
        .map(|&v| v as f32)
        .collect();
    let double: Vec<f64> = x.iter().map(|&v| v.into()).collect();
    for width in [10, 200] {
        let windows = Windows::Fixed { width, shift: 0 };
        let expected = computed(&task(&double, windows, 900), &all());
        let task = Task {
            x: &x[..],
            y: None,
            windows,
            answers: 0..900,
            min_periods: 1,
            infinity: Infinity::Ieee,
        };
        let mut columns = vec![vec![0_f32; 900]; expected.len()];
        let mut places: Vec<&mut [f32]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
        order(&task, &all(), &mut places).unwrap();
        for (column, expected) in columns.iter().zip(expected) {
            for (&value, expected) in column.iter().zip(expected) {
                assert!(value == expected as f32 || value.is_nan() && expected.is_nan());
            }
        }
    }
}

#[test]
fn an_outlier_beside_its_baseline_is_flagged_and_repaired() {
    let mbit_per_s = [100.0, 102.0, 98.0, 101.0, 99.0, 180.0];
    // The window leaves its own row out.
    let task = task(
        &mbit_per_s,
        Windows::Fixed {
            width: 5,
            shift: -1,
        },
        6,
    );
    let threshold = 3.0;
    let statistics = [
        OrderStatistic::Mad,
        OrderStatistic::RobustZScore,
        OrderStatistic::HampelFlag { threshold },
        OrderStatistic::HampelRepair { threshold },
    ];
    let last: Vec<f64> = computed(&task, &statistics)
        .iter()
        .map(|column| column[5])
        .collect();
    assert_eq!(last, [1.0, 0.6745 * 80.0, 1.0, 100.0]);
}

#[test]
fn a_centred_rank_is_that_of_the_last_row_while_the_window_shrinks() {
    let x = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0];
    let rank = OrderStatistic::Rank {
        method: RankMethod::Average,
        ascending: true,
        pct: false,
    };
    let columns = computed(&task(&x, Windows::Fixed { width: 5, shift: 2 }, 6), &[rank]);
    assert_eq!(columns[0][3..], [5.0, 4.0, 3.0]);
}

#[test]
fn an_output_of_another_length_is_refused() {
    let task = task(&[1.0, 2.0], Windows::Fixed { width: 1, shift: 0 }, 2);
    let error = order(&task, &[OrderStatistic::Median], &mut [&mut [0.0]]).unwrap_err();
    assert_eq!(error.to_string(), "out has 1 values, expected 2");
}
