//! One number, or four side by side, under one set of operations.
//!
//! The compiler leaves the lanes of a whole state apart when it is written with arrays: skewness
//! took 28 ns a value so, and takes 7 with the intrinsics below.

use std::ops::{Add, Div, Mul, Sub};

use crate::{Float, Infinity};

/// A number for each lane. A flag is 0 or not 0, never NaN.
pub trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// How many lanes.
    const LANES: usize;
    /// The same number in each lane.
    fn all(value: f64) -> Self;
    /// `value(l)` in lane `l`.
    fn of(value: impl Fn(usize) -> f64) -> Self;
    /// Lane `l` in place `l` of the first [`Self::LANES`].
    fn lanes(self) -> [f64; 4];
    /// The square roots.
    fn sqrt(self) -> Self;
    /// 1 where this is not NaN, else 0.
    fn present(self) -> Self;
    /// 1 where this is at least `other`, else 0.
    fn at_least(self, other: Self) -> Self;
    /// `then` where this flag is set, else `other`.
    fn choose(self, then: Self, other: Self) -> Self;

    /// The values of `x` at `row`, `row + stride` and so on, NaN where they are missing.
    #[inline(always)]
    fn read<T: Float>(x: &[T], row: usize, stride: usize, infinity: Infinity) -> Self {
        let x = Self::of(|l| x[row + l * stride].to_f64());
        match infinity {
            // An infinity times 0 is NaN.
            Infinity::Missing => x + x * Self::all(0.0),
            Infinity::Ieee => x,
        }
    }

    /// `then` where this flag is set, else 0.
    #[inline(always)]
    fn keep(self, then: Self) -> Self {
        self.choose(then, Self::all(0.0))
    }
}

impl Vector for f64 {
    const LANES: usize = 1;

    #[inline(always)]
    fn all(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn of(value: impl Fn(usize) -> f64) -> Self {
        value(0)
    }

    #[inline(always)]
    fn lanes(self) -> [f64; 4] {
        [self; 4]
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    #[inline(always)]
    fn present(self) -> Self {
        if self.is_nan() { 0.0 } else { 1.0 }
    }

    #[inline(always)]
    fn at_least(self, other: Self) -> Self {
        if self >= other { 1.0 } else { 0.0 }
    }

    #[inline(always)]
    fn choose(self, then: Self, other: Self) -> Self {
        if self != 0.0 { then } else { other }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use wide::Wide;

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;
    use std::ops::{Add, Div, Mul, Sub};

    use super::Vector;

    /// Four lanes in an AVX register. Only `wide_blocks` of the driver makes one, and it runs
    /// only where AVX2 was detected; this makes every intrinsic below sound.
    #[derive(Clone, Copy)]
    pub struct Wide(__m256d);

    macro_rules! operators {
        ($($trait:ident $method:ident $intrinsic:ident),*) => {$(
            impl $trait for Wide {
                type Output = Self;
                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    // SAFETY: AVX is there, see `Wide`.
                    Wide(unsafe { $intrinsic(self.0, other.0) })
                }
            }
        )*};
    }
    operators!(
        Add add _mm256_add_pd,
        Sub sub _mm256_sub_pd,
        Mul mul _mm256_mul_pd,
        Div div _mm256_div_pd
    );

    impl Vector for Wide {
        const LANES: usize = 4;

        #[inline(always)]
        fn all(value: f64) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_set1_pd(value) })
        }

        #[inline(always)]
        fn of(value: impl Fn(usize) -> f64) -> Self {
            let (a, b, c, d) = (value(0), value(1), value(2), value(3));
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_setr_pd(a, b, c, d) })
        }

        #[inline(always)]
        fn lanes(self) -> [f64; 4] {
            let mut lanes = [0.0; 4];
            // SAFETY: AVX is there, see `Wide`; the array has four places.
            unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), self.0) };
            lanes
        }

        #[inline(always)]
        fn sqrt(self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_sqrt_pd(self.0) })
        }

        #[inline(always)]
        fn present(self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            let mask = unsafe { _mm256_cmp_pd::<_CMP_ORD_Q>(self.0, self.0) };
            // SAFETY: the same.
            Wide(unsafe { _mm256_and_pd(mask, _mm256_set1_pd(1.0)) })
        }

        #[inline(always)]
        fn at_least(self, other: Self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            let mask = unsafe { _mm256_cmp_pd::<_CMP_GE_OQ>(self.0, other.0) };
            // SAFETY: the same.
            Wide(unsafe { _mm256_and_pd(mask, _mm256_set1_pd(1.0)) })
        }

        #[inline(always)]
        fn choose(self, then: Self, other: Self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            unsafe {
                let mask = _mm256_cmp_pd::<_CMP_NEQ_OQ>(self.0, _mm256_setzero_pd());
                Wide(_mm256_blendv_pd(other.0, then.0, mask))
            }
        }
    }
}
