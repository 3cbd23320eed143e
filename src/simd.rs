//! One body of code, compiled twice: for any x86-64 machine, and for those with AVX2.
//!
//! The wheel is built for the oldest x86-64. On machines with wider registers the hottest kernels
//! run a copy compiled for AVX2, chosen once a call at run time. Bodies never fuse a
//! multiplication with an addition, so that both copies give the same bits.
//!
//! A body whose lanes exchange values takes a [`Four`] besides: the compiler vectorises plain
//! loops, but makes poor work of scans (a rolling mean took 1.8 times as long with arrays).

/// Calls `$body($arg, ...)`, compiled for AVX2 where the machine has it.
///
/// `$body` must be a function marked `#[inline(always)]`, with the types of the arguments given as
/// `dispatch!(body::<T>(a: A, b: B) -> R)`. One followed by `with Four` is `$body::<T, F>`, where
/// `F` is the [`Four`] of the machine.
macro_rules! dispatch {
    (@ $(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident: $bound:path>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident, [$($wide:ty)?], [$($plain:ty)?]) => {
        $(#[$meta])*
        $vis fn $name<$t: $bound>($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn wide<$t: $bound>($($arg: $type),*) $(-> $ret)? {
                    $body::<$t $(, $wide)?>($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("bmi2")
                {
                    // SAFETY: the features that `wide` is compiled for were just detected
                    // (machines with AVX2 and BMI2 have BMI1, LZCNT and POPCNT).
                    return unsafe { wide::<$t>($($arg),*) };
                }
            }
            $body::<$t $(, $plain)?>($($arg),*)
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident: $bound:path>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident with Four) => {
        $crate::simd::dispatch! {
            @ $(#[$meta])* $vis fn $name<$t: $bound>($($arg: $type),*) $(-> $ret)? = $body,
            [$crate::simd::Wide], [$crate::simd::Plain]
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident: $bound:path>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $crate::simd::dispatch! {
            @ $(#[$meta])* $vis fn $name<$t: $bound>($($arg: $type),*) $(-> $ret)? = $body, [], []
        }
    };
}

pub(crate) use dispatch;

#[cfg(target_arch = "x86_64")]
pub(crate) use wide::Wide;

/// Four `f64` side by side.
pub trait Four: Copy {
    /// `value(l)` in lane `l`.
    fn of(value: impl Fn(usize) -> f64) -> Self;
    /// Four values that lie side by side. Told apart from `of` because the compiler would make
    /// stretches that overlap from each other, which takes longer than reading them.
    fn read(values: &[f64; 4]) -> Self;
    /// The lanes.
    fn lanes(self) -> [f64; 4];
    /// The same value in each lane.
    fn all(value: f64) -> Self;
    /// The sums.
    fn add(self, other: Self) -> Self;
    /// The differences.
    fn sub(self, other: Self) -> Self;
    /// The products.
    fn mul(self, other: Self) -> Self;
    /// The quotients.
    fn div(self, other: Self) -> Self;
    /// The square roots.
    fn sqrt(self) -> Self;
    /// This where it is less than `other`, else `other`.
    fn lesser(self, other: Self) -> Self;
    /// This where it is greater than `other`, else `other`.
    fn greater(self, other: Self) -> Self;
    /// `then` where this is at most `limit`, else `other`; NaN is not.
    fn choose(self, limit: Self, then: Self, other: Self) -> Self;
    /// The absolute values.
    fn abs(self) -> Self;
    /// `[fill, v0, fill, v2]`.
    fn up(self, fill: Self) -> Self;
    /// `[fill, fill, v1, v1]`.
    fn up_two(self, fill: Self) -> Self;
    /// `[v1, fill, v3, fill]`.
    fn down(self, fill: Self) -> Self;
    /// `[v2, v2, fill, fill]`.
    fn down_two(self, fill: Self) -> Self;
    /// Lane 0 in each.
    fn first(self) -> Self;
    /// Lane 3 in each.
    fn last(self) -> Self;
}

/// [`Four`] for any machine.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f64; 4]);

impl Plain {
    #[inline(always)]
    fn both(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Plain(std::array::from_fn(|l| f(self.0[l], other.0[l])))
    }
}

impl Four for Plain {
    #[inline(always)]
    fn of(value: impl Fn(usize) -> f64) -> Self {
        Plain([value(0), value(1), value(2), value(3)])
    }
    #[inline(always)]
    fn read(values: &[f64; 4]) -> Self {
        Plain(*values)
    }
    #[inline(always)]
    fn lanes(self) -> [f64; 4] {
        self.0
    }
    #[inline(always)]
    fn all(value: f64) -> Self {
        Plain([value; 4])
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.both(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.both(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.both(other, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.both(other, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Plain(self.0.map(f64::sqrt))
    }
    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        self.both(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self.both(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn choose(self, limit: Self, then: Self, other: Self) -> Self {
        Self::of(|l| {
            if self.0[l] <= limit.0[l] {
                then.0[l]
            } else {
                other.0[l]
            }
        })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Plain(self.0.map(f64::abs))
    }
    #[inline(always)]
    fn up(self, fill: Self) -> Self {
        Plain([fill.0[0], self.0[0], fill.0[2], self.0[2]])
    }
    #[inline(always)]
    fn up_two(self, fill: Self) -> Self {
        Plain([fill.0[0], fill.0[1], self.0[1], self.0[1]])
    }
    #[inline(always)]
    fn down(self, fill: Self) -> Self {
        Plain([self.0[1], fill.0[1], self.0[3], fill.0[3]])
    }
    #[inline(always)]
    fn down_two(self, fill: Self) -> Self {
        Plain([self.0[2], self.0[2], fill.0[2], fill.0[3]])
    }
    #[inline(always)]
    fn first(self) -> Self {
        Plain([self.0[0]; 4])
    }
    #[inline(always)]
    fn last(self) -> Self {
        Plain([self.0[3]; 4])
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    use super::Four;

    /// [`Four`] in an AVX register. Only the copies that `dispatch` compiles for AVX2 make one, and
    /// they run only where AVX2 was detected; this makes every intrinsic below sound.
    #[derive(Clone, Copy)]
    pub(crate) struct Wide(__m256d);

    macro_rules! methods {
        ($($method:ident($a:ident $(, $lane:ident)*) = $value:expr;)*) => {$(
            #[inline(always)]
            fn $method(self $(, $lane: Self)*) -> Self {
                let $a = self.0;
                $(let $lane = $lane.0;)*
                // SAFETY: AVX2 is there, see `Wide`.
                Wide(unsafe { $value })
            }
        )*};
    }

    impl Four for Wide {
        #[inline(always)]
        fn of(value: impl Fn(usize) -> f64) -> Self {
            let (a, b, c, d) = (value(0), value(1), value(2), value(3));
            // SAFETY: AVX2 is there, see `Wide`.
            Wide(unsafe { _mm256_setr_pd(a, b, c, d) })
        }
        #[inline(always)]
        fn read(values: &[f64; 4]) -> Self {
            // SAFETY: AVX2 is there, see `Wide`; the array has four values.
            Wide(unsafe { _mm256_loadu_pd(values.as_ptr()) })
        }
        #[inline(always)]
        fn lanes(self) -> [f64; 4] {
            let mut lanes = [0.0; 4];
            // SAFETY: AVX2 is there, see `Wide`; the array has four places.
            unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), self.0) };
            lanes
        }
        #[inline(always)]
        fn all(value: f64) -> Self {
            // SAFETY: AVX2 is there, see `Wide`.
            Wide(unsafe { _mm256_set1_pd(value) })
        }
        methods! {
            add(a, b) = _mm256_add_pd(a, b);
            sub(a, b) = _mm256_sub_pd(a, b);
            mul(a, b) = _mm256_mul_pd(a, b);
            div(a, b) = _mm256_div_pd(a, b);
            sqrt(a) = _mm256_sqrt_pd(a);
            lesser(a, b) = _mm256_min_pd(a, b);
            greater(a, b) = _mm256_max_pd(a, b);
            choose(a, limit, then, other) = {
                _mm256_blendv_pd(other, then, _mm256_cmp_pd::<_CMP_LE_OQ>(a, limit))
            };
            abs(a) = _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
            up(a, fill) = _mm256_unpacklo_pd(fill, a);
            up_two(a, fill) = {
                let both = _mm256_permute2f128_pd::<0x20>(fill, a);
                _mm256_unpackhi_pd(both, both)
            };
            down(a, fill) = _mm256_unpackhi_pd(a, fill);
            down_two(a, fill) = {
                let both = _mm256_permute2f128_pd::<0x21>(a, fill);
                _mm256_unpacklo_pd(both, both)
            };
            first(a) = _mm256_broadcastsd_pd(_mm256_castpd256_pd128(a));
            last(a) = _mm256_permute4x64_pd::<0xff>(a);
        }
    }
}
