//! Where keys and values lie: blocks of sixteen tokens, in half precision.
//!
//! Keys lie turned, sixteen tokens of one number together, because they are multiplied as the columns of a matrix;
//! values lie as rows. Memory is reserved at once and taken from the machine as blocks are first written.

use crate::processor::{Processor, Shared};
use crate::simd::{Kernel, LANES, Simd};

/// Tokens of a block.
pub(crate) const BLOCK_TOKENS: usize = LANES;

/// A block's place, the same in all layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockId(pub(crate) u32);

/// The memory of all blocks of all layers.
pub(crate) struct KvStore {
    layers: Vec<KvLayer>,
    heads: usize,
    head_size: usize,
}

/// The memory of one layer.
pub(crate) struct KvLayer {
    /// For every block and head: for every number of the head, that of sixteen tokens.
    keys: Vec<u16>,
    /// For every block and head: for every token, the numbers of the head.
    values: Vec<u16>,
}

impl KvStore {
    /// Room for `blocks` blocks. `heads` are those of keys and values; `head_size` is a multiple of sixteen.
    pub(crate) fn new(blocks: usize, layers: usize, heads: usize, head_size: usize) -> Self {
        assert!(head_size.is_multiple_of(LANES), "heads are whole vectors");
        let numbers = blocks * heads * head_size * BLOCK_TOKENS;
        let layer = || KvLayer { keys: vec![0; numbers], values: vec![0; numbers] };
        Self { layers: (0..layers).map(|_| layer()).collect(), heads, head_size }
    }

    /// Bytes that a block takes in all layers.
    pub(crate) fn block_bytes(layers: usize, heads: usize, head_size: usize) -> usize {
        2 * size_of::<u16>() * layers * heads * head_size * BLOCK_TOKENS
    }

    /// The keys and the values of a head in a block.
    pub(crate) fn read(&self, layer: usize, block: BlockId, head: usize) -> (&[u16], &[u16]) {
        let length = self.head_size * BLOCK_TOKENS;
        let start = (block.0 as usize * self.heads + head) * length;
        let layer = &self.layers[layer];
        (&layer.keys[start..start + length], &layer.values[start..start + length])
    }

    /// Stores the keys and values of rows, all heads of a row together. `place` says for each row which token of
    /// which block it is; no two rows have the same place.
    pub(crate) fn write(
        &mut self,
        processor: Processor,
        layer: usize,
        keys: &[f32],
        values: &[f32],
        place: impl Fn(usize) -> (BlockId, usize) + Sync,
    ) {
        let (heads, head_size) = (self.heads, self.head_size);
        let width = heads * head_size;
        let KvLayer { keys: stored_keys, values: stored_values } = &mut self.layers[layer];
        let (stored_keys, stored_values) = (Shared::new(stored_keys), Shared::new(stored_values));
        processor.each_row(keys.len() / width, width, |rows| {
            for row in rows {
                let (block, token) = place(row);
                for head in 0..heads {
                    let start = (block.0 as usize * heads + head) * head_size * BLOCK_TOKENS;
                    let from = row * width + head * head_size..row * width + (head + 1) * head_size;
                    let mut halves = [0_u16; LANES];
                    for (sixteen, numbers) in keys[from.clone()].chunks_exact(LANES).enumerate() {
                        // SAFETY: sixteen numbers, into as many.
                        unsafe { processor.launch(Halve { numbers, into: &mut halves }) };
                        for (number, half) in halves.iter().enumerate() {
                            let at = (sixteen * LANES + number) * BLOCK_TOKENS + token;
                            // SAFETY: no two rows have the same place.
                            unsafe { stored_keys.slice(start + at, 1)[0] = *half };
                        }
                    }
                    for (sixteen, numbers) in values[from].chunks_exact(LANES).enumerate() {
                        let at = start + token * head_size + sixteen * LANES;
                        // SAFETY: no two rows have the same place.
                        unsafe {
                            let into = stored_values.slice(at, LANES);
                            processor.launch(Halve { numbers, into });
                        }
                    }
                }
            }
        });
    }
}

/// Sixteen numbers to half precision.
struct Halve<'a> {
    numbers: &'a [f32],
    into: &'a mut [u16],
}

impl Kernel for Halve<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        // SAFETY: both have sixteen numbers.
        unsafe { simd.store_half(self.into.as_mut_ptr(), simd.load(self.numbers.as_ptr())) }
    }
}
