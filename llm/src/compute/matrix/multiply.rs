//! Activations times packed weights.

use std::cell::RefCell;
use std::hint::black_box;
use std::marker::PhantomData;
use std::ops::Range;

use super::activations::{Activations, BLOCK, Rounding, SUMMED};
use super::format::{Format, Q4, Q4K, Q6K, Q8, SPAN, Unpacked};
use super::{Layout, Matrix, PANEL, Target};
use crate::processor::{Processor, Shared};
use crate::simd::{Kernel, LANES, Simd};

/// Rows of activations that one step of the innermost loop multiplies: with 32 rows of weights that is 12 sums of
/// products and 12 of scaled ones, which the 32 registers of AVX-512 hold.
const TILE: usize = 6;
/// Most rows of activations that weights are multiplied with as they are packed; more are worth unpacking them for.
const PACKED_ROWS: usize = 2 * TILE;
/// Most rows of activations that a block of weights is multiplied with once it is unpacked.
const STRIP: usize = 20 * TILE;
/// Bytes of activations that stay in the second-level cache while panel after panel passes over them.
const CACHED_BYTES: usize = 512 << 10;

/// Multiplies `activations` with each target's matrix, on all threads of `processor`. All matrices have as many columns
/// as the activations.
pub(crate) fn multiply(processor: Processor, activations: &Activations, targets: &mut [Target<'_>]) {
    let strip = (CACHED_BYTES / activations.columns().max(1)).clamp(TILE, STRIP) / TILE * TILE;
    let strips = activations.rows().div_ceil(strip);
    let mut starts = vec![0];
    for target in targets.iter() {
        assert_eq!(target.matrix.padded_columns, activations.columns(), "rows and columns go together");
        assert_eq!(
            target.numbers.len(),
            activations.rows() * target.matrix.rows,
            "one number for each product"
        );
        starts.push(starts[starts.len() - 1] + target.matrix.panels());
    }
    let panels = starts[starts.len() - 1];
    let targets: Vec<_> =
        targets.iter_mut().map(|target| (target.matrix, Shared::new(target.numbers), target.adds)).collect();
    processor.each(strips * panels, |item| {
        let (rows, panel) = (item / panels * strip, item % panels);
        let at = starts.partition_point(|&start| start <= panel) - 1;
        let (matrix, numbers, adds) = &targets[at];
        let rows = rows..activations.rows().min(rows + strip);
        let panel = panel - starts[at];
        let item = Item { matrix, panel, activations, rows, numbers, adds: *adds };
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: rows and panels of one item belong to no other, so nobody else writes the same numbers.
            unsafe {
                match matrix.layout {
                    Layout::Q4K => processor.launch(Panel::<Q4K>::new(item, scratch)),
                    Layout::Q6K => processor.launch(Panel::<Q6K>::new(item, scratch)),
                    Layout::Q4 => processor.launch(Panel::<Q4>::new(item, scratch)),
                    Layout::Q8 => processor.launch(Panel::<Q8>::new(item, scratch)),
                }
            }
        });
    });
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> =
        RefCell::new(Box::new(Scratch { blocks: [Unpacked::EMPTY; 2], sums: [[0.0; PANEL]; STRIP] }));
}

/// Memory of one thread; what is in it before is of no use to anyone.
struct Scratch {
    /// The two halves of a panel's block.
    blocks: [Unpacked; 2],
    /// The products of a strip and a panel, which lie far apart where they go.
    sums: [[f32; PANEL]; STRIP],
}

/// Some rows of activations, and 32 rows of weights.
struct Item<'a> {
    matrix: &'a Matrix,
    panel: usize,
    activations: &'a Activations,
    rows: Range<usize>,
    numbers: &'a Shared<'a, f32>,
    adds: bool,
}

/// Multiplies an item, whose weights are in one format.
struct Panel<'a, F> {
    item: Item<'a>,
    scratch: &'a mut Scratch,
    format: PhantomData<F>,
}

impl<'a, F> Panel<'a, F> {
    fn new(item: Item<'a>, scratch: &'a mut Scratch) -> Self {
        Self { item, scratch, format: PhantomData }
    }
}

impl<F: Format> Kernel for Panel<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let Item { matrix, panel, activations, rows, numbers, adds } = self.item;
        let Scratch { blocks, sums } = self.scratch;
        let sums = &mut sums[..rows.len()];
        let mut packed = matrix.panel(panel);
        for (block, start) in (0..matrix.padded_columns).step_by(BLOCK).enumerate() {
            let width = BLOCK.min(matrix.padded_columns - start);
            let (here, rest) = packed.split_at(F::packed_bytes(width));
            packed = rest;
            let is_unpacked = rows.len() > PACKED_ROWS;
            // SAFETY: the block is as long as the format says; tiles are rows that exist.
            unsafe {
                if is_unpacked {
                    F::unpack(simd, here.as_ptr(), 0, width, &mut blocks[0]);
                    F::unpack(simd, here.as_ptr(), 1, width, &mut blocks[1]);
                }
                let tiles = sums.len().div_ceil(TILE);
                for (tile, sums) in sums.chunks_mut(TILE).enumerate() {
                    if is_unpacked {
                        // Nothing is read from memory while tiles are multiplied: time to fetch the next block.
                        for line in here.len() * tile / tiles / 64..here.len() * (tile + 1) / tiles / 64 {
                            simd.prefetch(here.as_ptr().wrapping_add(here.len() + line * 64));
                        }
                    }
                    let tile = Tile { activations, block, width, row: rows.start + tile * TILE, sums };
                    if is_unpacked {
                        tile.multiply::<S, F, _>(simd, &*blocks);
                    } else {
                        tile.multiply::<S, F, _>(simd, &Packed(here.as_ptr()));
                    }
                }
            }
        }
        let column = panel * PANEL;
        let width = PANEL.min(matrix.rows - column);
        for (row, sums) in rows.zip(sums) {
            // SAFETY: the numbers of this row and panel belong to this item alone (see `multiply`).
            let target = unsafe { numbers.slice(row * matrix.rows + column, width) };
            if adds {
                target.iter_mut().zip(sums).for_each(|(target, sum)| *target += *sum);
            } else {
                target.copy_from_slice(&sums[..width]);
            }
        }
    }
}

/// Where a tile takes the weights of a block from, which has two halves of sixteen rows.
trait Weights {
    /// Adds the products of `group` with the activations at `values`, where those of the group begin.
    ///
    /// # Safety
    ///
    /// For all three: the block has such a half and group, and the caller is a kernel.
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

/// From where they are packed: for few tiles.
struct Packed(*const u8);

impl Weights for Packed {
    #[inline(always)]
    unsafe fn dot<S: Simd, F: Format, const ROWS: usize>(
        &self,
        simd: S,
        group: usize,
        values: [*const i8; ROWS],
        sums: &mut [[S::Integers; 2]; ROWS],
    ) {
        // SAFETY: as the caller says.
        unsafe {
            let first = F::weights(simd, self.0, 0, group);
            let second = F::weights(simd, self.0, 1, group);
            for four in 0..F::GROUP / 4 {
                let weights = [first[four], second[four]];
                multiply_four(simd, F::WIDE, weights, values.map(|values| values.add(4 * four)), sums);
            }
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: as the caller says.
        unsafe { F::scales(simd, self.0, half, group) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: as the caller says.
        unsafe { F::minima(simd, self.0, half, group) }
    }
}

/// From where they were unpacked to: for many tiles.
impl Weights for [Unpacked; 2] {
    #[inline(always)]
    unsafe fn dot<S: Simd, F: Format, const ROWS: usize>(
        &self,
        simd: S,
        group: usize,
        values: [*const i8; ROWS],
        sums: &mut [[S::Integers; 2]; ROWS],
    ) {
        // Unrolled, this loop is reordered until its sums no longer fit the registers.
        for four in 0..black_box(F::GROUP / 4) {
            let at = (group * F::GROUP / 4 + four) * 4 * LANES;
            // SAFETY: as the caller says.
            unsafe {
                let first = simd.load_bytes(self[0].bytes.as_ptr().add(at));
                let second = simd.load_bytes(self[1].bytes.as_ptr().add(at));
                let weights = [first, second];
                multiply_four(simd, F::WIDE, weights, values.map(|values| values.add(4 * four)), sums);
            }
        }
    }

    #[inline(always)]
    unsafe fn scales<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: there are sixteen.
        unsafe { simd.load(self[half].scales[group].as_ptr()) }
    }

    #[inline(always)]
    unsafe fn minima<S: Simd, F: Format>(&self, simd: S, half: usize, group: usize) -> S::Floats {
        // SAFETY: there are sixteen.
        unsafe { simd.load(self[half].minima[group].as_ptr()) }
    }
}

/// Adds the products of four columns.
#[inline(always)]
unsafe fn multiply_four<S: Simd, const ROWS: usize>(
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

/// A few rows of activations, and one block of weights.
struct Tile<'a> {
    activations: &'a Activations,
    block: usize,
    /// Columns of the block.
    width: usize,
    /// The first row.
    row: usize,
    /// What the products are added to, and what the first block begins; as many as there are rows.
    sums: &'a mut [[f32; PANEL]],
}

impl Tile<'_> {
    #[inline(always)]
    unsafe fn multiply<S: Simd, F: Format, W: Weights>(self, simd: S, weights: &W) {
        // SAFETY: as the caller says.
        unsafe {
            match self.sums.len() {
                1 => self.multiply_rows::<S, F, W, 1>(simd, weights),
                2 => self.multiply_rows::<S, F, W, 2>(simd, weights),
                3 => self.multiply_rows::<S, F, W, 3>(simd, weights),
                4 => self.multiply_rows::<S, F, W, 4>(simd, weights),
                5 => self.multiply_rows::<S, F, W, 5>(simd, weights),
                _ => self.multiply_rows::<S, F, W, TILE>(simd, weights),
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply_rows<S: Simd, F: Format, W: Weights, const ROWS: usize>(self, simd: S, weights: &W) {
        let Self { activations, block, width, row, sums } = self;
        let values: [*const i8; ROWS] =
            std::array::from_fn(|at| activations.values(block, row + at).as_ptr());
        let sixteens: [_; ROWS] = std::array::from_fn(|at| activations.sums(block, row + at).as_ptr());
        let spans: [_; ROWS] = std::array::from_fn(|at| activations.spans(block, row + at).as_ptr());
        // SAFETY: the pointers are good for a block's width of values and for the sums of its sixteens and spans.
        unsafe {
            let mut totals = [[simd.splat(0.0); 2]; ROWS];
            for group in 0..width / F::GROUP {
                let mut products: [_; ROWS] = std::array::from_fn(|at| {
                    let per_group = F::GROUP / SUMMED;
                    let parts = group * per_group..(group + 1) * per_group;
                    let sum = || parts.map(|part| *sixteens[at].add(part)).sum::<i32>();
                    [simd.splat_integer(if F::ZERO == 0 { 0 } else { -F::ZERO * sum() }); 2]
                });
                let here = values.map(|values| values.add(group * F::GROUP));
                weights.dot::<S, F, ROWS>(simd, group, here, &mut products);
                for half in 0..2 {
                    let scales = weights.scales::<S, F>(simd, half, group);
                    let minima = if F::HAS_MINIMA {
                        weights.minima::<S, F>(simd, half, group)
                    } else {
                        simd.splat(0.0)
                    };
                    for at in 0..ROWS {
                        let product = simd.to_floats(products[at][half]);
                        let span = spans[at].add(group * F::GROUP / SPAN);
                        totals[at][half] = match F::ROUNDING {
                            Rounding::Blocks => {
                                let total = simd.multiply_add(product, scales, totals[at][half]);
                                if F::HAS_MINIMA {
                                    simd.multiply_add(simd.splat((*span).sum), minima, total)
                                } else {
                                    total
                                }
                            }
                            Rounding::Spans => {
                                let product = if F::HAS_MINIMA {
                                    let minimum = simd.multiply(simd.splat((*span).sum), minima);
                                    simd.multiply_add(product, scales, minimum)
                                } else {
                                    simd.multiply(product, scales)
                                };
                                simd.multiply_add(product, simd.splat((*span).scale), totals[at][half])
                            }
                        };
                    }
                }
            }
            for (at, totals) in totals.into_iter().enumerate() {
                let scale = match F::ROUNDING {
                    Rounding::Blocks => (*spans[at]).scale,
                    Rounding::Spans => 1.0,
                };
                for (half, total) in totals.into_iter().enumerate() {
                    let to = sums[at].as_mut_ptr().add(half * LANES);
                    let before = if block == 0 { simd.splat(0.0) } else { simd.load(to) };
                    simd.store(to, simd.multiply_add(total, simd.splat(scale), before));
                }
            }
        }
    }
}
