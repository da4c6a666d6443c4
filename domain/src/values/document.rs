//! Collections, documents, their versions, and the chunks of a version.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::id::{ChunkId, CollectionId, DocumentId, VersionId, WorkspaceId};
use crate::values::language::Language;

/// A set of documents that are searched together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// Derived from the workspace and the name.
    pub id: CollectionId,
    /// The tenant it belongs to.
    #[serde(skip, default = "default_workspace")]
    pub workspace: WorkspaceId,
    /// Unique within the workspace.
    pub name: String,
    /// Who may search it.
    pub visibility: Visibility,
    /// Evidence from which questions to it are answered, 0 to 1; `None`: what the service takes by default.
    #[serde(default)]
    pub evidence_threshold: Option<f64>,
    /// When it was made.
    pub created_at: Timestamp,
}

fn default_workspace() -> WorkspaceId {
    WorkspaceId::DEFAULT
}

/// Who may search a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Visitors without a key, through a widget.
    Public,
    /// Members of the workspace.
    Private,
}

/// One source with a stable id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Derived from the collection and the source.
    pub id: DocumentId,
    /// The tenant it belongs to.
    #[serde(skip)]
    pub workspace: WorkspaceId,
    /// The collection it belongs to.
    pub collection: CollectionId,
    /// Where it came from: an absolute path, a URL, or a name an API caller gave.
    pub source: String,
    /// What people call it: its first heading, else the source's last part.
    pub title: String,
    /// The version that answers questions; `None` until the first one is whole.
    pub live_version: Option<VersionId>,
    /// Number of the live version, from 1; 0 while there is none.
    pub version_number: u32,
    /// Chunks of the live version; 0 while there is none.
    pub chunk_count: u32,
    /// Language of the live version's text.
    pub language: Language,
    /// What its live version is sorted by; none while there is none.
    pub tags: Vec<String>,
    /// When its source was last changed, where that is known; else when its live version was taken in.
    pub dated_at: Timestamp,
    /// SHA-256 of the live version's source bytes, lower-case hexadecimal; empty while there is none.
    pub content_hash: String,
    /// When the document first came.
    pub created_at: Timestamp,
    /// When its live version changed last.
    pub updated_at: Timestamp,
}

/// One numbered content of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Derived from the document and the number.
    pub id: VersionId,
    /// The document it is a content of.
    pub document: DocumentId,
    /// From 1.
    pub number: u32,
    /// What the document is called.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// What the document is sorted by.
    pub tags: Vec<String>,
    /// When the source was last changed, where that is known; else when this version was taken in.
    pub dated_at: Timestamp,
    /// Where it stands in its life.
    pub state: VersionState,
    /// The extracted text, as Markdown, NFC. Kept so that a new embedder never needs the source again.
    pub text: String,
    /// Where pages begin in `text`; empty for sources without pages.
    pub page_starts: Vec<PageStart>,
}

/// A version's life: `Pending`, then `Live`, then `Superseded`; never backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Being embedded. No query sees it.
    Pending,
    /// The one that answers.
    Live,
    /// A later one answers, or its document is gone. Its chunks may still await removal.
    Superseded,
}

/// How far the taking in of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum IngestStage {
    /// Its text is being got out of it, and cut into chunks.
    Reading,
    /// Its chunks are being embedded and stored.
    Embedding {
        /// Chunks that are.
        done: u32,
        /// Chunks in all.
        total: u32,
    },
}

/// A page border in an extracted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStart {
    /// Byte offset in the text at which the page begins.
    pub offset: usize,
    /// Page number as printed in a viewer, from 1.
    pub page: u32,
}

/// A stored piece of one document version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Derived from the version and the position.
    pub id: ChunkId,
    /// The tenant it belongs to.
    pub workspace: WorkspaceId,
    /// The collection it belongs to.
    pub collection: CollectionId,
    /// The document it belongs to.
    pub document: DocumentId,
    /// The version it is a piece of.
    pub version: VersionId,
    /// From 0, in reading order.
    pub position: u32,
    /// The document's title at the time.
    pub title: String,
    /// The document's source at the time.
    pub source: String,
    /// Headings above the chunk, outermost first.
    pub heading_path: Vec<String>,
    /// Page on which it begins, where the source has pages.
    pub page: Option<u32>,
    /// Language of its text.
    pub language: Language,
    /// The document's tags at the time.
    pub tags: Vec<String>,
    /// The document's date at the time, to the millisecond.
    pub dated_at: Timestamp,
    /// The text itself, Markdown, NFC, without the heading path.
    pub text: String,
}
