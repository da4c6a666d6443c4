//! Computes attention in bounded memory: each query against the keys of its sequence up to its own position.
//!
//! A work item is a few queries of one sequence, with all query heads that share a key-value head. It walks over the
//! keys 64 at a time with a running maximum and sum, so that no row of scores is ever held whole (Milakov and
//! Gimelshein, "Online normalizer calculation for softmax", 2018; Dao and others, "FlashAttention", 2022). Prefill and
//! decode take the same path; they differ in how many queries an item has.

pub(crate) mod attend;
pub(crate) mod heads;
mod kv_tile;
mod scratch;
mod small_matmul;
mod softmax;
