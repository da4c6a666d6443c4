//! Parses documents and reads pages in child processes.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{PageLinks, PageReader, PageReaderError, RobotsRules, SitemapEntries};

use crate::error::ParseError;
use crate::limits::{PAGE_TIMEOUT, PARSE_TIMEOUT};
use crate::parsed::Parsed;
use crate::parser::DocumentParser;
use crate::sandbox::pool::{Pool, PoolSettings};
use crate::sandbox::protocol::{Answer, Request};

/// How child processes are used.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The program whose `main` calls [`run_child`](crate::run_child) when its first argument is
    /// [`PARSE_COMMAND`](crate::PARSE_COMMAND).
    pub program: PathBuf,
    /// Maximum number of children at any time; at least one.
    pub children: usize,
    /// Whether nothing is parsed where the system cannot confine a child completely.
    pub is_confinement_required: bool,
}

/// Parses in child processes. No byte of a document or a page is parsed in this process.
pub struct Sandboxed {
    pool: Pool,
    parse_timeout: Duration,
}

impl Sandboxed {
    /// Starts nothing yet.
    pub fn new(options: SandboxOptions) -> Self {
        let SandboxOptions { program, children, is_confinement_required } = options;
        let pool = Pool::new(PoolSettings { program, children, is_confinement_required });
        Self { pool, parse_timeout: PARSE_TIMEOUT }
    }

    /// Reads what is no document.
    async fn read(&self, request: Request, bytes: &[u8]) -> Result<Answer, PageReaderError> {
        let answered = self.pool.ask(request, Bytes::copy_from_slice(bytes), PAGE_TIMEOUT).await;
        answered.map_err(|error| PageReaderError(error.to_string()))
    }
}

#[async_trait]
impl DocumentParser for Sandboxed {
    async fn parse(&self, bytes: Bytes, source: &str) -> Result<Parsed, ParseError> {
        let request = Request::Document { name: source.to_owned() };
        match self.pool.ask(request, bytes, self.parse_timeout).await? {
            Answer::Document(parsed) => Ok(parsed),
            _ => Err(ParseError::Failed(OTHER_ANSWER.to_owned())),
        }
    }
}

/// A child that was taken over may say anything.
const OTHER_ANSWER: &str = "its parser answered something else";

fn other_answer<T>(_: Answer) -> Result<T, PageReaderError> {
    Err(PageReaderError(OTHER_ANSWER.to_owned()))
}

#[async_trait]
impl PageReader for Sandboxed {
    async fn links(&self, page: &[u8], address: &str) -> Result<PageLinks, PageReaderError> {
        match self.read(Request::Links { address: address.to_owned() }, page).await? {
            Answer::Links(links) => Ok(links),
            other => other_answer(other),
        }
    }

    async fn listed_links(&self, text: &[u8]) -> Result<Option<Vec<String>>, PageReaderError> {
        match self.read(Request::ListedLinks, text).await? {
            Answer::ListedLinks(links) => Ok(links),
            other => other_answer(other),
        }
    }

    async fn sitemap(&self, file: &[u8]) -> Result<SitemapEntries, PageReaderError> {
        match self.read(Request::Sitemap, file).await? {
            Answer::Sitemap(listed) => Ok(listed),
            other => other_answer(other),
        }
    }

    async fn robots(&self, file: &[u8], robot: &str) -> Result<RobotsRules, PageReaderError> {
        match self.read(Request::Robots { robot: robot.to_owned() }, file).await? {
            Answer::Robots(rules) => Ok(rules),
            other => other_answer(other),
        }
    }
}
