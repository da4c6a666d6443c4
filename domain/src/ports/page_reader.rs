//! The port through which a crawl reads what it fetched. Whoever fetches from foreign servers parses nothing itself.

use async_trait::async_trait;

use crate::values::web::{PageLinks, RobotsRules, SitemapEntries};

/// What a page, a sitemap or a robots file says cannot be read. The text is for people, and for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PageReaderError(pub String);

/// Reads what foreign servers send. An implementation parses it where hostile bytes can do no harm.
#[async_trait]
pub trait PageReader: Send + Sync {
    /// The links of the page at `address`, and its rules for robots; none for anything that is not HTML.
    ///
    /// # Errors
    /// Where the page costs too much to read, or its reader fails.
    async fn links(&self, page: &[u8], address: &str) -> Result<PageLinks, PageReaderError>;

    /// The link targets of a Markdown text, in order, as they are written there; `None` for an HTML page.
    ///
    /// # Errors
    /// As with [`PageReader::links`].
    async fn listed_links(&self, text: &[u8]) -> Result<Option<Vec<String>>, PageReaderError>;

    /// The addresses in a sitemap, up to its first error; any other document has none.
    ///
    /// # Errors
    /// As with [`PageReader::links`].
    async fn sitemap(&self, file: &[u8]) -> Result<SitemapEntries, PageReaderError>;

    /// What a `robots.txt` says to the robot of this name.
    ///
    /// # Errors
    /// As with [`PageReader::links`].
    async fn robots(&self, file: &[u8], robot: &str) -> Result<RobotsRules, PageReaderError>;
}
