//! The vector operations that kernels are written over, and what a kernel is.
//!
//! All methods of [`Simd`] are `unsafe` for two reasons: they read and write through pointers, and they may only run
//! where their instructions exist, which the caller of `InstructionSet::launch` has checked. Every kernel is
//! `#[inline(always)]`, because only code that is inlined into the function with the right target features is compiled
//! to those instructions.

/// Numbers in a vector.
pub(crate) const LANES: usize = 16;

/// The operations of one instruction set. The module says why they are unsafe.
pub(crate) trait Simd: Copy {
    /// Sixteen `f32`.
    type Floats: Copy;
    /// Sixteen `i32`.
    type Integers: Copy;
    /// Sixty-four bytes: four for each of sixteen rows.
    type Bytes: Copy;

    /// The same number sixteen times.
    unsafe fn splat(self, number: f32) -> Self::Floats;
    /// Loads sixteen numbers from `from`, which need not be aligned.
    unsafe fn load(self, from: *const f32) -> Self::Floats;
    /// Stores sixteen numbers to `to`, which need not be aligned.
    unsafe fn store(self, to: *mut f32, numbers: Self::Floats);
    /// Sixteen half-precision numbers, converted to `f32`.
    unsafe fn load_half(self, from: *const u16) -> Self::Floats;
    /// Stores sixteen numbers in half precision, rounded to nearest even.
    unsafe fn store_half(self, to: *mut u16, numbers: Self::Floats);
    /// `a * b + c`
    unsafe fn multiply_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    unsafe fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn multiply(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn divide(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn abs(self, a: Self::Floats) -> Self::Floats;
    /// Rounds to the nearest whole number, halves to even.
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
    /// Stores whole numbers from -127 to 127 as sixteen signed bytes.
    unsafe fn store_signed(self, to: *mut i8, numbers: Self::Floats);

    /// Prefetches a cache line. The pointer may point anywhere.
    unsafe fn prefetch(self, from: *const u8);
    unsafe fn load_bytes(self, from: *const u8) -> Self::Bytes;
    unsafe fn store_bytes(self, to: *mut u8, bytes: Self::Bytes);
    /// `(bytes >> SHIFT) & mask`, byte by byte; after the shift the mask has no bits across a byte's border.
    unsafe fn shift_and_mask<const SHIFT: u32>(self, bytes: Self::Bytes, mask: u8) -> Self::Bytes;
    /// `bytes << SHIFT`, byte by byte; no byte overflows.
    unsafe fn shift_left<const SHIFT: u32>(self, bytes: Self::Bytes) -> Self::Bytes;
    unsafe fn or(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    /// Adds to each of sixteen sums the products of its four unsigned weights with the same four signed activations
    /// (as one little-endian number). Weights are at most 63, or at most 255 if `wide`, which should be a constant.
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

    /// Computes. Implementations are `#[inline(always)]`.
    ///
    /// # Safety
    ///
    /// Only `InstructionSet::launch` calls it, and the kernel's pointers meet the kernel's own requirements.
    unsafe fn run<S: Simd>(self, simd: S) -> Self::Output;
}
