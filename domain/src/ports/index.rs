//! Pairs an index with the embedder of its space, and swaps the live pair as a whole.
//!
//! A question's vector is comparable only with vectors of its own space. So whoever embeds and searches takes both from
//! one [`Index`] and reads it once; if another index goes live meanwhile, the work finishes on the one that it read.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ports::embedder::Embedder;
use crate::ports::vector_store::VectorStore;

/// Vectors of one embedding space, and the embedder that makes them.
pub struct Index {
    /// Makes the vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Stores and searches them.
    pub vectors: Arc<dyn VectorStore>,
}

/// The index that serves queries: one slot, shared by every reader and writer.
pub struct LiveIndex(RwLock<Arc<Index>>);

impl LiveIndex {
    /// Makes `index` the live one.
    pub fn new(index: Arc<Index>) -> Self {
        Self(RwLock::new(index))
    }

    /// The index that is live now. Read it once for each piece of work.
    pub fn current(&self) -> Arc<Index> {
        // A poisoned lock is harmless: it guards one pointer, which is valid at every moment.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes another index live and returns the previous one, which may still be in use.
    pub fn replace(&self, index: Arc<Index>) -> Arc<Index> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), index)
    }
}
