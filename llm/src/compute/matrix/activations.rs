//! Quantizes rows of numbers to bytes, so that they can be multiplied with packed weights.

use std::ops::Range;

use crate::compute::backend::CpuBackend;
use crate::compute::disjoint_slices::DisjointSlices;
use crate::compute::matrix::geometry::{BLOCK, MIN_GROUP, SUPER_BLOCK};
use crate::compute::simd::math::{max_lane, sum_lanes};
use crate::compute::simd::vector::{Kernel, LANES, Simd};

/// How many activations share a scale. Fewer lose less: on SmolLM2 the error of the logits halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActivationFormat {
    /// 256, as with llama.cpp's Q8_K: the kernels of the K formats multiply with it once a super-block.
    Q8K,
    /// 32, as with Q8_0.
    Q8_0,
}

impl ActivationFormat {
    /// Activations that share a scale.
    fn group(self) -> usize {
        match self {
            Self::Q8K => SUPER_BLOCK,
            Self::Q8_0 => BLOCK,
        }
    }
}

/// Quantized rows: `row[k] = scale of k's block * value[k]`.
///
/// Super-blocks lie one after the other, each with all its rows, so that what is multiplied with one super-block of
/// weights lies together.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    dimensions: Dimensions,
    values: Vec<i8>,
    group_sums: Vec<i32>,
    blocks: Vec<ActivationBlock>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Dimensions {
    rows: usize,
    /// Rounded up to whole blocks; the padding is 0.
    columns: usize,
}

impl Dimensions {
    /// Where a row's part of a super-block lies among items of which a whole super-block has `per_super_block`.
    fn range(self, super_block: usize, row: usize, per_super_block: usize) -> Range<usize> {
        let width = SUPER_BLOCK.min(self.columns - super_block * SUPER_BLOCK);
        let count = per_super_block * width / SUPER_BLOCK;
        let start = super_block * per_super_block * self.rows + row * count;
        start..start + count
    }
}

/// The scale of a block, and the sum of its values.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ActivationBlock {
    pub(super) scale: f32,
    /// A whole number.
    pub(super) sum: f32,
}

impl Activations {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.dimensions.rows
    }

    /// Numbers of a row, rounded up to whole blocks.
    pub(super) fn columns(&self) -> usize {
        self.dimensions.columns
    }

    /// The values of `row` in a super-block.
    pub(super) fn values(&self, super_block: usize, row: usize) -> &[i8] {
        &self.values[self.dimensions.range(super_block, row, SUPER_BLOCK)]
    }

    /// The sums of the values of `row` in a super-block, one for each group of sixteen.
    pub(super) fn group_sums(&self, super_block: usize, row: usize) -> &[i32] {
        &self.group_sums[self.dimensions.range(super_block, row, SUPER_BLOCK / MIN_GROUP)]
    }

    /// The blocks of `row` in a super-block.
    pub(super) fn blocks(&self, super_block: usize, row: usize) -> &[ActivationBlock] {
        &self.blocks[self.dimensions.range(super_block, row, SUPER_BLOCK / BLOCK)]
    }

    /// Replaces the contents by `rows` rows of `columns` numbers. `fill` writes row `n` into the slice it gets, which
    /// holds anything before; then the row is quantized. Rows are filled on all threads.
    pub(crate) fn quantize(
        &mut self,
        backend: CpuBackend,
        (rows, columns): (usize, usize),
        format: ActivationFormat,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let padded = columns.next_multiple_of(BLOCK);
        let dimensions = Dimensions { rows, columns: padded };
        self.dimensions = dimensions;
        self.values.resize(rows * padded, 0);
        self.group_sums.resize(rows * padded / MIN_GROUP, 0);
        self.blocks.resize(rows * padded / BLOCK, ActivationBlock::default());
        let values = DisjointSlices::new(&mut self.values);
        let group_sums = DisjointSlices::new(&mut self.group_sums);
        let blocks = DisjointSlices::new(&mut self.blocks);
        backend.for_each_row_range(rows, columns, |range| {
            let mut numbers = vec![0.0; padded];
            for row in range {
                fill(row, &mut numbers[..columns]);
                for (at, numbers) in numbers.chunks(SUPER_BLOCK).enumerate() {
                    // SAFETY: every row is in one range, and the parts of rows do not overlap.
                    unsafe {
                        backend.launch(Quantize {
                            numbers,
                            format,
                            values: values.range(dimensions.range(at, row, SUPER_BLOCK)),
                            group_sums: group_sums.range(dimensions.range(at, row, SUPER_BLOCK / MIN_GROUP)),
                            blocks: blocks.range(dimensions.range(at, row, SUPER_BLOCK / BLOCK)),
                        });
                    }
                }
            }
        });
    }
}

/// Quantizes a row's part of a super-block to the 255 values from -127 to 127.
struct Quantize<'a> {
    numbers: &'a [f32],
    format: ActivationFormat,
    values: &'a mut [i8],
    group_sums: &'a mut [i32],
    blocks: &'a mut [ActivationBlock],
}

impl Kernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self, simd: S) {
        let group = self.format.group();
        for start in (0..self.numbers.len()).step_by(group) {
            let end = self.numbers.len().min(start + group);
            // SAFETY: a part is whole blocks, of numbers and values alike.
            unsafe {
                let mut largest = simd.splat(0.0);
                for at in (start..end).step_by(LANES) {
                    largest = simd.max(largest, simd.abs(simd.load(self.numbers[at..].as_ptr())));
                }
                let largest = max_lane(simd, largest);
                let inverse = simd.splat(if largest > 0.0 { 127.0 / largest } else { 0.0 });
                for block in start / BLOCK..end / BLOCK {
                    self.quantize_block(simd, block, largest / 127.0, inverse);
                }
            }
        }
    }
}

impl Quantize<'_> {
    /// Quantizes one block by the scale of its group, which `inverse` is the inverse of.
    #[inline(always)]
    unsafe fn quantize_block<S: Simd>(&mut self, simd: S, block: usize, scale: f32, inverse: S::Floats) {
        let mut sum = 0;
        // SAFETY: the block has whole vectors of numbers and values.
        unsafe {
            for at in (block * BLOCK..(block + 1) * BLOCK).step_by(LANES) {
                let numbers = simd.load(self.numbers[at..].as_ptr());
                let rounded = simd.round(simd.multiply(numbers, inverse));
                simd.store_signed(self.values[at..].as_mut_ptr(), rounded);
                self.group_sums[at / MIN_GROUP] = sum_lanes(simd, rounded) as i32;
                sum += self.group_sums[at / MIN_GROUP];
            }
        }
        self.blocks[block] = ActivationBlock { scale, sum: sum as f32 };
    }
}
