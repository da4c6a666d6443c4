//! An index with the embedder of its space: what is replaced whole, or not at all.
//!
//! A question's vector means something only among the vectors of its own space. So whoever embeds and searches takes
//! both from one [`Index`], which it reads once; when another index takes over in between, that one goes on to the end.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{Embedder, VectorStore};

/// Vectors of one embedding space, and the embedder that makes them.
pub struct Index {
    /// Makes the vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Holds and finds them.
    pub vectors: Arc<dyn VectorStore>,
}

/// The index that answers. One place, shared by all who search and all who store.
pub struct LiveIndex(RwLock<Arc<Index>>);

impl LiveIndex {
    /// A place with `index` in it.
    pub fn new(index: Arc<Index>) -> Self {
        Self(RwLock::new(index))
    }

    /// The index that answers now. Read it once for each piece of work.
    pub fn current(&self) -> Arc<Index> {
        // What is behind the lock is one pointer, whole at every moment.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another index in its place and gives back the one before, which may still be in use.
    pub fn replace(&self, index: Arc<Index>) -> Arc<Index> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), index)
    }
}
