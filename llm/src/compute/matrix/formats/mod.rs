//! Packs weights in memory: as compact as in the file, in the order in which they are multiplied.
//!
//! A panel is 32 rows of a matrix, cut into super-blocks of up to 256 columns, cut into blocks of 32 columns. Panels,
//! super-blocks and blocks lie one after the other, each with what is needed first in front: the multiplication reads
//! memory from front to back, and the CPU has fetched it by then. With the two halves of a panel's rows some kilobytes
//! apart, a token took a third longer.
//!
//! In a block the weights of sixteen rows lie together in quads: four columns of row 0, the same four of row 1, and so
//! on. So one instruction multiplies four activations with sixteen rows, and no sum has to be taken across a vector.
//!
//! A format packs the blocks of a GGUF file, and unpacks them to bytes before they are multiplied. All formats unpack
//! to the same form, which one kernel multiplies:
//!
//! ```text
//! weight = scale of its group * (byte - ZERO_POINT) + minimum of its group
//! ```
//!
//! GGUF's blocks: <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>.

pub(super) mod format;
mod packing;
pub(super) mod q4_1;
pub(super) mod q4_k;
pub(super) mod q6_k;
pub(super) mod q8_0;
