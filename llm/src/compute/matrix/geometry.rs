//! The sizes that packed weights and quantized activations have in common.

use crate::compute::simd::vector::LANES;

/// Rows of weights that are multiplied together, in two halves of one vector each.
pub(super) const PANEL_ROWS: usize = 2 * LANES;
/// Columns that are multiplied before their sums are scaled: the super-block of GGUF's K formats.
pub(super) const SUPER_BLOCK: usize = 256;
/// Columns of a block: the largest group of weights with a scale of its own.
pub(super) const BLOCK: usize = 32;
/// Quads of a block. A quad is four columns, which one instruction multiplies and adds.
pub(super) const BLOCK_QUADS: usize = BLOCK / 4;
/// Columns of the smallest group of weights with a scale of its own.
pub(super) const MIN_GROUP: usize = 16;
