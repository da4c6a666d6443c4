//! Web sites: a collection synced with the pages of one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::errors::ErrorEvent;
use crate::api::events::stream_events;
use crate::api::filter::Tag;
use crate::api::ingest_report::{FailedSource, IngestReport, Outcome};

/// A site to crawl into a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteRequest {
    /// Where the crawl starts; only pages below its folder are ingested.
    #[schema(pattern = "^https?://", example = "https://example.com/help/")]
    pub url: String,
    /// How pages are found.
    pub follow: Follow,
    /// Maximum number of pages, 1 to 100000.
    #[serde(default = "default_max_pages")]
    #[schema(minimum = 1, maximum = 100_000, default = 1_000)]
    pub max_pages: usize,
    /// Maximum number of links from the start to a page, 0 to 100.
    #[serde(default = "default_max_depth")]
    #[schema(minimum = 0, maximum = 100, default = 8)]
    pub max_depth: usize,
    /// Tags of all pages from now on, at most 32; without them each page keeps those it has.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 32)]
    pub tags: Option<Vec<String>>,
    /// Whether to delete the documents of pages that are gone even if they are more than three and more than a tenth of
    /// the site's documents. Otherwise none is deleted then, and the report names the start under `failed`.
    #[serde(default)]
    pub allow_removals: bool,
}

fn default_max_pages() -> usize {
    1_000
}

fn default_max_depth() -> usize {
    8
}

/// How the pages of a site are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// By the links of pages.
    Links,
    /// By the site's sitemap.
    Sitemap,
}

stream_events! {
    /// The progress of a crawl. The last event is `done` or `error`.
    pub enum SiteEvent {
        /// A page is ingested, or is as it was.
        "finished" => Finished(FinishedEvent),
        /// The document of a page that is gone was deleted.
        "removed" => Removed(RemovedEvent),
        /// A page could not be fetched or ingested; its document stays as it was.
        "failed" => Failed(FailedSource),
        /// The crawl is complete.
        "done" => Done(IngestReport),
        /// The crawl was given up.
        "error" => Error(ErrorEvent),
    }
}

/// A source is ingested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FinishedEvent {
    /// The source.
    pub source: String,
    /// What was done.
    pub outcome: Outcome,
}

/// The document of a source that is gone was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedEvent {
    /// The source.
    pub source: String,
}

impl From<Follow> for fetch::Follow {
    fn from(follow: Follow) -> Self {
        match follow {
            Follow::Links => Self::Links,
            Follow::Sitemap => Self::Sitemap,
        }
    }
}
