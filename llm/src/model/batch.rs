//! What one forward pass computes.

use crate::kv_cache::blocks::BlockId;

/// One sequence's tokens in a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SequenceTokens<'a> {
    /// The tokens to compute, at least one.
    pub(crate) tokens: &'a [u32],
    /// The position of the first of them. The keys and values of everything before are in the KV cache.
    pub(crate) position: usize,
    /// The sequence's KV blocks, with room for these tokens.
    pub(crate) blocks: &'a [BlockId],
    /// For how many of the last tokens logits are wanted.
    pub(crate) logits: usize,
}
