//! Holds the handles that all jobs of this crate share.
//!
//! Each job ([`Pipeline`](crate::Pipeline), [`Reindex`](crate::Reindex) …) is a type of its own that takes from the
//! context what it needs. A process has one context: its locks are what keeps two jobs from writing the same
//! document, or into an index that is being replaced.

use std::sync::Arc;

use db::Database;
use domain::{Analyzer, LiveIndex, PageReader};
use parse::DocumentParser;
use tokio::sync::watch;

use crate::chunking::chunker::ChunkOptions;
use crate::document_locks::DocumentLocks;
use crate::erasure::state::ErasureState;
use crate::erasure::tombstone_file::TombstoneFile;
use crate::index::lock::IndexLock;
use crate::originals::Originals;

/// What a context is made of.
pub struct IngestParts {
    /// The database, which is the truth.
    pub db: Database,
    /// The live index, with its embedder.
    pub index: Arc<LiveIndex>,
    /// Makes sparse terms; the same analyzer must serve questions.
    pub analyzer: Arc<dyn Analyzer>,
    /// Keeps source bytes.
    pub originals: Originals,
    /// Extracts the text of documents.
    pub parser: Arc<dyn DocumentParser>,
    /// Reads the pages of sites.
    pub pages: Arc<dyn PageReader>,
    /// Size and overlap of chunks.
    pub chunking: ChunkOptions,
    /// Keeps the ids of deleted documents.
    pub tombstones: TombstoneFile,
    /// Number of versions of a document to keep, the live one included; at least 1.
    pub keep_versions: u32,
}

/// The shared handles. Cheap to clone; clones share their locks.
#[derive(Clone)]
pub struct IngestContext {
    pub(crate) db: Database,
    pub(crate) index: Arc<LiveIndex>,
    pub(crate) index_lock: Arc<IndexLock>,
    pub(crate) document_locks: Arc<DocumentLocks>,
    pub(crate) analyzer: Arc<dyn Analyzer>,
    pub(crate) originals: Originals,
    pub(crate) parser: Arc<dyn DocumentParser>,
    pub(crate) pages: Arc<dyn PageReader>,
    pub(crate) chunking: ChunkOptions,
    pub(crate) tombstones: TombstoneFile,
    pub(crate) keep_versions: u32,
    pub(crate) erasures: Arc<ErasureState>,
}

impl IngestContext {
    /// A context with new locks.
    pub fn new(parts: IngestParts) -> Self {
        let IngestParts {
            db,
            index,
            analyzer,
            originals,
            parser,
            pages,
            chunking,
            tombstones,
            keep_versions,
        } = parts;
        Self {
            db,
            index,
            index_lock: Arc::default(),
            document_locks: Arc::default(),
            analyzer,
            originals,
            parser,
            pages,
            chunking,
            tombstones,
            keep_versions,
            erasures: Arc::default(),
        }
    }

    /// Notifies of every deletion of a document, for whoever holds texts of documents in memory.
    pub fn erased(&self) -> watch::Receiver<()> {
        self.erasures.erased.subscribe()
    }
}
