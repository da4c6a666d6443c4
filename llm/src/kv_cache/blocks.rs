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
    /// For every layer, block and head: the keys, for every number of the head that of sixteen tokens; then the
    /// values, for every token the numbers of the head. One piece, because memory that is large enough comes from the
    /// machine already zeroed and is not there before it is written.
    numbers: Vec<u16>,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
struct Form {
    blocks: usize,
    heads: usize,
    head_size: usize,
}

impl Form {
    /// Numbers that the keys of a head in a block are, and so many its values.
    fn part(self) -> usize {
        self.head_size * BLOCK_TOKENS
    }

    /// Where the keys of a head in a block begin.
    fn start(self, layer: usize, block: BlockId, head: usize) -> usize {
        ((layer * self.blocks + block.0 as usize) * self.heads + head) * 2 * self.part()
    }
}

impl KvStore {
    /// Room for `blocks` blocks. `heads` are those of keys and values; `head_size` is a multiple of sixteen.
    pub(crate) fn new(blocks: usize, layers: usize, heads: usize, head_size: usize) -> Self {
        assert!(head_size.is_multiple_of(LANES), "heads are whole vectors");
        let form = Form { blocks, heads, head_size };
        Self { numbers: vec![0; layers * blocks * heads * 2 * form.part()], form }
    }

    /// Bytes that a block takes in all layers.
    pub(crate) fn block_bytes(layers: usize, heads: usize, head_size: usize) -> usize {
        2 * size_of::<u16>() * layers * heads * head_size * BLOCK_TOKENS
    }

    /// The keys and the values of a head in a block.
    pub(crate) fn read(&self, layer: usize, block: BlockId, head: usize) -> (&[u16], &[u16]) {
        let start = self.form.start(layer, block, head);
        self.numbers[start..start + 2 * self.form.part()].split_at(self.form.part())
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
        let form = self.form;
        let (heads, head_size) = (form.heads, form.head_size);
        let width = heads * head_size;
        let stored = Shared::new(&mut self.numbers);
        processor.each_row(keys.len() / width, width, |rows| {
            for row in rows {
                let (block, token) = place(row);
                for head in 0..heads {
                    let start = form.start(layer, block, head);
                    let from = row * width + head * head_size..row * width + (head + 1) * head_size;
                    let mut halves = [0_u16; LANES];
                    for (sixteen, numbers) in keys[from.clone()].chunks_exact(LANES).enumerate() {
                        // SAFETY: sixteen numbers, into as many.
                        unsafe { processor.launch(Halve { numbers, into: &mut halves }) };
                        for (number, half) in halves.iter().enumerate() {
                            let at = (sixteen * LANES + number) * BLOCK_TOKENS + token;
                            // SAFETY: no two rows have the same place.
                            unsafe { stored.slice(start + at, 1)[0] = *half };
                        }
                    }
                    for (sixteen, numbers) in values[from].chunks_exact(LANES).enumerate() {
                        let at = start + form.part() + token * head_size + sixteen * LANES;
                        // SAFETY: no two rows have the same place.
                        unsafe {
                            let into = stored.slice(at, LANES);
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
