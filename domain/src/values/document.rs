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
    /// Evidence from which questions to it are answered, 0 to 1; `None` for the service's default.
    #[serde(default)]
    pub evidence_threshold: Option<f64>,
    /// When it was created.
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
    /// The name of its source: an absolute path, a URL, or the name that an API caller gave.
    pub source: String,
    /// Its first heading, else the last part of its source.
    pub title: String,
    /// The version that searches see; `None` until the first one is published.
    pub live_version: Option<VersionId>,
    /// Number of the live version, from 1; 0 while there is none.
    pub version_number: u32,
    /// Chunks of the live version; 0 while there is none.
    pub chunk_count: u32,
    /// Language of the live version's text.
    pub language: Language,
    /// Tags of the live version; none while there is none.
    pub tags: Vec<String>,
    /// When its source was last changed, if known; else when its live version was ingested.
    pub dated_at: Timestamp,
    /// SHA-256 of the live version's source bytes, lower-case hexadecimal; empty while there is none.
    pub content_hash: String,
    /// When the document was created.
    pub created_at: Timestamp,
    /// When its live version changed last.
    pub updated_at: Timestamp,
}

/// One numbered content of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Derived from the document and the number.
    pub id: VersionId,
    /// Its document.
    pub document: DocumentId,
    /// From 1.
    pub number: u32,
    /// The document's title.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// The document's tags.
    pub tags: Vec<String>,
    /// When the source was last changed, if known; else when this version was ingested.
    pub dated_at: Timestamp,
    /// Its state.
    pub state: VersionState,
    /// The extracted text, as Markdown, NFC. Stored so that reindexing does not need the source.
    pub text: String,
    /// Where pages begin in `text`; empty for sources without pages.
    pub page_starts: Vec<PageStart>,
}

/// A version's state: `Pending`, then `Live`, then `Superseded`; never backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Being embedded. No search sees it.
    Pending,
    /// The one that searches see.
    Live,
    /// Replaced by a later one, or its document was deleted. Its chunks may still await removal.
    Superseded,
}

/// Progress of the ingestion of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum IngestStage {
    /// Its text is being parsed and split into chunks.
    #[serde(rename = "reading")]
    Parsing,
    /// Its chunks are being embedded and stored.
    Embedding {
        /// Number of chunks that are done.
        done: u32,
        /// Number of all chunks.
        total: u32,
    },
}

/// The start of a page in an extracted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStart {
    /// Byte offset in the text at which the page begins.
    pub offset: usize,
    /// Page number as printed in a viewer, from 1.
    pub page: u32,
}

/// A stored part of one document version.
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
    /// Its version.
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
