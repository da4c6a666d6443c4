//! Loads a decoder's weights from its file, one tensor at a time.

use std::io;

use candle_core::quantized::gguf_file::TensorInfo;

use crate::compute::backend::CpuBackend;
use crate::compute::matrix::arena::Arena;
use crate::compute::matrix::packed_matrix::PackedMatrix;
use crate::error::LoadError;
use crate::model::config::ModelConfig;
use crate::model::decoder::weights::{Layer, Projection, Weights};
use crate::model::gguf::file::GgufFile;
use crate::model::gguf::tensor::Tensor;

/// Loads the weights of a file whose config and tensors were checked.
pub(super) fn load_weights(
    backend: CpuBackend,
    gguf: &GgufFile,
    config: &ModelConfig,
) -> Result<Weights, LoadError> {
    let arena = Arena::new(gguf.content.tensor_infos.values().filter_map(packed_bytes))?;
    let mut loader = Loader { backend, gguf, config, arena };
    let layers = (0..config.layers).map(|layer| loader.layer(layer)).collect::<Result<_, _>>()?;
    let weights = Weights {
        embedding: loader.matrix("token_embd.weight")?,
        output: gguf.has_tensor("output.weight").then(|| loader.matrix("output.weight")).transpose()?,
        output_norm: gguf.floats("output_norm.weight")?,
        layers,
    };
    log_requantized_formats(gguf);
    Ok(weights)
}

/// Bytes that a tensor takes as a matrix; `None` if it is not one.
fn packed_bytes(info: &TensorInfo) -> Option<usize> {
    match info.shape.dims() {
        [rows, columns] => Some(PackedMatrix::packed_bytes(info.ggml_dtype, *rows, *columns)),
        _ => None,
    }
}

struct Loader<'a> {
    backend: CpuBackend,
    gguf: &'a GgufFile,
    config: &'a ModelConfig,
    arena: Arena,
}

impl Loader<'_> {
    fn layer(&mut self, layer: usize) -> Result<Layer, LoadError> {
        let name = |name: &str| format!("blk.{layer}.{name}.weight");
        let interleaved = self.config.family.has_interleaved_rope();
        Ok(Layer {
            attention_norm: self.gguf.floats(&name("attn_norm"))?,
            query: self.projection(layer, "attn_q", interleaved)?,
            key: self.projection(layer, "attn_k", interleaved)?,
            value: self.projection(layer, "attn_v", false)?,
            attention_output: self.matrix(&name("attn_output"))?,
            post_attention_norm: self.optional_floats(&name("post_attention_norm"))?,
            feed_forward_norm: self.gguf.floats(&name("ffn_norm"))?,
            gate: self.matrix(&name("ffn_gate"))?,
            up: self.matrix(&name("ffn_up"))?,
            down: self.matrix(&name("ffn_down"))?,
            post_feed_forward_norm: self.optional_floats(&name("post_ffw_norm"))?,
        })
    }

    fn matrix(&mut self, name: &str) -> Result<PackedMatrix, LoadError> {
        let tensor = self.gguf.tensor(name)?;
        self.pack(&tensor, |first, rows| tensor.read_rows(first, rows))
    }

    fn optional_floats(&self, name: &str) -> Result<Option<Vec<f32>>, LoadError> {
        self.gguf.has_tensor(name).then(|| self.gguf.floats(name)).transpose()
    }

    fn projection(&mut self, layer: usize, name: &str, interleaved: bool) -> Result<Projection, LoadError> {
        let name = format!("blk.{layer}.{name}");
        let head_norm = self.optional_floats(&format!("{name}_norm.weight"))?;
        let bias = self.optional_floats(&format!("{name}.bias"))?;
        let weight = format!("{name}.weight");
        if !interleaved {
            return Ok(Projection { matrix: self.matrix(&weight)?, bias, head_norm });
        }
        let tensor = self.gguf.tensor(&weight)?;
        let head_size = self.config.head_size;
        let source = |row| interleaved_row(row, head_size);
        let bias = bias.map(|bias| (0..bias.len()).map(|row| bias[source(row)]).collect());
        let matrix = self.pack(&tensor, |first, rows| {
            let mut rows = (first..).zip(rows.chunks_exact_mut(tensor.row_bytes()));
            rows.try_for_each(|(row, bytes)| tensor.read_rows(source(row), bytes))
        })?;
        Ok(Projection { matrix, bias, head_norm })
    }

    fn pack(
        &mut self,
        tensor: &Tensor<'_>,
        read: impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync,
    ) -> Result<PackedMatrix, LoadError> {
        let [rows, columns] = tensor.info.shape.dims() else {
            return Err(LoadError::Malformed("a matrix does not have two dimensions".to_owned()));
        };
        let format = tensor.info.ggml_dtype;
        PackedMatrix::pack(self.backend, &mut self.arena, format, (*rows, *columns), read)
    }
}

/// Where a file with interleaved RoPE has row `row` of a matrix in the order that this engine rotates: of each head
/// first the even rows, then the odd ones.
fn interleaved_row(row: usize, head_size: usize) -> usize {
    let (head, within) = (row / head_size, row % head_size);
    let half = head_size / 2;
    head * head_size + within % half * 2 + within / half
}

fn log_requantized_formats(gguf: &GgufFile) {
    let matrices = gguf.content.tensor_infos.values().filter(|info| info.shape.rank() == 2);
    let requantized = matrices.filter(|info| PackedMatrix::requantizes(info.ggml_dtype));
    let mut formats: Vec<String> = requantized.map(|info| format!("{:?}", info.ggml_dtype)).collect();
    formats.sort();
    formats.dedup();
    if !formats.is_empty() {
        let formats = formats.join(", ");
        tracing::info!(formats, "weights were requantized to Q8_0, which multiplies faster");
    }
}
