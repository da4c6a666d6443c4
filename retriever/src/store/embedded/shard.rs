//! Serializes writes to the engine's shard, and indexes it in the background.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::Duration;

use domain::{EmbeddingSpace, SparseVector, VectorStoreError, with_causes};
use qdrant_edge::{
    EdgeShard, NamedQuery, QueryEnum, SearchRequest, UpdateOperation, VectorInternal, WithVector,
};

use super::convert::{engine_result, to_sparse, to_term_hit};
use super::folder::{require_disk_space, size_bytes};
use super::open;
use super::purge::{replace_log, rewrite_segments};
use crate::background_priority::lower_thread_priority;
use crate::store::idf::TermHit;
use crate::store::layout::SPARSE;

/// Minimum number of changed points worth indexing.
const MIN_POINTS_TO_INDEX: usize = 2_000;

/// Maximum number of changed points before they are indexed although writes continue: a search scans them one by one,
/// and would take longer than everything else it does.
const MAX_UNINDEXED: usize = 20_000;

/// Maximum number of points of a store whose segments are rewritten at once: building their index again takes seconds. In
/// a larger one they are rewritten when writes pause.
const MAX_POINTS_TO_REWRITE: usize = 20_000;

/// How long writes must pause before indexing begins; writers wait while it runs.
const PAUSE_BEFORE_INDEXING: Duration = Duration::from_secs(2);

pub(super) struct Shard {
    pub(super) engine: EdgeShard,
    pub(super) dimensions: usize,
    dir: PathBuf,
    /// Held during every change: the engine's flush panics when it meets another writer.
    writer: Mutex<()>,
    /// Number of points changed since the store was opened or last indexed.
    unindexed: AtomicUsize,
    /// Whether segments with removed points are to be rewritten when writes pause.
    purge_postponed: AtomicBool,
    /// Released last: fields are dropped in order.
    _lock: File,
}

impl Shard {
    /// Opens the shard in `dir` as [`open::open`] does.
    pub(super) fn open(dir: &Path, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        let opened = open::open(dir, space)?;
        Ok(Self {
            engine: opened.engine,
            dimensions: space.dimensions,
            dir: dir.to_owned(),
            writer: Mutex::new(()),
            unindexed: AtomicUsize::new(0),
            purge_postponed: AtomicBool::new(false),
            _lock: opened.lock,
        })
    }

    /// The best chunk of a search for one term.
    pub(super) fn best_of_term(&self, term: u32) -> Result<Option<TermHit>, VectorStoreError> {
        let query = to_sparse(&SparseVector { indices: vec![term], values: vec![1.0] })?;
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
        let best = engine_result(self.engine.search(request))?.into_iter().next();
        Ok(best.and_then(|hit| to_term_hit(hit, term)))
    }

    /// Applies operations that change `points` points, and flushes them to disk.
    pub(super) fn write(
        &self,
        operations: Vec<UpdateOperation>,
        points: usize,
    ) -> Result<(), VectorStoreError> {
        {
            let _turn = self.lock_writer();
            for operation in operations {
                require_disk_space(&self.dir, 0)?;
                engine_result(self.engine.update(operation))?;
            }
            self.engine.flush();
        }
        self.unindexed.fetch_add(points, Ordering::Relaxed);
        Ok(())
    }

    /// Whether enough points have changed to be indexed.
    pub(super) fn should_index(&self) -> bool {
        self.unindexed.load(Ordering::Relaxed) >= MIN_POINTS_TO_INDEX
    }

    /// Indexes the changed points; without enough of them it returns at once.
    pub(super) fn index(&self) {
        let _turn = self.lock_writer();
        if self.purge_postponed.swap(false, Ordering::Relaxed)
            && let Err(error) = rewrite_segments(&self.dir, &self.engine)
        {
            tracing::warn!(
                error = with_causes(&error),
                "removed points stay in the files of the vector index until others are removed"
            );
        }
        self.unindexed.store(0, Ordering::Relaxed);
        let indexed = catch_unwind(AssertUnwindSafe(|| {
            // The engine writes a second copy of what it indexes before it removes the first.
            require_disk_space(&self.dir, size_bytes(&self.dir))?;
            if engine_result(self.engine.optimize())? {
                self.engine.flush();
            }
            Ok::<_, VectorStoreError>(())
        }));
        let error = match indexed {
            Ok(Ok(())) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(_) => "the engine panicked".to_owned(),
        };
        tracing::warn!(error, "cannot build the vector index; searches scan all points");
    }

    /// Removes from disk what removed points left there; from the segments of a large store when writes pause.
    pub(super) fn purge(&self) -> Result<(), VectorStoreError> {
        let _turn = self.lock_writer();
        if self.engine.info().points_count > MAX_POINTS_TO_REWRITE {
            self.purge_postponed.store(true, Ordering::Relaxed);
        } else {
            rewrite_segments(&self.dir, &self.engine)?;
        }
        replace_log(&self.dir, &self.engine)
    }

    /// Whether segments are still to be rewritten.
    pub(super) fn is_purge_postponed(&self) -> bool {
        self.purge_postponed.load(Ordering::Relaxed)
    }

    fn lock_writer(&self) -> MutexGuard<'_, ()> {
        // A poisoned lock is harmless: it guards no data.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_index_overdue(&self) -> bool {
        self.unindexed.load(Ordering::Relaxed) >= MAX_UNINDEXED
    }
}

/// Starts the thread that indexes `shard` in the background. Each message tells it of a write; it ends when the sender is
/// dropped.
pub(super) fn start_indexing(shard: &Arc<Shard>) -> Result<mpsc::Sender<()>, VectorStoreError> {
    let (writes, receiver) = mpsc::channel();
    let shard = Arc::downgrade(shard);
    std::thread::Builder::new()
        .name("vector-index".to_owned())
        .spawn(move || index_in_pauses(&shard, &receiver))
        .map_err(|error| VectorStoreError::Failed(error.into()))?;
    Ok(writes)
}

/// Indexes whenever writes pause, or too many points have changed. Holds the shard only while it indexes, so that a dropped
/// store is closed.
fn index_in_pauses(shard: &Weak<Shard>, writes: &mpsc::Receiver<()>) {
    lower_thread_priority();
    while writes.recv().is_ok() {
        let is_overdue = || shard.upgrade().is_some_and(|shard| shard.is_index_overdue());
        while !is_overdue() && writes.recv_timeout(PAUSE_BEFORE_INDEXING).is_ok() {}
        match shard.upgrade() {
            Some(shard) => shard.index(),
            None => return,
        }
    }
}
