//! Reading a GGUF file's header, which is untrusted input.
//!
//! Owns every check that needs no knowledge of models: counts, lengths, types, and that each tensor lies within the
//! file. candle has a reader of its own; it is not used, because it multiplies the size of a hostile header in
//! memory, divides by an alignment of 0, and multiplies dimensions without looking. What comes out is candle's own
//! [`Content`], so that its models can be built from it, too.
//!
//! The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value, VersionedMagic};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};

use crate::LoadError;

const MAGIC: [u8; 4] = *b"GGUF";
/// Alignment of tensors in a file that names none.
const DEFAULT_ALIGNMENT: u64 = 32;

// Ceilings far above what real models have (Llama 3: 300 tensors, 128,256 tokens, 280,147 merges, a header of 8 MB),
// and low enough that the worst header costs some hundred megabytes.
const MAX_HEADER_BYTES: u64 = 256 << 20;
const MAX_STRING_BYTES: u64 = 4 << 20;
const MAX_ENTRIES: u64 = 1 << 16;
const MAX_ARRAY_ELEMENTS: u64 = 4 << 20;
const MAX_ARRAY_DEPTH: usize = 4;
const MAX_DIMENSIONS: u32 = 4;

/// A file whose header is sound and whose tensors are all there.
pub(crate) struct Gguf {
    /// Metadata and where the tensors are.
    pub(crate) content: Content,
    /// The open file.
    pub(crate) file: File,
    /// Its length.
    pub(crate) file_bytes: u64,
}

impl Gguf {
    /// Opens `path` and checks its header. Reads no tensor.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let header = Header { reader: BufReader::new(&file), position: 0, file_bytes, array_elements: 0 };
        let content = header.read()?;
        Ok(Self { content, file, file_bytes })
    }

    /// The text under `key`, `None` where it is absent.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(key, "text")),
        }
    }

    /// The whole number under `key`, of whatever width, `None` where it is absent.
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

    /// The finite number under `key`, whole or not, `None` where it is absent.
    pub(crate) fn float(&self, key: &str) -> Result<Option<f32>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::F32(number)) if number.is_finite() => Ok(Some(*number)),
            Some(Value::F64(number)) if number.is_finite() => Ok(Some(*number as f32)),
            Some(_) => Err(wrong_type(key, "a finite number")),
        }
    }

    /// The yes or no under `key`, `None` where it is absent.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(wrong_type(key, "a yes or no")),
        }
    }

    /// The elements of the array under `key`, each as `read` understands it; `None` where it is absent.
    pub(crate) fn array<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, LoadError> {
        match self.content.metadata.get(key) {
            None => Ok(None),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| read(value).ok_or_else(|| wrong_type(key, "an array of one expected type")))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(wrong_type(key, "an array")),
        }
    }

    /// Whether the file has a tensor of this name.
    pub(crate) fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// The names of all tensors.
    pub(crate) fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.content.tensor_infos.keys().map(String::as_str)
    }

    /// A tensor that is there.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor<'_>, LoadError> {
        let missing = || LoadError::Malformed(format!("tensor `{name}` is missing"));
        let info = self.content.tensor_infos.get(name).ok_or_else(missing)?;
        Ok(Tensor { file: &self.file, start: self.content.tensor_data_offset + info.offset, info })
    }

    /// The numbers of a small tensor.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>, LoadError> {
        let tensor = self.tensor(name)?;
        let info = tensor.info;
        let mut bytes = vec![0; tensor.row_bytes() * (info.shape.elem_count() / tensor.columns())];
        tensor.read(0, &mut bytes)?;
        let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, info.ggml_dtype)?;
        let numbers = QTensor::new(storage, info.shape.clone())?.dequantize(&Device::Cpu)?;
        Ok(numbers.flatten_all()?.to_vec1()?)
    }
}

/// A tensor in a file, to be read row by row. The header's checks have seen that it is within the file.
#[derive(Clone, Copy)]
pub(crate) struct Tensor<'a> {
    file: &'a File,
    start: u64,
    /// Its shape and format.
    pub(crate) info: &'a TensorInfo,
}

impl Tensor<'_> {
    /// Numbers of a row.
    pub(crate) fn columns(&self) -> usize {
        self.info.shape.dims().last().copied().unwrap_or(1)
    }

    /// Bytes of a row.
    pub(crate) fn row_bytes(&self) -> usize {
        self.columns() / self.info.ggml_dtype.block_size() * self.info.ggml_dtype.type_size()
    }

    /// Reads rows from `first` on, as many as `into` is long. Any number of threads may read at the same time.
    pub(crate) fn read(&self, first: usize, into: &mut [u8]) -> io::Result<()> {
        read_exact_at(self.file, into, self.start + (first * self.row_bytes()) as u64)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                into = &mut into[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

fn wrong_type(key: &str, expected: &str) -> LoadError {
    LoadError::Malformed(format!("`{key}` is not {expected}"))
}

/// Reads forward through a header, never past the file's end or the ceiling.
struct Header<R> {
    reader: R,
    position: u64,
    file_bytes: u64,
    /// Of all arrays so far: many small arrays must not cost more than one big one.
    array_elements: u64,
}

impl<R: Read> Header<R> {
    fn read(mut self) -> Result<Content, LoadError> {
        if self.file_bytes == 0 {
            return Err(LoadError::Empty);
        }
        let magic = self.bytes::<4>("the magic number")?;
        if magic != MAGIC {
            return Err(LoadError::NotGguf { magic });
        }
        let magic = match self.u32("the version")? {
            2 => VersionedMagic::GgufV2,
            3 => VersionedMagic::GgufV3,
            version => return Err(LoadError::UnsupportedVersion(version)),
        };
        let tensor_count = self.count("tensors")?;
        let entry_count = self.count("metadata entries")?;
        let metadata = self.metadata(entry_count)?;
        let alignment = alignment(&metadata)?;
        let tensors = self.tensors(tensor_count)?;
        let tensor_data_offset = self.position.next_multiple_of(alignment);
        check_places(&tensors, tensor_data_offset, alignment, self.file_bytes)?;
        let tensor_infos = tensors.into_iter().map(|(name, tensor)| (name, tensor.info)).collect();
        Ok(Content { magic, metadata, tensor_infos, tensor_data_offset })
    }

    fn metadata(&mut self, count: u64) -> Result<HashMap<String, Value>, LoadError> {
        let mut metadata = HashMap::new();
        for _ in 0..count {
            let key = self.string("a metadata key")?;
            let kind = self.u32(&key)?;
            let value = self.value(kind, &key, 0)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(LoadError::Malformed(format!("`{key}` is there twice")));
            }
        }
        Ok(metadata)
    }

    /// A value of the type with code `kind`; `key` is named in errors.
    fn value(&mut self, kind: u32, key: &str, depth: usize) -> Result<Value, LoadError> {
        Ok(match kind {
            0 => Value::U8(u8::from_le_bytes(self.bytes(key)?)),
            1 => Value::I8(i8::from_le_bytes(self.bytes(key)?)),
            2 => Value::U16(u16::from_le_bytes(self.bytes(key)?)),
            3 => Value::I16(i16::from_le_bytes(self.bytes(key)?)),
            4 => Value::U32(u32::from_le_bytes(self.bytes(key)?)),
            5 => Value::I32(i32::from_le_bytes(self.bytes(key)?)),
            6 => Value::F32(f32::from_le_bytes(self.bytes(key)?)),
            7 => match self.bytes(key)? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => {
                    return Err(LoadError::Malformed(format!("`{key}` is neither yes nor no: {other}")));
                }
            },
            8 => Value::String(self.string(key)?),
            9 => self.array(key, depth)?,
            10 => Value::U64(u64::from_le_bytes(self.bytes(key)?)),
            11 => Value::I64(i64::from_le_bytes(self.bytes(key)?)),
            12 => Value::F64(f64::from_le_bytes(self.bytes(key)?)),
            other => return Err(LoadError::Malformed(format!("`{key}` has the unknown type {other}"))),
        })
    }

    fn array(&mut self, key: &str, depth: usize) -> Result<Value, LoadError> {
        if depth == MAX_ARRAY_DEPTH {
            return Err(LoadError::Malformed(format!("`{key}` nests arrays too deeply")));
        }
        let kind = self.u32(key)?;
        let length = self.u64(key)?;
        self.array_elements = self.array_elements.saturating_add(length);
        if self.array_elements > MAX_ARRAY_ELEMENTS {
            return Err(LoadError::Malformed(format!("`{key}` announces {length} elements")));
        }
        // Not with_capacity(length): the elements may turn out not to be there.
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(self.value(kind, key, depth + 1)?);
        }
        Ok(Value::Array(values))
    }

    fn tensors(&mut self, count: u64) -> Result<HashMap<String, SizedTensor>, LoadError> {
        let mut tensors = HashMap::new();
        for _ in 0..count {
            let name = self.string("a tensor's name")?;
            let tensor = self.tensor(&name)?;
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(LoadError::Malformed(format!("tensor `{name}` is there twice")));
            }
        }
        Ok(tensors)
    }

    fn tensor(&mut self, name: &str) -> Result<SizedTensor, LoadError> {
        let rank = self.u32(name)?;
        if rank == 0 || rank > MAX_DIMENSIONS {
            return Err(LoadError::Malformed(format!("tensor `{name}` has {rank} dimensions")));
        }
        let mut dimensions = Vec::new();
        for _ in 0..rank {
            dimensions.push(self.u64(name)?);
        }
        let code = self.u32(name)?;
        let unsupported = || LoadError::UnsupportedTensorType { tensor: name.to_owned(), code };
        let format = number_format(code).ok_or_else(unsupported)?;
        let offset = self.u64(name)?;
        let bytes = tensor_bytes(&dimensions, format).ok_or_else(|| {
            LoadError::Malformed(format!("tensor `{name}` has impossible dimensions {dimensions:?}"))
        })?;
        // GGUF writes the row length first, candle last. tensor_bytes has seen that the product fits.
        let shape: Vec<usize> = dimensions.iter().rev().map(|&d| d as usize).collect();
        Ok(SizedTensor { info: TensorInfo { ggml_dtype: format, shape: shape.into(), offset }, bytes })
    }

    fn count(&mut self, what: &str) -> Result<u64, LoadError> {
        let count = self.u64(what)?;
        if count > MAX_ENTRIES {
            return Err(LoadError::Malformed(format!("it announces {count} {what}")));
        }
        Ok(count)
    }

    fn string(&mut self, what: &str) -> Result<String, LoadError> {
        let length = self.u64(what)?;
        if length > MAX_STRING_BYTES {
            return Err(LoadError::Malformed(format!("{what} announces a text of {length} bytes")));
        }
        self.reserve(length, what)?;
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes)?;
        // Vocabularies in the wild hold a few broken texts; they are tokens that no text needs.
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn u32(&mut self, what: &str) -> Result<u32, LoadError> {
        self.bytes(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, LoadError> {
        self.bytes(what).map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N], LoadError> {
        self.reserve(N as u64, what)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Moves the position past the next `length` bytes if they are there.
    fn reserve(&mut self, length: u64, what: &str) -> Result<(), LoadError> {
        let end = self.position.saturating_add(length);
        if end > self.file_bytes {
            let what = what.to_owned();
            return Err(LoadError::Truncated { what, needed_bytes: end, file_bytes: self.file_bytes });
        }
        if end > MAX_HEADER_BYTES {
            return Err(LoadError::Malformed(format!("its header is longer than {MAX_HEADER_BYTES} bytes")));
        }
        self.position = end;
        Ok(())
    }
}

/// A tensor and the bytes it takes in the file.
struct SizedTensor {
    info: TensorInfo,
    bytes: u64,
}

/// The formats that candle has matrix products for.
fn number_format(code: u32) -> Option<GgmlDType> {
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

/// Bytes of a tensor, `None` where its rows are no whole blocks or the size overflows.
fn tensor_bytes(dimensions: &[u64], format: GgmlDType) -> Option<u64> {
    let block = format.block_size() as u64;
    let row = *dimensions.first()?;
    if !row.is_multiple_of(block) || dimensions.contains(&0) {
        return None;
    }
    let elements = dimensions.iter().try_fold(1u64, |product, &d| product.checked_mul(d))?;
    // As f32, which some tensors become, it must still be addressable.
    usize::try_from(elements.checked_mul(4)?).ok()?;
    (elements / block).checked_mul(format.type_size() as u64)
}

fn alignment(metadata: &HashMap<String, Value>) -> Result<u64, LoadError> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::U32(n)) if n.is_power_of_two() && *n <= 1 << 16 => Ok((*n).into()),
        Some(other) => Err(LoadError::Malformed(format!("its alignment is {other:?}"))),
    }
}

/// Checks that the tensors lie within the file, and that together they are no larger than it: overlapping tensors
/// would make a small file a large model.
fn check_places(
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
        return Err(LoadError::Malformed("its tensors overlap".to_owned()));
    }
    Ok(())
}
