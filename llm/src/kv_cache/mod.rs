//! What the engine remembers of texts it has read: keys and values, in blocks that several sequences can share.
//!
//! [`KvStore`] is the memory. [`PrefixTree`] says which block holds which tokens after which others, who uses it, and
//! which is to go when room is needed. Neither computes.

mod store;
mod tree;

pub(crate) use store::{BLOCK_TOKENS, BlockId, KvStore};
pub(crate) use tree::{Lease, PrefixTree};
