//! Rows of numbers, rounded to bytes so that they can be multiplied with packed weights.

use std::ops::Range;

use super::format::SPAN;
use crate::processor::{Processor, Shared};
use crate::simd::{self, Kernel, LANES, Simd};

/// Numbers that are multiplied together before their scales are: the block of the K formats.
pub(super) const BLOCK: usize = 256;
/// Numbers whose sum is kept: the smallest group of weights that has a scale of its own.
pub(super) const SUMMED: usize = 16;

/// How many numbers share a scale. With fewer of them less is lost: on SmolLM2 the error of logits halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// As many as share one in the K formats, whose kernels multiply with it once a block.
    Blocks,
    /// A [`SPAN`].
    Spans,
}

impl Rounding {
    /// Numbers with one scale.
    fn numbers(self) -> usize {
        match self {
            Self::Blocks => BLOCK,
            Self::Spans => SPAN,
        }
    }
}

/// Some rows in bytes: `row[k] = scale of k's span * value[k]`.
///
/// Blocks lie one after the other, each with all its rows, so that what is multiplied with one block of weights lies
/// together.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    form: Form,
    values: Vec<i8>,
    sums: Vec<i32>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Form {
    rows: usize,
    /// Numbers of a row, rounded up to whole spans; what is beyond the real ones is 0.
    columns: usize,
}

impl Form {
    /// Where a row's part of a block lies among things of which `per_block` make a block.
    fn part(self, block: usize, row: usize, per_block: usize) -> Range<usize> {
        let width = BLOCK.min(self.columns - block * BLOCK);
        let count = per_block * width / BLOCK;
        let start = block * per_block * self.rows + row * count;
        start..start + count
    }
}

/// What is known of the bytes of a span.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) scale: f32,
    /// Of the bytes; a whole number.
    pub(super) sum: f32,
}

impl Activations {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.form.rows
    }

    /// Numbers of a row, rounded up to whole spans.
    pub(super) fn columns(&self) -> usize {
        self.form.columns
    }

    /// The bytes of `row` in `block`.
    pub(super) fn values(&self, block: usize, row: usize) -> &[i8] {
        &self.values[self.form.part(block, row, BLOCK)]
    }

    /// The sums of the bytes of `row` in `block`, one for each group of sixteen.
    pub(super) fn sums(&self, block: usize, row: usize) -> &[i32] {
        &self.sums[self.form.part(block, row, BLOCK / SUMMED)]
    }

    /// The spans of `row` in `block`.
    pub(super) fn spans(&self, block: usize, row: usize) -> &[Span] {
        &self.spans[self.form.part(block, row, BLOCK / SPAN)]
    }

    /// Makes room for `rows` rows of `columns` numbers and fills each: `fill` writes row `n` into the slice it gets,
    /// which holds anything before; then the row is rounded. Rows are filled on all threads of `processor`.
    pub(crate) fn fill(
        &mut self,
        processor: Processor,
        rows: usize,
        columns: usize,
        rounding: Rounding,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let padded = columns.next_multiple_of(SPAN);
        let form = Form { rows, columns: padded };
        self.form = form;
        self.values.resize(rows * padded, 0);
        self.sums.resize(rows * padded / SUMMED, 0);
        self.spans.resize(rows * padded / SPAN, Span::default());
        let values = Shared::new(&mut self.values);
        let sums = Shared::new(&mut self.sums);
        let spans = Shared::new(&mut self.spans);
        processor.each_row(rows, columns, |range| {
            let mut numbers = vec![0.0; padded];
            for row in range {
                fill(row, &mut numbers[..columns]);
                for (block, numbers) in numbers.chunks(BLOCK).enumerate() {
                    // SAFETY: every row is in one range, and the parts of rows do not overlap.
                    unsafe {
                        processor.launch(Round {
                            numbers,
                            rounding,
                            values: values.range(form.part(block, row, BLOCK)),
                            sums: sums.range(form.part(block, row, BLOCK / SUMMED)),
                            spans: spans.range(form.part(block, row, BLOCK / SPAN)),
                        });
                    }
                }
            }
        });
    }
}

/// Rounds a row's part of a block to the 255 values that a signed byte and its negative have.
struct Round<'a> {
    numbers: &'a [f32],
    rounding: Rounding,
    values: &'a mut [i8],
    sums: &'a mut [i32],
    spans: &'a mut [Span],
}

impl Kernel for Round<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let together = self.rounding.numbers();
        for start in (0..self.numbers.len()).step_by(together) {
            let end = self.numbers.len().min(start + together);
            // SAFETY: a part is whole spans, in numbers and values alike.
            unsafe {
                let mut largest = simd.splat(0.0);
                for at in (start..end).step_by(LANES) {
                    largest = simd.max(largest, simd.abs(simd.load(self.numbers[at..].as_ptr())));
                }
                let largest = simd::largest(simd, largest);
                let inverse = simd.splat(if largest > 0.0 { 127.0 / largest } else { 0.0 });
                for span in start / SPAN..end / SPAN {
                    let mut total = 0;
                    for at in (span * SPAN..(span + 1) * SPAN).step_by(LANES) {
                        let numbers = simd.load(self.numbers[at..].as_ptr());
                        let rounded = simd.round(simd.multiply(numbers, inverse));
                        simd.store_signed(self.values[at..].as_mut_ptr(), rounded);
                        self.sums[at / SUMMED] = simd::sum(simd, rounded) as i32;
                        total += self.sums[at / SUMMED];
                    }
                    self.spans[span] = Span { scale: largest / 127.0, sum: total as f32 };
                }
            }
        }
    }
}
