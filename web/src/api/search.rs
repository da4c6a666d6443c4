//! Search: passages without an answer.

use std::collections::BTreeMap;

use domain::{ChunkId, CollectionId, DocumentId, Language, VersionId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::filter::{FilterRequest, LanguageCode};

/// What to search for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// The question, or words of it.
    #[schema(min_length = 1, pattern = r"\S")]
    pub query: String,
    /// The collections to search; empty: all of them.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    pub collections: Vec<CollectionId>,
    /// Conditions on the passages.
    #[serde(default)]
    pub filter: FilterRequest,
    /// Maximum number of passages, 1 to 50.
    #[serde(default = "default_limit")]
    #[schema(minimum = 1, maximum = 50, default = 10)]
    pub limit: usize,
}

fn default_limit() -> usize {
    10
}

/// The passages that were retrieved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchResponse {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Milliseconds by stage.
    pub timings_ms: BTreeMap<String, f64>,
}

/// A chunk that a query retrieved, with its scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Passage {
    /// The chunk's id: it follows from the version and the position.
    #[schema(value_type = Uuid)]
    pub id: ChunkId,
    /// The tenant it belongs to.
    #[schema(value_type = Uuid)]
    pub workspace: WorkspaceId,
    /// The collection it belongs to.
    #[schema(value_type = Uuid)]
    pub collection: CollectionId,
    /// The document it belongs to.
    #[schema(value_type = Uuid)]
    pub document: DocumentId,
    /// The version it belongs to.
    #[schema(value_type = Uuid)]
    pub version: VersionId,
    /// Its position in the version, from 0.
    pub position: u32,
    /// The document's title.
    pub title: String,
    /// The document's source.
    pub source: String,
    /// Headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Page on which it begins; `null` where the source has no pages.
    #[schema(required = true)]
    pub page: Option<u32>,
    /// Language of its text.
    #[schema(value_type = LanguageCode)]
    pub language: Language,
    /// The document's tags.
    pub tags: Vec<String>,
    /// The document's date.
    pub dated_at: Timestamp,
    /// Its text, Markdown.
    pub text: String,
    /// The fused score, or the reranker's where there is one, 0 to 1; comparable within one response only.
    pub score: f32,
    /// Cosine similarity; `null` where the dense search did not retrieve it.
    #[schema(required = true)]
    pub dense_score: Option<f32>,
    /// BM25 score; `null` where the sparse search did not retrieve it.
    #[schema(required = true)]
    pub sparse_score: Option<f32>,
}

/// Passages, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PassageList(pub Vec<Passage>);

impl From<domain::Passage> for Passage {
    fn from(passage: domain::Passage) -> Self {
        let domain::Passage { chunk, score, dense_score, sparse_score } = passage;
        Self {
            id: chunk.id,
            workspace: chunk.workspace,
            collection: chunk.collection,
            document: chunk.document,
            version: chunk.version,
            position: chunk.position,
            title: chunk.title,
            source: chunk.source,
            heading_path: chunk.heading_path,
            page: chunk.page,
            language: chunk.language,
            tags: chunk.tags,
            dated_at: chunk.dated_at,
            text: chunk.text,
            score,
            dense_score,
            sparse_score,
        }
    }
}

impl From<Passage> for domain::Passage {
    fn from(passage: Passage) -> Self {
        let chunk = domain::Chunk {
            id: passage.id,
            workspace: passage.workspace,
            collection: passage.collection,
            document: passage.document,
            version: passage.version,
            position: passage.position,
            title: passage.title,
            source: passage.source,
            heading_path: passage.heading_path,
            page: passage.page,
            language: passage.language,
            tags: passage.tags,
            dated_at: passage.dated_at,
            text: passage.text,
        };
        let Passage { score, dense_score, sparse_score, .. } = passage;
        Self { chunk, score, dense_score, sparse_score }
    }
}

impl From<Vec<domain::Passage>> for PassageList {
    fn from(passages: Vec<domain::Passage>) -> Self {
        Self(passages.into_iter().map(Passage::from).collect())
    }
}
