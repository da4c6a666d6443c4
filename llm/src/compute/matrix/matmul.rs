//! Multiplies activations with packed weights, on all threads.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Range;

use crate::compute::backend::CpuBackend;
use crate::compute::disjoint_slices::DisjointSlices;
use crate::compute::matrix::activations::Activations;
use crate::compute::matrix::formats::format::{Format, UnpackedHalf};
use crate::compute::matrix::formats::q4_1::Q4_1;
use crate::compute::matrix::formats::q4_k::Q4K;
use crate::compute::matrix::formats::q6_k::Q6K;
use crate::compute::matrix::formats::q8_0::Q8_0;
use crate::compute::matrix::geometry::{PANEL_ROWS, SUPER_BLOCK};
use crate::compute::matrix::packed_format::PackedFormat;
use crate::compute::matrix::packed_matrix::PackedMatrix;
use crate::compute::matrix::tile::{PackedWeights, TILE_ROWS, Tile};
use crate::compute::simd::vector::{Kernel, Simd};

/// Maximum rows of activations that are multiplied with weights as they are packed; more rows are worth unpacking for.
const MAX_PACKED_ROWS: usize = 2 * TILE_ROWS;
/// Maximum rows of activations that a super-block is multiplied with once it is unpacked.
const MAX_STRIP_ROWS: usize = 20 * TILE_ROWS;
/// Bytes of activations that stay in the second-level cache while panel after panel passes over them.
const CACHED_BYTES: usize = 512 << 10;

/// A matrix to multiply with, and where the product goes.
pub(crate) struct Product<'a> {
    matrix: &'a PackedMatrix,
    output: &'a mut [f32],
    accumulate: bool,
}

impl<'a> Product<'a> {
    /// The product replaces `output`, which has for each row of activations a number for each row of the matrix.
    pub(crate) fn store(matrix: &'a PackedMatrix, output: &'a mut [f32]) -> Self {
        Self { matrix, output, accumulate: false }
    }

    /// The product is added to `output`.
    pub(crate) fn accumulate(matrix: &'a PackedMatrix, output: &'a mut [f32]) -> Self {
        Self { matrix, output, accumulate: true }
    }
}

/// Computes `products` of the activations. All matrices have as many columns as the activations.
pub(crate) fn matmul(backend: CpuBackend, activations: &Activations, products: &mut [Product<'_>]) {
    let strip = (CACHED_BYTES / activations.columns().max(1)).clamp(TILE_ROWS, MAX_STRIP_ROWS);
    let strip = strip / TILE_ROWS * TILE_ROWS;
    let strips = activations.rows().div_ceil(strip);
    // Panels of all matrices are numbered through; these are the numbers of each matrix's first panel.
    let mut first_panels = vec![0];
    for Product { matrix, output, .. } in products.iter() {
        assert_eq!(matrix.padded_columns, activations.columns(), "rows and columns go together");
        assert_eq!(output.len(), activations.rows() * matrix.rows, "one number for each product");
        first_panels.push(first_panels[first_panels.len() - 1] + matrix.panels());
    }
    let panels = first_panels[first_panels.len() - 1];
    let outputs: Vec<_> = products
        .iter_mut()
        .map(|product| (product.matrix, DisjointSlices::new(product.output), product.accumulate))
        .collect();
    backend.for_each(strips * panels, |item| {
        let (start, panel) = (item / panels * strip, item % panels);
        let at = first_panels.partition_point(|&first| first <= panel) - 1;
        let (matrix, output, accumulate) = &outputs[at];
        let rows = start..activations.rows().min(start + strip);
        let panel = panel - first_panels[at];
        WorkItem { matrix, panel, activations, rows, output, accumulate: *accumulate }.run(backend);
    });
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> = RefCell::new(Box::new(Scratch {
        unpacked: [UnpackedHalf::EMPTY; 2],
        sums: [[0.0; PANEL_ROWS]; MAX_STRIP_ROWS],
    }));
}

/// Memory of one thread, overwritten by each work item.
struct Scratch {
    /// The two halves of a panel's super-block.
    unpacked: [UnpackedHalf; 2],
    /// The products of a strip and a panel, which lie far apart in the output.
    sums: [[f32; PANEL_ROWS]; MAX_STRIP_ROWS],
}

/// A strip of activations, and a panel of 32 rows of weights.
struct WorkItem<'a> {
    matrix: &'a PackedMatrix,
    panel: usize,
    activations: &'a Activations,
    rows: Range<usize>,
    output: &'a DisjointSlices<'a, f32>,
    accumulate: bool,
}

impl WorkItem<'_> {
    fn run(self, backend: CpuBackend) {
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: no other item has these rows and this panel, so nobody else writes the same numbers.
            unsafe {
                match self.matrix.format {
                    PackedFormat::Q4K => backend.launch(MultiplyPanel::<Q4K>::new(self, scratch)),
                    PackedFormat::Q6K => backend.launch(MultiplyPanel::<Q6K>::new(self, scratch)),
                    PackedFormat::Q4_1 => backend.launch(MultiplyPanel::<Q4_1>::new(self, scratch)),
                    PackedFormat::Q8_0 => backend.launch(MultiplyPanel::<Q8_0>::new(self, scratch)),
                }
            }
        });
    }
}

/// Computes a work item whose weights are in one format.
struct MultiplyPanel<'a, F> {
    item: WorkItem<'a>,
    scratch: &'a mut Scratch,
    format: PhantomData<F>,
}

impl<'a, F> MultiplyPanel<'a, F> {
    fn new(item: WorkItem<'a>, scratch: &'a mut Scratch) -> Self {
        Self { item, scratch, format: PhantomData }
    }
}

impl<F: Format> Kernel for MultiplyPanel<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let WorkItem { matrix, panel, activations, ref rows, .. } = self.item;
        let Scratch { unpacked, sums } = self.scratch;
        let sums = &mut sums[..rows.len()];
        let mut packed = matrix.panel(panel);
        for (super_block, start) in (0..matrix.padded_columns).step_by(SUPER_BLOCK).enumerate() {
            let width = SUPER_BLOCK.min(matrix.padded_columns - start);
            let (weights, rest) = packed.split_at(F::packed_bytes(width));
            packed = rest;
            let unpacks = rows.len() > MAX_PACKED_ROWS;
            // SAFETY: the super-block is as long as the format says; tiles are rows that exist.
            unsafe {
                if unpacks {
                    F::unpack(simd, weights.as_ptr(), 0, width, &mut unpacked[0]);
                    F::unpack(simd, weights.as_ptr(), 1, width, &mut unpacked[1]);
                }
                let tiles = sums.len().div_ceil(TILE_ROWS);
                for (tile, sums) in sums.chunks_mut(TILE_ROWS).enumerate() {
                    if unpacks {
                        prefetch_next(simd, weights, tile, tiles);
                    }
                    let row = rows.start + tile * TILE_ROWS;
                    let tile = Tile { activations, super_block, width, row, sums };
                    if unpacks {
                        tile.multiply::<S, F, _>(simd, &*unpacked);
                    } else {
                        tile.multiply::<S, F, _>(simd, &PackedWeights(weights.as_ptr()));
                    }
                }
            }
        }
        self.item.store(sums);
    }
}

/// Prefetches part `tile` of `tiles` of the super-block after `weights`. Nothing is read from memory while tiles of
/// unpacked weights are multiplied.
#[inline(always)]
unsafe fn prefetch_next<S: Simd>(simd: S, weights: &[u8], tile: usize, tiles: usize) {
    for line in weights.len() * tile / tiles / 64..weights.len() * (tile + 1) / tiles / 64 {
        // SAFETY: the caller is a kernel, and the pointer may point anywhere.
        unsafe { simd.prefetch(weights.as_ptr().wrapping_add(weights.len() + line * 64)) };
    }
}

impl WorkItem<'_> {
    /// Writes the sums to the output.
    #[inline(always)]
    fn store(self, sums: &[[f32; PANEL_ROWS]]) {
        let column = self.panel * PANEL_ROWS;
        let width = PANEL_ROWS.min(self.matrix.rows - column);
        for (row, sums) in self.rows.zip(sums) {
            // SAFETY: the numbers of this row and panel belong to this item alone (see `matmul`).
            let output = unsafe { self.output.slice(row * self.matrix.rows + column, width) };
            if self.accumulate {
                output.iter_mut().zip(sums).for_each(|(output, sum)| *output += *sum);
            } else {
                output.copy_from_slice(&sums[..width]);
            }
        }
    }
}
