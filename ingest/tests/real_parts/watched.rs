//! The real vector store with somebody who sees its calls come and go, and may stop one.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ChunkId, ChunkPoint, Scope, ScoredChunk, Selection, SparseVector, VectorStore, VectorStoreError,
};

/// What the pipeline asks of the store; questions are not watched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Upsert,
    Remove,
    Count,
}

/// Sees calls. An error is what the caller gets: in place of the call, or in place of its result.
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
}
