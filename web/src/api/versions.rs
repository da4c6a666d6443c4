//! Versions: what a document said before, and the bytes that it was made of.

use domain::{DocumentId, VersionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A version as a list shows it, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionSummary {
    /// Follows from the document and the number.
    #[schema(value_type = Uuid)]
    pub id: VersionId,
    /// From 1.
    pub number: u32,
    /// Whether it answers questions.
    pub state: VersionState,
    /// The document's title at the time.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// The document's tags at the time.
    pub tags: Vec<String>,
    /// When the source was last changed, where that is known; else when this version was ingested.
    pub dated_at: Timestamp,
    /// When its ingestion began.
    pub created_at: Timestamp,
}

/// One numbered content of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Follows from the document and the number.
    #[schema(value_type = Uuid)]
    pub id: VersionId,
    /// The document.
    #[schema(value_type = Uuid)]
    pub document: DocumentId,
    /// From 1.
    pub number: u32,
    /// The document's title at the time.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// The document's tags at the time.
    pub tags: Vec<String>,
    /// When the source was last changed, where that is known; else when this version was ingested.
    pub dated_at: Timestamp,
    /// Whether it answers questions.
    pub state: VersionState,
    /// The text that was parsed, as Markdown.
    pub text: String,
    /// Where pages begin in `text`; empty for sources without pages.
    pub page_starts: Vec<PageStart>,
}

/// A version's life: `pending`, then `live`, then `superseded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Being embedded; no question sees it.
    Pending,
    /// Answers questions.
    Live,
    /// A later version answers, or the document is deleted.
    Superseded,
}

/// The start of a page in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageStart {
    /// Byte offset in the text.
    pub offset: usize,
    /// Page number, from 1.
    pub page: u32,
}

/// A page of a document's versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    /// The versions, newest first.
    pub versions: Vec<VersionSummary>,
    /// The `before` of the next page; `null` on the last one.
    #[schema(required = true)]
    pub next: Option<u32>,
}

/// Which page of a document's versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// Only versions with a smaller number: the `next` of the page before.
    pub before: Option<u32>,
    /// Maximum number of versions, 1 to 200.
    pub limit: Option<u32>,
}

/// Which version's original.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OriginalQuery {
    /// The version's number; without it the live version.
    pub version: Option<u32>,
}

impl From<db::VersionSummary> for VersionSummary {
    fn from(version: db::VersionSummary) -> Self {
        Self {
            id: version.id,
            number: version.number,
            state: version.state.into(),
            title: version.title,
            content_hash: version.content_hash,
            tags: version.tags,
            dated_at: version.dated_at,
            created_at: version.created_at,
        }
    }
}

impl From<domain::Version> for Version {
    fn from(version: domain::Version) -> Self {
        Self {
            id: version.id,
            document: version.document,
            number: version.number,
            title: version.title,
            content_hash: version.content_hash,
            tags: version.tags,
            dated_at: version.dated_at,
            state: version.state.into(),
            text: version.text,
            page_starts: version.page_starts.into_iter().map(PageStart::from).collect(),
        }
    }
}

impl From<domain::VersionState> for VersionState {
    fn from(state: domain::VersionState) -> Self {
        match state {
            domain::VersionState::Pending => Self::Pending,
            domain::VersionState::Live => Self::Live,
            domain::VersionState::Superseded => Self::Superseded,
        }
    }
}

impl From<domain::PageStart> for PageStart {
    fn from(start: domain::PageStart) -> Self {
        Self { offset: start.offset, page: start.page }
    }
}
