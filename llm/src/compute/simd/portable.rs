//! Implements the vector operations in plain Rust: for all other CPUs, and as the reference in tests.

use half::f16;

use crate::compute::simd::vector::{LANES, Simd};

#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

type Floats = [f32; LANES];

#[inline(always)]
fn zip(a: Floats, b: Floats, f: impl Fn(f32, f32) -> f32) -> Floats {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Simd for Portable {
    type Floats = Floats;
    type Integers = [i32; LANES];
    type Bytes = [u8; 4 * LANES];

    #[inline(always)]
    unsafe fn splat(self, number: f32) -> Floats {
        [number; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Floats {
        // SAFETY: the caller has sixteen numbers at `from`.
        unsafe { from.cast::<Floats>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, numbers: Floats) {
        // SAFETY: the caller has room for sixteen numbers at `to`.
        unsafe { to.cast::<Floats>().write_unaligned(numbers) }
    }

    #[inline(always)]
    unsafe fn load_half(self, from: *const u16) -> Floats {
        // SAFETY: the caller has sixteen numbers at `from`.
        let bits = unsafe { from.cast::<[u16; LANES]>().read_unaligned() };
        bits.map(|bits| f16::from_bits(bits).to_f32())
    }

    #[inline(always)]
    unsafe fn store_half(self, to: *mut u16, numbers: Floats) {
        let bits = numbers.map(|number| f16::from_f32(number).to_bits());
        // SAFETY: the caller has room for sixteen numbers at `to`.
        unsafe { to.cast::<[u16; LANES]>().write_unaligned(bits) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, a: Floats, b: Floats, c: Floats) -> Floats {
        // Not `mul_add`: without an instruction for it, it is a call into the C library.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    unsafe fn add(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn multiply(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn divide(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn max(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, f32::max)
    }

    #[inline(always)]
    unsafe fn min(self, a: Floats, b: Floats) -> Floats {
        zip(a, b, f32::min)
    }

    #[inline(always)]
    unsafe fn abs(self, a: Floats) -> Floats {
        a.map(f32::abs)
    }

    #[inline(always)]
    unsafe fn round(self, a: Floats) -> Floats {
        a.map(f32::round_ties_even)
    }

    #[inline(always)]
    unsafe fn scale_by_power_of_two(self, a: Floats, n: Floats) -> Floats {
        zip(a, n, |a, n| a * f32::from_bits(((n as i32 + 127) << 23) as u32))
    }

    #[inline(always)]
    unsafe fn splat_integer(self, number: i32) -> [i32; LANES] {
        [number; LANES]
    }

    #[inline(always)]
    unsafe fn to_floats(self, a: [i32; LANES]) -> Floats {
        a.map(|number| number as f32)
    }

    #[inline(always)]
    unsafe fn load_unsigned(self, from: *const u8) -> Floats {
        // SAFETY: the caller has sixteen bytes at `from`.
        unsafe { from.cast::<[u8; LANES]>().read_unaligned() }.map(f32::from)
    }

    #[inline(always)]
    unsafe fn load_signed(self, from: *const i8) -> Floats {
        // SAFETY: the caller has sixteen bytes at `from`.
        unsafe { from.cast::<[i8; LANES]>().read_unaligned() }.map(f32::from)
    }

    #[inline(always)]
    unsafe fn store_signed(self, to: *mut i8, numbers: Floats) {
        let bytes = numbers.map(|number| number as i8);
        // SAFETY: the caller has room for sixteen bytes at `to`.
        unsafe { to.cast::<[i8; LANES]>().write_unaligned(bytes) }
    }

    #[inline(always)]
    unsafe fn prefetch(self, _: *const u8) {}

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const u8) -> Self::Bytes {
        // SAFETY: the caller has 64 bytes at `from`.
        unsafe { from.cast::<Self::Bytes>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, bytes: Self::Bytes) {
        // SAFETY: the caller has room for 64 bytes at `to`.
        unsafe { to.cast::<Self::Bytes>().write_unaligned(bytes) }
    }

    #[inline(always)]
    unsafe fn shift_and_mask<const SHIFT: u32>(self, bytes: Self::Bytes, mask: u8) -> Self::Bytes {
        bytes.map(|byte| (byte >> SHIFT) & mask)
    }

    #[inline(always)]
    unsafe fn shift_left<const SHIFT: u32>(self, bytes: Self::Bytes) -> Self::Bytes {
        bytes.map(|byte| byte << SHIFT)
    }

    #[inline(always)]
    unsafe fn or(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes {
        std::array::from_fn(|at| a[at] | b[at])
    }

    #[inline(always)]
    unsafe fn dot(
        self,
        _: bool,
        mut sums: [i32; LANES],
        weights: Self::Bytes,
        activations: i32,
    ) -> [i32; LANES] {
        let activations = activations.to_le_bytes();
        for (lane, sum) in sums.iter_mut().enumerate() {
            for (at, activation) in activations.iter().enumerate() {
                *sum += i32::from(weights[4 * lane + at]) * i32::from(*activation as i8);
            }
        }
        sums
    }
}
