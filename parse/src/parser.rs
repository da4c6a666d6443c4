//! What parses documents, and the one that does it in this process.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{PageLinks, PageReader, PageReaderError, RobotsRules, SitemapEntries};

use crate::dispatch::parse;
use crate::error::ParseError;
use crate::parsed::Parsed;
use crate::web::{links, robots, sitemap};

/// Parses documents.
#[async_trait]
pub trait DocumentParser: Send + Sync {
    /// Parses a document; `source` is a hint of its format. What is dropped stops.
    ///
    /// # Errors
    /// Any [`ParseError`].
    async fn parse(&self, bytes: Bytes, source: &str) -> Result<Parsed, ParseError>;
}

/// Parses in this process: for trusted documents only.
pub struct InProcess;

#[async_trait]
impl DocumentParser for InProcess {
    async fn parse(&self, bytes: Bytes, source: &str) -> Result<Parsed, ParseError> {
        parse(&bytes, source)
    }
}

#[async_trait]
impl PageReader for InProcess {
    async fn links(&self, page: &[u8], address: &str) -> Result<PageLinks, PageReaderError> {
        links::of_page(page, address).map_err(|error| PageReaderError(error.to_string()))
    }

    async fn listed_links(&self, text: &[u8]) -> Result<Option<Vec<String>>, PageReaderError> {
        Ok(links::listed(text))
    }

    async fn sitemap(&self, file: &[u8]) -> Result<SitemapEntries, PageReaderError> {
        Ok(sitemap::read(file))
    }

    async fn robots(&self, file: &[u8], robot: &str) -> Result<RobotsRules, PageReaderError> {
        Ok(robots::read(file, robot))
    }
}
