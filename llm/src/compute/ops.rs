//! The decoder's operations on one row of numbers, between its matrix products: RMS norm, addition, gated activation.

use crate::compute::backend::CpuBackend;
use crate::compute::simd::math::{exp, sum_lanes};
use crate::compute::simd::vector::{Kernel, LANES, Simd};

/// Writes `numbers / sqrt(mean of their squares + epsilon) * weight` to `output`. All are equally long.
pub(crate) fn rms_norm(
    backend: CpuBackend,
    numbers: &[f32],
    weight: &[f32],
    epsilon: f32,
    output: &mut [f32],
) {
    assert!(numbers.len() == weight.len() && numbers.len() == output.len(), "rows of one length");
    let scale = rms_scale(backend, numbers, epsilon);
    for ((output, number), weight) in output.iter_mut().zip(numbers).zip(weight) {
        *output = number * scale * weight;
    }
}

/// [`rms_norm`] in place.
pub(crate) fn rms_norm_in_place(backend: CpuBackend, numbers: &mut [f32], weight: &[f32], epsilon: f32) {
    assert_eq!(numbers.len(), weight.len(), "rows of one length");
    let scale = rms_scale(backend, numbers, epsilon);
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

/// The activation function of a gated feed-forward layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GateActivation {
    /// `x / (1 + e^-x)`
    Silu,
    /// `x / (1 + e^(-2 sqrt(2/pi) (x + 0.044715 x^3)))`, which is GELU by tanh.
    Gelu,
}

/// A gated linear unit (SwiGLU, GeGLU): writes `activation(gates) * ups` to `output`. All are equally long.
pub(crate) fn gated_linear_unit(
    backend: CpuBackend,
    activation: GateActivation,
    gates: &[f32],
    ups: &[f32],
    output: &mut [f32],
) {
    assert!(gates.len() == ups.len() && gates.len() == output.len(), "rows of one length");
    // SAFETY: the kernel reads and writes within its slices, which are equally long.
    unsafe { backend.launch(GatedLinearUnit { activation, gates, ups, output }) };
}

/// The factor that brings the mean of the squares to 1.
fn rms_scale(backend: CpuBackend, numbers: &[f32], epsilon: f32) -> f32 {
    // SAFETY: the kernel reads within its slice.
    let squares = unsafe { backend.launch(SumOfSquares(numbers)) };
    (squares / numbers.len() as f32 + epsilon).sqrt().recip()
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) -> f32 {
        let vectors = self.0.chunks_exact(LANES);
        let remainder: f32 = vectors.remainder().iter().map(|number| number * number).sum();
        // SAFETY: each chunk has sixteen numbers.
        unsafe {
            let mut squares = simd.splat(0.0);
            for vector in vectors {
                let numbers = simd.load(vector.as_ptr());
                squares = simd.multiply_add(numbers, numbers, squares);
            }
            sum_lanes(simd, squares) + remainder
        }
    }
}

struct GatedLinearUnit<'a> {
    activation: GateActivation,
    gates: &'a [f32],
    ups: &'a [f32],
    output: &'a mut [f32],
}

impl GatedLinearUnit<'_> {
    /// Computes sixteen numbers: `x / (1 + e^exponent) * up`, with the exponent of the activation function.
    #[inline(always)]
    unsafe fn vector<S: Simd>(
        activation: GateActivation,
        simd: S,
        gates: *const f32,
        ups: *const f32,
        output: *mut f32,
    ) {
        // SAFETY: the caller has sixteen numbers behind each pointer.
        unsafe {
            let x = simd.load(gates);
            let exponent = match activation {
                GateActivation::Silu => simd.multiply(x, simd.splat(-1.0)),
                GateActivation::Gelu => {
                    // -2 sqrt(2/pi), and that times 0.044715.
                    let factor = simd.multiply_add(
                        simd.multiply(x, x),
                        simd.splat(-0.071_354_81),
                        simd.splat(-1.595_769),
                    );
                    simd.multiply(x, factor)
                }
            };
            let divisor = simd.add(simd.splat(1.0), exp(simd, exponent));
            simd.store(output, simd.multiply(simd.divide(x, divisor), simd.load(ups)));
        }
    }
}

impl Kernel for GatedLinearUnit<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let whole = self.gates.len() / LANES * LANES;
        // SAFETY: whole vectors lie within the slices; the remainder is copied into vectors of its own.
        unsafe {
            for at in (0..whole).step_by(LANES) {
                let (gates, ups) = (self.gates.as_ptr().add(at), self.ups.as_ptr().add(at));
                Self::vector(self.activation, simd, gates, ups, self.output.as_mut_ptr().add(at));
            }
            let left = self.gates.len() - whole;
            let (mut gates, mut ups, mut output) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
            gates[..left].copy_from_slice(&self.gates[whole..]);
            ups[..left].copy_from_slice(&self.ups[whole..]);
            Self::vector(self.activation, simd, gates.as_ptr(), ups.as_ptr(), output.as_mut_ptr());
            self.output[whole..].copy_from_slice(&output[..left]);
        }
    }
}
