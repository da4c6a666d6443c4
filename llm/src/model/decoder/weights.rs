//! The weights of a decoder.

use crate::compute::backend::CpuBackend;
use crate::compute::matrix::packed_matrix::PackedMatrix;
use crate::model::config::ModelConfig;

/// Everything that a forward pass needs to know of the model.
pub(super) struct Network {
    pub(super) backend: CpuBackend,
    pub(super) config: ModelConfig,
    /// Number of tokens.
    pub(super) vocabulary: usize,
    pub(super) weights: Weights,
}

pub(super) struct Weights {
    pub(super) embedding: PackedMatrix,
    pub(super) layers: Vec<Layer>,
    pub(super) output_norm: Vec<f32>,
    /// `None` if the embedding is used for it.
    pub(super) output: Option<PackedMatrix>,
}

pub(super) struct Layer {
    pub(super) attention_norm: Vec<f32>,
    pub(super) query: Projection,
    pub(super) key: Projection,
    pub(super) value: Projection,
    pub(super) attention_output: PackedMatrix,
    pub(super) post_attention_norm: Option<Vec<f32>>,
    pub(super) feed_forward_norm: Vec<f32>,
    pub(super) gate: PackedMatrix,
    pub(super) up: PackedMatrix,
    pub(super) down: PackedMatrix,
    pub(super) post_feed_forward_norm: Option<Vec<f32>>,
}

/// What computes queries, keys or values.
pub(super) struct Projection {
    pub(super) matrix: PackedMatrix,
    pub(super) bias: Option<Vec<f32>>,
    /// The weights of a norm over each head.
    pub(super) head_norm: Option<Vec<f32>>,
}

impl Weights {
    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter().flat_map(Layer::matrices);
        layers.chain([&self.embedding]).chain(&self.output).map(PackedMatrix::bytes).sum()
    }
}

impl Layer {
    fn matrices(&self) -> [&PackedMatrix; 7] {
        let Self { query, key, value, attention_output, gate, up, down, .. } = self;
        [&query.matrix, &key.matrix, &value.matrix, attention_output, gate, up, down]
    }
}
