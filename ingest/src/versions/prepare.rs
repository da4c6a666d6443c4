//! Prepares a document for storing: parses its bytes and splits the text into chunks, sized for the embedder of one index.
//!
//! Needs neither database nor vector index. Parsing is done in other processes, splitting on a blocking thread.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Analyzer, Index, Language, LiveIndex, PageStart};
use parse::{DocumentParser, ParseError};

use crate::blocking::run_blocking;
use crate::chunking::chunker::{ChunkOptions, Draft, chunk};
use crate::chunking::measure::Measure;
use crate::context::IngestContext;
use crate::error::IngestError;

/// Characters of a text from which its language is detected.
const LANGUAGE_SAMPLE_CHARACTERS: usize = 20_000;

/// Tokens an encoder adds to every text (the beginning and the end mark).
const MARK_TOKENS: usize = 2;

/// A document that is ready to be stored.
pub(crate) struct Prepared {
    /// The index whose embedder the drafts are sized for.
    pub(crate) index: Arc<Index>,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub(crate) content_hash: String,
    /// The source bytes; `None` where only the stored text is at hand.
    pub(crate) original: Option<Bytes>,
    /// The title, never blank.
    pub(crate) title: String,
    /// The language of most of it.
    pub(crate) language: Language,
    /// The extracted text.
    pub(crate) text: String,
    /// Where pages begin in it.
    pub(crate) page_starts: Vec<PageStart>,
    /// Its chunks in reading order, at least one.
    pub(crate) drafts: Vec<Draft>,
}

/// Makes preparers for one index or another.
#[derive(Clone)]
pub(crate) struct Preparers {
    index: Arc<LiveIndex>,
    analyzer: Arc<dyn Analyzer>,
    chunking: ChunkOptions,
}

impl Preparers {
    pub(crate) fn new(context: &IngestContext) -> Self {
        Self { index: context.index.clone(), analyzer: context.analyzer.clone(), chunking: context.chunking }
    }

    /// A preparer for the index that is live now.
    pub(crate) fn for_live_index(&self) -> Preparer {
        self.for_index(self.index.current())
    }

    /// A preparer for `index`.
    pub(crate) fn for_index(&self, index: Arc<Index>) -> Preparer {
        Preparer::new(index, self.analyzer.clone(), self.chunking)
    }
}

/// Prepares documents for one index.
#[derive(Clone)]
pub(crate) struct Preparer {
    index: Arc<Index>,
    analyzer: Arc<dyn Analyzer>,
    measure: Measure,
    chunking: ChunkOptions,
}

impl Preparer {
    fn new(index: Arc<Index>, analyzer: Arc<dyn Analyzer>, chunking: ChunkOptions) -> Self {
        let embedder = &index.embedder;
        // The embedder truncates longer texts: what it cuts off would be stored and never found by meaning.
        let prefix_tokens = embedder.count_tokens(&embedder.space().passage_prefix);
        let max_tokens = embedder.max_tokens().saturating_sub(prefix_tokens + MARK_TOKENS);
        let target_tokens = chunking.target_tokens.min(max_tokens).max(1);
        let measure = Measure::new(embedder.clone(), analyzer.clone());
        Self { index, analyzer, measure, chunking: ChunkOptions { target_tokens, ..chunking } }
    }

    /// The index that drafts are sized for.
    pub(crate) fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Parses a document and splits it into chunks.
    pub(crate) async fn prepare(
        &self,
        parser: &dyn DocumentParser,
        bytes: Bytes,
        source: &str,
        content_hash: String,
    ) -> Result<Prepared, IngestError> {
        let parsed = parser.parse(bytes.clone(), source).await?;
        let title = parsed.title.unwrap_or_else(|| title_from_source(source));
        let preparer = self.clone();
        let prepared = run_blocking(move || {
            preparer.prepare_text(title, content_hash, parsed.markdown, parsed.page_starts)
        })
        .await?;
        Ok(Prepared { original: Some(bytes), ..prepared })
    }

    /// Splits an extracted text into chunks.
    pub(crate) fn prepare_text(
        &self,
        title: String,
        content_hash: String,
        text: String,
        page_starts: Vec<PageStart>,
    ) -> Result<Prepared, IngestError> {
        let drafts = chunk(&text, &page_starts, self.chunking, &|part| self.measure.tokens(part));
        if drafts.is_empty() {
            return Err(ParseError::Empty.into());
        }
        let sample_end =
            text.char_indices().nth(LANGUAGE_SAMPLE_CHARACTERS).map_or(text.len(), |(offset, _)| offset);
        let language = self.analyzer.language(&text[..sample_end]);
        let index = self.index.clone();
        Ok(Prepared { index, content_hash, original: None, title, language, text, page_starts, drafts })
    }
}

/// The last part of the source without its extension: "휴가 규정" for "handbook/휴가 규정.md".
fn title_from_source(source: &str) -> String {
    let path = source.split(['?', '#']).next().filter(|_| source.contains("://")).unwrap_or(source);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.contains(' ') => stem.to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_heading_is_called_by_its_name() {
        assert_eq!(title_from_source("규정/휴가 규정.txt"), "휴가 규정");
        assert_eq!(title_from_source("https://example.com/help/refunds.html?lang=en"), "refunds");
        assert_eq!(title_from_source(".env"), ".env");
        assert_eq!(title_from_source("v1. Overview"), "v1. Overview");
    }
}
