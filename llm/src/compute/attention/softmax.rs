//! Updates a query's running softmax with the scores of the next tile of keys.

use std::ops::Range;

use crate::compute::attention::scratch::{KEY_TILE, Normalizer, Scratch};
use crate::compute::simd::math::{exp, max_lane, sum_lanes};
use crate::compute::simd::vector::{LANES, Simd};

/// Turns the scores of `query` into weights `e^(score - maximum)`, and rescales what was summed so far to the new
/// maximum. Only the keys in `visible` get a weight.
#[inline(always)]
pub(super) unsafe fn weigh_scores<S: Simd>(
    simd: S,
    scratch: &mut Scratch,
    query: usize,
    head_size: usize,
    visible: Range<usize>,
) {
    let scores = &mut scratch.scores[query * KEY_TILE..][..KEY_TILE];
    if visible.is_empty() {
        scores.fill(0.0);
        return;
    }
    scores[..visible.start].fill(f32::NEG_INFINITY);
    scores[visible.end..].fill(f32::NEG_INFINITY);
    // SAFETY: a query has KEY_TILE scores and `head_size` sums.
    unsafe {
        let before = scratch.normalizers[query];
        let maximum = max_score(simd, scores).max(before.maximum);
        for part in 0..KEY_TILE / LANES {
            let to = scores.as_mut_ptr().add(part * LANES);
            let weight = exp(simd, simd.add(simd.load(to), simd.splat(-maximum)));
            simd.store(to, weight);
        }
        scores[..visible.start].fill(0.0);
        scores[visible.end..].fill(0.0);
        let mut weights = simd.splat(0.0);
        for part in 0..KEY_TILE / LANES {
            weights = simd.add(weights, simd.load(scores.as_ptr().add(part * LANES)));
        }
        let decay = if before.maximum == maximum { 1.0 } else { (before.maximum - maximum).exp() };
        let sum = before.sum * decay + sum_lanes(simd, weights);
        scratch.normalizers[query] = Normalizer { maximum, sum };
        if decay != 1.0 {
            let sums = &mut scratch.sums[query * head_size..][..head_size];
            scale_in_place(simd, sums, decay);
        }
    }
}

#[inline(always)]
unsafe fn max_score<S: Simd>(simd: S, scores: &[f32]) -> f32 {
    // SAFETY: the caller has KEY_TILE scores.
    unsafe {
        let mut largest = simd.load(scores.as_ptr());
        for part in 1..KEY_TILE / LANES {
            largest = simd.max(largest, simd.load(scores.as_ptr().add(part * LANES)));
        }
        max_lane(simd, largest)
    }
}

#[inline(always)]
unsafe fn scale_in_place<S: Simd>(simd: S, numbers: &mut [f32], factor: f32) {
    for at in (0..numbers.len()).step_by(LANES) {
        // SAFETY: the caller has whole vectors.
        unsafe {
            let to = numbers.as_mut_ptr().add(at);
            simd.store(to, simd.multiply(simd.load(to), simd.splat(factor)));
        }
    }
}
