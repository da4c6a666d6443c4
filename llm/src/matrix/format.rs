//! How weights lie in memory: as compact as in the file, turned so that a vector holds sixteen rows.
//!
//! A panel is 32 rows of a matrix, cut into blocks of up to 256 columns, cut into groups of columns that share a
//! scale. In a block the weights of sixteen rows lie together: four columns of row 0, the same four of row 1, and so
//! on. So one instruction multiplies four activations with sixteen rows, and no sum has to be taken across a vector.
//!
//! A format says how a block is packed from a GGUF file's blocks, and how it is unpacked to bytes before it is
//! multiplied. The same kernel multiplies what all formats unpack to:
//!
//! ```text
//! weight = scale of its group * (byte - ZERO) + minimum of its group
//! ```
//!
//! GGUF's blocks: <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>.

use half::f16;

use super::activations::BLOCK;
use crate::simd::{LANES, Simd};

/// Sixteen rows of one block, ready to multiply.
#[repr(C, align(64))]
pub(super) struct Unpacked {
    /// For every four columns 64 bytes: four of each row.
    pub(super) bytes: [u8; LANES * BLOCK],
    /// For every group sixteen numbers, one for each row.
    pub(super) scales: [[f32; LANES]; BLOCK / 16],
    pub(super) minima: [[f32; LANES]; BLOCK / 32],
}

impl Unpacked {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; LANES * BLOCK],
        scales: [[0.0; LANES]; BLOCK / 16],
        minima: [[0.0; LANES]; BLOCK / 32],
    };
}

/// A way to pack sixteen rows of a block.
pub(super) trait Format {
    /// Columns that share a scale.
    const GROUP: usize;
    /// The byte that stands for 0, before the minimum is added.
    const ZERO: i32;
    /// Whether groups have a minimum. Formats have a zero or minima, not both.
    const HAS_MINIMA: bool;
    /// Whether bytes exceed 63.
    const WIDE: bool;

    /// Bytes that sixteen rows of a block of `columns` columns are packed to.
    fn packed_bytes(columns: usize) -> usize;

    /// Packs row `lane` of a block: `source` is its part of the file, `packed` the block.
    fn pack(source: &[u8], lane: usize, packed: &mut [u8]);

    /// The weights of `group`, four columns of sixteen rows in each vector; of the vectors, as many as a group has
    /// fours of columns.
    ///
    /// # Safety
    ///
    /// For this and the next two: `packed` is a block of `columns` columns, which has such a group, and the caller is
    /// a kernel.
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, columns: usize, group: usize)
    -> [S::Bytes; FOURS];

    /// The scales of `group`, one for each row.
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, columns: usize, group: usize) -> S::Floats;

    /// The minima of `group`, one for each row; of no meaning where the format has none.
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, columns: usize, group: usize) -> S::Floats;

    /// Unpacks a block of `columns` columns.
    ///
    /// # Safety
    ///
    /// `packed` is a block of so many columns, and the caller is a kernel.
    #[inline(always)]
    unsafe fn unpack<S: Simd>(simd: S, packed: *const u8, columns: usize, into: &mut Unpacked) {
        // SAFETY: as the caller says; and a block of so many columns fits `into`.
        unsafe {
            for group in 0..columns / Self::GROUP {
                let weights = Self::weights(simd, packed, columns, group);
                let to = into.bytes.as_mut_ptr().add(group * Self::GROUP * LANES);
                for (four, weights) in weights.into_iter().take(Self::GROUP / 4).enumerate() {
                    simd.store_bytes(to.add(four * 4 * LANES), weights);
                }
                simd.store(into.scales[group].as_mut_ptr(), Self::scales(simd, packed, columns, group));
                if Self::HAS_MINIMA {
                    simd.store(into.minima[group].as_mut_ptr(), Self::minima(simd, packed, columns, group));
                }
            }
        }
    }
}

/// Fours of columns in the largest group.
pub(super) const FOURS: usize = 8;

/// Puts `nibble` of column `column` where the low or high half of a byte of 64 holds it: columns 0 to 3 of eight are
/// the low halves, 4 to 7 the high ones.
fn put_nibble(packed: &mut [u8], lane: usize, column: usize, nibble: u8) {
    let byte = &mut packed[column / 8 * 64 + lane * 4 + column % 4];
    *byte |= if column % 8 < 4 { nibble } else { nibble << 4 };
}

/// How far ahead memory is asked for, in bytes: a few blocks, so that it comes while others are multiplied.
const AHEAD: usize = 8 << 10;

/// Undoes [`put_nibble`] for 32 columns.
#[inline(always)]
unsafe fn nibbles<S: Simd>(simd: S, packed: *const u8) -> [S::Bytes; FOURS] {
    // SAFETY: `packed` has 64 bytes for every eight columns.
    let eight = |at: usize| unsafe {
        simd.prefetch(packed.wrapping_add(64 * at + AHEAD));
        let bytes = simd.load_bytes(packed.add(64 * at));
        [simd.shift_and_mask::<0>(bytes, 0x0f), simd.shift_and_mask::<4>(bytes, 0x0f)]
    };
    let [[a, b], [c, d], [e, f], [g, h]] = [eight(0), eight(1), eight(2), eight(3)];
    [a, b, c, d, e, f, g, h]
}

fn put_half(packed: &mut [u8], at: usize, bits: &[u8]) {
    packed[2 * at..2 * at + 2].copy_from_slice(&bits[..2]);
}

/// Q4_K: groups of 32 in blocks of 256, scales and minima of 6 bits on two half-precision numbers.
pub(super) struct Q4K;

impl Q4K {
    pub(super) const SOURCE_BYTES: usize = 144;
    const NIBBLES: usize = 0;
    const SCALES: usize = LANES * BLOCK / 2;
    const MINIMA: usize = Self::SCALES + LANES * 8;
    const SCALE: usize = Self::MINIMA + LANES * 8;
    const MINIMUM: usize = Self::SCALE + LANES * 2;
    const PACKED: usize = Self::MINIMUM + LANES * 2;

    /// The 6-bit scale and minimum of `group`.
    fn scale_and_minimum(packed: &[u8], group: usize) -> (u8, u8) {
        if group < 4 {
            return (packed[group] & 63, packed[group + 4] & 63);
        }
        let low = packed[group + 4];
        (low & 15 | packed[group - 4] >> 6 << 4, low >> 4 | packed[group] >> 6 << 4)
    }
}

impl Format for Q4K {
    const GROUP: usize = 32;
    const ZERO: i32 = 0;
    const HAS_MINIMA: bool = true;
    const WIDE: bool = false;

    fn packed_bytes(_: usize) -> usize {
        Self::PACKED
    }

    fn pack(source: &[u8], lane: usize, packed: &mut [u8]) {
        put_half(&mut packed[Self::SCALE..], lane, &source[..2]);
        // GGUF's minimum is subtracted, ours is added.
        put_half(&mut packed[Self::MINIMUM..], lane, &[source[2], source[3] ^ 0x80]);
        for group in 0..8 {
            let (scale, minimum) = Self::scale_and_minimum(&source[4..16], group);
            packed[Self::SCALES + group * LANES + lane] = scale;
            packed[Self::MINIMA + group * LANES + lane] = minimum;
        }
        for (at, byte) in source[16..Self::SOURCE_BYTES].iter().enumerate() {
            // 32 bytes hold 64 columns: the low halves the first 32 of them.
            let column = at / 32 * 64 + at % 32;
            put_nibble(&mut packed[Self::NIBBLES..], lane, column, byte & 15);
            put_nibble(&mut packed[Self::NIBBLES..], lane, column + 32, byte >> 4);
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe { nibbles(simd, packed.add(Self::NIBBLES + group * LANES * 16)) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe {
            let scales = simd.load_unsigned(packed.add(Self::SCALES + group * LANES));
            simd.multiply(scales, simd.load_half(packed.add(Self::SCALE).cast()))
        }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe {
            let minima = simd.load_unsigned(packed.add(Self::MINIMA + group * LANES));
            simd.multiply(minima, simd.load_half(packed.add(Self::MINIMUM).cast()))
        }
    }
}

/// Q6_K: groups of 16 in blocks of 256, scales of 8 bits on a half-precision number.
pub(super) struct Q6K;

impl Q6K {
    const LOW: usize = 0;
    const HIGH: usize = LANES * BLOCK / 2;
    const SCALES: usize = Self::HIGH + LANES * BLOCK / 4;
    const SCALE: usize = Self::SCALES + LANES * 16;
    const PACKED: usize = Self::SCALE + LANES * 2;
}

impl Format for Q6K {
    const GROUP: usize = 16;
    const ZERO: i32 = 32;
    const HAS_MINIMA: bool = false;
    const WIDE: bool = false;

    fn packed_bytes(_: usize) -> usize {
        Self::PACKED
    }

    fn pack(source: &[u8], lane: usize, packed: &mut [u8]) {
        let (low, rest) = source.split_at(128);
        let (high, rest) = rest.split_at(64);
        for column in 0..BLOCK {
            let (half, within) = (column / 128, column % 128);
            let (quarter, at) = (within / 32, within % 32);
            let nibbles = low[half * 64 + quarter % 2 * 32 + at];
            let nibble = if quarter < 2 { nibbles & 15 } else { nibbles >> 4 };
            let bits = high[half * 32 + at] >> (2 * quarter) & 3;
            put_nibble(&mut packed[Self::LOW..], lane, column, nibble);
            // Sixteen columns in 64 bytes: two bits of every fourth column in a byte.
            packed[Self::HIGH + column / 16 * 64 + lane * 4 + column % 4] |= bits << (column % 16 / 4 * 2);
        }
        for group in 0..16 {
            packed[Self::SCALES + group * LANES + lane] = rest[group];
        }
        put_half(&mut packed[Self::SCALE..], lane, &rest[16..18]);
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe {
            let (low, high) = (packed.add(Self::LOW + 128 * group), packed.add(Self::HIGH + 64 * group));
            for line in 0..3 {
                simd.prefetch(low.wrapping_add(64 * (group + line) + AHEAD));
            }
            let high = simd.load_bytes(high);
            let (first, second) = (simd.load_bytes(low), simd.load_bytes(low.add(64)));
            let with = |nibbles, bits| simd.or(nibbles, simd.shift_left::<4>(bits));
            let fours = [
                with(simd.shift_and_mask::<0>(first, 15), simd.shift_and_mask::<0>(high, 3)),
                with(simd.shift_and_mask::<4>(first, 15), simd.shift_and_mask::<2>(high, 3)),
                with(simd.shift_and_mask::<0>(second, 15), simd.shift_and_mask::<4>(high, 3)),
                with(simd.shift_and_mask::<4>(second, 15), simd.shift_and_mask::<6>(high, 3)),
            ];
            std::array::from_fn(|four| fours[four % 4])
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe {
            let scales = simd.load_signed(packed.add(Self::SCALES + group * LANES).cast());
            simd.multiply(scales, simd.load_half(packed.add(Self::SCALE).cast()))
        }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, _: *const u8, _: usize, _: usize) -> S::Floats {
        // SAFETY: the caller is a kernel.
        unsafe { simd.splat(0.0) }
    }
}

/// Q4_0 and Q4_1: groups of 32 with a half-precision scale and minimum. Packed from Q4_1's blocks.
pub(super) struct Q4;

impl Q4 {
    pub(super) const SOURCE_BYTES: usize = 20;
}

impl Format for Q4 {
    const GROUP: usize = 32;
    const ZERO: i32 = 0;
    const HAS_MINIMA: bool = true;
    const WIDE: bool = false;

    fn packed_bytes(columns: usize) -> usize {
        LANES * columns / 2 + columns / Self::GROUP * LANES * 4
    }

    fn pack(source: &[u8], lane: usize, packed: &mut [u8]) {
        let groups = source.len() / Self::SOURCE_BYTES;
        let numbers = LANES * groups * Self::GROUP / 2;
        for (group, block) in source.chunks_exact(Self::SOURCE_BYTES).enumerate() {
            put_half(&mut packed[numbers..], 2 * group * LANES + lane, &block[..2]);
            put_half(&mut packed[numbers..], (2 * group + 1) * LANES + lane, &block[2..4]);
            for (at, byte) in block[4..].iter().enumerate() {
                put_nibble(packed, lane, group * 32 + at, byte & 15);
                put_nibble(packed, lane, group * 32 + 16 + at, byte >> 4);
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe { nibbles(simd, packed.add(group * LANES * 16)) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, columns: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe { simd.load_half(packed.add(LANES * columns / 2).cast::<u16>().add(2 * group * LANES)) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, columns: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe { simd.load_half(packed.add(LANES * columns / 2).cast::<u16>().add((2 * group + 1) * LANES)) }
    }
}

/// Q8_0, and every format that has no packing of its own: groups of 32 with a half-precision scale.
pub(super) struct Q8;

impl Q8 {
    pub(super) const SOURCE_BYTES: usize = 34;
    pub(super) const COLUMNS: usize = 32;
}

impl Format for Q8 {
    const GROUP: usize = 32;
    const ZERO: i32 = 128;
    const HAS_MINIMA: bool = false;
    const WIDE: bool = true;

    fn packed_bytes(columns: usize) -> usize {
        LANES * columns + columns / Self::GROUP * LANES * 2
    }

    fn pack(source: &[u8], lane: usize, packed: &mut [u8]) {
        let groups = source.len() / Self::SOURCE_BYTES;
        let numbers = LANES * groups * Self::GROUP;
        for (group, block) in source.chunks_exact(Self::SOURCE_BYTES).enumerate() {
            put_half(&mut packed[numbers..], group * LANES + lane, &block[..2]);
            for (at, &byte) in block[2..].iter().enumerate() {
                let column = group * 32 + at;
                packed[column / 4 * 64 + lane * 4 + column % 4] = byte ^ 0x80;
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, _: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe {
            let packed = packed.add(group * LANES * 32);
            std::array::from_fn(|four| {
                simd.prefetch(packed.wrapping_add(64 * four + AHEAD));
                simd.load_bytes(packed.add(64 * four))
            })
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, columns: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe { simd.load_half(packed.add(LANES * columns).cast::<u16>().add(group * LANES)) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, _: *const u8, _: usize, _: usize) -> S::Floats {
        // SAFETY: the caller is a kernel.
        unsafe { simd.splat(0.0) }
    }
}

/// Q4_0 in the blocks of Q4_1: `d (q - 8) = d q + (-8 d)`, which half precision holds exactly.
pub(super) fn q4_0_as_q4_1(source: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(source.len() / 18 * Q4::SOURCE_BYTES);
    for block in source.chunks_exact(18) {
        let scale = f16::from_le_bytes([block[0], block[1]]);
        blocks.extend_from_slice(&block[..2]);
        blocks.extend_from_slice(&f16::from_f32(-8.0 * scale.to_f32()).to_le_bytes());
        blocks.extend_from_slice(&block[2..]);
    }
    blocks
}

/// Numbers in the blocks of Q8_0, the last one filled up with zeros.
pub(super) fn q8_0_blocks(numbers: &[f32]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(numbers.len().div_ceil(Q8::COLUMNS) * Q8::SOURCE_BYTES);
    for group in numbers.chunks(Q8::COLUMNS) {
        let largest = group.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let scale = f16::from_f32(largest / 127.0);
        let inverse = if scale.to_f32() > 0.0 { scale.to_f32().recip() } else { 0.0 };
        blocks.extend_from_slice(&scale.to_le_bytes());
        let bytes =
            group.iter().map(|number| (number * inverse).round_ties_even().clamp(-127.0, 127.0) as i8 as u8);
        blocks.extend(bytes.chain(std::iter::repeat(0)).take(Q8::COLUMNS));
    }
    blocks
}
