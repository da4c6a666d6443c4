//! The one way out to the Internet: fetches pages that people name, and crawls sites.
//!
//! ```text
//! `Crawler` (robots.txt, sitemaps, links) --> `Fetcher` --> public addresses, and hosts that an administrator allows
//! ```
//!
//! Parses no document: a crawl asks its caller's `PageReader` for the text of a page. Stores nothing.

mod address;
mod client;
mod crawl;
mod error;
mod limits;
mod page;
mod robots;

pub use crate::address::{AllowedHost, NotAHost};
pub use crate::client::Fetcher;
pub use crate::crawl::crawler::{Crawler, KnownPage, PageReader, SitePage, Visit};
pub use crate::crawl::site::{Follow, Site};
pub use crate::error::FetchError;
pub use crate::page::{Page, page_url};
