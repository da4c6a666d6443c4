//! Parses and checks a GGUF header.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use candle_core::quantized::gguf_file::{Content, TensorInfo, Value, VersionedMagic};

use crate::error::LoadError;
use crate::model::gguf::tensor_info::{SizedTensor, check_extents, tensor_bytes, tensor_format};

const MAGIC: [u8; 4] = *b"GGUF";
/// Alignment of tensors in a file that declares none.
const DEFAULT_ALIGNMENT: u64 = 32;

// Limits far above what real models have (Llama 3: 300 tensors, 128,256 tokens, 280,147 merges, a header of 8 MB), and
// low enough that the worst header costs some hundred megabytes.
const MAX_HEADER_BYTES: u64 = 256 << 20;
const MAX_STRING_BYTES: u64 = 4 << 20;
const MAX_ENTRIES: u64 = 1 << 16;
const MAX_ARRAY_ELEMENTS: u64 = 4 << 20;
const MAX_ARRAY_DEPTH: usize = 4;
const MAX_DIMENSIONS: u32 = 4;

/// Reads and checks the header of a file of `file_bytes` bytes.
pub(super) fn read_header(file: impl Read, file_bytes: u64) -> Result<Content, LoadError> {
    Header { reader: BufReader::new(file), position: 0, file_bytes, array_elements: 0 }.read()
}

/// Reads forward through a header, never past the end of the file or the limit.
struct Header<R> {
    reader: R,
    position: u64,
    file_bytes: u64,
    /// Of all arrays so far: many small arrays must not cost more than one large one.
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
        check_extents(&tensors, tensor_data_offset, alignment, self.file_bytes)?;
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
                return Err(LoadError::Malformed(format!("`{key}` is declared twice")));
            }
        }
        Ok(metadata)
    }

    /// Reads a value of the type with code `kind`; errors name `key`.
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
                    return Err(LoadError::Malformed(format!("`{key}` is a boolean of value {other}")));
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
            return Err(LoadError::Malformed(format!(
                "`{key}` declares {length} elements, more than the limit"
            )));
        }
        // Not with_capacity(length): the file may end before its elements.
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
                return Err(LoadError::Malformed(format!("tensor `{name}` is declared twice")));
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
        let format = tensor_format(code).ok_or_else(unsupported)?;
        let offset = self.u64(name)?;
        let bytes = tensor_bytes(&dimensions, format).ok_or_else(|| {
            LoadError::Malformed(format!("tensor `{name}` has impossible dimensions {dimensions:?}"))
        })?;
        // GGUF writes the row length first, candle last. tensor_bytes has checked that the product fits.
        let shape: Vec<usize> = dimensions.iter().rev().map(|&d| d as usize).collect();
        Ok(SizedTensor { info: TensorInfo { ggml_dtype: format, shape: shape.into(), offset }, bytes })
    }

    fn count(&mut self, what: &str) -> Result<u64, LoadError> {
        let count = self.u64(what)?;
        if count > MAX_ENTRIES {
            return Err(LoadError::Malformed(format!("it declares {count} {what}, more than the limit")));
        }
        Ok(count)
    }

    fn string(&mut self, what: &str) -> Result<String, LoadError> {
        let length = self.u64(what)?;
        if length > MAX_STRING_BYTES {
            return Err(LoadError::Malformed(format!(
                "{what} declares a string of {length} bytes, more than the limit"
            )));
        }
        self.reserve(length, what)?;
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes)?;
        // Vocabularies in the wild have a few strings that are not UTF-8; no text needs these tokens.
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

    /// Moves the position past the next `length` bytes, which must exist.
    fn reserve(&mut self, length: u64, what: &str) -> Result<(), LoadError> {
        let end = self.position.saturating_add(length);
        if end > self.file_bytes {
            let what = what.to_owned();
            return Err(LoadError::Truncated { what, needed_bytes: end, file_bytes: self.file_bytes });
        }
        if end > MAX_HEADER_BYTES {
            return Err(LoadError::Malformed(format!("the header exceeds {MAX_HEADER_BYTES} bytes")));
        }
        self.position = end;
        Ok(())
    }
}

fn alignment(metadata: &HashMap<String, Value>) -> Result<u64, LoadError> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::U32(n)) if n.is_power_of_two() && *n <= 1 << 16 => Ok((*n).into()),
        Some(other) => Err(LoadError::Malformed(format!("`general.alignment` is {other:?}"))),
    }
}
