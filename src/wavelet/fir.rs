//! The one filter of all transforms: two inputs, one or two outputs, taps at a stride.
//!
//! `out0[i] = sum over m of t[m][0] a[i - m s] + t[m][1] b[i - m s]`, and `out1` with the other two
//! taps. A decimated analysis reads the even and the odd samples as `a` and `b`; a synthesis reads
//! approximation and detail and writes even and odd samples; the undecimated transforms use a
//! stride above 1. Outputs stand side by side in a register, sixteen or thirty-two at a time.

use super::lanes::{Kernel, Lanes, Real};

/// Taps: for each `m` of `out0` from `a` and `b`, then of `out1` from `a` and `b`.
pub type Taps<T> = [[T; 4]];

/// Inputs that start `(taps - 1) * stride` before the first output.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a, T> {
    /// First input.
    pub a: &'a [T],
    /// Second input.
    pub b: &'a [T],
}

/// Filters `input` into `out0`, and into `out1` if it has values.
///
/// # Panics
///
/// If an input has fewer than `out0.len() + (taps.len() - 1) * stride` values, or `out1` neither
/// none nor as many as `out0`.
pub fn filter<T: Real>(
    input: Input<T>,
    taps: &Taps<T>,
    stride: usize,
    out0: &mut [T],
    out1: &mut [T],
) {
    let n = out0.len();
    let before = (taps.len() - 1) * stride;
    assert!(input.a.len() >= n + before && input.b.len() >= n + before);
    assert!(out1.is_empty() || out1.len() == n);
    if out1.is_empty() {
        T::dispatch(Filter::<T, false> {
            input,
            taps,
            stride,
            out0,
            out1,
        });
    } else {
        T::dispatch(Filter::<T, true> {
            input,
            taps,
            stride,
            out0,
            out1,
        });
    }
}

struct Filter<'a, T, const TWO: bool> {
    input: Input<'a, T>,
    taps: &'a Taps<T>,
    stride: usize,
    out0: &'a mut [T],
    out1: &'a mut [T],
}

impl<T: Real, const TWO: bool> Kernel<T> for Filter<'_, T, TWO> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(mut self) {
        let n = self.out0.len();
        let mut i = 0;
        while i + 4 * V::N <= n {
            // SAFETY: outputs i to i + 4 N are inside, and `filter` checked the inputs.
            unsafe { self.block::<V, 4>(i) };
            i += 4 * V::N;
        }
        while i + V::N <= n {
            // SAFETY: as above, for N outputs.
            unsafe { self.block::<V, 1>(i) };
            i += V::N;
        }
        let before = (self.taps.len() - 1) * self.stride;
        for i in i..n {
            let (mut first, mut second) = (T::ZERO, T::ZERO);
            for (m, t) in self.taps.iter().enumerate() {
                let place = before + i - m * self.stride;
                let (a, b) = (self.input.a[place], self.input.b[place]);
                first += t[0] * a + t[1] * b;
                if TWO {
                    second += t[2] * a + t[3] * b;
                }
            }
            self.out0[i] = first;
            if TWO {
                self.out1[i] = second;
            }
        }
    }
}

impl<T: Real, const TWO: bool> Filter<'_, T, TWO> {
    /// `U` registers of outputs from `i` on.
    ///
    /// # Safety
    ///
    /// `i + U * V::N` is at most the number of outputs, and `filter` has checked the lengths.
    #[inline(always)]
    unsafe fn block<V: Lanes<Scalar = T>, const U: usize>(&mut self, i: usize) {
        let zero = V::splat(T::ZERO);
        let mut first = [zero; U];
        let mut second = [zero; U];
        let mut place = (self.taps.len() - 1) * self.stride + i;
        for t in self.taps {
            let (ta, tb) = (V::splat(t[0]), V::splat(t[1]));
            let (ua, ub) = (V::splat(t[2]), V::splat(t[3]));
            // SAFETY: the last place read is at most that of the last output; see the function.
            unsafe {
                let a = self.input.a.as_ptr().add(place);
                let b = self.input.b.as_ptr().add(place);
                for u in 0..U {
                    let (va, vb) = (V::load(a.add(u * V::N)), V::load(b.add(u * V::N)));
                    first[u] = va.mul_add(ta, first[u]);
                    first[u] = vb.mul_add(tb, first[u]);
                    if TWO {
                        second[u] = va.mul_add(ua, second[u]);
                        second[u] = vb.mul_add(ub, second[u]);
                    }
                }
            }
            place = place.wrapping_sub(self.stride);
        }
        for u in 0..U {
            // SAFETY: inside the outputs, see the function.
            unsafe {
                first[u].store(self.out0.as_mut_ptr().add(i + u * V::N));
                if TWO {
                    second[u].store(self.out1.as_mut_ptr().add(i + u * V::N));
                }
            }
        }
    }
}
