//! A GGUF file with a checked header: its metadata by key, its tensors by name.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{QStorage, QTensor};

use crate::error::LoadError;
use crate::model::gguf::header::read_header;
use crate::model::gguf::tensor::Tensor;

/// A file whose header is sound and whose tensors are all there.
pub(crate) struct GgufFile {
    /// The metadata, and where the tensors are.
    pub(crate) content: Content,
    /// The open file.
    pub(crate) file: File,
    pub(crate) file_bytes: u64,
}

impl GgufFile {
    /// Opens `path` and checks its header. Reads no tensor.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let content = read_header(&file, file_bytes)?;
        Ok(Self { content, file, file_bytes })
    }

    /// The string under `key`; `None` if it is absent.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(key, "a string")),
        }
    }

    /// The whole number under `key`, of whatever width; `None` if it is absent.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, LoadError> {
        let Some(value) = self.content.metadata.get(key) else { return Ok(None) };
        let number = match *value {
            Value::U8(n) => Some(n.into()),
            Value::U16(n) => Some(n.into()),
            Value::U32(n) => Some(n.into()),
            Value::U64(n) => Some(n),
            Value::I8(n) => u64::try_from(n).ok(),
            Value::I16(n) => u64::try_from(n).ok(),
            Value::I32(n) => u64::try_from(n).ok(),
            Value::I64(n) => u64::try_from(n).ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| wrong_type(key, "a whole number"))
    }

    /// The size under `key`: at least 1, and within 32 bits, so that sums and products of two sizes fit in 64.
    pub(crate) fn size(&self, key: &str) -> Result<usize, LoadError> {
        let number = self.number(key)?.ok_or_else(|| LoadError::Malformed(format!("`{key}` is missing")))?;
        match u32::try_from(number) {
            Ok(size @ 1..) => Ok(size as usize),
            _ => Err(LoadError::Malformed(format!("`{key}` is {number}"))),
        }
    }

    /// The finite number under `key`, whole or not; `None` if it is absent.
    pub(crate) fn float(&self, key: &str) -> Result<Option<f32>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::F32(number)) if number.is_finite() => Ok(Some(*number)),
            Some(Value::F64(number)) if number.is_finite() => Ok(Some(*number as f32)),
            Some(_) => Err(wrong_type(key, "a finite number")),
        }
    }

    /// The boolean under `key`; `None` if it is absent.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(wrong_type(key, "a boolean")),
        }
    }

    /// The strings in the array under `key`, none if it is absent.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>, LoadError> {
        let text = |value: &Value| if let Value::String(text) = value { Some(text.clone()) } else { None };
        Ok(self.array(key, text)?.unwrap_or_default())
    }

    /// The elements of the array under `key`, each converted by `read`; `None` if it is absent.
    pub(crate) fn array<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| read(value).ok_or_else(|| wrong_type(key, "an array of the expected type")))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(wrong_type(key, "an array")),
        }
    }

    pub(crate) fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// The names of all tensors.
    pub(crate) fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.content.tensor_infos.keys().map(String::as_str)
    }

    /// The dimensions of a tensor, row length last.
    pub(crate) fn dimensions(&self, name: &str) -> Result<&[usize], LoadError> {
        let info = self.content.tensor_infos.get(name).ok_or_else(|| missing_tensor(name))?;
        Ok(info.shape.dims())
    }

    /// Checks that a tensor has the dimensions `expected`.
    pub(crate) fn expect_dimensions(&self, name: &str, expected: &[usize]) -> Result<(), LoadError> {
        let found = self.dimensions(name)?;
        if found != expected {
            return Err(LoadError::Malformed(format!(
                "tensor `{name}` has dimensions {found:?}, not {expected:?}"
            )));
        }
        Ok(())
    }

    /// The tensor `name`, to be read row by row.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor<'_>, LoadError> {
        let info = self.content.tensor_infos.get(name).ok_or_else(|| missing_tensor(name))?;
        Ok(Tensor { file: &self.file, start: self.content.tensor_data_offset + info.offset, info })
    }

    /// The numbers of a small tensor.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>, LoadError> {
        let tensor = self.tensor(name)?;
        let info = tensor.info;
        let mut bytes = vec![0; tensor.row_bytes() * (info.shape.elem_count() / tensor.columns())];
        tensor.read_rows(0, &mut bytes)?;
        let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, info.ggml_dtype)?;
        let numbers = QTensor::new(storage, info.shape.clone())?.dequantize(&Device::Cpu)?;
        Ok(numbers.flatten_all()?.to_vec1()?)
    }
}

fn wrong_type(key: &str, expected: &str) -> LoadError {
    LoadError::Malformed(format!("`{key}` is not {expected}"))
}

fn missing_tensor(name: &str) -> LoadError {
    LoadError::Malformed(format!("tensor `{name}` is missing"))
}
