//! Distances between points.

use crate::error::Error;
use crate::float::Float;

/// How far two points are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// The root of the sum of squared differences.
    Euclidean,
    /// The sum of absolute differences.
    Manhattan,
    /// The largest absolute difference.
    Chebyshev,
    /// The `p`-th root of the sum of `p`-th powers of absolute differences.
    Minkowski(f64),
    /// One minus the cosine of the angle, for points of length one: half the squared distance.
    Cosine,
}

impl Metric {
    /// A metric by name; `p` is that of `"minkowski"`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if there is none of this name, or `p` is not positive.
    pub fn parse(name: &str, p: f64) -> Result<Self, Error> {
        Ok(match name {
            "euclidean" => Metric::Euclidean,
            "manhattan" => Metric::Manhattan,
            "chebyshev" => Metric::Chebyshev,
            "cosine" => Metric::Cosine,
            "minkowski" if p == 1.0 => Metric::Manhattan,
            "minkowski" if p == 2.0 => Metric::Euclidean,
            "minkowski" if p == f64::INFINITY => Metric::Chebyshev,
            "minkowski" if p > 0.0 => Metric::Minkowski(p),
            "minkowski" => return Err(Error::argument("p", "above 0", p)),
            _ => {
                let expected = "euclidean, manhattan, chebyshev, minkowski or cosine";
                return Err(Error::argument("metric", expected, format!("{name:?}")));
            }
        })
    }

    /// What [`distance`](Metric::distance) is a rising function of: sums of powers without the root.
    #[inline]
    pub(super) fn reduced<T: Float>(self, a: &[f64], b: &[T]) -> f64 {
        match self {
            Metric::Euclidean | Metric::Cosine => sum(a, b, |d| d * d),
            Metric::Manhattan => sum(a, b, f64::abs),
            Metric::Minkowski(p) => sum(a, b, |d| d.abs().powf(p)),
            Metric::Chebyshev => {
                let each = a.iter().zip(b).map(|(x, y)| (x - y.to_f64()).abs());
                each.fold(0.0, f64::max)
            }
        }
    }

    /// The distance whose reduced form is given.
    #[inline]
    pub(super) fn distance(self, reduced: f64) -> f64 {
        match self {
            Metric::Euclidean => reduced.sqrt(),
            Metric::Manhattan | Metric::Chebyshev => reduced,
            Metric::Minkowski(p) => reduced.powf(p.recip()),
            Metric::Cosine => 0.5 * reduced,
        }
    }

    /// What column by column makes up the reduced distance; see [`super::shares`].
    pub(super) fn part(self, difference: f64) -> f64 {
        match self {
            Metric::Euclidean | Metric::Cosine => difference * difference,
            Metric::Manhattan | Metric::Chebyshev => difference.abs(),
            Metric::Minkowski(p) => difference.abs().powf(p),
        }
    }

    /// A bound for the geometry that prunes: no point within `reduced` lies beyond it there.
    ///
    /// That geometry is the metric itself, in reduced form, except that of Minkowski, whose balls
    /// are held by Euclidean ones: with `d` columns the Euclidean length is at most
    /// `d^(1/2 - 1/p)` times the length of order `p` above 2, and at most that length below.
    #[inline]
    pub(super) fn bound(self, reduced: f64, columns: usize) -> f64 {
        match self {
            Metric::Minkowski(p) => {
                let wider = (columns as f64).powf((0.5 - p.recip()).max(0.0));
                (reduced.powf(p.recip()) * wider).powi(2) * (1.0 + 1e-9)
            }
            _ => reduced,
        }
    }
}

/// The sum of `f` of the differences, in four running sums (always the same four).
#[inline(always)]
fn sum<T: Float>(a: &[f64], b: &[T], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 4];
    let (fours_a, rest_a) = a.as_chunks::<4>();
    let (fours_b, rest_b) = b.as_chunks::<4>();
    for (x, y) in fours_a.iter().zip(fours_b) {
        for l in 0..4 {
            sums[l] += f(x[l] - y[l].to_f64());
        }
    }
    let mut total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (x, y) in rest_a.iter().zip(rest_b) {
        total += f(x - y.to_f64());
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(metric: Metric, a: &[f64], b: &[f64]) -> f64 {
        metric.distance(metric.reduced(a, b))
    }

    #[test]
    fn three_four_five() {
        let (a, b) = ([0.0, 0.0], [3.0, -4.0]);
        assert_eq!(of(Metric::Euclidean, &a, &b), 5.0);
        assert_eq!(of(Metric::Manhattan, &a, &b), 7.0);
        assert_eq!(of(Metric::Chebyshev, &a, &b), 4.0);
        let cube = of(Metric::Minkowski(3.0), &a, &b);
        assert!((cube - 91f64.cbrt()).abs() < 1e-12);
        // Sixty degrees apart.
        let near = [0.5, 0.75f64.sqrt()];
        assert!((of(Metric::Cosine, &[1.0, 0.0], &near) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_euclidean_ball_holds_the_minkowski_ball() {
        let (a, b) = ([0.0; 5], [1.0, -2.0, 0.5, 3.0, 1.0]);
        for p in [0.5, 1.5, 3.0, 7.0] {
            let metric = Metric::Minkowski(p);
            let bound = metric.bound(metric.reduced(&a, &b), 5);
            assert!(Metric::Euclidean.reduced(&a, &b) <= bound);
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(
            Metric::parse("haversine", 2.0).unwrap_err().to_string(),
            "metric must be euclidean, manhattan, chebyshev, minkowski or cosine, got \"haversine\""
        );
        assert!(Metric::parse("minkowski", 0.0).is_err());
        assert_eq!(Metric::parse("minkowski", 2.0), Ok(Metric::Euclidean));
    }
}
