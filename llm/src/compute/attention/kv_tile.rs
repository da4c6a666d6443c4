//! Reads up to 64 keys and values out of the KV cache: in half precision as they are stored, or converted once.

use crate::compute::attention::scratch::{KEY_TILE, Scratch};
use crate::compute::attention::small_matmul::RightMatrix;
use crate::compute::simd::vector::{LANES, Simd};
use crate::kv_cache::blocks::{BLOCK_TOKENS, BlockId, KvBlocks};

/// Up to [`KEY_TILE`] keys and values of one head, where the KV cache has them.
pub(super) struct KvTile {
    keys: [*const u16; KEY_TILE / BLOCK_TOKENS],
    values: [*const u16; KEY_TILE / BLOCK_TOKENS],
}

impl KvTile {
    /// The tile of one head in `blocks`, of which there is at least one. The last block stands for missing ones: what
    /// is computed with them has no weight.
    pub(super) fn new(kv: &KvBlocks, layer: usize, head: usize, blocks: &[BlockId]) -> Self {
        let block = |at: usize| kv.read(layer, blocks[at.min(blocks.len() - 1)], head);
        Self {
            keys: std::array::from_fn(|at| block(at).0.as_ptr()),
            values: std::array::from_fn(|at| block(at).1.as_ptr()),
        }
    }

    /// Converts the first `blocks` blocks to full precision.
    #[inline(always)]
    pub(super) unsafe fn convert<S: Simd>(
        &self,
        simd: S,
        blocks: usize,
        head_size: usize,
        scratch: &mut Scratch,
    ) {
        for block in 0..blocks {
            // SAFETY: a block has `head_size` vectors of keys, and as many numbers of values; so has the scratch.
            unsafe {
                for number in 0..head_size {
                    let to = scratch.keys.as_mut_ptr().add(number * KEY_TILE + block * BLOCK_TOKENS);
                    simd.store(to, simd.load_half(self.keys[block].add(number * BLOCK_TOKENS)));
                }
                let to = scratch.values.as_mut_ptr().add(block * BLOCK_TOKENS * head_size);
                for at in (0..BLOCK_TOKENS * head_size).step_by(LANES) {
                    simd.store(to.add(at), simd.load_half(self.values[block].add(at)));
                }
            }
        }
    }
}

/// The keys as they are stored: a row per number of the head, a column per key.
#[derive(Clone, Copy)]
pub(super) struct HalfKeys<'a>(pub(super) &'a KvTile);

impl RightMatrix for HalfKeys<'_> {
    #[inline(always)]
    fn width(self) -> usize {
        KEY_TILE
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats {
        // SAFETY: the caller vouches that the row has the columns.
        unsafe { simd.load_half(self.0.keys[column / BLOCK_TOKENS].add(row * BLOCK_TOKENS)) }
    }
}

/// The values as they are stored: a row per key, a column per number of the head.
#[derive(Clone, Copy)]
pub(super) struct HalfValues<'a> {
    pub(super) tile: &'a KvTile,
    pub(super) head_size: usize,
}

impl RightMatrix for HalfValues<'_> {
    #[inline(always)]
    fn width(self) -> usize {
        self.head_size
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats {
        let block = self.tile.values[row / BLOCK_TOKENS];
        // SAFETY: the caller vouches that the row has the columns.
        unsafe { simd.load_half(block.add(row % BLOCK_TOKENS * self.head_size + column)) }
    }
}
