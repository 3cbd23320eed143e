//! 32 points against one query, or 32 queries against one box, in single precision.
//!
//! This is a filter: it may let through what is too far, never hold back what is near. The margins
//! that make it so are [`Shape::MARGIN`] and [`reach`], see there. It may therefore fuse a
//! multiplication with an addition where the machine can.

use super::tree::middle;

/// Points of a block, and queries of a group.
pub(super) const LANES: usize = 32;

/// One column of a block.
pub(super) type Lanes = [f32; LANES];

/// Eight `f32` side by side.
pub(super) trait Eight: Copy {
    /// The same value in each lane.
    fn all(value: f32) -> Self;
    /// Lanes `8 * part ..` of `from`.
    fn load(from: &Lanes, part: usize) -> Self;
    /// Lanes `8 * part ..` of `from` less `center`, subtracted in double precision.
    fn relative(from: &[f64; LANES], part: usize, center: f64) -> Self;
    /// Writes lanes `8 * part ..` of `to`.
    fn store(self, to: &mut Lanes, part: usize);
    /// The sums.
    fn add(self, other: Self) -> Self;
    /// The differences.
    fn sub(self, other: Self) -> Self;
    /// `self * self + other`, rounded once or twice.
    fn square_add(self, other: Self) -> Self;
    /// The absolute values.
    fn abs(self) -> Self;
    /// This where it is greater than `other`, else `other` (also where this is NaN).
    fn greater(self, other: Self) -> Self;
    /// A bit for each lane that is above `limit`; NaN is not.
    fn above(self, limit: Self) -> u32;
}

/// [`Eight`] for any machine.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 8]);

impl Plain {
    #[inline(always)]
    fn both(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Plain(std::array::from_fn(|l| f(self.0[l], other.0[l])))
    }
}

impl Eight for Plain {
    #[inline(always)]
    fn all(value: f32) -> Self {
        Plain([value; 8])
    }
    #[inline(always)]
    fn load(from: &Lanes, part: usize) -> Self {
        Plain(std::array::from_fn(|l| from[8 * part + l]))
    }
    #[inline(always)]
    fn relative(from: &[f64; LANES], part: usize, center: f64) -> Self {
        Plain(std::array::from_fn(|l| {
            (from[8 * part + l] - center) as f32
        }))
    }
    #[inline(always)]
    fn store(self, to: &mut Lanes, part: usize) {
        to[8 * part..8 * part + 8].copy_from_slice(&self.0);
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
    fn square_add(self, other: Self) -> Self {
        self.both(other, |a, b| a * a + b)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Plain(self.0.map(f32::abs))
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self.both(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn above(self, limit: Self) -> u32 {
        (0..8).fold(0, |bits, l| bits | u32::from(self.0[l] > limit.0[l]) << l)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use wide::Wide;

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    use super::{Eight, LANES, Lanes};

    /// [`Eight`] in an AVX register. Only the copy of the search that is compiled for AVX2 and FMA
    /// makes one, and it runs only where both were detected; this makes every intrinsic sound.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Wide(__m256);

    impl Eight for Wide {
        #[inline(always)]
        fn all(value: f32) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_set1_ps(value) })
        }
        #[inline(always)]
        fn load(from: &Lanes, part: usize) -> Self {
            let from = &from[8 * part..8 * part + 8];
            // SAFETY: AVX is there, see `Wide`; the slice has eight values.
            Wide(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }
        #[inline(always)]
        fn relative(from: &[f64; LANES], part: usize, center: f64) -> Self {
            let from = &from[8 * part..8 * part + 8];
            // SAFETY: AVX is there, see `Wide`; the slice has eight values.
            Wide(unsafe {
                let center = _mm256_set1_pd(center);
                let low = _mm256_sub_pd(_mm256_loadu_pd(from.as_ptr()), center);
                let high = _mm256_sub_pd(_mm256_loadu_pd(from.as_ptr().add(4)), center);
                _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low))
            })
        }
        #[inline(always)]
        fn store(self, to: &mut Lanes, part: usize) {
            let to = &mut to[8 * part..8 * part + 8];
            // SAFETY: AVX is there, see `Wide`; the slice has eight places.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_sub_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn square_add(self, other: Self) -> Self {
            // SAFETY: FMA is there, see `Wide`.
            Wide(unsafe { _mm256_fmadd_ps(self.0, self.0, other.0) })
        }
        #[inline(always)]
        fn abs(self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
        }
        #[inline(always)]
        fn greater(self, other: Self) -> Self {
            // SAFETY: AVX is there, see `Wide`.
            Wide(unsafe { _mm256_max_ps(self.0, other.0) })
        }
        #[inline(always)]
        fn above(self, limit: Self) -> u32 {
            // SAFETY: AVX is there, see `Wide`.
            let bits = unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, limit.0)) };
            bits as u32
        }
    }
}

/// The geometry that prunes: how differences of columns add up.
pub(super) trait Shape: Copy + Send + Sync {
    /// What the error of coordinates adds to a distance, in parts of the (reduced) radius of the box.
    ///
    /// Coordinates relative to the middle `c` of a box are rounded to `f32`, with an error of at
    /// most `u = 2^-24` of themselves. The distance of query `q` and point `x` of the box is wrong
    /// by at most `u (|q - c| + |x - c|)`, at most `u (|q - x| + 2 r)` with the radius `r`. The
    /// first part and the rounding of the sum are held by [`reach`]; the second is this margin, four
    /// times over. For squares, `(a + b)^2 <= (1 + e) a^2 + (1 + 1 / e) b^2` with `e = 5e-6`.
    const MARGIN: f64;
    /// Adds the part of one column.
    fn add(sum: f64, difference: f64) -> f64;
    /// Adds what other columns add up to.
    fn join(sum: f64, other: f64) -> f64 {
        sum + other
    }
    /// The same for eight.
    fn add_eight<V: Eight>(sum: V, difference: V) -> V;
}

/// Sum of squares.
#[derive(Clone, Copy)]
pub(super) struct Squares;
/// Sum of absolute values.
#[derive(Clone, Copy)]
pub(super) struct Absolutes;
/// Largest absolute value.
#[derive(Clone, Copy)]
pub(super) struct Largest;

impl Shape for Squares {
    const MARGIN: f64 = 5e-8;
    #[inline(always)]
    fn add(sum: f64, difference: f64) -> f64 {
        sum + difference * difference
    }
    #[inline(always)]
    fn add_eight<V: Eight>(sum: V, difference: V) -> V {
        difference.square_add(sum)
    }
}

impl Shape for Absolutes {
    const MARGIN: f64 = 5e-7;
    #[inline(always)]
    fn add(sum: f64, difference: f64) -> f64 {
        sum + difference.abs()
    }
    #[inline(always)]
    fn add_eight<V: Eight>(sum: V, difference: V) -> V {
        sum.add(difference.abs())
    }
}

impl Shape for Largest {
    const MARGIN: f64 = 5e-7;
    #[inline(always)]
    fn add(sum: f64, difference: f64) -> f64 {
        sum.max(difference.abs())
    }
    #[inline(always)]
    fn join(sum: f64, other: f64) -> f64 {
        sum.max(other)
    }
    #[inline(always)]
    fn add_eight<V: Eight>(sum: V, difference: V) -> V {
        difference.abs().greater(sum)
    }
}

/// How much wider than its bound the filter is, so that rounding in sums over `columns` values
/// holds nothing back.
pub(super) fn reach(columns: usize) -> f64 {
    1.0 + 2e-5 + 2.5e-7 * columns as f64
}

/// The `f32` at or above `value`; above zero, so that underflow holds nothing back.
#[inline(always)]
pub(super) fn up(value: f64) -> f32 {
    (value * (1.0 + 2e-7)) as f32 + f32::MIN_POSITIVE
}

/// Columns after which a scan asks whether any point is still near enough.
const STRIDE: usize = 16;

/// A bit for each point of `block` that is not beyond `limit` from query `lane` of `queries`.
#[inline(always)]
pub(super) fn near<S: Shape, V: Eight>(
    queries: &[Lanes],
    lane: usize,
    block: &[Lanes],
    limit: f32,
) -> u32 {
    let limit = V::all(limit);
    let mut sums = [V::all(0.0); LANES / 8];
    let mut beyond = 0;
    for (queries, block) in queries.chunks(STRIDE).zip(block.chunks(STRIDE)) {
        for (query, points) in queries.iter().zip(block) {
            let query = V::all(query[lane]);
            for (part, sum) in sums.iter_mut().enumerate() {
                *sum = S::add_eight(*sum, query.sub(V::load(points, part)));
            }
        }
        beyond = above(&sums, [limit; LANES / 8]);
        if beyond == u32::MAX {
            break;
        }
    }
    !beyond
}

/// A bit for each query that is not beyond its limit from the box with these bounds; makes
/// `relative` the queries relative to the middle of that box, and `radius` the (reduced) distance
/// of its corners from there.
#[inline(always)]
pub(super) fn within<S: Shape, V: Eight>(
    queries: &[[f64; LANES]],
    (low, high): (&[f64], &[f64]),
    limits: &Lanes,
    relative: &mut [Lanes],
    radius: &mut f64,
) -> u32 {
    let zero = V::all(0.0);
    let mut sums = [zero; LANES / 8];
    for (((query, &low), &high), relative) in queries.iter().zip(low).zip(high).zip(relative) {
        let center = middle(low, high);
        let half = f64::max(high - center, center - low);
        *radius = S::add(*radius, half);
        // Wider than the error of relative coordinates, unless they are far outside.
        let half = V::all(up(half * (1.0 + 2e-6)));
        for (part, sum) in sums.iter_mut().enumerate() {
            let from_center = V::relative(query, part, center);
            from_center.store(relative, part);
            let outside = from_center.abs().sub(half).greater(zero);
            *sum = S::add_eight(*sum, outside);
        }
    }
    !above(&sums, std::array::from_fn(|part| V::load(limits, part)))
}

#[inline(always)]
fn above<V: Eight>(sums: &[V; LANES / 8], limits: [V; LANES / 8]) -> u32 {
    let each = sums.iter().zip(limits).enumerate();
    each.fold(0, |bits, (part, (sum, limit))| {
        bits | sum.above(limit) << (8 * part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_points_pass_and_far_ones_do_not() {
        // Query 3 stands at (2, 2); point l at (l, 0).
        let mut queries = vec![[0.0; LANES]; 2];
        queries[0][3] = 2.0;
        queries[1][3] = 2.0;
        let block = vec![std::array::from_fn(|l| l as f32), [0.0; LANES]];
        let bits = near::<Squares, Plain>(&queries, 3, &block, 5.5);
        assert_eq!(bits, 0b1110);
        assert_eq!(near::<Absolutes, Plain>(&queries, 3, &block, 3.5), 0b1110);
        assert_eq!(near::<Largest, Plain>(&queries, 3, &block, 2.5), 0b11111);
    }

    #[test]
    fn what_overflows_is_let_through() {
        let queries = [[f32::INFINITY; LANES]];
        let block = [[f32::INFINITY; LANES]];
        assert_eq!(near::<Squares, Plain>(&queries, 0, &block, 1.0), u32::MAX);
        let (mut relative, mut radius) = ([[0.0; LANES]], 0.0);
        let bounds: (&[f64], &[f64]) = (&[-1e300], &[1e300]);
        let (limits, far) = ([1.0; LANES], [[3e300; LANES]]);
        let bits = within::<Squares, Plain>(&far, bounds, &limits, &mut relative, &mut radius);
        assert_eq!(bits, u32::MAX);
        assert_eq!(up(1e300), f32::INFINITY);
        assert!(up(0.0) > 0.0);
    }
}
