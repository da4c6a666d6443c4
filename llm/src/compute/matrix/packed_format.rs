//! Chooses the packed format of a GGUF weight format, and converts rows of the file to it.

use std::borrow::Cow;

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};

use crate::compute::matrix::activations::ActivationFormat;
use crate::compute::matrix::formats::format::Format;
use crate::compute::matrix::formats::q4_1::{Q4_1, q4_0_to_q4_1};
use crate::compute::matrix::formats::q4_k::Q4K;
use crate::compute::matrix::formats::q6_k::Q6K;
use crate::compute::matrix::formats::q8_0::{Q8_0, quantize_q8_0};
use crate::compute::matrix::geometry::SUPER_BLOCK;
use crate::error::LoadError;

/// The format that a matrix is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackedFormat {
    Q4K,
    Q6K,
    Q4_1,
    Q8_0,
}

impl PackedFormat {
    /// How weights that have `format` in the file are packed.
    pub(super) fn of(format: GgmlDType) -> Self {
        match format {
            GgmlDType::Q4K => Self::Q4K,
            GgmlDType::Q6K => Self::Q6K,
            GgmlDType::Q4_0 | GgmlDType::Q4_1 => Self::Q4_1,
            _ => Self::Q8_0,
        }
    }

    /// The format of the activations that its kernel multiplies.
    pub(super) fn activations(self) -> ActivationFormat {
        match self {
            Self::Q4K => Q4K::ACTIVATIONS,
            Self::Q6K => Q6K::ACTIVATIONS,
            Self::Q4_1 => Q4_1::ACTIVATIONS,
            Self::Q8_0 => Q8_0::ACTIVATIONS,
        }
    }

    fn packed_bytes(self, columns: usize) -> usize {
        match self {
            Self::Q4K => Q4K::packed_bytes(columns),
            Self::Q6K => Q6K::packed_bytes(columns),
            Self::Q4_1 => Q4_1::packed_bytes(columns),
            Self::Q8_0 => Q8_0::packed_bytes(columns),
        }
    }

    /// Bytes of a panel of `columns` columns.
    pub(super) fn panel_bytes(self, columns: usize) -> usize {
        let (whole, rest) = (columns / SUPER_BLOCK, columns % SUPER_BLOCK);
        let rest = if rest == 0 { 0 } else { self.packed_bytes(rest) };
        whole * self.packed_bytes(SUPER_BLOCK) + rest
    }

    /// Packs a panel of `rows` rows, whose blocks come from [`to_packable`].
    pub(super) fn pack_panel(self, blocks: &[u8], rows: usize, columns: usize, mut panel: &mut [u8]) {
        let row_bytes = blocks.len() / rows;
        for start in (0..columns).step_by(SUPER_BLOCK) {
            let width = SUPER_BLOCK.min(columns - start);
            let source = row_bytes * start / columns..row_bytes * (start + width) / columns;
            let (packed, rest) = panel.split_at_mut(self.packed_bytes(width));
            panel = rest;
            for (row, blocks) in blocks.chunks_exact(row_bytes).enumerate() {
                let block = &blocks[source.clone()];
                match self {
                    Self::Q4K => Q4K::pack(block, row, packed),
                    Self::Q6K => Q6K::pack(block, row, packed),
                    Self::Q4_1 => Q4_1::pack(block, row, packed),
                    Self::Q8_0 => Q8_0::pack(block, row, packed),
                }
            }
        }
    }
}

/// Converts rows of the file to the blocks that the packed format of `format` is packed from.
pub(super) fn to_packable(
    source: &[u8],
    format: GgmlDType,
    rows: usize,
    columns: usize,
) -> Result<Cow<'_, [u8]>, LoadError> {
    match format {
        GgmlDType::Q4K | GgmlDType::Q6K | GgmlDType::Q4_1 | GgmlDType::Q8_0 => Ok(Cow::Borrowed(source)),
        GgmlDType::Q4_0 => Ok(Cow::Owned(q4_0_to_q4_1(source))),
        other => {
            let storage = QStorage::from_data(Cow::Borrowed(source), &Device::Cpu, other)?;
            let numbers = QTensor::new(storage, (rows, columns))?.dequantize(&Device::Cpu)?;
            let numbers = numbers.to_vec2::<f32>()?;
            Ok(Cow::Owned(numbers.iter().flat_map(|row| quantize_q8_0(row)).collect()))
        }
    }
}
