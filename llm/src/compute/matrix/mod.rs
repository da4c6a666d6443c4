//! Matrices of weights, a third of a byte to one byte a weight, and their products with activations.
//!
//! Weights stay as compact as their file has them, since writing a token is bound by how fast memory gives them.
//! They are turned once, at load, into the order in which they are multiplied ([`format`]); Q4_K, Q6_K, Q4_0, Q4_1
//! and Q8_0 keep every bit of their value, all others are brought to Q8_0. Activations are rounded to bytes
//! ([`activations`]), as in llama.cpp, and bytes are multiplied by bytes ([`multiply`]).

mod activations;
mod format;
mod memory;
mod multiply;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};

pub(crate) use activations::{Activations, Rounding};
pub(crate) use memory::Arena;
pub(crate) use multiply::multiply;

use crate::LoadError;
use crate::processor::{Processor, Shared};
use crate::simd::{Kernel, LANES, Simd};
use activations::BLOCK;
use format::{Format, Q4, Q4K, Q6K, Q8, SPAN, Unpacked};
use memory::Memory;

/// Rows that are multiplied together.
const PANEL: usize = 2 * LANES;

/// How a matrix is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Q4K,
    Q6K,
    Q4,
    Q8,
}

/// A matrix of weights.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    padded_columns: usize,
    layout: Layout,
    /// Panels, one after the other. Rows beyond the last are zeros.
    packed: Memory,
}

/// A matrix to multiply with, and where the products go.
pub(crate) struct Target<'a> {
    matrix: &'a Matrix,
    numbers: &'a mut [f32],
    adds: bool,
}

impl<'a> Target<'a> {
    /// The products replace `numbers`, which has a number for each row of activations and, in it, of the matrix.
    pub(crate) fn set(matrix: &'a Matrix, numbers: &'a mut [f32]) -> Self {
        Self { matrix, numbers, adds: false }
    }

    /// The products are added to `numbers`.
    pub(crate) fn add(matrix: &'a Matrix, numbers: &'a mut [f32]) -> Self {
        Self { matrix, numbers, adds: true }
    }
}

impl Matrix {
    /// Whether weights in `format` are brought to Q8_0, which takes more memory than they do in the file.
    pub(crate) fn recodes(format: GgmlDType) -> bool {
        !matches!(
            format,
            GgmlDType::Q4K | GgmlDType::Q6K | GgmlDType::Q4_0 | GgmlDType::Q4_1 | GgmlDType::Q8_0
        )
    }

    /// Bytes that a matrix in `format` is packed to.
    pub(crate) fn packed_bytes(format: GgmlDType, rows: usize, columns: usize) -> usize {
        rows.div_ceil(PANEL) * Layout::of(format).panel_bytes(columns.next_multiple_of(SPAN))
    }

    /// Packs a matrix of `rows` rows into the next part of `arena`. `read` reads rows as the file has them, from the one
    /// it is given on, as many as the slice is long.
    pub(crate) fn pack(
        processor: Processor,
        arena: &mut Arena,
        format: GgmlDType,
        (rows, columns): (usize, usize),
        read: impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync,
    ) -> Result<Self, LoadError> {
        let layout = Layout::of(format);
        let row_bytes = columns / format.block_size() * format.type_size();
        let padded_columns = columns.next_multiple_of(SPAN);
        let panels = rows.div_ceil(PANEL);
        let panel_bytes = layout.panel_bytes(padded_columns);
        let mut packed = arena.part(panels * panel_bytes)?;
        let failure = Mutex::new(None);
        let shared = Shared::new(&mut packed);
        processor.each_row(panels, PANEL * columns, |range| {
            let mut source = vec![0; PANEL * row_bytes];
            let mut pack = |panel: usize| {
                let count = PANEL.min(rows - panel * PANEL);
                let source = &mut source[..count * row_bytes];
                read(panel * PANEL, source)?;
                // SAFETY: each panel is in one range.
                let into = unsafe { shared.slice(panel * panel_bytes, panel_bytes) };
                layout.pack_panel(
                    &native_blocks(source, format, count, columns)?,
                    count,
                    padded_columns,
                    into,
                );
                Ok(())
            };
            if let Err(error) = range.into_iter().try_for_each(&mut pack) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(Self { rows, columns, padded_columns, layout, packed }),
        }
    }

    /// One row of weights as numbers, into `into`, which is as long as a row.
    pub(crate) fn row(&self, processor: Processor, row: usize, into: &mut [f32]) {
        assert!(row < self.rows && into.len() == self.columns, "a row of the matrix");
        // SAFETY: the row exists, and its panel is as long as its format says.
        unsafe {
            match self.layout {
                Layout::Q4K => processor.launch(Row::<Q4K>(self, row, into, PhantomData)),
                Layout::Q6K => processor.launch(Row::<Q6K>(self, row, into, PhantomData)),
                Layout::Q4 => processor.launch(Row::<Q4>(self, row, into, PhantomData)),
                Layout::Q8 => processor.launch(Row::<Q8>(self, row, into, PhantomData)),
            }
        }
    }

    /// How activations are to be rounded that are multiplied with all of `matrices`.
    pub(crate) fn rounding(matrices: &[&Self]) -> Rounding {
        let in_blocks = |matrix: &&Self| matrix.layout.rounding() == Rounding::Blocks;
        if matrices.iter().any(in_blocks) { Rounding::Blocks } else { Rounding::Spans }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.packed.len()
    }

    fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    fn panel(&self, panel: usize) -> &[u8] {
        let bytes = self.layout.panel_bytes(self.padded_columns);
        &self.packed[panel * bytes..][..bytes]
    }
}

impl Layout {
    /// How weights in `format` are packed.
    fn of(format: GgmlDType) -> Self {
        match format {
            GgmlDType::Q4K => Self::Q4K,
            GgmlDType::Q6K => Self::Q6K,
            GgmlDType::Q4_0 | GgmlDType::Q4_1 => Self::Q4,
            _ => Self::Q8,
        }
    }

    fn rounding(self) -> Rounding {
        match self {
            Self::Q4K => Q4K::ROUNDING,
            Self::Q6K => Q6K::ROUNDING,
            Self::Q4 => Q4::ROUNDING,
            Self::Q8 => Q8::ROUNDING,
        }
    }

    fn block_bytes(self, columns: usize) -> usize {
        match self {
            Self::Q4K => Q4K::packed_bytes(columns),
            Self::Q6K => Q6K::packed_bytes(columns),
            Self::Q4 => Q4::packed_bytes(columns),
            Self::Q8 => Q8::packed_bytes(columns),
        }
    }

    fn panel_bytes(self, columns: usize) -> usize {
        let (whole, rest) = (columns / BLOCK, columns % BLOCK);
        let rest = if rest == 0 { 0 } else { self.block_bytes(rest) };
        whole * self.block_bytes(BLOCK) + rest
    }

    /// Packs `rows` rows of blocks in the layout's own format.
    fn pack_panel(self, blocks: &[u8], rows: usize, columns: usize, mut into: &mut [u8]) {
        let row_bytes = blocks.len() / rows;
        for start in (0..columns).step_by(BLOCK) {
            let width = BLOCK.min(columns - start);
            let source = row_bytes * start / columns..row_bytes * (start + width) / columns;
            let (packed, rest) = into.split_at_mut(self.block_bytes(width));
            into = rest;
            for (row, blocks) in blocks.chunks_exact(row_bytes).enumerate() {
                let block = &blocks[source.clone()];
                match self {
                    Self::Q4K => Q4K::pack(block, row, packed),
                    Self::Q6K => Q6K::pack(block, row, packed),
                    Self::Q4 => Q4::pack(block, row, packed),
                    Self::Q8 => Q8::pack(block, row, packed),
                }
            }
        }
    }
}

/// Rows in the blocks that the layout for `format` packs from.
fn native_blocks(
    source: &[u8],
    format: GgmlDType,
    rows: usize,
    columns: usize,
) -> Result<Cow<'_, [u8]>, LoadError> {
    match format {
        GgmlDType::Q4K | GgmlDType::Q6K | GgmlDType::Q4_1 | GgmlDType::Q8_0 => Ok(Cow::Borrowed(source)),
        GgmlDType::Q4_0 => Ok(Cow::Owned(format::q4_0_as_q4_1(source))),
        other => {
            let storage = QStorage::from_data(Cow::Borrowed(source), &Device::Cpu, other)?;
            let numbers = QTensor::new(storage, (rows, columns))?.dequantize(&Device::Cpu)?;
            let numbers = numbers.to_vec2::<f32>()?;
            Ok(Cow::Owned(numbers.iter().flat_map(|row| format::q8_0_blocks(row)).collect()))
        }
    }
}

/// Unpacks one row.
struct Row<'a, F>(&'a Matrix, usize, &'a mut [f32], PhantomData<F>);

impl<F: Format> Kernel for Row<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let Self(matrix, row, into, _) = self;
        let (half, lane) = (row % PANEL / LANES, row % LANES);
        let mut block = Unpacked::EMPTY;
        let mut packed = matrix.panel(row / PANEL);
        for (at, numbers) in into.chunks_mut(BLOCK).enumerate() {
            let width = BLOCK.min(matrix.padded_columns - at * BLOCK);
            let (here, rest) = packed.split_at(F::packed_bytes(width));
            packed = rest;
            // SAFETY: the block is as long as its format says.
            unsafe { F::unpack(simd, here.as_ptr(), half, width, &mut block) };
            for (column, number) in numbers.iter_mut().enumerate() {
                let byte = i32::from(block.bytes[column / 4 * 64 + lane * 4 + column % 4]);
                let group = column / F::GROUP;
                let minimum = if F::HAS_MINIMA { block.minima[group][lane] } else { 0.0 };
                *number = (byte - F::ZERO) as f32 * block.scales[group][lane] + minimum;
            }
        }
    }
}
