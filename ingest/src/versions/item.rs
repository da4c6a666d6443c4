//! Defines what goes into the pipeline and what comes out: [`IngestItem`], [`Ingested`], [`Outcome`].

use bytes::Bytes;
use domain::{CollectionId, Document, DocumentId, WorkspaceId};
use jiff::Timestamp;

/// A document to ingest.
#[derive(Debug, Clone)]
pub struct IngestItem {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection it goes into; it must exist.
    pub collection: CollectionId,
    /// Where it comes from: a path, a URL, a name. The same source is the same document.
    pub source: String,
    /// Its bytes, at most [`MAX_DOCUMENT_BYTES`](parse::MAX_DOCUMENT_BYTES).
    pub bytes: Bytes,
    /// Its new tags; `None` keeps those it has.
    pub tags: Option<Vec<String>>,
    /// When its source was last changed, if that is known. It has no effect on content that is already stored.
    pub dated_at: Option<Timestamp>,
    /// Ingest it even if it has not changed.
    pub force: bool,
}

/// A document that was ingested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ingested {
    /// The document.
    pub document: DocumentId,
    /// What was done.
    pub outcome: Outcome,
    /// Number of chunks of the live version.
    pub chunks: u32,
}

/// What the pipeline did with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The document is new.
    Added,
    /// The document has a new version.
    Updated,
    /// The document already had this content.
    Unchanged,
}

impl Ingested {
    /// The result for a document whose live version stays.
    pub(crate) fn unchanged(document: &Document) -> Self {
        Self { document: document.id, outcome: Outcome::Unchanged, chunks: document.chunk_count }
    }

    /// Number of chunks that were written for it.
    pub(crate) fn chunks_written(&self) -> u32 {
        if self.outcome == Outcome::Unchanged { 0 } else { self.chunks }
    }
}
