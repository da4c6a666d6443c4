//! Checks what a header says of tensors: their format, their size, and where they lie.

use std::collections::HashMap;

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::TensorInfo;

use crate::error::LoadError;

/// A tensor and the bytes it takes in the file.
pub(super) struct SizedTensor {
    pub(super) info: TensorInfo,
    pub(super) bytes: u64,
}

/// The format with this code in GGUF; `None` if candle has none.
pub(super) fn tensor_format(code: u32) -> Option<GgmlDType> {
    Some(match code {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

/// Bytes of a tensor; `None` if its rows are not whole blocks or the size overflows.
pub(super) fn tensor_bytes(dimensions: &[u64], format: GgmlDType) -> Option<u64> {
    let block = format.block_size() as u64;
    let row = *dimensions.first()?;
    if !row.is_multiple_of(block) || dimensions.contains(&0) {
        return None;
    }
    let elements = dimensions.iter().try_fold(1u64, |product, &d| product.checked_mul(d))?;
    // Some tensors are converted to f32, which must still be addressable.
    usize::try_from(elements.checked_mul(4)?).ok()?;
    (elements / block).checked_mul(format.type_size() as u64)
}

/// Checks that the tensors lie within the file, and that together they are no larger than it: overlapping tensors would
/// turn a small file into a large model.
pub(super) fn check_extents(
    tensors: &HashMap<String, SizedTensor>,
    data_offset: u64,
    alignment: u64,
    file_bytes: u64,
) -> Result<(), LoadError> {
    let mut total = data_offset;
    for (name, tensor) in tensors {
        if !tensor.info.offset.is_multiple_of(alignment) {
            return Err(LoadError::Malformed(format!("tensor `{name}` is not aligned")));
        }
        let end = data_offset.saturating_add(tensor.info.offset).saturating_add(tensor.bytes);
        if end > file_bytes {
            let what = format!("tensor `{name}`");
            return Err(LoadError::Truncated { what, needed_bytes: end, file_bytes });
        }
        total = total.saturating_add(tensor.bytes);
    }
    if total > file_bytes {
        return Err(LoadError::Malformed("tensors overlap".to_owned()));
    }
    Ok(())
}
