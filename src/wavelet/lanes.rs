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
    /// Whether `mul_add` rounds once.
    const FUSED: bool;
    /// Asks for the cache line of `place`, which need not exist.
    #[inline(always)]
    fn prefetch(_place: *const Self::Scalar) {}
    /// Reads `N` numbers from `place` of each of `N` rows and writes them column by column.
    ///
    /// # Safety
    ///
    /// The numbers can be read, and `N * N` numbers written from `to` on.
    unsafe fn transpose(rows: &[*const Self::Scalar; 8], place: usize, to: *mut Self::Scalar);
    /// `self * factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `term - self * factor`.
    fn neg_mul_add(self, factor: Self, term: Self) -> Self;
    /// The sums.
    fn add(self, other: Self) -> Self;
    /// The differences.
    fn sub(self, other: Self) -> Self;
    /// The products.
    fn mul(self, other: Self) -> Self;
}

/// The windows after those at work, if a series is cut end to end, asked for a cache line at a time:
/// a hundred lines asked for at once wait for each other, which cost a tenth of the time.
pub struct Ahead<T>(*const T);

impl<T: Real> Ahead<T> {
    /// Begins behind `windows`, which fill the lanes.
    pub fn of(windows: &[&[T]]) -> Self {
        let length = windows[0].len();
        Ahead(windows[0].as_ptr().wrapping_add(width::<T>() * length))
    }

    /// Asks for the next line.
    #[inline(always)]
    pub fn line<V: Lanes<Scalar = T>>(&mut self) {
        V::prefetch(self.0);
        self.0 = self.0.wrapping_add(64 / size_of::<T>());
    }
}

/// Lanes for any machine.
#[derive(Clone, Copy)]
pub struct Plain<T, const N: usize>([T; N]);

impl<T: Real, const N: usize> Lanes for Plain<T, N> {
    type Scalar = T;
    const N: usize = N;
    const FUSED: bool = false;
    #[inline(always)]
    unsafe fn transpose(rows: &[*const T; 8], place: usize, to: *mut T) {
        for (l, row) in rows[..N].iter().enumerate() {
            for k in 0..N {
                // SAFETY: the caller's promise.
                unsafe { *to.add(k * N + l) = *row.add(place + k) };
            }
        }
    }
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
        Plain(std::array::from_fn(|l| self.0[l] * factor.0[l] + term.0[l]))
    }
    #[inline(always)]
    fn neg_mul_add(self, factor: Self, term: Self) -> Self {
        Plain(std::array::from_fn(|l| term.0[l] - self.0[l] * factor.0[l]))
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
        ($name:ident, $scalar:ty, $register:ty, $n:expr, $set:ident, $load:ident, $store:ident, $fma:ident, $fnma:ident, $add:ident, $sub:ident, $mul:ident, $turn:ident) => {
            /// An AVX register. Only the copies that `dispatch` compiles for AVX2 and FMA make one,
            /// and they run only where both were detected; this makes every intrinsic sound.
            #[derive(Clone, Copy)]
            pub struct $name($register);

            impl Lanes for $name {
                type Scalar = $scalar;
                const N: usize = $n;
                const FUSED: bool = true;
                #[inline(always)]
                fn prefetch(place: *const $scalar) {
                    // SAFETY: a prefetch reads nothing and never faults.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
                }
                #[inline(always)]
                unsafe fn transpose(rows: &[*const $scalar; 8], place: usize, to: *mut $scalar) {
                    // SAFETY: AVX2 is there; the caller's promise.
                    unsafe { $turn(rows, place, to) }
                }
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
                fn neg_mul_add(self, factor: Self, term: Self) -> Self {
                    // SAFETY: FMA is there, see the type.
                    $name(unsafe { $fnma(self.0, factor.0, term.0) })
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

    // No closures below: a closure is compiled without the features of the function around it, and
    // every intrinsic in it became a call.

    /// Four by four.
    #[inline(always)]
    unsafe fn turn_64(rows: &[*const f64; 8], place: usize, to: *mut f64) {
        // SAFETY: as for the method that calls this.
        unsafe {
            let a = _mm256_loadu_pd(rows[0].add(place));
            let b = _mm256_loadu_pd(rows[1].add(place));
            let c = _mm256_loadu_pd(rows[2].add(place));
            let d = _mm256_loadu_pd(rows[3].add(place));
            let (ab0, ab1) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (cd0, cd1) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            _mm256_storeu_pd(to, _mm256_permute2f128_pd::<0x20>(ab0, cd0));
            _mm256_storeu_pd(to.add(4), _mm256_permute2f128_pd::<0x20>(ab1, cd1));
            _mm256_storeu_pd(to.add(8), _mm256_permute2f128_pd::<0x31>(ab0, cd0));
            _mm256_storeu_pd(to.add(12), _mm256_permute2f128_pd::<0x31>(ab1, cd1));
        }
    }

    /// Columns of four rows, in both halves: 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    #[inline(always)]
    unsafe fn quads(rows: &[*const f32], place: usize) -> [__m256; 4] {
        // SAFETY: as for the method that calls this.
        unsafe {
            let a = _mm256_loadu_ps(rows[0].add(place));
            let b = _mm256_loadu_ps(rows[1].add(place));
            let c = _mm256_loadu_ps(rows[2].add(place));
            let d = _mm256_loadu_ps(rows[3].add(place));
            let (ab0, ab1) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd0, cd1) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(ab0, cd0),
                _mm256_shuffle_ps::<0xee>(ab0, cd0),
                _mm256_shuffle_ps::<0x44>(ab1, cd1),
                _mm256_shuffle_ps::<0xee>(ab1, cd1),
            ]
        }
    }

    /// Eight by eight.
    #[inline(always)]
    unsafe fn turn_32(rows: &[*const f32; 8], place: usize, to: *mut f32) {
        // SAFETY: as for the method that calls this.
        unsafe {
            let low = quads(&rows[..4], place);
            let high = quads(&rows[4..], place);
            for k in 0..4 {
                let first = _mm256_permute2f128_ps::<0x20>(low[k], high[k]);
                let second = _mm256_permute2f128_ps::<0x31>(low[k], high[k]);
                _mm256_storeu_ps(to.add(8 * k), first);
                _mm256_storeu_ps(to.add(8 * (k + 4)), second);
            }
        }
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
        _mm256_fnmadd_pd,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_mul_pd,
        turn_64
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
        _mm256_fnmadd_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        turn_32
    );
}

/// Writes sample i of every window side by side from `to + i N` on; the answer is NaN in the lanes of
/// windows with a value that is not finite, and 0 in the others.
///
/// # Safety
///
/// `to` has place for `N` times the samples of a window, which are alike in length.
#[inline(always)]
pub unsafe fn transpose<V: Lanes>(windows: &[&[V::Scalar]], to: *mut V::Scalar) -> V {
    let length = windows[0].len();
    let zero = V::splat(V::Scalar::ZERO);
    let (mut bad, mut more) = (zero, zero);
    let mut rows = [std::ptr::null(); 8];
    for (l, row) in rows[..V::N].iter_mut().enumerate() {
        *row = windows[l.min(windows.len() - 1)].as_ptr();
    }
    let mut i = 0;
    while i + V::N <= length {
        // SAFETY: N samples from i on are in every row, and N registers at the target.
        unsafe { V::transpose(&rows, i, to.add(i * V::N)) };
        for k in (0..V::N).step_by(2) {
            // SAFETY: just written; N is even.
            let (a, b) = unsafe {
                let place = to.add((i + k) * V::N);
                (V::load(place), V::load(place.add(V::N)))
            };
            bad = bad.add(a.sub(a));
            more = more.add(b.sub(b));
        }
        i += V::N;
    }
    while i < length {
        for (l, row) in rows[..V::N].iter().enumerate() {
            // SAFETY: sample i is in every row, and register i at the target.
            unsafe { *to.add(i * V::N + l) = *row.add(i) };
        }
        // SAFETY: just written.
        let sample = unsafe { V::load(to.add(i * V::N)) };
        bad = bad.add(sample.sub(sample));
        i += 1;
    }
    bad.add(more)
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
