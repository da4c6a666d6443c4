//! Packs Q8_0, and quantizes to it.

use half::f16;

use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::formats::format::Format;
use crate::compute::matrix::formats::packing::{load_halves, read_quad, write_half, write_quad};
use crate::compute::matrix::geometry::{BLOCK, BLOCK_QUADS, PANEL_ROWS};
use crate::compute::simd::vector::{LANES, Simd};

/// Q8_0, and every format without a packing of its own: groups of 32 with a half-precision scale.
pub(crate) struct Q8_0;

impl Q8_0 {
    const SOURCE_BYTES: usize = 34;
    /// In a block, after its weights.
    const SCALES: usize = PANEL_ROWS * BLOCK;
}

impl Format for Q8_0 {
    const GROUP: usize = BLOCK;
    const ZERO_POINT: i32 = 128;
    const HAS_MINIMA: bool = false;
    const WIDE: bool = true;
    const ACTIVATIONS: ActivationFormat = ActivationFormat::Q8_0;
    const HEADER_BYTES: usize = 0;
    const BLOCK_BYTES: usize = Self::SCALES + 2 * PANEL_ROWS;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let blocks = packed.chunks_exact_mut(Self::BLOCK_BYTES);
        for (block, packed) in source.chunks_exact(Self::SOURCE_BYTES).zip(blocks) {
            write_half(packed, Self::SCALES, row, &block[..2]);
            for at in 0..BLOCK_QUADS {
                let start = row / LANES * LANES * BLOCK;
                write_quad(packed, start + 64 * at, row, read_quad(block, 2 + 4 * at) ^ 0x8080_8080);
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
            let start = packed.add(group * Self::BLOCK_BYTES + half * LANES * BLOCK);
            std::array::from_fn(|quad| simd.load_bytes(start.add(64 * quad)))
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe { load_halves(simd, packed, group * Self::BLOCK_BYTES + Self::SCALES, half) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, _: *const u8, _: usize, _: usize) -> S::Floats {
        // SAFETY: the caller is a kernel.
        unsafe { simd.splat(0.0) }
    }
}

/// Quantizes a row to Q8_0, the last block padded with zeros.
pub(crate) fn quantize_q8_0(numbers: &[f32]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(numbers.len().div_ceil(BLOCK) * Q8_0::SOURCE_BYTES);
    for group in numbers.chunks(BLOCK) {
        let largest = group.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let scale = f16::from_f32(largest / 127.0);
        let inverse = if scale.to_f32() > 0.0 { scale.to_f32().recip() } else { 0.0 };
        blocks.extend_from_slice(&scale.to_le_bytes());
        let bytes =
            group.iter().map(|number| (number * inverse).round_ties_even().clamp(-127.0, 127.0) as i8 as u8);
        blocks.extend(bytes.chain(std::iter::repeat(0)).take(BLOCK));
    }
    blocks
}
