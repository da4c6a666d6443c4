//! Documents: listed, uploaded, changed.

use domain::{CollectionId, DocumentId, Language, VersionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::filter::{LanguageCode, Tag};

/// One source with a stable id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// Follows from the collection and the source.
    #[schema(value_type = Uuid)]
    pub id: DocumentId,
    /// The collection it belongs to.
    #[schema(value_type = Uuid)]
    pub collection: CollectionId,
    /// Where it came from: an absolute path, a URL, or a name that a caller gave.
    pub source: String,
    /// Its first heading, else the last part of the source.
    pub title: String,
    /// The version that answers questions; `null` until the first one is complete.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub live_version: Option<VersionId>,
    /// Number of the live version, from 1; 0 while there is none.
    pub version_number: u32,
    /// Number of chunks of the live version; 0 while there is none.
    pub chunk_count: u32,
    /// Language of the live version.
    #[schema(value_type = LanguageCode)]
    pub language: Language,
    /// Tags of the live version.
    pub tags: Vec<String>,
    /// When the source was last changed, where that is known; else when the live version was ingested.
    pub dated_at: Timestamp,
    /// SHA-256 of the live version's source bytes, lower-case hexadecimal; empty while there is none.
    pub content_hash: String,
    /// When the document was first ingested.
    pub created_at: Timestamp,
    /// When its live version last changed.
    pub updated_at: Timestamp,
}

/// A page of a collection's documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentList {
    /// The documents, by id.
    pub documents: Vec<Document>,
    /// The `after` of the next page; `null` on the last one.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub next: Option<DocumentId>,
}

/// Which page of a collection's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DocumentQuery {
    /// Only documents behind this one: the `next` of the page before.
    #[param(value_type = Option<Uuid>)]
    pub after: Option<DocumentId>,
    /// Maximum number of documents, 1 to 200.
    pub limit: Option<u32>,
}

/// A document to ingest: a text with its name, or the address of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    /// The document's name; together with `text`.
    pub source: Option<String>,
    /// The document's text; together with `source`.
    pub text: Option<String>,
    /// The address of a page that the server fetches; alone.
    pub url: Option<String>,
    /// The document's tags from now on, at most 32; without them it keeps those it has.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 32)]
    pub tags: Option<Vec<String>>,
    /// When the source was last changed; of a page, its server's word counts where this is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub dated_at: Option<String>,
    /// Ingest it even if the document is made of the same bytes already.
    #[serde(default)]
    pub force: bool,
}

/// A document to ingest as a form. A field besides the file has at most 8 KiB.
#[derive(Debug, ToSchema)]
pub struct DocumentForm {
    /// The document's name; without it the file's name counts.
    pub source: Option<String>,
    /// The document's tags from now on, at most 32, one in each field; without them it keeps those it has.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 32)]
    pub tags: Option<Vec<String>>,
    /// When the source was last changed.
    #[schema(format = DateTime)]
    pub dated_at: Option<String>,
    /// Ingest it even if the document is made of the same bytes already.
    pub force: Option<bool>,
    /// The document's bytes.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}

/// Changes of a document, at least one; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentChange {
    /// All of its tags from now on, at most 32.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 32)]
    pub tags: Option<Vec<String>>,
    /// When its source was last changed; counts only together with other `tags` or another `source`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub dated_at: Option<String>,
    /// The name of its source from now on: the file was renamed or moved. The document's id changes with it.
    pub source: Option<String>,
}

impl From<domain::Document> for Document {
    fn from(document: domain::Document) -> Self {
        Self {
            id: document.id,
            collection: document.collection,
            source: document.source,
            title: document.title,
            live_version: document.live_version,
            version_number: document.version_number,
            chunk_count: document.chunk_count,
            language: document.language,
            tags: document.tags,
            dated_at: document.dated_at,
            content_hash: document.content_hash,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}
