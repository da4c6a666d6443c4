//! What a decoder does to one row of numbers, between the products of matrices.

use crate::processor::Processor;
use crate::simd::{self, Kernel, LANES, Simd};

/// `numbers / sqrt(mean of their squares + epsilon) * weight`, into `into`. All are as long as each other.
pub(crate) fn rms_norm(
    processor: Processor,
    numbers: &[f32],
    weight: &[f32],
    epsilon: f32,
    into: &mut [f32],
) {
    assert!(numbers.len() == weight.len() && numbers.len() == into.len(), "rows of one length");
    let scale = processor.rms_scale(numbers, epsilon);
    for ((into, number), weight) in into.iter_mut().zip(numbers).zip(weight) {
        *into = number * scale * weight;
    }
}

/// As [`rms_norm`], in place.
pub(crate) fn rms_norm_in_place(processor: Processor, numbers: &mut [f32], weight: &[f32], epsilon: f32) {
    assert_eq!(numbers.len(), weight.len(), "rows of one length");
    let scale = processor.rms_scale(numbers, epsilon);
    for (number, weight) in numbers.iter_mut().zip(weight) {
        *number *= scale * weight;
    }
}

/// Adds `others` to `numbers`.
pub(crate) fn add(numbers: &mut [f32], others: &[f32]) {
    for (number, other) in numbers.iter_mut().zip(others) {
        *number += other;
    }
}

/// What a feed-forward layer puts between its matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// `x / (1 + e^-x)`
    Silu,
    /// `x / (1 + e^(-2 sqrt(2/pi) (x + 0.044715 x^3)))`, which is GELU by tanh.
    Gelu,
}

/// `gate(gates) * ups`, into `into`. All are as long as each other.
pub(crate) fn gated(processor: Processor, gate: Gate, gates: &[f32], ups: &[f32], into: &mut [f32]) {
    assert!(gates.len() == ups.len() && gates.len() == into.len(), "rows of one length");
    // SAFETY: the kernel reads and writes within its slices, which are as long as each other.
    unsafe { processor.launch(Gated { gate, gates, ups, into }) };
}

impl Processor {
    /// What brings the mean of the squares to 1.
    fn rms_scale(self, numbers: &[f32], epsilon: f32) -> f32 {
        // SAFETY: the kernel reads within its slice.
        let squares = unsafe { self.launch(SumOfSquares(numbers)) };
        (squares / numbers.len() as f32 + epsilon).sqrt().recip()
    }
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) -> f32 {
        let groups = self.0.chunks_exact(LANES);
        let rest: f32 = groups.remainder().iter().map(|number| number * number).sum();
        // SAFETY: groups have sixteen numbers.
        unsafe {
            let mut squares = simd.splat(0.0);
            for group in groups {
                let numbers = simd.load(group.as_ptr());
                squares = simd.multiply_add(numbers, numbers, squares);
            }
            simd::sum(simd, squares) + rest
        }
    }
}

struct Gated<'a> {
    gate: Gate,
    gates: &'a [f32],
    ups: &'a [f32],
    into: &'a mut [f32],
}

impl Gated<'_> {
    /// `x / (1 + e^(-slope))`, where the slope is that of the gate's kind.
    #[inline(always)]
    unsafe fn sixteen<S: Simd>(gate: Gate, simd: S, gates: *const f32, ups: *const f32, into: *mut f32) {
        // SAFETY: the caller has sixteen numbers behind each pointer.
        unsafe {
            let x = simd.load(gates);
            let falling = match gate {
                Gate::Silu => simd.multiply(x, simd.splat(-1.0)),
                Gate::Gelu => {
                    // -2 sqrt(2/pi), and that times 0.044715.
                    let factor = simd.multiply_add(
                        simd.multiply(x, x),
                        simd.splat(-0.071_354_81),
                        simd.splat(-1.595_769),
                    );
                    simd.multiply(x, factor)
                }
            };
            let divisor = simd.add(simd.splat(1.0), simd::exp(simd, falling));
            simd.store(into, simd.multiply(simd.divide(x, divisor), simd.load(ups)));
        }
    }
}

impl Kernel for Gated<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let whole = self.gates.len() / LANES * LANES;
        // SAFETY: groups of sixteen lie within the slices; what is left is copied into groups of its own.
        unsafe {
            for at in (0..whole).step_by(LANES) {
                let (gates, ups) = (self.gates.as_ptr().add(at), self.ups.as_ptr().add(at));
                Self::sixteen(self.gate, simd, gates, ups, self.into.as_mut_ptr().add(at));
            }
            let left = self.gates.len() - whole;
            let (mut gates, mut ups, mut into) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
            gates[..left].copy_from_slice(&self.gates[whole..]);
            ups[..left].copy_from_slice(&self.ups[whole..]);
            Self::sixteen(self.gate, simd, gates.as_ptr(), ups.as_ptr(), into.as_mut_ptr());
            self.into[whole..].copy_from_slice(&into[..left]);
        }
    }
}
