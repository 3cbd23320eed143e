//! Stands in for the kernel until it is merged: slow definitions of a few statistics.
use crate::error::Error;
use crate::float::Float;
pub struct Spec<'a> {
    pub times: Option<&'a [i64]>,
    pub groups: Option<&'a [i64]>,
    pub rows: Option<i64>,
    pub span: Option<i64>,
    pub include_current: bool,
    pub min_periods: Option<i64>,
}
pub fn rolling<T: Float>(
    x: &[T],
    y: Option<&[T]>,
    names: &[(&str, f64)],
    spec: &Spec,
) -> Result<Vec<Vec<T>>, Error> {
    if spec.rows.is_some_and(|w| w < 1) {
        return Err(Error::argument("window", "at least 1", spec.rows.unwrap()));
    }
    let n = x.len();
    let mut out = vec![vec![T::NAN; n]; names.len()];
    let mut members: std::collections::BTreeMap<i64, Vec<usize>> = Default::default();
    for i in 0..n {
        let code = spec.groups.map_or(0, |g| g[i]);
        if code >= 0 {
            members.entry(code).or_default().push(i);
        }
    }
    for rows in members.values() {
        for (k, &i) in rows.iter().enumerate() {
            let end = if spec.include_current { k + 1 } else { k };
            let start = match (spec.rows, spec.span) {
                (Some(w), _) => end.saturating_sub(w as usize),
                (_, Some(span)) => {
                    let t = spec.times.unwrap();
                    let mut s = end;
                    while s > 0 && t[rows[s - 1]] > t[i] - span {
                        s -= 1;
                    }
                    s
                }
                _ => 0,
            };
            let both: Vec<(f64, f64)> = rows[start..end]
                .iter()
                .map(|&j| (x[j].to_f64(), y.map_or(0.0, |y| y[j].to_f64())))
                .filter(|(a, b)| a.is_finite() && b.is_finite())
                .collect();
            let mut v: Vec<f64> = both.iter().map(|p| p.0).collect();
            let need = spec.min_periods.unwrap_or(spec.rows.unwrap_or(1)).max(1) as usize;
            if v.len() < need {
                continue;
            }
            let c = v.len() as f64;
            let mean = v.iter().sum::<f64>() / c;
            let var = v.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / (c - 1.0);
            v.sort_by(f64::total_cmp);
            for (s, &(name, p)) in names.iter().enumerate() {
                out[s][i] = T::from_f64(match name {
                    "sum" => mean * c,
                    "mean" => mean,
                    "var" => var,
                    "std" => var.sqrt(),
                    "count" => c,
                    "min" => v[0],
                    "max" => v[v.len() - 1],
                    "zscore" => (x[i].to_f64() - mean) / var.sqrt(),
                    "median" | "quantile" => {
                        let at = if name == "median" { 0.5 } else { p } * (c - 1.0);
                        let (lo, hi) = (v[at.floor() as usize], v[at.ceil() as usize]);
                        lo + (hi - lo) * at.fract()
                    }
                    "corr" => {
                        let my = both.iter().map(|p| p.1).sum::<f64>() / c;
                        let xy: f64 = both.iter().map(|p| (p.0 - mean) * (p.1 - my)).sum();
                        let yy: f64 = both.iter().map(|p| (p.1 - my).powi(2)).sum();
                        xy / (yy * var * (c - 1.0)).sqrt()
                    }
                    _ => return Err(Error::argument("statistic", "known", name)),
                });
            }
        }
    }
    Ok(out)
}
