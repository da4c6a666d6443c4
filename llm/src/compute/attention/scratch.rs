//! The memory that one thread computes attention in.

use crate::kv_cache::blocks::BLOCK_TOKENS;

/// Keys that are processed together.
pub(super) const KEY_TILE: usize = 4 * BLOCK_TOKENS;

/// Reused from work item to work item. All matrices are stored row by row.
pub(super) struct Scratch {
    /// A row per query, a column per number of the head.
    pub(super) queries: Vec<f32>,
    /// A row per number of the head, a column per key.
    pub(super) keys: Vec<f32>,
    /// A row per key, a column per number of the head.
    pub(super) values: Vec<f32>,
    /// A row per query, a column per key.
    pub(super) scores: Vec<f32>,
    /// A row per query, a column per number of the head.
    pub(super) sums: Vec<f32>,
    pub(super) normalizers: Vec<Normalizer>,
}

/// The running softmax of one query.
#[derive(Clone, Copy)]
pub(super) struct Normalizer {
    /// The largest score so far.
    pub(super) maximum: f32,
    /// The sum of `e^(score - maximum)` so far.
    pub(super) sum: f32,
}

impl Scratch {
    pub(super) const EMPTY: Self = Self {
        queries: Vec::new(),
        keys: Vec::new(),
        values: Vec::new(),
        scores: Vec::new(),
        sums: Vec::new(),
        normalizers: Vec::new(),
    };

    /// Makes room for `queries` queries, and resets their sums and normalizers.
    pub(super) fn prepare(&mut self, queries: usize, head_size: usize) {
        self.queries.resize(queries * head_size, 0.0);
        self.keys.resize(head_size * KEY_TILE, 0.0);
        self.values.resize(KEY_TILE * head_size, 0.0);
        self.scores.resize(queries * KEY_TILE, 0.0);
        self.sums.clear();
        self.sums.resize(queries * head_size, 0.0);
        self.normalizers.clear();
        self.normalizers.resize(queries, Normalizer { maximum: f32::NEG_INFINITY, sum: 0.0 });
    }
}
