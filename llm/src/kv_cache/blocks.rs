//! Stores keys and values in half precision, in blocks of sixteen tokens.
//!
//! Keys are stored transposed, the same number of sixteen tokens together, because attention multiplies them as columns
//! of a matrix; values are stored as rows. Address space is reserved at once; the system provides memory as blocks are
//! first written.

use crate::compute::backend::CpuBackend;
use crate::compute::disjoint_slices::DisjointSlices;
use crate::compute::simd::vector::{Kernel, LANES, Simd};

/// Tokens of a block.
pub(crate) const BLOCK_TOKENS: usize = LANES;

/// The index of a block, the same in all layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockId(pub(crate) u32);

/// The keys and values of one layer's rows, all key-value heads of a row together.
#[derive(Clone, Copy)]
pub(crate) struct KvRows<'a> {
    pub(crate) keys: &'a [f32],
    pub(crate) values: &'a [f32],
}

/// The keys and values of all blocks of all layers.
pub(crate) struct KvBlocks {
    /// For every layer, block and head: the keys, for every number of the head that of sixteen tokens; then the
    /// values, for every token the numbers of the head. One allocation, because a large one comes zeroed from the
    /// system and takes no memory before it is written.
    numbers: Vec<u16>,
    dimensions: Dimensions,
}

#[derive(Debug, Clone, Copy)]
struct Dimensions {
    blocks: usize,
    heads: usize,
    head_size: usize,
}

impl Dimensions {
    /// How many numbers the keys of a head take in a block; its values take as many.
    fn keys_length(self) -> usize {
        self.head_size * BLOCK_TOKENS
    }

    /// Where the keys of a head in a block begin.
    fn offset(self, layer: usize, block: BlockId, head: usize) -> usize {
        ((layer * self.blocks + block.0 as usize) * self.heads + head) * 2 * self.keys_length()
    }
}

impl KvBlocks {
    /// Reserves `blocks` blocks. `heads` counts key-value heads; `head_size` is a multiple of sixteen.
    pub(crate) fn new(blocks: usize, layers: usize, heads: usize, head_size: usize) -> Self {
        assert!(head_size.is_multiple_of(LANES), "heads are whole vectors");
        let dimensions = Dimensions { blocks, heads, head_size };
        Self { numbers: vec![0; layers * blocks * heads * 2 * dimensions.keys_length()], dimensions }
    }

    /// Bytes that a block takes in all layers.
    pub(crate) fn block_bytes(layers: usize, heads: usize, head_size: usize) -> usize {
        2 * size_of::<u16>() * layers * heads * head_size * BLOCK_TOKENS
    }

    /// The keys and the values of a head in a block.
    pub(crate) fn read(&self, layer: usize, block: BlockId, head: usize) -> (&[u16], &[u16]) {
        let start = self.dimensions.offset(layer, block, head);
        let length = self.dimensions.keys_length();
        self.numbers[start..start + 2 * length].split_at(length)
    }

    /// Stores the keys and values of rows. `slot` returns the block of a row, and which of its tokens the row is; no
    /// two rows have the same slot.
    pub(crate) fn write(
        &mut self,
        backend: CpuBackend,
        layer: usize,
        rows: KvRows<'_>,
        slot: impl Fn(usize) -> (BlockId, usize) + Sync,
    ) {
        let Dimensions { heads, head_size, .. } = self.dimensions;
        let width = heads * head_size;
        let writer =
            Writer { backend, dimensions: self.dimensions, numbers: DisjointSlices::new(&mut self.numbers) };
        backend.for_each_row_range(rows.keys.len() / width, width, |range| {
            for row in range {
                let (block, token) = slot(row);
                for head in 0..heads {
                    let start = writer.dimensions.offset(layer, block, head);
                    let from = row * width + head * head_size..row * width + (head + 1) * head_size;
                    // SAFETY: no two rows have the same slot.
                    unsafe {
                        writer.write_key(start, token, &rows.keys[from.clone()]);
                        writer.write_value(start, token, &rows.values[from]);
                    }
                }
            }
        });
    }
}

/// Writes single keys and values into blocks.
struct Writer<'a> {
    backend: CpuBackend,
    dimensions: Dimensions,
    numbers: DisjointSlices<'a, u16>,
}

impl Writer<'_> {
    /// Writes the key of `token` to the head's part of a block that begins at `start`.
    ///
    /// # Safety
    ///
    /// Nobody else writes or reads this token's key.
    unsafe fn write_key(&self, start: usize, token: usize, key: &[f32]) {
        let mut halves = [0_u16; LANES];
        for (vector, numbers) in key.chunks_exact(LANES).enumerate() {
            // SAFETY: sixteen numbers, and room for as many.
            unsafe { self.backend.launch(ToHalf { numbers, output: &mut halves }) };
            for (number, half) in halves.iter().enumerate() {
                let at = (vector * LANES + number) * BLOCK_TOKENS + token;
                // SAFETY: the caller vouches that nobody else has this token's numbers.
                unsafe { self.numbers.slice(start + at, 1)[0] = *half };
            }
        }
    }

    /// Writes the value of `token` to the head's part of a block that begins at `start`.
    ///
    /// # Safety
    ///
    /// Nobody else writes or reads this token's value.
    unsafe fn write_value(&self, start: usize, token: usize, value: &[f32]) {
        let start = start + self.dimensions.keys_length() + token * self.dimensions.head_size;
        for (vector, numbers) in value.chunks_exact(LANES).enumerate() {
            // SAFETY: sixteen numbers, and room for as many; the caller vouches that nobody else has them.
            unsafe {
                let output = self.numbers.slice(start + vector * LANES, LANES);
                self.backend.launch(ToHalf { numbers, output });
            }
        }
    }
}

/// Converts sixteen numbers to half precision.
struct ToHalf<'a> {
    numbers: &'a [f32],
    output: &'a mut [u16],
}

impl Kernel for ToHalf<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        // SAFETY: both have sixteen numbers.
        unsafe { simd.store_half(self.output.as_mut_ptr(), simd.load(self.numbers.as_ptr())) }
    }
}
