//! Functions over vectors that no instruction computes: the exponential, and sums and maxima across lanes.

use crate::compute::simd::vector::{LANES, Simd};

/// `e^a`, within 2 units in the last place where the result is a normal number; 0 below -87.3.
///
/// Cephes' `expf`: `a = n ln 2 + r`, and a polynomial in `r`.
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(simd: S, a: S::Floats) -> S::Floats {
    // SAFETY: the caller is a kernel.
    unsafe {
        let a = simd.max(simd.min(a, simd.splat(88.0)), simd.splat(-87.3));
        let n = simd.round(simd.multiply(a, simd.splat(std::f32::consts::LOG2_E)));
        let r = simd.multiply_add(n, simd.splat(-0.693_359_4), a);
        let r = simd.multiply_add(n, simd.splat(2.121_944_4e-4), r);
        let mut sum = simd.splat(1.987_569_2e-4);
        for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
            sum = simd.multiply_add(sum, r, simd.splat(coefficient));
        }
        let sum = simd.multiply_add(simd.multiply(sum, r), r, simd.add(r, simd.splat(1.0)));
        simd.scale_by_power_of_two(sum, n)
    }
}

/// The sum of sixteen numbers.
#[inline(always)]
pub(crate) unsafe fn sum_lanes<S: Simd>(simd: S, a: S::Floats) -> f32 {
    let mut numbers = [0.0; LANES];
    // SAFETY: the array has sixteen numbers.
    unsafe { simd.store(numbers.as_mut_ptr(), a) };
    numbers.iter().sum()
}

/// The largest of sixteen numbers.
#[inline(always)]
pub(crate) unsafe fn max_lane<S: Simd>(simd: S, a: S::Floats) -> f32 {
    let mut numbers = [0.0; LANES];
    // SAFETY: the array has sixteen numbers.
    unsafe { simd.store(numbers.as_mut_ptr(), a) };
    numbers.into_iter().fold(f32::NEG_INFINITY, f32::max)
}
