//! Keeps the keys and values of computed tokens, in blocks that sequences with the same prefix share.
//!
//! [`blocks`] is the memory. [`prefix_tree`] knows which block holds which tokens after which prefix, which sequences
//! use it, and which to evict when a new sequence needs room. Neither computes.

pub(crate) mod blocks;
pub(crate) mod prefix_tree;
