//! A matrix of weights in memory, packed for multiplication.

use std::io;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use candle_core::quantized::GgmlDType;

use crate::compute::backend::CpuBackend;
use crate::compute::disjoint_slices::DisjointSlices;
use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::arena::{Arena, ArenaPart};
use crate::compute::matrix::formats::format::{Format, UnpackedHalf};
use crate::compute::matrix::formats::q4_1::Q4_1;
use crate::compute::matrix::formats::q4_k::Q4K;
use crate::compute::matrix::formats::q6_k::Q6K;
use crate::compute::matrix::formats::q8_0::Q8_0;
use crate::compute::matrix::geometry::{BLOCK, PANEL_ROWS, SUPER_BLOCK};
use crate::compute::matrix::packed_format::{PackedFormat, to_packable};
use crate::compute::simd::vector::{Kernel, LANES, Simd};
use crate::error::LoadError;

/// A matrix of weights.
#[derive(Debug)]
pub(crate) struct PackedMatrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(super) padded_columns: usize,
    pub(super) format: PackedFormat,
    /// Panels, one after the other. Rows beyond the last are zeros.
    packed: ArenaPart,
}

impl PackedMatrix {
    /// Whether weights in `format` are requantized to Q8_0, which takes more memory than they do in the file.
    pub(crate) fn requantizes(format: GgmlDType) -> bool {
        !matches!(
            format,
            GgmlDType::Q4K | GgmlDType::Q6K | GgmlDType::Q4_0 | GgmlDType::Q4_1 | GgmlDType::Q8_0
        )
    }

    /// Bytes that a matrix in `format` is packed to.
    pub(crate) fn packed_bytes(format: GgmlDType, rows: usize, columns: usize) -> usize {
        let panel_bytes = PackedFormat::of(format).panel_bytes(columns.next_multiple_of(BLOCK));
        rows.div_ceil(PANEL_ROWS) * panel_bytes
    }

    /// Packs a matrix of `rows` rows into the next part of `arena`. `read` reads rows as the file has them, from the
    /// one it is given on, as many as fill the slice.
    pub(crate) fn pack(
        backend: CpuBackend,
        arena: &mut Arena,
        format: GgmlDType,
        (rows, columns): (usize, usize),
        read: impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync,
    ) -> Result<Self, LoadError> {
        let packed_format = PackedFormat::of(format);
        let row_bytes = columns / format.block_size() * format.type_size();
        let padded_columns = columns.next_multiple_of(BLOCK);
        let panels = rows.div_ceil(PANEL_ROWS);
        let panel_bytes = packed_format.panel_bytes(padded_columns);
        let mut packed = arena.allocate(panels * panel_bytes)?;
        let failure = Mutex::new(None);
        let shared = DisjointSlices::new(&mut packed);
        backend.for_each_row_range(panels, PANEL_ROWS * columns, |range| {
            let mut source = vec![0; PANEL_ROWS * row_bytes];
            let mut pack = |panel: usize| {
                let count = PANEL_ROWS.min(rows - panel * PANEL_ROWS);
                let source = &mut source[..count * row_bytes];
                read(panel * PANEL_ROWS, source)?;
                // SAFETY: each panel is in one range.
                let packed = unsafe { shared.slice(panel * panel_bytes, panel_bytes) };
                let blocks = to_packable(source, format, count, columns)?;
                packed_format.pack_panel(&blocks, count, padded_columns, packed);
                Ok(())
            };
            if let Err(error) = range.into_iter().try_for_each(&mut pack) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(Self { rows, columns, padded_columns, format: packed_format, packed }),
        }
    }

    /// Writes one row of weights as numbers to `output`, which is as long as a row.
    pub(crate) fn dequantize_row(&self, backend: CpuBackend, row: usize, output: &mut [f32]) {
        assert!(row < self.rows && output.len() == self.columns, "a row of the matrix");
        // SAFETY: the row exists, and its panel is as long as its format says.
        unsafe {
            match self.format {
                PackedFormat::Q4K => backend.launch(DequantizeRow::<Q4K>(self, row, output, PhantomData)),
                PackedFormat::Q6K => backend.launch(DequantizeRow::<Q6K>(self, row, output, PhantomData)),
                PackedFormat::Q4_1 => backend.launch(DequantizeRow::<Q4_1>(self, row, output, PhantomData)),
                PackedFormat::Q8_0 => backend.launch(DequantizeRow::<Q8_0>(self, row, output, PhantomData)),
            }
        }
    }

    /// The format for activations that are multiplied with all of `matrices`.
    pub(crate) fn activation_format(matrices: &[&Self]) -> ActivationFormat {
        // The kernels of Q8_0 activations can multiply Q8_K ones, not the other way round.
        let needs_q8_k = |matrix: &&Self| matrix.format.activations() == ActivationFormat::Q8K;
        if matrices.iter().any(needs_q8_k) { ActivationFormat::Q8K } else { ActivationFormat::Q8_0 }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// Number of panels.
    pub(super) fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL_ROWS)
    }

    /// The packed bytes of a panel.
    pub(super) fn panel(&self, panel: usize) -> &[u8] {
        let bytes = self.format.panel_bytes(self.padded_columns);
        &self.packed[panel * bytes..][..bytes]
    }
}

struct DequantizeRow<'a, F>(&'a PackedMatrix, usize, &'a mut [f32], PhantomData<F>);

impl<F: Format> Kernel for DequantizeRow<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let Self(matrix, row, output, _) = self;
        let (half, lane) = (row % PANEL_ROWS / LANES, row % LANES);
        let mut unpacked = UnpackedHalf::EMPTY;
        let mut panel = matrix.panel(row / PANEL_ROWS);
        for (at, numbers) in output.chunks_mut(SUPER_BLOCK).enumerate() {
            let width = SUPER_BLOCK.min(matrix.padded_columns - at * SUPER_BLOCK);
            let (packed, rest) = panel.split_at(F::packed_bytes(width));
            panel = rest;
            // SAFETY: the super-block is as long as its format says.
            unsafe { F::unpack(simd, packed.as_ptr(), half, width, &mut unpacked) };
            for (column, number) in numbers.iter_mut().enumerate() {
                let byte = i32::from(unpacked.bytes[column / 4 * 4 * LANES + lane * 4 + column % 4]);
                let group = column / F::GROUP;
                let minimum = if F::HAS_MINIMA { unpacked.minima[group][lane] } else { 0.0 };
                *number = (byte - F::ZERO_POINT) as f32 * unpacked.scales[group][lane] + minimum;
            }
        }
    }
}
