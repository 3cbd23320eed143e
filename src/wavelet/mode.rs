//! How a signal goes on beyond its ends.
//!
//! Every mode is a definition for any distance, so that a signal may be shorter than the filter.

use super::lanes::Real;
use crate::Error;

/// One of the nine modes, by PyWavelets' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Zeros.
    Zero,
    /// The last value again and again.
    Constant,
    /// Mirrored, the last value twice.
    Symmetric,
    /// Repeated.
    Periodic,
    /// Along the straight line through the last two values.
    Smooth,
    /// Repeated, with the fewest coefficients; an odd length first gets its last value twice.
    Periodization,
    /// Mirrored at the last value.
    Reflect,
    /// Mirrored and negated, the last value twice.
    Antisymmetric,
    /// Turned about the last value.
    Antireflect,
}

use Mode::*;

impl Mode {
    /// Names, in PyWavelets' order.
    pub const NAMES: [&'static str; 9] = [
        "zero",
        "constant",
        "symmetric",
        "periodic",
        "smooth",
        "periodization",
        "reflect",
        "antisymmetric",
        "antireflect",
    ];

    /// The mode of a name.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if it is not one of [`Mode::NAMES`].
    pub fn parse(name: &str) -> Result<Mode, Error> {
        const ALL: [Mode; 9] = [
            Zero,
            Constant,
            Symmetric,
            Periodic,
            Smooth,
            Periodization,
            Reflect,
            Antisymmetric,
            Antireflect,
        ];
        let place = Mode::NAMES.iter().position(|known| *known == name);
        place.map(|i| ALL[i]).ok_or_else(|| {
            Error::argument("mode", format!("one of {}", Mode::NAMES.join(", ")), name)
        })
    }

    /// The name.
    pub fn name(self) -> &'static str {
        Mode::NAMES[self as usize]
    }

    /// Whether the mode is defined for a signal of `n` values.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for no value, and for a single one that a mode mirrors at itself.
    pub fn check(self, n: usize) -> Result<(), Error> {
        if n == 0 {
            return Err(Error::argument(
                "x",
                "at least 1 value long along the axis",
                0,
            ));
        }
        if n == 1 && matches!(self, Reflect | Antireflect) {
            let expected = format!("at least 2 values long in mode {:?}", self.name());
            return Err(Error::argument("x", expected, 1));
        }
        Ok(())
    }

    /// Coefficients of one level for `n` values and a filter of `taps`.
    pub fn coefficients(self, n: usize, taps: usize) -> usize {
        match self {
            Periodization => n.div_ceil(2),
            _ => (n + taps - 1) / 2,
        }
    }

    /// The extended signal at place `k`, where `x(i)` is value `i` of `n`; `check` comes first.
    pub fn at<T: Real>(self, x: impl Fn(usize) -> T, n: usize, k: isize) -> T {
        let length = n as isize;
        if (0..length).contains(&k) {
            return x(k as usize);
        }
        let scale = |factor: isize| T::of(factor as f64);
        match self {
            Zero => T::ZERO,
            Constant => x(if k < 0 { 0 } else { n - 1 }),
            Periodic => x(k.rem_euclid(length) as usize),
            Periodization => {
                let even = length + (length & 1);
                x((k.rem_euclid(even) as usize).min(n - 1))
            }
            Symmetric | Antisymmetric => {
                let place = k.rem_euclid(2 * length);
                let value = x(place.min(2 * length - 1 - place) as usize);
                if self == Antisymmetric && place >= length {
                    -value
                } else {
                    value
                }
            }
            Reflect => {
                let place = k.rem_euclid(2 * (length - 1));
                x(place.min(2 * (length - 1) - place) as usize)
            }
            Antireflect => {
                let period = 2 * (length - 1);
                let (turns, place) = (k.div_euclid(period), k.rem_euclid(period));
                let (first, last) = (x(0), x(n - 1));
                let rise = scale(2 * turns) * (last - first);
                if place < length {
                    x(place as usize) + rise
                } else {
                    last + last - x((period - place) as usize) + rise
                }
            }
            Smooth if n == 1 => x(0),
            Smooth if k < 0 => x(0) + scale(-k) * (x(0) - x(1)),
            Smooth => x(n - 1) + scale(k - length + 1) * (x(n - 1) - x(n - 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values_go_on_in_each_mode() {
        let x = [1.0, 2.0, 4.0];
        let around = |name: &str| -> Vec<f64> {
            let mode = Mode::parse(name).unwrap();
            (-4..7).map(|k| mode.at(|i| x[i], 3, k)).collect()
        };
        assert_eq!(around("zero"), [0., 0., 0., 0., 1., 2., 4., 0., 0., 0., 0.]);
        assert_eq!(around("constant")[..4], [1.0; 4]);
        assert_eq!(
            around("symmetric"),
            [4., 4., 2., 1., 1., 2., 4., 4., 2., 1., 1.]
        );
        assert_eq!(
            around("antisymmetric"),
            [4., -4., -2., -1., 1., 2., 4., -4., -2., -1., 1.]
        );
        assert_eq!(
            around("reflect"),
            [1., 2., 4., 2., 1., 2., 4., 2., 1., 2., 4.]
        );
        assert_eq!(
            around("antireflect"),
            [-5., -4., -2., 0., 1., 2., 4., 6., 7., 8., 10.]
        );
        assert_eq!(
            around("periodic"),
            [4., 1., 2., 4., 1., 2., 4., 1., 2., 4., 1.]
        );
        assert_eq!(
            around("periodization"),
            [1., 2., 4., 4., 1., 2., 4., 4., 1., 2., 4.]
        );
        assert_eq!(
            around("smooth"),
            [-3., -2., -1., 0., 1., 2., 4., 6., 8., 10., 12.]
        );
    }

    #[test]
    fn one_value_has_no_reflection() {
        let error = Mode::Reflect.check(1).unwrap_err();
        let text = "x must be at least 2 values long in mode \"reflect\", got 1";
        assert_eq!(error.to_string(), text);
        assert!(Mode::Zero.check(0).is_err());
    }
}
