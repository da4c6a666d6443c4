//! Rows of numbers, rounded to bytes so that they can be multiplied with packed weights.

use super::format::SPAN;
use crate::processor::{Processor, Shared};
use crate::simd::{self, Kernel, LANES, Simd};

/// Numbers that share one scale. The block of the K formats, so that a block of weights meets one of activations.
pub(super) const BLOCK: usize = 256;
/// Numbers whose sum is kept: the smallest group of weights that has a scale of its own.
pub(super) const SUMMED: usize = 16;

/// Some rows in bytes: `row[k] = scale of k's block * value[k]`.
///
/// Blocks lie one after the other, each with all its rows, so that what is multiplied with one block of weights lies
/// together.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    rows: usize,
    /// Numbers of a row, rounded up to whole groups; what is beyond the real ones is 0.
    pub(super) columns: usize,
    values: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    span_sums: Vec<f32>,
}

impl Activations {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of `block`.
    fn width(&self, block: usize) -> usize {
        BLOCK.min(self.columns - block * BLOCK)
    }

    /// The bytes of `row` in `block`.
    pub(super) fn values(&self, block: usize, row: usize) -> &[i8] {
        let width = self.width(block);
        &self.values[block * BLOCK * self.rows + row * width..][..width]
    }

    /// The scale of `row` in `block`.
    pub(super) fn scale(&self, block: usize, row: usize) -> f32 {
        self.scales[block * self.rows + row]
    }

    /// The sums of the bytes of `row` in `block`, one for each group of sixteen.
    pub(super) fn sums(&self, block: usize, row: usize) -> &[i32] {
        let groups = self.width(block) / SUMMED;
        &self.sums[block * (BLOCK / SUMMED) * self.rows + row * groups..][..groups]
    }

    /// The same of each [`SPAN`], as numbers that floats are multiplied with.
    pub(super) fn span_sums(&self, block: usize, row: usize) -> &[f32] {
        let spans = self.width(block) / SPAN;
        &self.span_sums[block * (BLOCK / SPAN) * self.rows + row * spans..][..spans]
    }

    /// Makes room for `rows` rows of `columns` numbers and fills each: `fill` writes row `n` into the slice it gets,
    /// which holds anything before; then the row is rounded. Rows are filled on all threads of `processor`.
    pub(crate) fn fill(
        &mut self,
        processor: Processor,
        rows: usize,
        columns: usize,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let padded = columns.next_multiple_of(SPAN);
        (self.rows, self.columns) = (rows, padded);
        self.values.resize(rows * padded, 0);
        self.scales.resize(rows * padded.div_ceil(BLOCK), 0.0);
        self.sums.resize(rows * padded / SUMMED, 0);
        self.span_sums.resize(rows * padded / SPAN, 0.0);
        let values = Shared::new(&mut self.values);
        let scales = Shared::new(&mut self.scales);
        let sums = Shared::new(&mut self.sums);
        let span_sums = Shared::new(&mut self.span_sums);
        processor.each_row(rows, columns, |range| {
            let mut numbers = vec![0.0; padded];
            for row in range {
                fill(row, &mut numbers[..columns]);
                for (block, numbers) in numbers.chunks(BLOCK).enumerate() {
                    let width = numbers.len();
                    let (groups, spans) = (width / SUMMED, width / SPAN);
                    // SAFETY: every row is in one range, and the blocks of rows do not overlap.
                    unsafe {
                        let values = values.slice(block * BLOCK * rows + row * width, width);
                        let sums = sums.slice(block * (BLOCK / SUMMED) * rows + row * groups, groups);
                        let scale = processor.launch(Round { numbers, values, sums });
                        let spans = span_sums.slice(block * (BLOCK / SPAN) * rows + row * spans, spans);
                        for (span, sums) in spans.iter_mut().zip(sums.chunks_exact(SPAN / SUMMED)) {
                            *span = sums.iter().sum::<i32>() as f32;
                        }
                        scales.slice(block * rows + row, 1)[0] = scale;
                    }
                }
            }
        });
    }
}

/// Rounds a block of a row to the 255 values that a signed byte and its negative have. Returns its scale.
struct Round<'a> {
    numbers: &'a [f32],
    values: &'a mut [i8],
    sums: &'a mut [i32],
}

impl Kernel for Round<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) -> f32 {
        // SAFETY: a block is whole groups of sixteen, in numbers and values alike.
        unsafe {
            let mut largest = simd.splat(0.0);
            for group in self.numbers.chunks_exact(LANES) {
                largest = simd.max(largest, simd.abs(simd.load(group.as_ptr())));
            }
            let largest = simd::largest(simd, largest);
            let inverse = simd.splat(if largest > 0.0 { 127.0 / largest } else { 0.0 });
            let groups = self.numbers.chunks_exact(LANES).zip(self.values.chunks_exact_mut(LANES));
            for ((group, values), total) in groups.zip(self.sums) {
                let rounded = simd.round(simd.multiply(simd.load(group.as_ptr()), inverse));
                simd.store_signed(values.as_mut_ptr(), rounded);
                *total = simd::sum(simd, rounded) as i32;
            }
            largest / 127.0
        }
    }
}
