//! Vectors of sixteen numbers, on whatever the machine has for them.
//!
//! A [`Kernel`] is written once over [`Simd`]; [`launch_with`] runs it with one of the instruction sets that this processor
//! has: AVX-512 with VNNI, AVX2 with FMA, or none in particular. Which one is found out at run time, so that one
//! binary serves all machines. This is the only place in the crate that knows instruction names.
//!
//! All methods of [`Simd`] are `unsafe` for two reasons: they read and write through pointers, and they may only run
//! inside [`launch_with`], whose caller has seen that their instructions exist. Every kernel is `#[inline(always)]`, because
//! only code that is inlined into the function with the right target features is compiled to those instructions.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::sync::OnceLock;

/// Numbers in a vector.
pub(crate) const LANES: usize = 16;

/// One instruction set. See the module for why its methods are unsafe.
pub(crate) trait Simd: Copy {
    /// Sixteen `f32`.
    type Floats: Copy;
    /// Sixteen `i32`.
    type Integers: Copy;
    /// Sixty-four bytes: four for each of sixteen rows.
    type Bytes: Copy;

    /// The same number sixteen times.
    unsafe fn splat(self, number: f32) -> Self::Floats;
    /// Sixteen numbers from `from`, which need not be aligned.
    unsafe fn load(self, from: *const f32) -> Self::Floats;
    /// Sixteen numbers to `to`, which need not be aligned.
    unsafe fn store(self, to: *mut f32, numbers: Self::Floats);
    /// Sixteen half-precision numbers.
    unsafe fn load_half(self, from: *const u16) -> Self::Floats;
    /// Sixteen numbers to half precision, rounded to nearest even.
    unsafe fn store_half(self, to: *mut u16, numbers: Self::Floats);
    /// `a * b + c`
    unsafe fn multiply_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    unsafe fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn multiply(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn divide(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn abs(self, a: Self::Floats) -> Self::Floats;
    /// To the nearest whole number, halves to even.
    unsafe fn round(self, a: Self::Floats) -> Self::Floats;
    /// `a * 2^n` for whole numbers `n` from -126 to 127.
    unsafe fn scale_by_power_of_two(self, a: Self::Floats, n: Self::Floats) -> Self::Floats;

    /// The same number sixteen times.
    unsafe fn splat_integer(self, number: i32) -> Self::Integers;
    unsafe fn to_floats(self, a: Self::Integers) -> Self::Floats;
    /// Sixteen unsigned bytes as numbers.
    unsafe fn load_unsigned(self, from: *const u8) -> Self::Floats;
    /// Sixteen signed bytes as numbers.
    unsafe fn load_signed(self, from: *const i8) -> Self::Floats;
    /// Whole numbers from -127 to 127 to sixteen signed bytes.
    unsafe fn store_signed(self, to: *mut i8, numbers: Self::Floats);

    /// Asks for a line of memory that will be needed soon. The pointer may point anywhere.
    unsafe fn prefetch(self, from: *const u8);
    unsafe fn load_bytes(self, from: *const u8) -> Self::Bytes;
    unsafe fn store_bytes(self, to: *mut u8, bytes: Self::Bytes);
    /// `(bytes >> SHIFT) & mask`, byte by byte; the mask has no bits that cross a byte's border after the shift.
    unsafe fn shift_and_mask<const SHIFT: u32>(self, bytes: Self::Bytes, mask: u8) -> Self::Bytes;
    /// `bytes << SHIFT`, byte by byte; no byte overflows.
    unsafe fn shift_left<const SHIFT: u32>(self, bytes: Self::Bytes) -> Self::Bytes;
    unsafe fn or(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    /// Adds to each of sixteen sums the products of its four unsigned weights with the same four signed activations
    /// (as one little-endian number). Weights are at most 63, or at most 255 if `wide`, which is to be a constant.
    unsafe fn dot(
        self,
        wide: bool,
        sums: Self::Integers,
        weights: Self::Bytes,
        activations: i32,
    ) -> Self::Integers;
}

/// A computation over vectors.
pub(crate) trait Kernel {
    type Output;
    /// To be marked `#[inline(always)]`.
    ///
    /// # Safety
    ///
    /// To be called by [`launch_with`] alone, with pointers as the kernel demands them.
    unsafe fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set that vectors are computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl InstructionSet {
    /// The ones this processor has, the widest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if avx512::is_available() {
                available.push(Self::Avx512);
            }
            if avx2::is_available() {
                available.push(Self::Avx2);
            }
        }
        available.push(Self::Portable);
        available
    }

    /// The widest one this processor has.
    pub(crate) fn widest() -> Self {
        static WIDEST: OnceLock<InstructionSet> = OnceLock::new();
        *WIDEST.get_or_init(|| Self::available()[0])
    }
}

/// Runs `kernel` with one instruction set.
///
/// # Safety
///
/// The kernel's pointers are what it demands, and `set` is one of [`InstructionSet::available`].
pub(crate) unsafe fn launch_with<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    // SAFETY: as the caller says.
    unsafe {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => avx512::run(kernel),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => avx2::run(kernel),
            InstructionSet::Portable => kernel.run(portable::Portable),
        }
    }
}

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
pub(crate) unsafe fn sum<S: Simd>(simd: S, a: S::Floats) -> f32 {
    let mut numbers = [0.0; LANES];
    // SAFETY: the array has sixteen numbers.
    unsafe { simd.store(numbers.as_mut_ptr(), a) };
    numbers.iter().sum()
}

/// The largest of sixteen numbers.
#[inline(always)]
pub(crate) unsafe fn largest<S: Simd>(simd: S, a: S::Floats) -> f32 {
    let mut numbers = [0.0; LANES];
    // SAFETY: the array has sixteen numbers.
    unsafe { simd.store(numbers.as_mut_ptr(), a) };
    numbers.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests;
