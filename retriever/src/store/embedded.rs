//! The vector store in this process: one `qdrant-edge` shard in a folder. The only place that knows that crate.
//!
//! ```text
//! DIR/lock        held exclusively while the store is open
//! DIR/space.json  the embedding space of everything below; written before the shard is
//! DIR/shard/      qdrant-edge's own files
//! ```
//!
//! What the engine does not do by itself, and is therefore done here:
//! * It does not replay its log when it loads. So a write is acknowledged only after everything was flushed.
//! * It panics when a flush meets another writer, and on broken files. So writers take turns, and panics while
//!   opening or working become errors.
//! * It indexes only when told. So a thread does, once writing has paused or many points have come, and after the store
//!   was opened, for the last process may have left before it did; until then the newest points are searched one by one,
//!   exactly.
//! * It writes into files that are mapped into memory, where a full disk is no error but the end of the process. So
//!   nothing is opened or written unless there is room for much more.
//! * It never shortens its log. So files of it that nothing needs are removed when the store is opened.

mod open;

use std::collections::HashMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    ChunkId, ChunkPoint, EmbeddingSpace, Scope, ScoredChunk, Selection, SparseVector, VectorStore,
    VectorStoreError,
};
use qdrant_edge::{
    Condition, CountRequest, EdgeShard, FieldCondition, Filter, JsonPath, Match, NamedQuery, OperationResult,
    Payload, PointId, PointInsertOperations, PointOperations, PointStructPersisted, QueryEnum, Range, Record,
    ScrollRequest, SearchRequest, UpdateOperation, VectorInternal, VectorPersisted, VectorStructInternal,
    VectorStructPersisted, WithPayloadInterface, WithVector,
};

use super::{DENSE, SPARSE, following, in_order, payload, rarities};
use crate::background::step_back;

/// Points written to the log as one record. Bounds the record's size to a few megabytes.
const POINTS_PER_RECORD: usize = 256;

/// Changed points from which indexing is worth its time.
const POINTS_WORTH_INDEXING: usize = 2_000;

/// Changed points from which they are indexed although writing goes on: read one by one, they would take a search
/// longer than everything else it does.
const MOST_UNINDEXED: usize = 20_000;

/// How long writing must have paused before indexing begins; writers wait while it runs.
const PAUSE_BEFORE_INDEXING: Duration = Duration::from_secs(2);

/// A vector store in a folder of this machine, open in one process at a time.
pub struct EmbeddedStore {
    shard: Arc<Shard>,
    /// Wakes the indexing thread; dropping it ends the thread.
    written: mpsc::Sender<()>,
}

struct Shard {
    engine: EdgeShard,
    dir: PathBuf,
    dimensions: usize,
    /// Held by whoever changes anything: the engine's flush panics when it meets another writer.
    writer: Mutex<()>,
    /// Points changed since the store was opened or last indexed.
    unindexed: AtomicUsize,
    /// Released last: fields are dropped in order.
    _lock: File,
}

impl EmbeddedStore {
    /// Opens the store in `dir`, or makes one for `space`. Blocks: reading 100,000 points takes 0.2 s.
    ///
    /// # Errors
    /// `Locked` while another process (or another store in this one) has it open, `SpaceMismatch` when its vectors
    /// are of another space, `Failed` when its files cannot be read. The latter two name `daedap reindex`.
    pub fn open(dir: &Path, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        Self::start(dir, open::open(dir, space)?, space)
    }

    /// Whether there is a store in `dir`, readable or not.
    pub fn exists(dir: &Path) -> bool {
        open::exists(dir)
    }

    /// Removes `dir` with whatever store is in it, readable or not. Nothing there is no error.
    ///
    /// # Errors
    /// `Locked` as with [`EmbeddedStore::open`], `Failed` when the folder cannot be removed.
    pub fn destroy(dir: &Path) -> Result<(), VectorStoreError> {
        open::destroy(dir)
    }

    fn start(dir: &Path, opened: open::Opened, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        let shard = Arc::new(Shard {
            engine: opened.engine,
            dir: dir.to_owned(),
            dimensions: space.dimensions,
            writer: Mutex::new(()),
            unindexed: AtomicUsize::new(0),
            _lock: opened.lock,
        });
        let (written, pauses) = mpsc::channel();
        let weak = Arc::downgrade(&shard);
        std::thread::Builder::new()
            .name("vector-index".to_owned())
            .spawn(move || index_in_pauses(&weak, &pauses))
            .map_err(|error| VectorStoreError::Failed(error.to_string()))?;
        let store = Self { shard, written };
        store.wake_indexing();
        Ok(store)
    }

    fn wake_indexing(&self) {
        // Without the thread, searches are slower and still right.
        let _ = self.written.send(());
    }

    /// Runs blocking work on the shard where it may block; a panic in it becomes an error.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shard) -> Result<T, VectorStoreError> + Send + 'static,
    ) -> Result<T, VectorStoreError> {
        let shard = Arc::clone(&self.shard);
        let done = tokio::task::spawn_blocking(move || work(&shard)).await;
        done.unwrap_or_else(|error| Err(VectorStoreError::Failed(error.to_string())))
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
            filter: Some(filter(payload::of_scope(scope))?),
            params: None,
            limit,
            offset: 0,
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: None,
            score_threshold: None,
        };
        self.blocking(|shard| {
            let hits = engine(shard.engine.search(request))?;
            let chunks = hits.into_iter().map(|hit| {
                let chunk = payload::to_chunk(hit.payload.unwrap_or_default().0)?;
                Ok(ScoredChunk { chunk, score: hit.score })
            });
            Ok(in_order(chunks.collect::<Result<_, VectorStoreError>>()?))
        })
        .await
    }
}

impl Shard {
    /// Score of the best chunk for one term alone, and the term's weight in it.
    fn best_of_term(&self, term: u32) -> Result<Option<(f32, f32)>, VectorStoreError> {
        let query = sparse(&SparseVector { indices: vec![term], values: vec![1.0] })?;
        let request = SearchRequest {
            query: QueryEnum::Nearest(NamedQuery::new(VectorInternal::Sparse(query), SPARSE)),
            filter: None,
            params: None,
            limit: 1,
            offset: 0,
            with_payload: None,
            with_vector: Some(WithVector::Selector(vec![SPARSE.to_owned()])),
            score_threshold: None,
        };
        let best = engine(self.engine.search(request))?.into_iter().next();
        Ok(best.and_then(|hit| {
            let VectorStructInternal::Named(vectors) = hit.vector? else { return None };
            let VectorInternal::Sparse(vector) = vectors.get(SPARSE)? else { return None };
            let at = vector.indices.iter().position(|index| *index == term)?;
            Some((hit.score, vector.values[at]))
        }))
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        // The guard protects no data, only the turn.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, operations: Vec<UpdateOperation>) -> Result<(), VectorStoreError> {
        let _turn = self.writing();
        for operation in operations {
            open::require_room(&self.dir, 0)?;
            engine(self.engine.update(operation))?;
        }
        self.engine.flush();
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.unindexed.load(Ordering::Relaxed) >= MOST_UNINDEXED
    }

    /// Indexes what is worth it; little to do takes no time.
    fn index(&self) {
        let _turn = self.writing();
        self.unindexed.store(0, Ordering::Relaxed);
        let indexed = catch_unwind(AssertUnwindSafe(|| {
            // It writes what it indexes a second time, and removes the first then.
            open::require_room(&self.dir, open::size_bytes(&self.dir))?;
            if engine(self.engine.optimize())? {
                self.engine.flush();
            }
            Ok::<_, VectorStoreError>(())
        }));
        let error = match indexed {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the engine panicked".to_owned(),
        };
        tracing::warn!(error, "the vector index could not be built; searches read every point");
    }
}

/// Indexes whenever writing has paused, or too much of it has gone by. Holds the shard only while it works, so that a dropped store closes.
fn index_in_pauses(shard: &Weak<Shard>, written: &mpsc::Receiver<()>) {
    step_back();
    while written.recv().is_ok() {
        let is_behind = || shard.upgrade().is_some_and(|shard| shard.is_behind());
        while !is_behind() && written.recv_timeout(PAUSE_BEFORE_INDEXING).is_ok() {}
        match shard.upgrade() {
            Some(shard) => shard.index(),
            None => return,
        }
    }
}

#[async_trait]
impl VectorStore for EmbeddedStore {
    async fn upsert(&self, points: Vec<ChunkPoint>) -> Result<(), VectorStoreError> {
        if points.is_empty() {
            return Ok(());
        }
        let count = points.len();
        let dimensions = self.shard.dimensions;
        self.blocking(move |shard| {
            let mut operations = Vec::new();
            let mut points = points.into_iter().peekable();
            while points.peek().is_some() {
                let record = points.by_ref().take(POINTS_PER_RECORD).map(|point| stored(point, dimensions));
                let record = record.collect::<Result<_, _>>()?;
                operations.push(UpdateOperation::PointOperation(PointOperations::UpsertPoints(
                    PointInsertOperations::PointsList(record),
                )));
            }
            shard.write(operations)?;
            shard.unindexed.fetch_add(count, Ordering::Relaxed);
            Ok(())
        })
        .await?;
        if self.shard.unindexed.load(Ordering::Relaxed) >= POINTS_WORTH_INDEXING {
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
        check_length(query, self.shard.dimensions)?;
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
        let query = VectorInternal::Sparse(sparse(query)?);
        self.search(scope, NamedQuery::new(query, SPARSE), limit).await
    }

    async fn idf(&self, terms: &[u32]) -> Result<Vec<f32>, VectorStoreError> {
        let terms = terms.to_vec();
        self.blocking(move |shard| {
            let best = terms.into_iter().map(|term| shard.best_of_term(term));
            let best = best.collect::<Result<Vec<_>, _>>()?;
            Ok(rarities(best.into_iter(), shard.engine.info().points_count))
        })
        .await
    }

    async fn remove(&self, selection: Selection) -> Result<(), VectorStoreError> {
        let filter = filter(payload::of_selection(selection))?;
        self.blocking(|shard| {
            shard.write(vec![UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter))])
        })
        .await
    }

    async fn count(&self, selection: Selection) -> Result<u64, VectorStoreError> {
        let filter = filter(payload::of_selection(selection))?;
        self.blocking(|shard| {
            let count = engine(shard.engine.count(CountRequest { filter: Some(filter), exact: true }))?;
            Ok(count as u64)
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
            // It begins with the one that is named.
            limit: Some(limit + usize::from(after.is_some())),
            filter: Some(filter(payload::of_selection(selection))?),
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: WithVector::Bool(true),
            order_by: None,
        };
        self.blocking(move |shard| {
            let (records, _) = engine(shard.engine.scroll(request))?;
            following(records.into_iter().map(read_back), after, limit)
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
}

fn stored(point: ChunkPoint, dimensions: usize) -> Result<PointStructPersisted, VectorStoreError> {
    let mut vectors = HashMap::new();
    if let Some(dense) = point.dense {
        check_length(&dense, dimensions)?;
        vectors.insert(DENSE.to_owned(), VectorPersisted::Dense(dense));
    }
    if !point.sparse.is_empty() {
        vectors.insert(SPARSE.to_owned(), VectorPersisted::Sparse(sparse(&point.sparse)?));
    }
    Ok(PointStructPersisted {
        id: PointId::Uuid(point.chunk.id.0),
        vector: VectorStructPersisted::Named(vectors),
        payload: Some(Payload(payload::of_chunk(&point.chunk)?)),
    })
}

fn read_back(record: Record) -> Result<ChunkPoint, VectorStoreError> {
    let chunk = payload::to_chunk(record.payload.unwrap_or_default().0)?;
    let mut point = ChunkPoint { chunk, dense: None, sparse: SparseVector::default() };
    if let Some(VectorStructInternal::Named(vectors)) = record.vector {
        for (name, vector) in vectors {
            match vector {
                VectorInternal::Dense(dense) if name == DENSE => point.dense = Some(dense),
                VectorInternal::Sparse(terms) if name == SPARSE => {
                    point.sparse = SparseVector { indices: terms.indices, values: terms.values };
                }
                _ => {}
            }
        }
    }
    Ok(point)
}

fn check_length(vector: &[f32], dimensions: usize) -> Result<(), VectorStoreError> {
    if vector.len() == dimensions {
        return Ok(());
    }
    Err(VectorStoreError::Failed(format!("a vector of {} values in a space of {dimensions}", vector.len())))
}

fn sparse(terms: &SparseVector) -> Result<qdrant_edge::SparseVector, VectorStoreError> {
    qdrant_edge::SparseVector::new(terms.indices.clone(), terms.values.clone())
        .map_err(|error| VectorStoreError::Failed(format!("not a sparse vector: {error}")))
}

fn filter(conditions: Vec<payload::Condition>) -> Result<Filter, VectorStoreError> {
    let must = conditions.into_iter().map(|condition| {
        Ok(Condition::Field(match condition {
            payload::Condition::AnyOf(field, values) => {
                FieldCondition::new_match(path(field)?, Match::from(values))
            }
            payload::Condition::Between { field, from, until } => {
                let range =
                    Range { gte: from.map(Into::into), lt: until.map(Into::into), gt: None, lte: None };
                FieldCondition::new_range(path(field)?, range)
            }
        }))
    });
    Ok(Filter { must: Some(must.collect::<Result<_, VectorStoreError>>()?), ..Filter::new() })
}

fn path(field: &str) -> Result<JsonPath, VectorStoreError> {
    field.parse().map_err(|()| VectorStoreError::Failed(format!("not a payload field: {field}")))
}

fn engine<T>(result: OperationResult<T>) -> Result<T, VectorStoreError> {
    result.map_err(|error| VectorStoreError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests;
