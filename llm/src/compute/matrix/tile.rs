//! The innermost loops of the matrix product: a few rows of activations times one super-block of weights.

use std::hint::black_box;

use crate::compute::matrix::activations::{ActivationBlock, ActivationFormat, Activations};
use crate::compute::matrix::formats::format::{Format, UnpackedHalf};
use crate::compute::matrix::geometry::{BLOCK, MIN_GROUP, PANEL_ROWS};
use crate::compute::simd::vector::{LANES, Simd};

/// Rows of activations that are multiplied together: with 32 rows of weights that is 12 sums of products and 12 of
/// scaled ones, which the 32 registers of AVX-512 hold.
pub(super) const TILE_ROWS: usize = 6;

/// Where a tile takes the weights of a super-block from, which has two halves of sixteen rows.
pub(super) trait TileWeights {
    /// Adds the products of `group` with the activations at `values`, where those of the group begin.
    ///
    /// # Safety
    ///
    /// For all three: the super-block has such a half and group, and the caller is a kernel.
    unsafe fn dot<S: Simd, F: Format, const ROWS: usize>(
        &self,
        simd: S,
        group: usize,
        values: [*const i8; ROWS],
        sums: &mut [[S::Integers; 2]; ROWS],
    );
    unsafe fn scales<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats;
    unsafe fn minima<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats;
}

/// Weights as they are packed: for few tiles.
pub(super) struct PackedWeights(pub(super) *const u8);

impl TileWeights for PackedWeights {
    #[inline(always)]
    unsafe fn dot<S: Simd, F: Format, const ROWS: usize>(
        &self,
        simd: S,
        group: usize,
        values: [*const i8; ROWS],
        sums: &mut [[S::Integers; 2]; ROWS],
    ) {
        // SAFETY: the caller vouches for the group and the values.
        unsafe {
            let first = F::weights(simd, self.0, 0, group);
            let second = F::weights(simd, self.0, 1, group);
            for quad in 0..F::GROUP / 4 {
                let weights = [first[quad], second[quad]];
                dot_quad(simd, F::WIDE, weights, values.map(|values| values.add(4 * quad)), sums);
            }
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: the caller vouches for the half and the group.
        unsafe { F::scales(simd, self.0, half, group) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: the caller vouches for the half and the group.
        unsafe { F::minima(simd, self.0, half, group) }
    }
}

/// Unpacked weights: for many tiles.
impl TileWeights for [UnpackedHalf; 2] {
    #[inline(always)]
    unsafe fn dot<S: Simd, F: Format, const ROWS: usize>(
        &self,
        simd: S,
        group: usize,
        values: [*const i8; ROWS],
        sums: &mut [[S::Integers; 2]; ROWS],
    ) {
        // Unrolled, this loop is reordered until its sums no longer fit the registers.
        for quad in 0..black_box(F::GROUP / 4) {
            let at = (group * F::GROUP / 4 + quad) * 4 * LANES;
            // SAFETY: the caller vouches for the group and the values.
            unsafe {
                let first = simd.load_bytes(self[0].bytes.as_ptr().add(at));
                let second = simd.load_bytes(self[1].bytes.as_ptr().add(at));
                let weights = [first, second];
                dot_quad(simd, F::WIDE, weights, values.map(|values| values.add(4 * quad)), sums);
            }
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: a group has sixteen scales.
        unsafe { simd.load(self[half].scales[group].as_ptr()) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: a group has sixteen minima.
        unsafe { simd.load(self[half].minima[group].as_ptr()) }
    }
}

/// Adds the products of four columns.
#[inline(always)]
unsafe fn dot_quad<S: Simd, const ROWS: usize>(
    simd: S,
    wide: bool,
    weights: [S::Bytes; 2],
    values: [*const i8; ROWS],
    sums: &mut [[S::Integers; 2]; ROWS],
) {
    for (sums, values) in sums.iter_mut().zip(values) {
        // SAFETY: the caller is a kernel, and there are four values.
        unsafe {
            let activations = values.cast::<i32>().read_unaligned();
            sums[0] = simd.dot(wide, sums[0], weights[0], activations);
            sums[1] = simd.dot(wide, sums[1], weights[1], activations);
        }
    }
}

/// Up to [`TILE_ROWS`] rows of activations, and one super-block of weights.
pub(super) struct Tile<'a> {
    pub(super) activations: &'a Activations,
    pub(super) super_block: usize,
    /// Columns of the super-block.
    pub(super) width: usize,
    /// The first row.
    pub(super) row: usize,
    /// One for each row. The first super-block replaces them, the others add to them.
    pub(super) sums: &'a mut [[f32; PANEL_ROWS]],
}

/// What is known of each row of a tile.
#[derive(Clone, Copy)]
struct RowPointers<const ROWS: usize> {
    values: [*const i8; ROWS],
    group_sums: [*const i32; ROWS],
    blocks: [*const ActivationBlock; ROWS],
}

impl Tile<'_> {
    /// Multiplies the tile.
    ///
    /// # Safety
    ///
    /// The rows exist, `weights` are those of the super-block, and the caller is a kernel.
    #[inline(always)]
    pub(super) unsafe fn multiply<S: Simd, F: Format, W: TileWeights>(self, simd: S, weights: &W) {
        // SAFETY: the caller vouches for the rows and the weights.
        unsafe {
            match self.sums.len() {
                1 => self.multiply_rows::<S, F, W, 1>(simd, weights),
                2 => self.multiply_rows::<S, F, W, 2>(simd, weights),
                3 => self.multiply_rows::<S, F, W, 3>(simd, weights),
                4 => self.multiply_rows::<S, F, W, 4>(simd, weights),
                5 => self.multiply_rows::<S, F, W, 5>(simd, weights),
                _ => self.multiply_rows::<S, F, W, TILE_ROWS>(simd, weights),
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply_rows<S: Simd, F: Format, W: TileWeights, const ROWS: usize>(
        self,
        simd: S,
        weights: &W,
    ) {
        let rows = self.row_pointers::<ROWS>();
        // SAFETY: the pointers are good for a super-block's width of values, and for its group sums and blocks.
        unsafe {
            let mut totals = [[simd.splat(0.0); 2]; ROWS];
            for group in 0..self.width / F::GROUP {
                let mut products = rows.zero_point_products::<S, F>(simd, group);
                let values = rows.values.map(|values| values.add(group * F::GROUP));
                weights.dot::<S, F, ROWS>(simd, group, values, &mut products);
                for half in 0..2 {
                    let scales = weights.scales::<S, F>(simd, half, group);
                    let minima = if F::HAS_MINIMA {
                        weights.minima::<S, F>(simd, half, group)
                    } else {
                        simd.splat(0.0)
                    };
                    for row in 0..ROWS {
                        let product = simd.to_floats(products[row][half]);
                        let block = &*rows.blocks[row].add(group * F::GROUP / BLOCK);
                        totals[row][half] =
                            add_scaled::<S, F>(simd, totals[row][half], product, block, scales, minima);
                    }
                }
            }
            self.store(simd, totals, rows.super_block_scales::<F>());
        }
    }

    #[inline(always)]
    fn row_pointers<const ROWS: usize>(&self) -> RowPointers<ROWS> {
        let Self { activations, super_block, row, .. } = *self;
        RowPointers {
            values: std::array::from_fn(|at| activations.values(super_block, row + at).as_ptr()),
            group_sums: std::array::from_fn(|at| activations.group_sums(super_block, row + at).as_ptr()),
            blocks: std::array::from_fn(|at| activations.blocks(super_block, row + at).as_ptr()),
        }
    }

    /// Adds the totals to the sums, each row by a scale of its own.
    #[inline(always)]
    unsafe fn store<S: Simd, const ROWS: usize>(
        self,
        simd: S,
        totals: [[S::Floats; 2]; ROWS],
        scales: [f32; ROWS],
    ) {
        for (row, totals) in totals.into_iter().enumerate() {
            for (half, total) in totals.into_iter().enumerate() {
                // SAFETY: each row has two vectors of sums.
                unsafe {
                    let to = self.sums[row].as_mut_ptr().add(half * LANES);
                    let before = if self.super_block == 0 { simd.splat(0.0) } else { simd.load(to) };
                    simd.store(to, simd.multiply_add(total, simd.splat(scales[row]), before));
                }
            }
        }
    }
}

impl<const ROWS: usize> RowPointers<ROWS> {
    /// What the products of `group` begin with: the weights' zero point, times the sum of the activations.
    #[inline(always)]
    unsafe fn zero_point_products<S: Simd, F: Format>(
        &self,
        simd: S,
        group: usize,
    ) -> [[S::Integers; 2]; ROWS] {
        // SAFETY: the rows have the group.
        std::array::from_fn(|row| unsafe {
            let per_group = F::GROUP / MIN_GROUP;
            let parts = group * per_group..(group + 1) * per_group;
            let sum = || parts.map(|part| *self.group_sums[row].add(part)).sum::<i32>();
            [simd.splat_integer(if F::ZERO_POINT == 0 { 0 } else { -F::ZERO_POINT * sum() }); 2]
        })
    }

    /// The scales of the activations that have one for the whole super-block; 1 for the others, whose blocks are
    /// scaled in [`add_scaled`].
    #[inline(always)]
    unsafe fn super_block_scales<F: Format>(&self) -> [f32; ROWS] {
        match F::ACTIVATIONS {
            // SAFETY: a super-block has at least one block.
            ActivationFormat::Q8K => self.blocks.map(|block| unsafe { (*block).scale }),
            ActivationFormat::Q8_0 => [1.0; ROWS],
        }
    }
}

/// Adds a group's product to the total of its row: scaled by the weights' scales, and with their minima.
#[inline(always)]
unsafe fn add_scaled<S: Simd, F: Format>(
    simd: S,
    total: S::Floats,
    product: S::Floats,
    block: &ActivationBlock,
    scales: S::Floats,
    minima: S::Floats,
) -> S::Floats {
    // SAFETY: the caller is a kernel.
    unsafe {
        match F::ACTIVATIONS {
            ActivationFormat::Q8K => {
                let total = simd.multiply_add(product, scales, total);
                if F::HAS_MINIMA { simd.multiply_add(simd.splat(block.sum), minima, total) } else { total }
            }
            ActivationFormat::Q8_0 => {
                let product = if F::HAS_MINIMA {
                    let minimum = simd.multiply(simd.splat(block.sum), minima);
                    simd.multiply_add(product, scales, minimum)
                } else {
                    simd.multiply(product, scales)
                };
                simd.multiply_add(product, simd.splat(block.scale), total)
            }
        }
    }
}
