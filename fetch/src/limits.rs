//! Bounds what one page may take.

use std::time::Duration;

/// Maximum time for one page, including all redirects.
pub(crate) const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum wait for a connection.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of redirects that are followed.
pub(crate) const MAX_REDIRECTS: usize = 5;

/// Maximum size of a sitemap, uncompressed: the limit of the protocol (sitemaps.org).
pub(crate) const MAX_SITEMAP_BYTES: u64 = 50 * 1024 * 1024;

/// How much of a `robots.txt` is read: what RFC 9309 (section 2.5) demands.
pub(crate) const MAX_ROBOTS_BYTES: u64 = 500 * 1024;
