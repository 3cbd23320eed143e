//! The two floating-point types a series may have.
//!
//! Kernels read `f32` or `f64`, keep their state in `f64` and write back what they read.

use crate::simd::Four;

/// `f32` or `f64`.
pub trait Float: Copy + Send + Sync + PartialOrd + std::fmt::Debug + 'static {
    /// The missing value.
    const NAN: Self;
    /// The value as `f64`; exact.
    fn to_f64(self) -> f64;
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// Four values side by side.
    #[doc(hidden)]
    fn four<F: Four>(values: &[Self; 4]) -> F;
}

impl Float for f64 {
    const NAN: Self = f64::NAN;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn four<F: Four>(values: &[f64; 4]) -> F {
        F::read(values)
    }
}

impl Float for f32 {
    const NAN: Self = f32::NAN;
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn four<F: Four>(values: &[f32; 4]) -> F {
        F::of(|l| f64::from(values[l]))
    }
}

/// What an infinite value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Infinity {
    /// As pandas: an infinite value is missing, like NaN.
    #[default]
    Missing,
    /// As IEEE 754: it takes part, and is forgotten with its window.
    Ieee,
}

impl Infinity {
    /// Whether `value` is left out of a window.
    #[inline(always)]
    pub fn is_missing(self, value: f64) -> bool {
        match self {
            Infinity::Missing => !value.is_finite(),
            Infinity::Ieee => value.is_nan(),
        }
    }
}
