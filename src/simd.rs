//! One body of code, compiled twice: for any x86-64 machine, and for those with AVX2.
//!
//! The wheel is built for the oldest x86-64. On machines with wider registers the hottest kernels
//! run a copy compiled for AVX2, chosen once a call at run time. Bodies never fuse a
//! multiplication with an addition, so that both copies give the same bits.

/// Calls `$body($arg, ...)`, compiled for AVX2 where the machine has it.
///
/// `$body` must be a function marked `#[inline(always)]`, with the types of the arguments given as
/// `dispatch!(body::<T>(a: A, b: B) -> R)`.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident: $bound:path>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        $vis fn $name<$t: $bound>($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn wide<$t: $bound>($($arg: $type),*) $(-> $ret)? {
                    $body::<$t>($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("bmi2")
                {
                    // SAFETY: the features that `wide` is compiled for were just detected
                    // (machines with AVX2 and BMI2 have BMI1, LZCNT and POPCNT).
                    return unsafe { wide::<$t>($($arg),*) };
                }
            }
            $body::<$t>($($arg),*)
        }
    };
}

pub(crate) use dispatch;
