//! Lanes of one vector register, and kernels compiled for AVX2 with fused multiply-add besides.
//!
//! A wavelet filter is all multiplications and additions, so fusing them doubles the speed; the last
//! digits of a coefficient therefore differ between machines with and without FMA. Loads and stores
//! go through pointers: with a bounds check on each the band energies took twice as long.

use crate::float::Float;

/// A floating-point type with its vectors.
pub trait Real: Float + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self>
where
    Self: std::ops::Sub<Output = Self> + std::ops::Neg<Output = Self> + std::ops::AddAssign,
    Self: realfft::FftNum,
{
    /// Zero.
    const ZERO: Self;
    /// The nearest number of this type.
    fn of(value: f64) -> Self;
    /// Runs `kernel` with the widest lanes of the machine.
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output;
}

/// Work that runs with any kind of lanes; `run` must be `#[inline(always)]`.
pub trait Kernel<T> {
    /// What it gives.
    type Output;
    /// The work.
    fn run<V: Lanes<Scalar = T>>(self) -> Self::Output;
}

/// Several numbers side by side.
pub trait Lanes: Copy {
    /// The type of each.
    type Scalar: Real;
    /// How many.
    const N: usize;
    /// The same number in each lane.
    fn splat(value: Self::Scalar) -> Self;
    /// `N` numbers from `place` on.
    ///
    /// # Safety
    ///
    /// `place` and the `N - 1` numbers after it can be read.
    unsafe fn load(place: *const Self::Scalar) -> Self;
    /// Writes the lanes.
    ///
    /// # Safety
    ///
    /// `place` and the `N - 1` numbers after it can be written.
    unsafe fn store(self, place: *mut Self::Scalar);
    /// `self * factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The sums.
    fn add(self, other: Self) -> Self;
    /// The differences.
    fn sub(self, other: Self) -> Self;
    /// The products.
    fn mul(self, other: Self) -> Self;
}

/// Lanes for any machine.
#[derive(Clone, Copy)]
pub struct Plain<T, const N: usize>([T; N]);

impl<T: Real, const N: usize> Lanes for Plain<T, N> {
    type Scalar = T;
    const N: usize = N;
    #[inline(always)]
    fn splat(value: T) -> Self {
        Plain([value; N])
    }
    #[inline(always)]
    unsafe fn load(place: *const T) -> Self {
        // SAFETY: the caller's promise.
        Plain(unsafe { place.cast::<[T; N]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, place: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { place.cast::<[T; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Plain(std::array::from_fn(|l| {
            self.0[l] * factor.0[l] + term.0[l]
        }))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Plain(std::array::from_fn(|l| self.0[l] + other.0[l]))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Plain(std::array::from_fn(|l| self.0[l] - other.0[l]))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Plain(std::array::from_fn(|l| self.0[l] * other.0[l]))
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    use super::Lanes;

    macro_rules! wide {
        ($name:ident, $scalar:ty, $register:ty, $n:expr, $set:ident, $load:ident, $store:ident, $fma:ident, $add:ident, $sub:ident, $mul:ident) => {
            /// An AVX register. Only the copies that `dispatch` compiles for AVX2 and FMA make one,
            /// and they run only where both were detected; this makes every intrinsic sound.
            #[derive(Clone, Copy)]
            pub struct $name($register);

            impl Lanes for $name {
                type Scalar = $scalar;
                const N: usize = $n;
                #[inline(always)]
                fn splat(value: $scalar) -> Self {
                    // SAFETY: AVX2 is there, see the type.
                    $name(unsafe { $set(value) })
                }
                #[inline(always)]
                unsafe fn load(place: *const $scalar) -> Self {
                    // SAFETY: AVX2 is there; the caller's promise.
                    $name(unsafe { $load(place) })
                }
                #[inline(always)]
                unsafe fn store(self, place: *mut $scalar) {
                    // SAFETY: AVX2 is there; the caller's promise.
                    unsafe { $store(place, self.0) }
                }
                #[inline(always)]
                fn mul_add(self, factor: Self, term: Self) -> Self {
                    // SAFETY: FMA is there, see the type.
                    $name(unsafe { $fma(self.0, factor.0, term.0) })
                }
                #[inline(always)]
                fn add(self, other: Self) -> Self {
                    // SAFETY: AVX2 is there, see the type.
                    $name(unsafe { $add(self.0, other.0) })
                }
                #[inline(always)]
                fn sub(self, other: Self) -> Self {
                    // SAFETY: AVX2 is there, see the type.
                    $name(unsafe { $sub(self.0, other.0) })
                }
                #[inline(always)]
                fn mul(self, other: Self) -> Self {
                    // SAFETY: AVX2 is there, see the type.
                    $name(unsafe { $mul(self.0, other.0) })
                }
            }
        };
    }

    wide!(
        Wide64,
        f64,
        __m256d,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_fmadd_pd,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_mul_pd
    );
    wide!(
        Wide32,
        f32,
        __m256,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_fmadd_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps
    );
}

/// Numbers in the lanes of a batch: the same on every machine, so that batches are.
pub const fn width<T: Real>() -> usize {
    32 / size_of::<T>()
}

macro_rules! real {
    ($scalar:ty, $wide:ident, $n:expr) => {
        impl Real for $scalar {
            const ZERO: Self = 0.0;
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $scalar
            }
            fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
                    fn wide<K: Kernel<$scalar>>(kernel: K) -> K::Output {
                        kernel.run::<wide::$wide>()
                    }
                    if std::arch::is_x86_feature_detected!("avx2")
                        && std::arch::is_x86_feature_detected!("fma")
                        && std::arch::is_x86_feature_detected!("bmi2")
                    {
                        // SAFETY: the features that `wide` is compiled for were just detected
                        // (machines with AVX2 and BMI2 have BMI1, LZCNT and POPCNT).
                        return unsafe { wide(kernel) };
                    }
                }
                kernel.run::<Plain<$scalar, $n>>()
            }
        }
    };
}

real!(f64, Wide64, 4);
real!(f32, Wide32, 8);
