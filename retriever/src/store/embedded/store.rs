//! Implements the vector store port on a shard in this process.

use std::path::Path;
use std::sync::{Arc, mpsc};

use async_trait::async_trait;
use domain::{
    ChunkId, ChunkPoint, EmbeddingSpace, Scope, ScoredChunk, Selection, SparseVector, VectorStore,
    VectorStoreError,
};
use qdrant_edge::{
    CountRequest, NamedQuery, PointId, PointInsertOperations, PointOperations, QueryEnum, ScrollRequest,
    SearchRequest, UpdateOperation, VectorInternal, WithPayloadInterface, WithVector,
};

use super::convert::{engine_result, from_hit, from_record, to_filter, to_point, to_sparse};
use super::open;
use super::shard::{Shard, start_indexing};
use crate::store::layout::{DENSE, SPARSE, check_dimensions};
use crate::store::results::{page_after, sorted};
use crate::store::{idf, payload};

/// Number of points in one record of the log. Bounds the size of a record to a few megabytes.
const POINTS_PER_RECORD: usize = 256;

/// A vector store in a local folder, open in one process at a time.
pub struct EmbeddedStore {
    pub(super) shard: Arc<Shard>,
    /// Wakes the indexing thread; dropping it ends the thread.
    writes: mpsc::Sender<()>,
}

impl EmbeddedStore {
    /// Opens the store in `dir`, or creates one for `space`. Blocks: loading 100,000 points takes 0.2 s.
    ///
    /// # Errors
    /// `Locked` while another process (or another store in this one) has it open, `SpaceMismatch` if its vectors are of
    /// another space, `Failed` if its files cannot be read. The latter two name `daedap reindex`.
    pub fn open(dir: &Path, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        let shard = Arc::new(Shard::open(dir, space)?);
        let writes = start_indexing(&shard)?;
        let store = Self { shard, writes };
        store.wake_indexing();
        Ok(store)
    }

    /// Whether there is a store in `dir`, readable or not.
    pub fn exists(dir: &Path) -> bool {
        open::exists(dir)
    }

    /// Removes `dir` with the store in it, readable or not. An absent folder is no error.
    ///
    /// # Errors
    /// `Locked` as with [`EmbeddedStore::open`], `Failed` if the folder cannot be removed.
    pub fn destroy(dir: &Path) -> Result<(), VectorStoreError> {
        open::destroy(dir)
    }

    fn wake_indexing(&self) {
        // If the thread has ended, searches are slower and still right.
        let _ = self.writes.send(());
    }

    /// Runs work on the shard in a thread that may block; a panic in it becomes an error.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shard) -> Result<T, VectorStoreError> + Send + 'static,
    ) -> Result<T, VectorStoreError> {
        let shard = Arc::clone(&self.shard);
        let done = tokio::task::spawn_blocking(move || work(&shard)).await;
        done.unwrap_or_else(|error| Err(VectorStoreError::Failed(error.into())))
    }

    async fn search(
        &self,
        scope: &Scope,
        query: NamedQuery<VectorInternal>,
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        if limit == 0 || scope.collections.is_empty() {
            return Ok(Vec::new());
        }
        let request = SearchRequest {
            query: QueryEnum::Nearest(query),
            filter: Some(to_filter(payload::of_scope(scope))?),
            params: None,
            limit,
            offset: 0,
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: None,
            score_threshold: None,
        };
        self.blocking(|shard| {
            let hits = engine_result(shard.engine.search(request))?;
            Ok(sorted(hits.into_iter().map(from_hit).collect::<Result<_, _>>()?))
        })
        .await
    }
}

#[async_trait]
impl VectorStore for EmbeddedStore {
    async fn upsert(&self, points: Vec<ChunkPoint>) -> Result<(), VectorStoreError> {
        if points.is_empty() {
            return Ok(());
        }
        self.blocking(move |shard| {
            let count = points.len();
            let mut operations = Vec::new();
            let mut points = points.into_iter().map(|point| to_point(point, shard.dimensions)).peekable();
            while points.peek().is_some() {
                let record = points.by_ref().take(POINTS_PER_RECORD).collect::<Result<_, _>>()?;
                operations.push(UpdateOperation::PointOperation(PointOperations::UpsertPoints(
                    PointInsertOperations::PointsList(record),
                )));
            }
            shard.write(operations, count)
        })
        .await?;
        if self.shard.should_index() {
            self.wake_indexing();
        }
        Ok(())
    }

    async fn search_dense(
        &self,
        scope: &Scope,
        query: &[f32],
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        check_dimensions(query, self.shard.dimensions)?;
        self.search(scope, NamedQuery::new(VectorInternal::Dense(query.to_vec()), DENSE), limit).await
    }

    async fn search_sparse(
        &self,
        scope: &Scope,
        query: &SparseVector,
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let query = VectorInternal::Sparse(to_sparse(query)?);
        self.search(scope, NamedQuery::new(query, SPARSE), limit).await
    }

    async fn idf(&self, terms: &[u32]) -> Result<Vec<f32>, VectorStoreError> {
        let terms = terms.to_vec();
        self.blocking(move |shard| {
            let hits = terms.into_iter().map(|term| shard.best_of_term(term));
            let hits = hits.collect::<Result<Vec<_>, _>>()?;
            Ok(idf::from_hits(hits.into_iter(), shard.engine.info().points_count))
        })
        .await
    }

    async fn remove(&self, selection: Selection) -> Result<(), VectorStoreError> {
        let filter = to_filter(payload::of_selection(selection))?;
        self.blocking(|shard| {
            let removal = UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter));
            shard.write(vec![removal], 0)
        })
        .await
    }

    async fn count(&self, selection: Selection) -> Result<u64, VectorStoreError> {
        let filter = to_filter(payload::of_selection(selection))?;
        self.blocking(|shard| {
            let request = CountRequest { filter: Some(filter), exact: true };
            Ok(engine_result(shard.engine.count(request))? as u64)
        })
        .await
    }

    async fn points(
        &self,
        selection: Selection,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<ChunkPoint>, VectorStoreError> {
        let request = ScrollRequest {
            offset: after.map(|id| PointId::Uuid(id.0)),
            // The page begins with the point at the offset.
            limit: Some(limit + usize::from(after.is_some())),
            filter: Some(to_filter(payload::of_selection(selection))?),
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: WithVector::Bool(true),
            order_by: None,
        };
        self.blocking(move |shard| {
            let (records, _) = engine_result(shard.engine.scroll(request))?;
            page_after(records.into_iter().map(from_record), after, limit)
        })
        .await
    }

    async fn ping(&self) -> Result<(), VectorStoreError> {
        self.blocking(|shard| {
            shard.engine.info();
            Ok(())
        })
        .await
    }

    async fn flush(&self) -> Result<(), VectorStoreError> {
        self.blocking(|shard| {
            shard.index();
            Ok(())
        })
        .await
    }

    async fn purge(&self) -> Result<(), VectorStoreError> {
        self.blocking(Shard::purge).await?;
        if self.shard.is_purge_postponed() {
            self.wake_indexing();
        }
        Ok(())
    }
}
