//! Reads and writes the parts that packed formats consist of: quads of columns, nibbles, half-precision numbers.

use crate::compute::matrix::geometry::BLOCK_QUADS;
use crate::compute::simd::vector::{LANES, Simd};

/// The four bytes at `at`, one for each column of a quad.
pub(super) fn read_quad(source: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([source[at], source[at + 1], source[at + 2], source[at + 3]])
}

/// Writes a quad of `row` into the vector at `at`, in the lane of the row.
pub(super) fn write_quad(packed: &mut [u8], at: usize, row: usize, quad: u32) {
    let at = at + row % LANES * 4;
    packed[at..at + 4].copy_from_slice(&quad.to_le_bytes());
}

/// The low nibbles of four bytes.
const LOW_NIBBLES: u32 = 0x0f0f_0f0f;

/// Packs the low nibbles of two quads into one: `lower` into the low nibbles, `upper` into the high ones.
pub(super) fn join_nibbles(lower: u32, upper: u32) -> u32 {
    lower & LOW_NIBBLES | (upper & LOW_NIBBLES) << 4
}

/// Undoes [`join_nibbles`] for a block of sixteen rows.
#[inline(always)]
pub(super) unsafe fn split_nibbles<S: Simd>(simd: S, packed: *const u8) -> [S::Bytes; BLOCK_QUADS] {
    // SAFETY: `packed` has 64 bytes for every two quads.
    let quads = |at: usize| unsafe {
        let bytes = simd.load_bytes(packed.add(64 * at));
        [simd.shift_and_mask::<0>(bytes, 0x0f), simd.shift_and_mask::<4>(bytes, 0x0f)]
    };
    let [[a, b], [c, d], [e, f], [g, h]] = [quads(0), quads(1), quads(2), quads(3)];
    [a, b, c, d, e, f, g, h]
}

/// Writes the half-precision number of `row` into the array at `start`.
pub(super) fn write_half(packed: &mut [u8], start: usize, row: usize, bits: &[u8]) {
    packed[start + 2 * row..][..2].copy_from_slice(&bits[..2]);
}

/// Loads the numbers of one half of the rows that [`write_half`] has written.
#[inline(always)]
pub(super) unsafe fn load_halves<S: Simd>(
    simd: S,
    packed: *const u8,
    start: usize,
    half: usize,
) -> S::Floats {
    // SAFETY: a panel has two times sixteen rows.
    unsafe { simd.load_half(packed.add(start + half * 2 * LANES).cast()) }
}
