//! Splits the attention of a layer into work items, and computes them on all threads.

use std::cell::RefCell;

use crate::compute::attention::heads::{Heads, SequenceRows};
use crate::compute::attention::kv_tile::{HalfKeys, HalfValues, KvTile};
use crate::compute::attention::scratch::{KEY_TILE, Scratch};
use crate::compute::attention::small_matmul::{F32Rows, LeftMatrix, ROW_TILE, SmallMatmul};
use crate::compute::attention::softmax::weigh_scores;
use crate::compute::backend::CpuBackend;
use crate::compute::disjoint_slices::DisjointSlices;
use crate::compute::simd::vector::{Kernel, Simd};
use crate::kv_cache::blocks::{BLOCK_TOKENS, KvBlocks};

/// Queries of a work item, all heads counted: enough to be worth converting keys and values to full precision.
const ITEM_QUERIES: usize = 48;

/// The attention of one layer over a batch.
#[derive(Clone, Copy)]
pub(crate) struct Attention<'a> {
    /// Holds the keys and values of all rows of the batch, and of everything before them.
    pub(crate) kv: &'a KvBlocks,
    pub(crate) layer: usize,
    pub(crate) heads: Heads,
    pub(crate) sequences: &'a [SequenceRows<'a>],
    /// All query heads of each row.
    pub(crate) queries: &'a [f32],
}

impl Attention<'_> {
    /// Computes attention into `output`, which has the form of the queries.
    pub(crate) fn compute(&self, backend: CpuBackend, output: &mut [f32]) {
        let items = self.split();
        let output = DisjointSlices::new(output);
        backend.for_each(items.len(), |item| {
            let (rows, key_value_head) = items[item];
            SCRATCH.with_borrow_mut(|scratch| {
                let item = WorkItem { attention: *self, rows, key_value_head, output: &output, scratch };
                // SAFETY: no other item has these rows and heads; the kernel makes the scratch as large as it needs.
                unsafe { backend.launch(item) };
            });
        });
    }

    /// The rows and the key-value head of each work item.
    fn split(&self) -> Vec<(SequenceRows<'_>, usize)> {
        let tokens = (ITEM_QUERIES / self.heads.queries_per_key()).max(1);
        let mut items = Vec::new();
        for rows in self.sequences {
            for first in (0..rows.count).step_by(tokens) {
                let part = SequenceRows {
                    start: rows.start + first,
                    count: tokens.min(rows.count - first),
                    position: rows.position + first,
                    ..*rows
                };
                items.extend((0..self.heads.key_value_heads).map(|head| (part, head)));
            }
        }
        // Long ones first: threads that finish early take what is left.
        items.sort_by_key(|(rows, _)| std::cmp::Reverse(rows.position));
        items
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::EMPTY) };
}

struct WorkItem<'a, 'b> {
    attention: Attention<'a>,
    rows: SequenceRows<'a>,
    key_value_head: usize,
    output: &'a DisjointSlices<'a, f32>,
    scratch: &'b mut Scratch,
}

impl Kernel for WorkItem<'_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self, simd: S) {
        let Self { attention: Attention { heads, .. }, rows, .. } = self;
        self.scratch.prepare(self.queries(), heads.head_size);
        self.load_queries();
        let end = rows.position + rows.count;
        let first = heads.first_visible_key(rows.position);
        for start in (first / KEY_TILE * KEY_TILE..end).step_by(KEY_TILE) {
            // SAFETY: the scratch was made large enough above, and the sequence has the blocks of all its keys.
            unsafe { self.add_tile(simd, start, KEY_TILE.min(end - start)) };
        }
        self.store_output();
    }
}

impl WorkItem<'_, '_> {
    /// Queries of all heads that share the key-value head.
    #[inline(always)]
    fn queries(&self) -> usize {
        self.rows.count * self.attention.heads.queries_per_key()
    }

    /// Where a query lies among the queries of the batch, and its output among the outputs.
    #[inline(always)]
    fn offset(&self, query: usize) -> usize {
        let heads = self.attention.heads;
        let group = heads.queries_per_key();
        let head = self.key_value_head * group + query % group;
        ((self.rows.start + query / group) * heads.query_heads + head) * heads.head_size
    }

    /// Copies the queries into the scratch, scaled.
    #[inline(always)]
    fn load_queries(&mut self) {
        let Heads { head_size, scale, .. } = self.attention.heads;
        for query in 0..self.queries() {
            let from = &self.attention.queries[self.offset(query)..][..head_size];
            for (to, from) in self.scratch.queries[query * head_size..].iter_mut().zip(from) {
                *to = from * scale;
            }
        }
    }

    /// Adds `keys` keys from `start` on, and their values.
    #[inline(always)]
    unsafe fn add_tile<S: Simd>(&mut self, simd: S, start: usize, keys: usize) {
        let Attention { kv, layer, heads: Heads { head_size, .. }, .. } = self.attention;
        let rows = self.queries();
        let blocks = &self.rows.blocks[start / BLOCK_TOKENS..(start + keys).div_ceil(BLOCK_TOKENS)];
        let tile = KvTile::new(kv, layer, self.key_value_head, blocks);
        // Few queries read each key once: they take it in half precision, as it is stored.
        let convert = rows > ROW_TILE;
        let scratch = &mut *self.scratch;
        let (output, accumulate) = (scratch.scores.as_mut_ptr(), false);
        let left =
            LeftMatrix { numbers: scratch.queries.as_ptr(), stride: head_size, width: head_size, rows };
        // SAFETY: the scratch has room for the queries and a tile, and the tile has as many blocks as the keys need.
        unsafe {
            if convert {
                tile.convert(simd, blocks.len(), head_size, scratch);
                let right = F32Rows { numbers: scratch.keys.as_ptr(), width: KEY_TILE };
                SmallMatmul { left, right, output, accumulate }.run(simd);
            } else {
                SmallMatmul { left, right: HalfKeys(&tile), output, accumulate }.run(simd);
            }
            self.weigh_scores(simd, start);
            let scratch = &mut *self.scratch;
            let (output, accumulate) = (scratch.sums.as_mut_ptr(), true);
            let left = LeftMatrix { numbers: scratch.scores.as_ptr(), stride: KEY_TILE, width: keys, rows };
            if convert {
                let right = F32Rows { numbers: scratch.values.as_ptr(), width: head_size };
                SmallMatmul { left, right, output, accumulate }.run(simd);
            } else {
                let right = HalfValues { tile: &tile, head_size };
                SmallMatmul { left, right, output, accumulate }.run(simd);
            }
        }
    }

    /// Turns the scores of the tile that begins with key `start` into weights.
    #[inline(always)]
    unsafe fn weigh_scores<S: Simd>(&mut self, simd: S, start: usize) {
        let heads = self.attention.heads;
        let group = heads.queries_per_key();
        for query in 0..self.queries() {
            let position = self.rows.position + query / group;
            let first = heads.first_visible_key(position).saturating_sub(start).min(KEY_TILE);
            let end = KEY_TILE.min((position + 1).saturating_sub(start));
            // SAFETY: the scratch has the scores and sums of all queries.
            unsafe { weigh_scores(simd, self.scratch, query, heads.head_size, first..end) };
        }
    }

    /// Writes the weighted sums, normalized.
    #[inline(always)]
    fn store_output(&self) {
        let head_size = self.attention.heads.head_size;
        for query in 0..self.queries() {
            let scale = self.scratch.normalizers[query].sum.recip();
            // SAFETY: no other item has these rows and heads.
            let output = unsafe { self.output.slice(self.offset(query), head_size) };
            for (output, sum) in output.iter_mut().zip(&self.scratch.sums[query * head_size..]) {
                *output = sum * scale;
            }
        }
    }
}
