//! Moments of any windows, by mergeable states.

use std::ops::Range;

use super::MomentStatistic;
use crate::float::Float;
use crate::rolling::queue::{CompensatedSum, MomentSums, Sum, drive};
use crate::rolling::task::Task;

/// Answers for any windows, all but the compensated sums.
pub(super) fn general<T: Float>(
    task: &Task<T>,
    answers: Range<usize>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    let n = task.x.len();
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    let first = answers.start;
    let mut write = |place: usize, count: usize, value: &dyn Fn(MomentStatistic) -> Option<f64>| {
        for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
            if let Some(value) = value(*statistic) {
                let enough = count >= task.min_periods.max(statistic.least());
                out[place] = T::from_f64(if enough { value } else { f64::NAN });
            }
        }
    };
    if statistics.iter().any(|s| s.sums()) {
        drive::<Sum>(task.windows, answers.clone(), n, value, |answer| {
            let count = answer.count as f64;
            write(answer.place, answer.count, &|statistic| match statistic {
                MomentStatistic::Sum { compensated: false } => Some(answer.state.0),
                MomentStatistic::Mean { compensated: false } => Some(answer.state.0 / count),
                _ => None,
            });
        });
    }
    if statistics.iter().any(|s| s.deviates()) {
        drive::<MomentSums>(task.windows, answers, n, value, |answer| {
            let moments = answer.state.moments();
            let row = task.windows.row(first + answer.place);
            write(answer.place, answer.count, &|statistic| match statistic {
                MomentStatistic::Var { ddof } => Some(moments.var(f64::from(ddof))),
                MomentStatistic::Std { ddof } => Some(moments.var(f64::from(ddof)).sqrt()),
                MomentStatistic::Sem { ddof } => {
                    Some((moments.var(f64::from(ddof)) / moments.n).sqrt())
                }
                MomentStatistic::ZScore { ddof } => {
                    let std = moments.var(f64::from(ddof)).sqrt();
                    let z = moments.deviation(task.value(row)) / std;
                    Some(if std > 0.0 { z } else { f64::NAN })
                }
                _ => None,
            });
        });
    }
}

/// Answers the compensated sums and means, for any windows.
pub(super) fn compensated<T: Float>(
    task: &Task<T>,
    statistics: &[MomentStatistic],
    out: &mut [&mut [T]],
) {
    if !statistics.iter().any(|s| s.compensates()) {
        return;
    }
    let value = |i: usize| Some(task.value(i)).filter(|x| !x.is_nan());
    drive::<CompensatedSum>(
        task.windows,
        task.answers.clone(),
        task.x.len(),
        value,
        |answer| {
            for (statistic, out) in statistics.iter().zip(out.iter_mut()) {
                let sum = answer.state.value();
                let value = match statistic {
                    MomentStatistic::Sum { compensated: true } => sum,
                    MomentStatistic::Mean { compensated: true } => sum / answer.count as f64,
                    _ => continue,
                };
                let enough = answer.count >= task.min_periods.max(statistic.least());
                out[answer.place] = T::from_f64(if enough { value } else { f64::NAN });
            }
        },
    );
}
