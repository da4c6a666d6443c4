//! What a packed weight format defines, and the form that all of them unpack to.

use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::geometry::{BLOCK, BLOCK_QUADS, MIN_GROUP, SUPER_BLOCK};
use crate::compute::simd::vector::{LANES, Simd};

/// Half a panel's rows of one super-block, ready to multiply.
#[repr(C, align(64))]
pub(crate) struct UnpackedHalf {
    /// For every quad of columns 64 bytes: four of each row.
    pub(crate) bytes: [u8; LANES * SUPER_BLOCK],
    /// For every group sixteen numbers, one for each row.
    pub(crate) scales: [[f32; LANES]; SUPER_BLOCK / MIN_GROUP],
    /// As the scales; formats with minima have groups of whole blocks.
    pub(crate) minima: [[f32; LANES]; SUPER_BLOCK / BLOCK],
}

impl UnpackedHalf {
    pub(crate) const EMPTY: Self = Self {
        bytes: [0; LANES * SUPER_BLOCK],
        scales: [[0.0; LANES]; SUPER_BLOCK / MIN_GROUP],
        minima: [[0.0; LANES]; SUPER_BLOCK / BLOCK],
    };
}

/// A way to pack the 32 rows of a super-block.
pub(crate) trait Format {
    /// Columns that share a scale: a block or half of one.
    const GROUP: usize;
    /// The byte that stands for 0, before the minimum is added.
    const ZERO_POINT: i32;
    /// Whether groups have a minimum. A format has a zero point or minima, not both.
    const HAS_MINIMA: bool;
    /// Whether bytes exceed 63.
    const WIDE: bool;
    /// The activations that the kernel multiplies. Kernels of Q8_0 activations can multiply Q8_K ones, too.
    const ACTIVATIONS: ActivationFormat;
    /// Bytes at the start of a super-block that belong to all its blocks.
    const HEADER_BYTES: usize;
    /// Bytes of a block.
    const BLOCK_BYTES: usize;

    /// Bytes that a super-block of `columns` columns is packed to.
    fn packed_bytes(columns: usize) -> usize {
        Self::HEADER_BYTES + columns / BLOCK * Self::BLOCK_BYTES
    }

    /// Packs row `row` of a super-block: `source` is its part of the file, `packed` the super-block.
    fn pack(source: &[u8], row: usize, packed: &mut [u8]);

    /// The weights of `group`, a quad of sixteen rows in each vector; only as many vectors as a group has quads mean
    /// anything.
    ///
    /// # Safety
    ///
    /// For this and the next two: `packed` is a super-block that has such a group, `half` is 0 or 1, and the caller is
    /// a kernel.
    unsafe fn weights<S: Simd>(
        simd: S,
        packed: *const u8,
        half: usize,
        group: usize,
    ) -> [S::Bytes; BLOCK_QUADS];

    /// The scales of `group`, one for each row.
    unsafe fn scales<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats;

    /// The minima of `group`, one for each row; without meaning where the format has none.
    unsafe fn minima<S: Simd>(simd: S, packed: *const u8, half: usize, group: usize) -> S::Floats;

    /// Unpacks one half of a super-block of `columns` columns.
    ///
    /// # Safety
    ///
    /// `packed` is a super-block with that many columns, `half` is 0 or 1, and the caller is a kernel.
    #[inline(always)]
    unsafe fn unpack<S: Simd>(
        simd: S,
        packed: *const u8,
        half: usize,
        columns: usize,
        output: &mut UnpackedHalf,
    ) {
        // SAFETY: the caller vouches for the super-block, and every super-block fits `output`.
        unsafe {
            for group in 0..columns / Self::GROUP {
                let weights = Self::weights(simd, packed, half, group);
                let to = output.bytes.as_mut_ptr().add(group * Self::GROUP * LANES);
                for (quad, weights) in weights.into_iter().take(Self::GROUP / 4).enumerate() {
                    simd.store_bytes(to.add(quad * 4 * LANES), weights);
                }
                simd.store(output.scales[group].as_mut_ptr(), Self::scales(simd, packed, half, group));
                if Self::HAS_MINIMA {
                    simd.store(output.minima[group].as_mut_ptr(), Self::minima(simd, packed, half, group));
                }
            }
        }
    }
}
