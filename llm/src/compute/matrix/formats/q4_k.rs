//! Packs Q4_K.

use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::formats::format::Format;
use crate::compute::matrix::formats::packing::{
    join_nibbles, load_halves, read_quad, split_nibbles, write_half, write_quad,
};
use crate::compute::matrix::geometry::{BLOCK, BLOCK_QUADS, PANEL_ROWS};
use crate::compute::simd::vector::{LANES, Simd};

/// Q4_K: groups of 32 in super-blocks of 256; 6-bit scales and minima, times two half-precision numbers.
pub(crate) struct Q4K;

impl Q4K {
    const SOURCE_BYTES: usize = 144;
    const SCALE: usize = 0;
    const MINIMUM: usize = 2 * PANEL_ROWS;
    // In a block, after its weights:
    const SCALES: usize = PANEL_ROWS * BLOCK / 2;
    const MINIMA: usize = Self::SCALES + PANEL_ROWS;

    /// The 6-bit scale and minimum of `group`.
    fn scale_and_minimum(packed: &[u8], group: usize) -> (u8, u8) {
        if group < 4 {
            return (packed[group] & 63, packed[group + 4] & 63);
        }
        let low = packed[group + 4];
        (low & 15 | packed[group - 4] >> 6 << 4, low >> 4 | packed[group] >> 6 << 4)
    }

    /// A byte of each row, times a half-precision number of each row that all blocks share.
    #[inline(always)]
    unsafe fn product<S: Simd>(
        simd: S,
        packed: *const u8,
        bytes: usize,
        shared: usize,
        half: usize,
    ) -> S::Floats {
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe {
            let numbers = simd.load_unsigned(packed.add(bytes + half * LANES));
            simd.multiply(numbers, load_halves(simd, packed, shared, half))
        }
    }
}

impl Format for Q4K {
    const GROUP: usize = BLOCK;
    const ZERO_POINT: i32 = 0;
    const HAS_MINIMA: bool = true;
    const WIDE: bool = false;
    const ACTIVATIONS: ActivationFormat = ActivationFormat::Q8K;
    const HEADER_BYTES: usize = 2 * 2 * PANEL_ROWS;
    const BLOCK_BYTES: usize = Self::MINIMA + PANEL_ROWS;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let source = &source[..Self::SOURCE_BYTES];
        write_half(packed, Self::SCALE, row, &source[..2]);
        // GGUF subtracts the minimum, the kernel adds it.
        write_half(packed, Self::MINIMUM, row, &[source[2], source[3] ^ 0x80]);
        for (block, packed) in packed[Self::HEADER_BYTES..].chunks_exact_mut(Self::BLOCK_BYTES).enumerate() {
            (packed[Self::SCALES + row], packed[Self::MINIMA + row]) =
                Self::scale_and_minimum(&source[4..16], block);
            // 32 bytes hold 64 columns, the low nibbles the first 32 of them.
            let (nibbles, shift) = (&source[16 + block / 2 * 32..][..32], block % 2 * 4);
            for at in 0..4 {
                let (lower, upper) = (read_quad(nibbles, 8 * at), read_quad(nibbles, 8 * at + 4));
                let start = row / LANES * LANES * BLOCK / 2;
                write_quad(packed, start + 64 * at, row, join_nibbles(lower >> shift, upper >> shift));
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(
        simd: S,
        packed: *const u8,
        half: usize,
        group: usize,
    ) -> [S::Bytes; BLOCK_QUADS] {
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe {
            let block = packed.add(Self::HEADER_BYTES + group * Self::BLOCK_BYTES);
            split_nibbles(simd, block.add(half * LANES * BLOCK / 2))
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        let scales = Self::HEADER_BYTES + group * Self::BLOCK_BYTES + Self::SCALES;
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe { Self::product(simd, packed, scales, Self::SCALE, half) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        let minima = Self::HEADER_BYTES + group * Self::BLOCK_BYTES + Self::MINIMA;
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe { Self::product(simd, packed, minima, Self::MINIMUM, half) }
    }
}
