//! Defines what a crawl reports of each address.

use bytes::Bytes;
use jiff::Timestamp;

use crate::error::FetchError;

/// The result of visiting one address.
pub enum Visit {
    /// A page, new or changed.
    Page(SitePage),
    /// A page that has not changed.
    Unchanged(String),
    /// A page, or a list of pages, that cannot be fetched now.
    Failed(String, FetchError),
}

/// A fetched page of a site.
pub struct SitePage {
    /// What the next crawl needs to know of it.
    pub known: KnownPage,
    /// Its content, in whatever format.
    pub bytes: Bytes,
    /// When it was last changed, if the server says so.
    pub modified_at: Option<Timestamp>,
}

/// What is known of a page from an earlier crawl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPage {
    /// Its address.
    pub url: String,
    /// The entity tag that its server gave it.
    pub etag: Option<String>,
    /// The date of its last change, as its server wrote it.
    pub last_modified: Option<String>,
    /// Its links within its site.
    pub links: Vec<String>,
}
