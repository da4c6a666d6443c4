//! Compares every instruction set with the portable one.

use crate::compute::simd::instruction_set::InstructionSet;
use crate::compute::simd::math::{exp, max_lane, sum_lanes};
use crate::compute::simd::vector::{Kernel, LANES, Simd};

/// Runs every operation that is not a plain sum on the same numbers.
struct Operations;

impl Kernel for Operations {
    type Output = Vec<Vec<f32>>;

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) -> Self::Output {
        let numbers: [f32; LANES] = std::array::from_fn(|at| (at as f32 - 7.3) * 5.9);
        let bytes: [u8; 4 * LANES] = std::array::from_fn(|at| (at * 37 % 256) as u8);
        let small = bytes.map(|byte| byte & 63);
        let activations = i32::from_le_bytes([127, (-127_i8) as u8, 5, (-1_i8) as u8]);
        let mut outcomes = Vec::new();
        // SAFETY: the arrays are as long as the operations need.
        unsafe {
            let a = simd.load(numbers.as_ptr());
            let b = simd.multiply(a, simd.splat(0.37));
            let mut halves = [0_u16; LANES];
            simd.store_half(halves.as_mut_ptr(), a);
            let mut signed = [0_i8; LANES];
            simd.store_signed(signed.as_mut_ptr(), simd.round(a));
            let dot = |wide, bytes: &[u8; 4 * LANES]| {
                let bytes = simd.load_bytes(bytes.as_ptr());
                simd.to_floats(simd.dot(wide, simd.splat_integer(-3), bytes, activations))
            };
            let shifted = simd.shift_and_mask::<4>(simd.load_bytes(bytes.as_ptr()), 0x0f);
            let shifted = simd.or(
                shifted,
                simd.shift_left::<4>(simd.shift_and_mask::<6>(simd.load_bytes(bytes.as_ptr()), 3)),
            );
            let mut stored = [0_u8; 4 * LANES];
            simd.store_bytes(stored.as_mut_ptr(), shifted);
            for outcome in [
                simd.multiply_add(a, b, simd.splat(1.5)),
                simd.add(a, b),
                simd.divide(a, simd.splat(3.0)),
                simd.max(a, b),
                simd.min(a, b),
                simd.abs(a),
                simd.round(a),
                simd.scale_by_power_of_two(b, simd.round(b)),
                simd.load_half(halves.as_ptr()),
                simd.load_signed(signed.as_ptr()),
                simd.load_unsigned(bytes.as_ptr()),
                dot(true, &bytes),
                dot(false, &small),
                simd.load_unsigned(stored.as_ptr()),
                exp(simd, a),
                simd.splat(sum_lanes(simd, b)),
                simd.splat(max_lane(simd, b)),
            ] {
                let mut numbers = [0.0; LANES];
                simd.store(numbers.as_mut_ptr(), outcome);
                outcomes.push(numbers.to_vec());
            }
        }
        outcomes
    }
}

#[test]
fn all_instruction_sets_agree() {
    // SAFETY: the kernel has no pointers, and the sets are available.
    let outcomes = |set: InstructionSet| unsafe { set.launch(Operations) };
    let portable = outcomes(InstructionSet::Portable);
    for set in InstructionSet::available() {
        for (operation, (outcome, expected)) in outcomes(set).iter().zip(&portable).enumerate() {
            for (a, b) in outcome.iter().zip(expected) {
                assert!((a - b).abs() <= b.abs() * 1e-6, "operation {operation} of {set:?}: {a}, not {b}");
            }
        }
    }
}

struct Powers<'a>(&'a mut [f32]);

impl Kernel for Powers<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        for sixteen in self.0.chunks_exact_mut(LANES) {
            // SAFETY: sixteen numbers.
            unsafe { simd.store(sixteen.as_mut_ptr(), exp(simd, simd.load(sixteen.as_ptr()))) };
        }
    }
}

#[test]
fn powers_of_e_are_right_to_the_last_places() {
    let exponents: Vec<f32> = (-8_700..8_800).step_by(7).map(|n| n as f32 / 100.0).collect();
    for set in InstructionSet::available() {
        let mut powers = exponents[..exponents.len() / LANES * LANES].to_vec();
        // SAFETY: whole groups of sixteen, and the set is available.
        unsafe { set.launch(Powers(&mut powers)) };
        for (power, exponent) in powers.iter().zip(&exponents) {
            let expected = f64::from(*exponent).exp();
            let error = (f64::from(*power) - expected).abs() / expected;
            assert!(error < 3e-7, "e^{exponent} is {power} with {set:?}, not {expected}");
        }
    }
    let mut far = [f32::NEG_INFINITY; LANES];
    // SAFETY: sixteen numbers.
    unsafe { InstructionSet::widest().launch(Powers(&mut far)) };
    assert!(far.iter().all(|power| *power < 1e-37), "{far:?}");
}
