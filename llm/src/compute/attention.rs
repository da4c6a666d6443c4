//! Attention: each query against the keys of its sequence up to its own position, in bounded memory.
//!
//! One item of work is a few queries of one sequence, with all query heads that share a head of keys and values.
//! It walks over the keys 64 at a time with a running maximum and sum, so that no row of scores is ever held whole
//! (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Dao and others, "FlashAttention",
//! 2022). A prompt and a single token take the same way; what differs is how many queries an item has.

use std::cell::RefCell;

use crate::cache::{BLOCK_TOKENS, BlockId, KvStore};
use crate::processor::{Processor, Shared};
use crate::simd::{self, Kernel, LANES, Simd};

/// Keys that are looked at together.
const KEYS: usize = 4 * BLOCK_TOKENS;
/// Queries of an item, all heads counted: enough to be worth bringing keys and values to full precision for.
const QUERIES: usize = 48;
/// Queries that one step of the innermost loop takes: with 32 columns that is 12 sums in registers.
const TILE: usize = 6;

/// The heads of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Heads of queries.
    pub(crate) queries: usize,
    /// Heads of keys and values; divides the number of query heads.
    pub(crate) keys: usize,
    /// Numbers of a head.
    pub(crate) size: usize,
    /// What a product of query and key is multiplied with.
    pub(crate) scale: f32,
    /// How many keys a query sees, its own included; `None` for all.
    pub(crate) window: Option<usize>,
}

impl Heads {
    /// The first key that the query at `position` sees.
    fn first_seen(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// Consecutive rows of one sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// The first of them among the rows of the step.
    pub(crate) start: usize,
    /// How many.
    pub(crate) count: usize,
    /// The position of the first of them in its sequence.
    pub(crate) position: usize,
    /// Where the sequence's keys and values are, for all positions up to the last row's.
    pub(crate) blocks: &'a [BlockId],
}

/// Computes attention for `queries`, which has all heads of each row, into `into`, of the same form. Keys and values
/// of the rows themselves are in `store` already.
pub(crate) fn attend(
    processor: Processor,
    store: &KvStore,
    layer: usize,
    heads: Heads,
    sequences: &[Rows<'_>],
    queries: &[f32],
    into: &mut [f32],
) {
    let tokens = (QUERIES / (heads.queries / heads.keys)).max(1);
    let mut items: Vec<(Rows<'_>, usize)> = Vec::new();
    for rows in sequences {
        for first in (0..rows.count).step_by(tokens) {
            let part = Rows {
                start: rows.start + first,
                count: tokens.min(rows.count - first),
                position: rows.position + first,
                ..*rows
            };
            items.extend((0..heads.keys).map(|head| (part, head)));
        }
    }
    // Long ones first: whoever is done early takes what is left.
    items.sort_by_key(|(rows, _)| std::cmp::Reverse(rows.position));
    let into = Shared::new(into);
    processor.each(items.len(), |item| {
        let (rows, head) = items[item];
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: rows and heads of one item belong to no other; the scratch is as large as the kernel makes it.
            unsafe {
                processor.launch(Item { store, layer, heads, rows, head, queries, into: &into, scratch });
            };
        });
    });
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::EMPTY) };
}

/// Memory of one thread.
struct Scratch {
    /// Queries by number.
    queries: Vec<f32>,
    /// Numbers by key.
    keys: Vec<f32>,
    /// Keys by number.
    values: Vec<f32>,
    /// Queries by key.
    scores: Vec<f32>,
    /// Queries by number.
    sums: Vec<f32>,
    /// The largest score of each query, and the sum of the powers that its values were multiplied with.
    running: Vec<(f32, f32)>,
}

impl Scratch {
    const EMPTY: Self = Self {
        queries: Vec::new(),
        keys: Vec::new(),
        values: Vec::new(),
        scores: Vec::new(),
        sums: Vec::new(),
        running: Vec::new(),
    };

    fn prepare(&mut self, queries: usize, head_size: usize) {
        self.queries.resize(queries * head_size, 0.0);
        self.keys.resize(head_size * KEYS, 0.0);
        self.values.resize(KEYS * head_size, 0.0);
        self.scores.resize(queries * KEYS, 0.0);
        self.sums.clear();
        self.sums.resize(queries * head_size, 0.0);
        self.running.clear();
        self.running.resize(queries, (f32::NEG_INFINITY, 0.0));
    }
}

struct Item<'a, 'b> {
    store: &'a KvStore,
    layer: usize,
    heads: Heads,
    rows: Rows<'a>,
    /// The head of keys and values.
    head: usize,
    queries: &'a [f32],
    into: &'a Shared<'a, f32>,
    scratch: &'b mut Scratch,
}

impl Kernel for Item<'_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self, simd: S) {
        let Self { heads, rows, .. } = self;
        let (size, group) = (heads.size, heads.queries / heads.keys);
        let count = rows.count * group;
        let scratch = self.scratch;
        scratch.prepare(count, size);
        let place = |query: usize| {
            let head = self.head * group + query % group;
            ((rows.start + query / group) * heads.queries + head) * size
        };
        for query in 0..count {
            let from = &self.queries[place(query)..][..size];
            for (to, from) in scratch.queries[query * size..].iter_mut().zip(from) {
                *to = from * heads.scale;
            }
        }
        let end = rows.position + rows.count;
        let first = heads.first_seen(rows.position);
        for start in (first / KEYS * KEYS..end).step_by(KEYS) {
            let keys = KEYS.min(end - start);
            let blocks = &rows.blocks[start / BLOCK_TOKENS..(start + keys).div_ceil(BLOCK_TOKENS)];
            let stored = Stored::read(self.store, self.layer, self.head, blocks);
            // Whoever needs them once takes them as they are stored.
            let brought = count > TILE;
            let queries = Left { numbers: scratch.queries.as_ptr(), stride: size, width: size, rows: count };
            let scores = Left { numbers: scratch.scores.as_ptr(), stride: KEYS, width: keys, rows: count };
            // SAFETY: the scratch was made large enough above, and there are as many blocks as keys need.
            unsafe {
                if brought {
                    stored.bring(simd, blocks.len(), size, scratch);
                    let right = Brought { numbers: scratch.keys.as_ptr(), width: KEYS };
                    multiply(simd, queries, right, scratch.scores.as_mut_ptr(), false);
                } else {
                    let right = StoredKeys(&stored);
                    multiply(simd, queries, right, scratch.scores.as_mut_ptr(), false);
                }
                for query in 0..count {
                    let position = rows.position + query / group;
                    let first = heads.first_seen(position);
                    let seen =
                        first.saturating_sub(start).min(KEYS)..KEYS.min((position + 1).saturating_sub(start));
                    weigh(simd, scratch, query, size, seen);
                }
                if brought {
                    let right = Brought { numbers: scratch.values.as_ptr(), width: size };
                    multiply(simd, scores, right, scratch.sums.as_mut_ptr(), true);
                } else {
                    let right = StoredValues(&stored, size);
                    multiply(simd, scores, right, scratch.sums.as_mut_ptr(), true);
                }
            }
        }
        for query in 0..count {
            let scale = scratch.running[query].1.recip();
            // SAFETY: rows and heads of one item belong to no other.
            let into = unsafe { self.into.slice(place(query), size) };
            for (into, sum) in into.iter_mut().zip(&scratch.sums[query * size..]) {
                *into = sum * scale;
            }
        }
    }
}

/// Up to [`KEYS`] keys and their values, as they are stored.
struct Stored {
    keys: [*const u16; KEYS / BLOCK_TOKENS],
    values: [*const u16; KEYS / BLOCK_TOKENS],
}

impl Stored {
    /// Those of one head in `blocks`, of which there is at least one. Missing blocks are the last one again: what is
    /// computed with them counts for nothing.
    fn read(store: &KvStore, layer: usize, head: usize, blocks: &[BlockId]) -> Self {
        let block = |at: usize| store.read(layer, blocks[at.min(blocks.len() - 1)], head);
        Self {
            keys: std::array::from_fn(|at| block(at).0.as_ptr()),
            values: std::array::from_fn(|at| block(at).1.as_ptr()),
        }
    }

    /// Brings the first `blocks` blocks to full precision.
    #[inline(always)]
    unsafe fn bring<S: Simd>(&self, simd: S, blocks: usize, size: usize, scratch: &mut Scratch) {
        for part in 0..blocks {
            // SAFETY: a block has `size` vectors of keys, and as many numbers of values; so has the scratch.
            unsafe {
                for number in 0..size {
                    let to = scratch.keys.as_mut_ptr().add(number * KEYS + part * BLOCK_TOKENS);
                    simd.store(to, simd.load_half(self.keys[part].add(number * BLOCK_TOKENS)));
                }
                let to = scratch.values.as_mut_ptr().add(part * BLOCK_TOKENS * size);
                for at in (0..BLOCK_TOKENS * size).step_by(LANES) {
                    simd.store(to.add(at), simd.load_half(self.values[part].add(at)));
                }
            }
        }
    }
}

/// Turns a query's scores into powers of the running maximum, and brings what was summed so far to it. Only the keys
/// in `seen` count.
#[inline(always)]
unsafe fn weigh<S: Simd>(
    simd: S,
    scratch: &mut Scratch,
    query: usize,
    size: usize,
    seen: std::ops::Range<usize>,
) {
    let scores = &mut scratch.scores[query * KEYS..][..KEYS];
    if seen.is_empty() {
        scores.fill(0.0);
        return;
    }
    scores[..seen.start].fill(f32::NEG_INFINITY);
    scores[seen.end..].fill(f32::NEG_INFINITY);
    // SAFETY: a query has KEYS scores and `size` sums.
    unsafe {
        let at = |part: usize| part * LANES;
        let mut largest = simd.load(scores.as_ptr());
        for part in 1..KEYS / LANES {
            largest = simd.max(largest, simd.load(scores.as_ptr().add(at(part))));
        }
        let (before, total) = scratch.running[query];
        let maximum = simd::largest(simd, largest).max(before);
        let mut powers = simd.splat(0.0);
        for part in 0..KEYS / LANES {
            let to = scores.as_mut_ptr().add(at(part));
            let power = simd::exp(simd, simd.add(simd.load(to), simd.splat(-maximum)));
            simd.store(to, power);
        }
        scores[..seen.start].fill(0.0);
        scores[seen.end..].fill(0.0);
        for part in 0..KEYS / LANES {
            powers = simd.add(powers, simd.load(scores.as_ptr().add(at(part))));
        }
        let fading = if before == maximum { 1.0 } else { (before - maximum).exp() };
        scratch.running[query] = (maximum, total * fading + simd::sum(simd, powers));
        if fading != 1.0 {
            let sums = scratch.sums[query * size..].as_mut_ptr();
            for number in (0..size).step_by(LANES) {
                let to = sums.add(number);
                simd.store(to, simd.multiply(simd.load(to), simd.splat(fading)));
            }
        }
    }
}

/// The left factor: rows of `width` numbers, `stride` apart.
#[derive(Clone, Copy)]
struct Left {
    numbers: *const f32,
    stride: usize,
    width: usize,
    rows: usize,
}

/// The right factor: at least as many rows as the left one is wide.
trait Right: Copy {
    /// Numbers of a row, a multiple of sixteen.
    fn width(self) -> usize;
    /// Sixteen numbers of a row.
    ///
    /// # Safety
    ///
    /// The row has them, and the caller is a kernel.
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats;
}

/// Rows one after the other.
#[derive(Clone, Copy)]
struct Brought {
    numbers: *const f32,
    width: usize,
}

impl Right for Brought {
    fn width(self) -> usize {
        self.width
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats {
        // SAFETY: as the caller says.
        unsafe { simd.load(self.numbers.add(row * self.width + column)) }
    }
}

/// A row for every number of a head, with that of each key.
#[derive(Clone, Copy)]
struct StoredKeys<'a>(&'a Stored);

impl Right for StoredKeys<'_> {
    fn width(self) -> usize {
        KEYS
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats {
        // SAFETY: as the caller says.
        unsafe { simd.load_half(self.0.keys[column / BLOCK_TOKENS].add(row * BLOCK_TOKENS)) }
    }
}

/// A row for every key, with the numbers of its value: so many.
#[derive(Clone, Copy)]
struct StoredValues<'a>(&'a Stored, usize);

impl Right for StoredValues<'_> {
    fn width(self) -> usize {
        self.1
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats {
        let block = self.0.values[row / BLOCK_TOKENS];
        // SAFETY: as the caller says.
        unsafe { simd.load_half(block.add(row % BLOCK_TOKENS * self.1 + column)) }
    }
}

/// The product of two small matrices, stored to `into` or added to what is there.
#[inline(always)]
unsafe fn multiply<S: Simd, R: Right>(simd: S, left: Left, right: R, into: *mut f32, adds: bool) {
    // SAFETY: columns and rows are those of the factors, as the caller has them.
    unsafe {
        let mut column = 0;
        while column < right.width() {
            let wide = right.width() - column >= 2 * LANES;
            let mut row = 0;
            while row < left.rows {
                match (wide, left.rows - row) {
                    (true, TILE..) => tile::<S, R, TILE, 2>(simd, left, right, into, row, column, adds),
                    (true, 3..) => tile::<S, R, 3, 2>(simd, left, right, into, row, column, adds),
                    (true, _) => tile::<S, R, 1, 2>(simd, left, right, into, row, column, adds),
                    (false, TILE..) => tile::<S, R, TILE, 1>(simd, left, right, into, row, column, adds),
                    (false, _) => tile::<S, R, 1, 1>(simd, left, right, into, row, column, adds),
                }
                row += match (wide, left.rows - row) {
                    (_, TILE..) => TILE,
                    (true, 3..) => 3,
                    _ => 1,
                };
            }
            column += if wide { 2 * LANES } else { LANES };
        }
    }
}

#[inline(always)]
unsafe fn tile<S: Simd, R: Right, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    left: Left,
    right: R,
    into: *mut f32,
    row: usize,
    column: usize,
    adds: bool,
) {
    // SAFETY: as for `multiply`.
    unsafe {
        let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
        for number in 0..left.width {
            let columns: [_; VECTORS] =
                std::array::from_fn(|vector| right.load(simd, number, column + vector * LANES));
            for (at, sums) in sums.iter_mut().enumerate() {
                let factor = simd.splat(*left.numbers.add((row + at) * left.stride + number));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = simd.multiply_add(factor, column, *sum);
                }
            }
        }
        for (at, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                let to = into.add((row + at) * right.width() + column + vector * LANES);
                simd.store(to, if adds { simd.add(simd.load(to), sum) } else { sum });
            }
        }
    }
}
