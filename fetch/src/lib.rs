//! Fetches web pages that people name, and crawls sites: the one way out to the Internet.
//!
//! ```text
//! `Crawler` (robots.txt, sitemaps, links) --> `Fetcher` --> public addresses, and hosts that an administrator allows
//! ```
//!
//! Parses nothing (the caller of a crawl provides a [`PageReader`](domain::PageReader)) and stores nothing.

mod address;
mod client;
mod crawl;
mod error;
mod limits;
mod page;
mod robots;

pub use crate::address::{AllowedHost, NotAHost};
pub use crate::client::Fetcher;
pub use crate::crawl::crawler::Crawler;
pub use crate::crawl::site::{Follow, Site};
pub use crate::crawl::visit::{KnownPage, SitePage, Visit};
pub use crate::error::FetchError;
pub use crate::page::{Page, page_url};
