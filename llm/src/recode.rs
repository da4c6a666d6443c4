//! Number formats that candle multiplies slowly, changed to one that it multiplies fast while they are read.
//!
//! candle 0.11 has vector code on x86 for Q4_0, Q8_0 and the K formats; the products of Q4_1, Q5_0 and Q5_1 run
//! number by number, ten times slower. As Q8_0 they take up to twice the memory and lose next to nothing: eight bits
//! per number instead of four or five.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom};

use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, TensorInfo};
use candle_core::quantized::{GgmlDType, QTensor};

const TARGET: GgmlDType = GgmlDType::Q8_0;

fn is_slow(format: GgmlDType) -> bool {
    matches!(format, GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1)
}

/// A model file as it would be with the slow formats changed. One tensor at a time is in memory.
pub(crate) struct Recoded<R> {
    file: R,
    tensors: HashMap<String, TensorInfo>,
    tensor_data_offset: u64,
    /// Where tensors begin in the changed file.
    names: BTreeMap<u64, String>,
    length: u64,
    position: u64,
    current: Option<(u64, Vec<u8>)>,
}

impl<R: Read + Seek> Recoded<R> {
    /// The header of the changed file, and the file itself, from which its tensors are to be read.
    pub(crate) fn new(content: Content, file: R) -> (Content, Self) {
        let Content { magic, metadata, tensor_infos, tensor_data_offset } = content;
        let (mut changed, mut names, mut length) = (HashMap::new(), BTreeMap::new(), 0);
        for (name, tensor) in &tensor_infos {
            let format = if is_slow(tensor.ggml_dtype) { TARGET } else { tensor.ggml_dtype };
            names.insert(length, name.clone());
            let info = TensorInfo { ggml_dtype: format, shape: tensor.shape.clone(), offset: length };
            length += (tensor.shape.elem_count() / format.block_size() * format.type_size()) as u64;
            changed.insert(name.clone(), info);
        }
        let content = Content { magic, metadata, tensor_infos: changed, tensor_data_offset: 0 };
        let recoded = Self {
            file,
            tensors: tensor_infos,
            tensor_data_offset,
            names,
            length,
            position: 0,
            current: None,
        };
        (content, recoded)
    }

    /// The bytes of the tensor at the position, from the position on.
    fn rest_of_tensor(&mut self) -> io::Result<&[u8]> {
        let Some((&start, name)) = self.names.range(..=self.position).next_back() else { return Ok(&[]) };
        if self.current.as_ref().is_none_or(|(at, _)| *at != start) {
            let tensor = self.tensors.get(name).ok_or(io::ErrorKind::NotFound)?;
            let bytes = read(tensor, self.tensor_data_offset, &mut self.file).map_err(io::Error::other)?;
            self.current = Some((start, bytes));
        }
        let bytes = self.current.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        Ok(bytes.get((self.position - start) as usize..).unwrap_or_default())
    }
}

fn read<R: Read + Seek>(tensor: &TensorInfo, data_offset: u64, file: &mut R) -> candle_core::Result<Vec<u8>> {
    let read = tensor.read(file, data_offset, &Device::Cpu)?;
    if !is_slow(tensor.ggml_dtype) {
        return Ok(read.data()?.into_owned());
    }
    let changed = QTensor::quantize(&read.dequantize(&Device::Cpu)?, TARGET)?;
    Ok(changed.data()?.into_owned())
}

impl<R: Read + Seek> Read for Recoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.rest_of_tensor()?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<R> Seek for Recoded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candle_core::quantized::gguf_file;
    use candle_core::{DType, Tensor};

    use super::*;

    #[test]
    fn slow_tensors_come_out_as_q8_and_others_as_they_are() -> candle_core::Result<()> {
        let numbers = Tensor::arange(0f32, 96.0, &Device::Cpu)?.reshape((3, 32))?.affine(0.1, -3.0)?;
        let slow = QTensor::quantize(&numbers, GgmlDType::Q4_1)?;
        let fast = QTensor::quantize(&numbers, GgmlDType::F32)?;
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &[], &[("slow", &slow), ("fast", &fast)])?;
        file.set_position(0);
        let (content, mut recoded) = Recoded::new(Content::read(&mut file)?, file);

        let read_slow = content.tensor(&mut recoded, "slow", &Device::Cpu)?;
        assert_eq!(read_slow.dtype(), GgmlDType::Q8_0);
        let expected = slow.dequantize(&Device::Cpu)?;
        let error =
            (read_slow.dequantize(&Device::Cpu)? - expected)?.abs()?.max_all()?.to_dtype(DType::F32)?;
        assert!(error.to_scalar::<f32>()? < 0.03);

        let read_fast = content.tensor(&mut recoded, "fast", &Device::Cpu)?;
        assert_eq!(read_fast.data()?, fast.data()?);
        Ok(())
    }
}
