//! Packs Q6_K.

use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::formats::format::Format;
use crate::compute::matrix::formats::packing::{
    join_nibbles, load_halves, read_quad, write_half, write_quad,
};
use crate::compute::matrix::geometry::{BLOCK_QUADS, PANEL_ROWS};
use crate::compute::simd::vector::{LANES, Simd};

/// Q6_K: groups of 16 in super-blocks of 256; 8-bit scales, times a half-precision number.
pub(crate) struct Q6K;

impl Q6K {
    const SOURCE_BYTES: usize = 210;
    /// The weights of sixteen rows of a group: nibbles, then the two bits above them.
    const HALF_GROUP_BYTES: usize = LANES * Self::GROUP / 2 + LANES * Self::GROUP / 4;
    const HIGH: usize = LANES * Self::GROUP / 2;
    /// In a block, after the weights of its two groups.
    const SCALES: usize = 4 * Self::HALF_GROUP_BYTES;
    /// The two lowest bits of four bytes.
    const BITS: u32 = 0x0303_0303;

    /// Where the weights of `group` begin in a super-block.
    const fn start(group: usize, half: usize) -> usize {
        Self::HEADER_BYTES + group / 2 * Self::BLOCK_BYTES + (group % 2 * 2 + half) * Self::HALF_GROUP_BYTES
    }

    /// Where the scales of `group` begin.
    const fn scales_start(group: usize) -> usize {
        Self::HEADER_BYTES + group / 2 * Self::BLOCK_BYTES + Self::SCALES + group % 2 * PANEL_ROWS
    }
}

impl Format for Q6K {
    const GROUP: usize = 16;
    const ZERO_POINT: i32 = 32;
    const HAS_MINIMA: bool = false;
    const WIDE: bool = false;
    const ACTIVATIONS: ActivationFormat = ActivationFormat::Q8K;
    const HEADER_BYTES: usize = 2 * PANEL_ROWS;
    const BLOCK_BYTES: usize = Self::SCALES + 2 * PANEL_ROWS;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let (low, rest) = source[..Self::SOURCE_BYTES].split_at(128);
        let (high, rest) = rest.split_at(64);
        write_half(packed, 0, row, &rest[16..18]);
        for group in 0..16 {
            packed[Self::scales_start(group) + row] = rest[group];
            // For 128 columns, 64 bytes hold nibbles, the low ones the first 64 columns; 32 bytes hold the bits above.
            let (half, quarter, at) = (group / 8, group % 8 / 2, group % 2 * 16);
            let low = &low[half * 64 + quarter % 2 * 32 + at..][..16];
            let high = &high[half * 32 + at..][..16];
            let nibbles = |at: usize| read_quad(low, 4 * at) >> (quarter / 2 * 4);
            let bits = |at: usize| (read_quad(high, 4 * at) >> (2 * quarter) & Self::BITS) << (2 * at);
            let start = Self::start(group, row / LANES);
            write_quad(packed, start, row, join_nibbles(nibbles(0), nibbles(1)));
            write_quad(packed, start + 64, row, join_nibbles(nibbles(2), nibbles(3)));
            write_quad(packed, start + Self::HIGH, row, bits(0) | bits(1) | bits(2) | bits(3));
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
            let low = packed.add(Self::start(group, half));
            let (first, second) = (simd.load_bytes(low), simd.load_bytes(low.add(64)));
            let high = simd.load_bytes(low.add(Self::HIGH));
            let with = |nibbles, bits| simd.or(nibbles, simd.shift_left::<4>(bits));
            let quads = [
                with(simd.shift_and_mask::<0>(first, 15), simd.shift_and_mask::<0>(high, 3)),
                with(simd.shift_and_mask::<4>(first, 15), simd.shift_and_mask::<2>(high, 3)),
                with(simd.shift_and_mask::<0>(second, 15), simd.shift_and_mask::<4>(high, 3)),
                with(simd.shift_and_mask::<4>(second, 15), simd.shift_and_mask::<6>(high, 3)),
            ];
            std::array::from_fn(|quad| quads[quad % 4])
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed super-block, as the caller vouches.
        unsafe {
            let scales = simd.load_signed(packed.add(Self::scales_start(group) + half * LANES).cast());
            simd.multiply(scales, load_halves(simd, packed, 0, half))
        }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, _: *const u8, _: usize, _: usize) -> S::Floats {
        // SAFETY: the caller is a kernel.
        unsafe { simd.splat(0.0) }
    }
}
