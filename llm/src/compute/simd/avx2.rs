//! Implements the vector operations with AVX2 and FMA: desktop and laptop CPUs since 2013. A vector of sixteen is two
//! registers.

use std::arch::x86_64::*;

use crate::compute::simd::vector::{Kernel, Simd};

#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2;

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// # Safety
///
/// [`is_available`] is true, and the kernel's pointers meet the kernel's own requirements.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for both.
    unsafe { kernel.run(Avx2) }
}

/// The same operation on both halves.
macro_rules! both {
    ($operation:expr, $a:expr) => {
        [$operation($a[0]), $operation($a[1])]
    };
    ($operation:expr, $a:expr, $b:expr) => {
        [$operation($a[0], $b[0]), $operation($a[1], $b[1])]
    };
}

// SAFETY of all methods: the CPU has the instructions (see `vector`), and the pointers meet the trait's requirements.
impl Simd for Avx2 {
    type Floats = [__m256; 2];
    type Integers = [__m256i; 2];
    type Bytes = [__m256i; 2];

    #[inline(always)]
    unsafe fn splat(self, number: f32) -> [__m256; 2] {
        unsafe { [_mm256_set1_ps(number); 2] }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [__m256; 2] {
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, [low, high]: [__m256; 2]) {
        unsafe {
            _mm256_storeu_ps(to, low);
            _mm256_storeu_ps(to.add(8), high);
        }
    }

    #[inline(always)]
    unsafe fn load_half(self, from: *const u16) -> [__m256; 2] {
        unsafe {
            let half = |at| _mm256_cvtph_ps(_mm_loadu_si128(from.add(at).cast()));
            [half(0), half(8)]
        }
    }

    #[inline(always)]
    unsafe fn store_half(self, to: *mut u16, [low, high]: [__m256; 2]) {
        unsafe {
            _mm_storeu_si128(to.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(low));
            _mm_storeu_si128(to.add(8).cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(high));
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    unsafe fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { both!(_mm256_add_ps, a, b) }
    }

    #[inline(always)]
    unsafe fn multiply(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { both!(_mm256_mul_ps, a, b) }
    }

    #[inline(always)]
    unsafe fn divide(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { both!(_mm256_div_ps, a, b) }
    }

    #[inline(always)]
    unsafe fn max(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { both!(_mm256_max_ps, a, b) }
    }

    #[inline(always)]
    unsafe fn min(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { both!(_mm256_min_ps, a, b) }
    }

    #[inline(always)]
    unsafe fn abs(self, a: [__m256; 2]) -> [__m256; 2] {
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
        }
    }

    #[inline(always)]
    unsafe fn round(self, a: [__m256; 2]) -> [__m256; 2] {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        unsafe { both!(_mm256_round_ps::<NEAREST>, a) }
    }

    #[inline(always)]
    unsafe fn scale_by_power_of_two(self, a: [__m256; 2], n: [__m256; 2]) -> [__m256; 2] {
        unsafe {
            let power = |n| {
                let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
            };
            [_mm256_mul_ps(a[0], power(n[0])), _mm256_mul_ps(a[1], power(n[1]))]
        }
    }

    #[inline(always)]
    unsafe fn splat_integer(self, number: i32) -> [__m256i; 2] {
        unsafe { [_mm256_set1_epi32(number); 2] }
    }

    #[inline(always)]
    unsafe fn to_floats(self, a: [__m256i; 2]) -> [__m256; 2] {
        unsafe { both!(_mm256_cvtepi32_ps, a) }
    }

    #[inline(always)]
    unsafe fn load_unsigned(self, from: *const u8) -> [__m256; 2] {
        unsafe {
            let half = |at| {
                let bytes = _mm_loadl_epi64(from.add(at).cast());
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))
            };
            [half(0), half(8)]
        }
    }

    #[inline(always)]
    unsafe fn load_signed(self, from: *const i8) -> [__m256; 2] {
        unsafe {
            let half = |at| {
                let bytes = _mm_loadl_epi64(from.add(at).cast());
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))
            };
            [half(0), half(8)]
        }
    }

    #[inline(always)]
    unsafe fn store_signed(self, to: *mut i8, numbers: [__m256; 2]) {
        unsafe {
            let words = |numbers| {
                let numbers = _mm256_cvtps_epi32(numbers);
                _mm_packs_epi32(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256::<1>(numbers))
            };
            _mm_storeu_si128(to.cast(), _mm_packs_epi16(words(numbers[0]), words(numbers[1])));
        }
    }

    #[inline(always)]
    unsafe fn prefetch(self, from: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const u8) -> [__m256i; 2] {
        unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())] }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, [low, high]: [__m256i; 2]) {
        unsafe {
            _mm256_storeu_si256(to.cast(), low);
            _mm256_storeu_si256(to.add(32).cast(), high);
        }
    }

    #[inline(always)]
    unsafe fn shift_and_mask<const SHIFT: u32>(self, bytes: [__m256i; 2], mask: u8) -> [__m256i; 2] {
        unsafe {
            let mask = _mm256_set1_epi8(mask as i8);
            let shifted = |bytes| _mm256_srl_epi16(bytes, _mm_cvtsi32_si128(SHIFT as i32));
            [_mm256_and_si256(shifted(bytes[0]), mask), _mm256_and_si256(shifted(bytes[1]), mask)]
        }
    }

    #[inline(always)]
    unsafe fn shift_left<const SHIFT: u32>(self, bytes: [__m256i; 2]) -> [__m256i; 2] {
        unsafe {
            let shifted = |bytes| _mm256_sll_epi16(bytes, _mm_cvtsi32_si128(SHIFT as i32));
            [shifted(bytes[0]), shifted(bytes[1])]
        }
    }

    #[inline(always)]
    unsafe fn or(self, a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        unsafe { both!(_mm256_or_si256, a, b) }
    }

    #[inline(always)]
    unsafe fn dot(
        self,
        wide: bool,
        sums: [__m256i; 2],
        weights: [__m256i; 2],
        activations: i32,
    ) -> [__m256i; 2] {
        unsafe {
            let activations = _mm256_set1_epi32(activations);
            // Two products are added in 16 bits, which hold 2 * 63 * 127 but not 2 * 255 * 127: wide weights are
            // split into two digits of four bits.
            let add = |sums, weights, factor| {
                let pairs = _mm256_maddubs_epi16(weights, activations);
                _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(factor)))
            };
            if !wide {
                return [add(sums[0], weights[0], 1), add(sums[1], weights[1], 1)];
            }
            let low = self.shift_and_mask::<0>(weights, 0x0f);
            let high = self.shift_and_mask::<4>(weights, 0x0f);
            let digits = |half: usize| add(add(sums[half], low[half], 1), high[half], 16);
            [digits(0), digits(1)]
        }
    }
}
