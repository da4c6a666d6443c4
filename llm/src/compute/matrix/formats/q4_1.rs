//! Packs Q4_0 and Q4_1.

use half::f16;

use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::formats::format::Format;
use crate::compute::matrix::formats::packing::{
    join_nibbles, load_halves, read_quad, split_nibbles, write_half, write_quad,
};
use crate::compute::matrix::geometry::{BLOCK, BLOCK_QUADS, PANEL_ROWS};
use crate::compute::simd::vector::{LANES, Simd};

/// Q4_0 and Q4_1: groups of 32 with a half-precision scale and minimum. Packed from the blocks of Q4_1.
pub(crate) struct Q4_1;

impl Q4_1 {
    const SOURCE_BYTES: usize = 20;
    // In a block, after its weights:
    const SCALES: usize = PANEL_ROWS * BLOCK / 2;
    const MINIMA: usize = Self::SCALES + 2 * PANEL_ROWS;
}

impl Format for Q4_1 {
    const GROUP: usize = BLOCK;
    const ZERO_POINT: i32 = 0;
    const HAS_MINIMA: bool = true;
    const WIDE: bool = false;
    const ACTIVATIONS: ActivationFormat = ActivationFormat::Q8_0;
    const HEADER_BYTES: usize = 0;
    const BLOCK_BYTES: usize = Self::MINIMA + 2 * PANEL_ROWS;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let blocks = packed.chunks_exact_mut(Self::BLOCK_BYTES);
        for (block, packed) in source.chunks_exact(Self::SOURCE_BYTES).zip(blocks) {
            write_half(packed, Self::SCALES, row, &block[..2]);
            write_half(packed, Self::MINIMA, row, &block[2..4]);
            for at in 0..4 {
                // The low nibbles are the first 16 columns.
                let shift = at / 2 * 4;
                let (lower, upper) = (read_quad(block, 4 + at % 2 * 8), read_quad(block, 8 + at % 2 * 8));
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
        unsafe { split_nibbles(simd, packed.add(group * Self::BLOCK_BYTES + half * LANES * BLOCK / 2)) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe { load_halves(simd, packed, group * Self::BLOCK_BYTES + Self::SCALES, half) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe { load_halves(simd, packed, group * Self::BLOCK_BYTES + Self::MINIMA, half) }
    }
}

/// Converts Q4_0 to Q4_1: `d (q - 8) = d q + (-8 d)`, which half precision holds exactly.
pub(crate) fn q4_0_to_q4_1(source: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(source.len() / 18 * Q4_1::SOURCE_BYTES);
    for block in source.chunks_exact(18) {
        let scale = f16::from_le_bytes([block[0], block[1]]);
        blocks.extend_from_slice(&block[..2]);
        blocks.extend_from_slice(&f16::from_f32(-8.0 * scale.to_f32()).to_le_bytes());
        blocks.extend_from_slice(&block[2..]);
    }
    blocks
}
