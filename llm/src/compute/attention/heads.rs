//! The inputs of attention: a layer's heads, and the rows of one sequence.

use crate::kv_cache::blocks::BlockId;

/// The heads of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) query_heads: usize,
    /// Divides the number of query heads.
    pub(crate) key_value_heads: usize,
    /// Numbers of a head.
    pub(crate) head_size: usize,
    /// What the product of a query and a key is multiplied with.
    pub(crate) scale: f32,
    /// The sliding window: how many keys a query sees, its own included; `None` for all.
    pub(crate) window: Option<usize>,
}

impl Heads {
    /// Query heads that share a key-value head.
    pub(super) fn queries_per_key(&self) -> usize {
        self.query_heads / self.key_value_heads
    }

    /// The first key that the query at `position` sees.
    pub(super) fn first_visible_key(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// Consecutive rows of one sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SequenceRows<'a> {
    /// The index of the first row in the batch.
    pub(crate) start: usize,
    /// Number of rows.
    pub(crate) count: usize,
    /// The position of the first row in its sequence.
    pub(crate) position: usize,
    /// The sequence's KV blocks, at least up to the position of the last row.
    pub(crate) blocks: &'a [BlockId],
}
