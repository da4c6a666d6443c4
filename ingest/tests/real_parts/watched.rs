//! Wraps the real vector store, so that a test can watch, hold or fail its calls.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ChunkId, ChunkPoint, Scope, ScoredChunk, Selection, SparseVector, VectorStore, VectorStoreError,
};

/// The watched calls; searches are not among them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Upsert,
    Remove,
    Count,
}

/// Watches calls. An error replaces the call, or its result.
#[async_trait]
pub(crate) trait Watch: Send + Sync {
    async fn before(&self, _call: Call) -> Result<(), VectorStoreError> {
        Ok(())
    }

    async fn after(&self, _call: Call) -> Result<(), VectorStoreError> {
        Ok(())
    }
}

pub(crate) struct Watched<W> {
    pub(crate) store: Arc<dyn VectorStore>,
    pub(crate) watch: W,
}

impl<W: Watch> Watched<W> {
    async fn through<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, VectorStoreError>> + Send,
    ) -> Result<T, VectorStoreError> {
        self.watch.before(call).await?;
        let result = work.await?;
        self.watch.after(call).await?;
        Ok(result)
    }
}

#[async_trait]
impl<W: Watch> VectorStore for Watched<W> {
    async fn upsert(&self, points: Vec<ChunkPoint>) -> Result<(), VectorStoreError> {
        self.through(Call::Upsert, self.store.upsert(points)).await
    }

    async fn remove(&self, selection: Selection) -> Result<(), VectorStoreError> {
        self.through(Call::Remove, self.store.remove(selection)).await
    }

    async fn count(&self, selection: Selection) -> Result<u64, VectorStoreError> {
        self.through(Call::Count, self.store.count(selection)).await
    }

    async fn search_dense(
        &self,
        scope: &Scope,
        query: &[f32],
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        self.store.search_dense(scope, query, limit).await
    }

    async fn search_sparse(
        &self,
        scope: &Scope,
        query: &SparseVector,
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        self.store.search_sparse(scope, query, limit).await
    }

    async fn idf(&self, terms: &[u32]) -> Result<Vec<f32>, VectorStoreError> {
        self.store.idf(terms).await
    }

    async fn points(
        &self,
        selection: Selection,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<ChunkPoint>, VectorStoreError> {
        self.store.points(selection, after, limit).await
    }

    async fn ping(&self) -> Result<(), VectorStoreError> {
        self.store.ping().await
    }
}
