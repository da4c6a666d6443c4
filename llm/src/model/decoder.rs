//! Runs all families that are decoders with RoPE attention and a gated feed-forward layer.
//!
//! One step computes a batch of sequences, each with any number of tokens: matrix products run over all their tokens
//! together, attention over each sequence by itself. The result for a token does not depend on the batch, to the last
//! bit: every row is summed in the same order, alone or among others.

mod forward;
mod load;
mod weights;

use domain::Cause;

use crate::compute::backend::CpuBackend;
use crate::error::LoadError;
use crate::kv_cache::blocks::KvBlocks;
use crate::model::batch::SequenceTokens;
use crate::model::config::ModelConfig;
use crate::model::decoder::forward::ForwardPass;
use crate::model::decoder::load::load_weights;
use crate::model::decoder::weights::Network;
use crate::model::gguf::file::GgufFile;

/// A decoder in memory, ready to compute.
pub(crate) struct Decoder {
    network: Network,
}

impl Decoder {
    /// Loads the weights of a file whose config and tensors were checked. `vocabulary` is the number of tokens.
    pub(crate) fn load(
        backend: CpuBackend,
        gguf: &GgufFile,
        config: ModelConfig,
        vocabulary: usize,
    ) -> Result<Self, LoadError> {
        let weights = load_weights(backend, gguf, &config)?;
        tracing::info!(
            weight_bytes = weights.bytes(),
            instructions = ?backend.instructions(),
            "model weights loaded"
        );
        Ok(Self { network: Network { backend, config, vocabulary, weights } })
    }

    /// Reserves `blocks` KV blocks for this model.
    pub(crate) fn new_kv_blocks(&self, blocks: usize) -> KvBlocks {
        let ModelConfig { layers, key_value_heads, head_size, .. } = self.network.config;
        KvBlocks::new(blocks, layers, key_value_heads, head_size)
    }

    /// Computes the tokens of a batch, and stores their keys and values. Returns the wanted logits, in the order of the
    /// batch, each with a number per token of the vocabulary. Fails if the model does not have one of the tokens.
    pub(crate) fn forward(
        &self,
        kv: &mut KvBlocks,
        batch: &[SequenceTokens<'_>],
    ) -> Result<Vec<Vec<f32>>, Cause> {
        Ok(ForwardPass::new(&self.network, batch)?.run(kv))
    }
}

#[cfg(test)]
mod tests;
