//! Stores matrices of quantized weights, a third of a byte to one byte a weight, and multiplies them with activations.
//!
//! Weights stay as compact as their file has them, since decoding a token is bound by memory bandwidth. They are packed
//! once, at load, into the order in which they are multiplied ([`formats`]): Q4_K, Q6_K, Q4_0, Q4_1 and Q8_0 keep every
//! bit of their value, all other formats are requantized to Q8_0. Activations are quantized to bytes ([`activations`]),
//! as in llama.cpp, and bytes are multiplied by bytes ([`matmul`]).

pub(crate) mod activations;
pub(crate) mod arena;
mod formats;
mod geometry;
pub(crate) mod matmul;
mod packed_format;
pub(crate) mod packed_matrix;
#[cfg(test)]
mod tests;
mod tile;
