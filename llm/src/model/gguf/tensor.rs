//! Reads the rows of a tensor from its file.

use std::fs::File;
use std::io;

use candle_core::quantized::gguf_file::TensorInfo;

/// A tensor in a file. The checks of the header guarantee that it lies within the file.
#[derive(Clone, Copy)]
pub(crate) struct Tensor<'a> {
    pub(super) file: &'a File,
    pub(super) start: u64,
    /// Its dimensions and format.
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

    /// Reads rows from `first` on, as many as fill `bytes`. Any number of threads may read at the same time.
    pub(crate) fn read_rows(&self, first: usize, bytes: &mut [u8]) -> io::Result<()> {
        read_exact_at(self.file, bytes, self.start + (first * self.row_bytes()) as u64)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}
