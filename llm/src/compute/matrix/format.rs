//! How weights lie in memory: as compact as in the file, turned so that a vector holds sixteen rows.
//!
//! A panel is 32 rows of a matrix, cut into blocks of up to 256 columns, cut into spans of 32 columns. Panels, blocks
//! and spans lie one after the other, and in each of them what is needed first: whoever multiplies reads memory from
//! front to back, and the processor has fetched it by then. With the two halves of a panel's rows some kilobytes apart
//! a token took a third longer.
//!
//! In a span the weights of sixteen rows lie together: four columns of row 0, the same four of row 1, and so on. So
//! one instruction multiplies four activations with sixteen rows, and no sum has to be taken across a vector.
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

use super::PANEL;
use super::activations::{BLOCK, Rounding};
use crate::simd::{LANES, Simd};

/// Columns of a span: the largest group.
pub(super) const SPAN: usize = 32;
/// Fours of columns in a span.
pub(super) const FOURS: usize = SPAN / 4;

/// Half a panel's rows of one block, ready to multiply.
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

/// A way to pack the 32 rows of a block.
pub(super) trait Format {
    /// Columns that share a scale: a span or half of one.
    const GROUP: usize;
    /// The byte that stands for 0, before the minimum is added.
    const ZERO: i32;
    /// Whether groups have a minimum. Formats have a zero or minima, not both.
    const HAS_MINIMA: bool;
    /// Whether bytes exceed 63.
    const WIDE: bool;
    /// How activations are rounded that are multiplied with it. Those for blocks do for spans, too.
    const ROUNDING: Rounding;
    /// Bytes at a block's start that belong to all its spans.
    const SHARED_BYTES: usize;
    /// Bytes of a span.
    const SPAN_BYTES: usize;

    /// Bytes that a block of `columns` columns is packed to.
    fn packed_bytes(columns: usize) -> usize {
        Self::SHARED_BYTES + columns / SPAN * Self::SPAN_BYTES
    }

    /// Packs row `row` of a block: `source` is its part of the file, `packed` the block.
    fn pack(source: &[u8], row: usize, packed: &mut [u8]);

    /// The weights of `group`, four columns of sixteen rows in each vector; of the vectors, as many as a group has
    /// fours of columns.
    ///
    /// # Safety
    ///
    /// For this and the next two: `packed` is a block that has such a group, `half` is 0 or 1, and the caller is a
    /// kernel.
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> [S::Bytes; FOURS];

    /// The scales of `group`, one for each row.
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats;

    /// The minima of `group`, one for each row; of no meaning where the format has none.
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats;

    /// Unpacks one half of a block of `columns` columns.
    ///
    /// # Safety
    ///
    /// `packed` is a block of so many columns, `half` is 0 or 1, and the caller is a kernel.
    #[inline(always)]
    unsafe fn unpack<S: Simd>(simd: S, packed: *const u8, half: usize, columns: usize, into: &mut Unpacked) {
        // SAFETY: as the caller says; and a block of so many columns fits `into`.
        unsafe {
            for group in 0..columns / Self::GROUP {
                let weights = Self::weights(simd, packed, half, group);
                let to = into.bytes.as_mut_ptr().add(group * Self::GROUP * LANES);
                for (four, weights) in weights.into_iter().take(Self::GROUP / 4).enumerate() {
                    simd.store_bytes(to.add(four * 4 * LANES), weights);
                }
                simd.store(into.scales[group].as_mut_ptr(), Self::scales(simd, packed, half, group));
                if Self::HAS_MINIMA {
                    simd.store(into.minima[group].as_mut_ptr(), Self::minima(simd, packed, half, group));
                }
            }
        }
    }
}

/// Four bytes at `at`, one for each of four columns.
fn four(source: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([source[at], source[at + 1], source[at + 2], source[at + 3]])
}

/// Puts four columns of `row` at `at` and a vector's way further for each row before it in its half.
fn put_four(packed: &mut [u8], at: usize, row: usize, four: u32) {
    let at = at + row % LANES * 4;
    packed[at..at + 4].copy_from_slice(&four.to_le_bytes());
}

/// The low halves of four bytes.
const LOW: u32 = 0x0f0f_0f0f;

/// The lower and the upper four of eight columns in four bytes, in their low and high halves.
fn eight(lower: u32, upper: u32) -> u32 {
    lower & LOW | (upper & LOW) << 4
}

/// Undoes [`eight`] for a span.
#[inline(always)]
unsafe fn nibbles<S: Simd>(simd: S, packed: *const u8) -> [S::Bytes; FOURS] {
    // SAFETY: `packed` has 64 bytes for every eight columns.
    let eight = |at: usize| unsafe {
        let bytes = simd.load_bytes(packed.add(64 * at));
        [simd.shift_and_mask::<0>(bytes, 0x0f), simd.shift_and_mask::<4>(bytes, 0x0f)]
    };
    let [[a, b], [c, d], [e, f], [g, h]] = [eight(0), eight(1), eight(2), eight(3)];
    [a, b, c, d, e, f, g, h]
}

/// Puts a half-precision number where `row` has its own from `start` on.
fn put_half(packed: &mut [u8], start: usize, row: usize, bits: &[u8]) {
    packed[start + 2 * row..][..2].copy_from_slice(&bits[..2]);
}

/// Sixteen half-precision numbers that [`put_half`] has put.
#[inline(always)]
unsafe fn halves<S: Simd>(simd: S, packed: *const u8, start: usize, half: usize) -> S::Floats {
    // SAFETY: a panel has two times sixteen rows.
    unsafe { simd.load_half(packed.add(start + half * 2 * LANES).cast()) }
}

/// Q4_K: groups of 32 in blocks of 256, scales and minima of 6 bits on two half-precision numbers.
pub(super) struct Q4K;

impl Q4K {
    const SOURCE_BYTES: usize = 144;
    const SCALE: usize = 0;
    const MINIMUM: usize = 2 * PANEL;
    // In a span, after its nibbles:
    const SCALES: usize = PANEL * SPAN / 2;
    const MINIMA: usize = Self::SCALES + PANEL;

    /// The 6-bit scale and minimum of `group`.
    fn scale_and_minimum(packed: &[u8], group: usize) -> (u8, u8) {
        if group < 4 {
            return (packed[group] & 63, packed[group + 4] & 63);
        }
        let low = packed[group + 4];
        (low & 15 | packed[group - 4] >> 6 << 4, low >> 4 | packed[group] >> 6 << 4)
    }

    /// A number of each row in one byte, on a number of each row that the block shares.
    #[inline(always)]
    unsafe fn product<S: Simd>(
        simd: S,
        packed: *const u8,
        bytes: usize,
        shared: usize,
        half: usize,
    ) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe {
            let numbers = simd.load_unsigned(packed.add(bytes + half * LANES));
            simd.multiply(numbers, halves(simd, packed, shared, half))
        }
    }
}

impl Format for Q4K {
    const GROUP: usize = SPAN;
    const ZERO: i32 = 0;
    const HAS_MINIMA: bool = true;
    const WIDE: bool = false;
    const ROUNDING: Rounding = Rounding::Blocks;
    const SHARED_BYTES: usize = 2 * 2 * PANEL;
    const SPAN_BYTES: usize = Self::MINIMA + PANEL;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let source = &source[..Self::SOURCE_BYTES];
        put_half(packed, Self::SCALE, row, &source[..2]);
        // GGUF's minimum is subtracted, ours is added.
        put_half(packed, Self::MINIMUM, row, &[source[2], source[3] ^ 0x80]);
        for (span, packed) in packed[Self::SHARED_BYTES..].chunks_exact_mut(Self::SPAN_BYTES).enumerate() {
            (packed[Self::SCALES + row], packed[Self::MINIMA + row]) =
                Self::scale_and_minimum(&source[4..16], span);
            // 32 bytes hold 64 columns: the low halves the first 32 of them.
            let (nibbles, shift) = (&source[16 + span / 2 * 32..][..32], span % 2 * 4);
            for at in 0..4 {
                let (lower, upper) = (four(nibbles, 8 * at), four(nibbles, 8 * at + 4));
                let start = row / LANES * LANES * SPAN / 2;
                put_four(packed, start + 64 * at, row, eight(lower >> shift, upper >> shift));
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe {
            let span = packed.add(Self::SHARED_BYTES + group * Self::SPAN_BYTES);
            nibbles(simd, span.add(half * LANES * SPAN / 2))
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        let scales = Self::SHARED_BYTES + group * Self::SPAN_BYTES + Self::SCALES;
        // SAFETY: within a packed block.
        unsafe { Self::product(simd, packed, scales, Self::SCALE, half) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        let minima = Self::SHARED_BYTES + group * Self::SPAN_BYTES + Self::MINIMA;
        // SAFETY: within a packed block.
        unsafe { Self::product(simd, packed, minima, Self::MINIMUM, half) }
    }
}

/// Q6_K: groups of 16 in blocks of 256, scales of 8 bits on a half-precision number.
pub(super) struct Q6K;

impl Q6K {
    const SOURCE_BYTES: usize = 210;
    /// The weights of sixteen rows of a group: nibbles, then the two bits above them.
    const HALF_GROUP_BYTES: usize = LANES * Self::GROUP / 2 + LANES * Self::GROUP / 4;
    const HIGH: usize = LANES * Self::GROUP / 2;
    /// In a span, after its two groups.
    const SCALES: usize = 4 * Self::HALF_GROUP_BYTES;
    /// The two lowest bits of four bytes.
    const BITS: u32 = 0x0303_0303;

    /// Where the weights of `group` begin in a block.
    const fn start(group: usize, half: usize) -> usize {
        Self::SHARED_BYTES + group / 2 * Self::SPAN_BYTES + (group % 2 * 2 + half) * Self::HALF_GROUP_BYTES
    }

    /// Where its scales begin.
    const fn scales_start(group: usize) -> usize {
        Self::SHARED_BYTES + group / 2 * Self::SPAN_BYTES + Self::SCALES + group % 2 * PANEL
    }
}

impl Format for Q6K {
    const GROUP: usize = 16;
    const ZERO: i32 = 32;
    const HAS_MINIMA: bool = false;
    const WIDE: bool = false;
    const ROUNDING: Rounding = Rounding::Blocks;
    const SHARED_BYTES: usize = 2 * PANEL;
    const SPAN_BYTES: usize = Self::SCALES + 2 * PANEL;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let (low, rest) = source[..Self::SOURCE_BYTES].split_at(128);
        let (high, rest) = rest.split_at(64);
        put_half(packed, 0, row, &rest[16..18]);
        for group in 0..16 {
            packed[Self::scales_start(group) + row] = rest[group];
            // Of 128 columns, 64 bytes hold the nibbles: the low halves the first 64. 32 bytes hold the bits.
            let (half, quarter, at) = (group / 8, group % 8 / 2, group % 2 * 16);
            let low = &low[half * 64 + quarter % 2 * 32 + at..][..16];
            let high = &high[half * 32 + at..][..16];
            let nibbles = |at: usize| four(low, 4 * at) >> (quarter / 2 * 4);
            let bits = |at: usize| (four(high, 4 * at) >> (2 * quarter) & Self::BITS) << (2 * at);
            let start = Self::start(group, row / LANES);
            put_four(packed, start, row, eight(nibbles(0), nibbles(1)));
            put_four(packed, start + 64, row, eight(nibbles(2), nibbles(3)));
            put_four(packed, start + Self::HIGH, row, bits(0) | bits(1) | bits(2) | bits(3));
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe {
            let low = packed.add(Self::start(group, half));
            let (first, second) = (simd.load_bytes(low), simd.load_bytes(low.add(64)));
            let high = simd.load_bytes(low.add(Self::HIGH));
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
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe {
            let scales = simd.load_signed(packed.add(Self::scales_start(group) + half * LANES).cast());
            simd.multiply(scales, halves(simd, packed, 0, half))
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
    const SOURCE_BYTES: usize = 20;
    // In a span, after its nibbles:
    const SCALES: usize = PANEL * SPAN / 2;
    const MINIMA: usize = Self::SCALES + 2 * PANEL;
}

impl Format for Q4 {
    const GROUP: usize = SPAN;
    const ZERO: i32 = 0;
    const HAS_MINIMA: bool = true;
    const WIDE: bool = false;
    const ROUNDING: Rounding = Rounding::Spans;
    const SHARED_BYTES: usize = 0;
    const SPAN_BYTES: usize = Self::MINIMA + 2 * PANEL;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let spans = packed.chunks_exact_mut(Self::SPAN_BYTES);
        for (block, packed) in source.chunks_exact(Self::SOURCE_BYTES).zip(spans) {
            put_half(packed, Self::SCALES, row, &block[..2]);
            put_half(packed, Self::MINIMA, row, &block[2..4]);
            for at in 0..4 {
                // The low halves are the first 16 columns.
                let shift = at / 2 * 4;
                let (lower, upper) = (four(block, 4 + at % 2 * 8), four(block, 8 + at % 2 * 8));
                let start = row / LANES * LANES * SPAN / 2;
                put_four(packed, start + 64 * at, row, eight(lower >> shift, upper >> shift));
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe { nibbles(simd, packed.add(group * Self::SPAN_BYTES + half * LANES * SPAN / 2)) }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe { halves(simd, packed, group * Self::SPAN_BYTES + Self::SCALES, half) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe { halves(simd, packed, group * Self::SPAN_BYTES + Self::MINIMA, half) }
    }
}

/// Q8_0, and every format that has no packing of its own: groups of 32 with a half-precision scale.
pub(super) struct Q8;

impl Q8 {
    const SOURCE_BYTES: usize = 34;
    /// In a span, after its bytes.
    const SCALES: usize = PANEL * SPAN;
}

impl Format for Q8 {
    const GROUP: usize = SPAN;
    const ZERO: i32 = 128;
    const HAS_MINIMA: bool = false;
    const WIDE: bool = true;
    const ROUNDING: Rounding = Rounding::Spans;
    const SHARED_BYTES: usize = 0;
    const SPAN_BYTES: usize = Self::SCALES + 2 * PANEL;

    fn pack(source: &[u8], row: usize, packed: &mut [u8]) {
        let spans = packed.chunks_exact_mut(Self::SPAN_BYTES);
        for (block, packed) in source.chunks_exact(Self::SOURCE_BYTES).zip(spans) {
            put_half(packed, Self::SCALES, row, &block[..2]);
            for at in 0..FOURS {
                let start = row / LANES * LANES * SPAN;
                put_four(packed, start + 64 * at, row, four(block, 2 + 4 * at) ^ 0x8080_8080);
            }
        }
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> [S::Bytes; FOURS] {
        // SAFETY: within a packed block.
        unsafe {
            let start = packed.add(group * Self::SPAN_BYTES + half * LANES * SPAN);
            std::array::from_fn(|four| simd.load_bytes(start.add(64 * four)))
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats {
        // SAFETY: within a packed block.
        unsafe { halves(simd, packed, group * Self::SPAN_BYTES + Self::SCALES, half) }
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
    let mut blocks = Vec::with_capacity(numbers.len().div_ceil(SPAN) * Q8::SOURCE_BYTES);
    for group in numbers.chunks(SPAN) {
        let largest = group.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let scale = f16::from_f32(largest / 127.0);
        let inverse = if scale.to_f32() > 0.0 { scale.to_f32().recip() } else { 0.0 };
        blocks.extend_from_slice(&scale.to_le_bytes());
        let bytes =
            group.iter().map(|number| (number * inverse).round_ties_even().clamp(-127.0, 127.0) as i8 as u8);
        blocks.extend(bytes.chain(std::iter::repeat(0)).take(SPAN));
    }
    blocks
}
