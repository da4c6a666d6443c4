//! Reads GGUF files, which are untrusted input.
//!
//! Owns every check that needs no knowledge of models: counts, lengths, types, and that each tensor lies within the
//! file. candle's own reader is not used, because it multiplies the size of a hostile header in memory, divides by an
//! alignment of 0, and multiplies dimensions without looking for overflow. The result is candle's own
//! [`Content`](candle_core::quantized::gguf_file::Content), so that candle's models can be built from it, too.
//!
//! The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

pub(crate) mod file;
mod header;
pub(crate) mod tensor;
mod tensor_info;
