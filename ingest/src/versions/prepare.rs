//! The part of the way that needs neither database nor vector store: bytes to drafts. Pure, heavy on the
//! processor, run on a blocking thread.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Analyzer, Index, Language, PageStart};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::IngestError;
use crate::apart::DocumentParser;
use crate::chunk::{ChunkOptions, Draft, chunk};
use crate::measure::Measure;
use crate::parse::ParseError;

/// Characters of a text from which its language is told.
const LANGUAGE_SAMPLE_CHARACTERS: usize = 20_000;

/// Tokens an encoder adds to every text (the beginning and the end mark).
const MARK_TOKENS: usize = 2;

/// Longest name of a source, in bytes of UTF-8.
const MAX_SOURCE_BYTES: usize = 4096;

/// What a document's text gives.
pub(crate) struct Prepared {
    /// The index whose embedder the drafts were sized for.
    pub(crate) index: Arc<Index>,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub(crate) content_hash: String,
    /// The source bytes, where they are at hand, to be kept.
    pub(crate) original: Option<Bytes>,
    /// What people call it.
    pub(crate) title: String,
    /// Language most of it is in.
    pub(crate) language: Language,
    /// The extracted text.
    pub(crate) text: String,
    /// Where pages begin in it.
    pub(crate) page_starts: Vec<PageStart>,
    /// Its chunks in reading order, at least one.
    pub(crate) drafts: Vec<Draft>,
}

/// Turns bytes or a stored text into drafts, sized for the embedder of one index.
#[derive(Clone)]
pub(crate) struct Preparer {
    index: Arc<Index>,
    analyzer: Arc<dyn Analyzer>,
    measure: Measure,
    chunking: ChunkOptions,
}

impl Preparer {
    /// A preparer for documents that go into `index`.
    pub(crate) fn new(index: Arc<Index>, analyzer: Arc<dyn Analyzer>, chunking: ChunkOptions) -> Self {
        let embedder = &index.embedder;
        // What the embedder cuts off would be stored and never found by meaning.
        let prefix_tokens = embedder.count_tokens(&embedder.space().passage_prefix);
        let readable = embedder.max_tokens().saturating_sub(prefix_tokens + MARK_TOKENS);
        let target_tokens = chunking.target_tokens.min(readable).max(1);
        let measure = Measure::new(embedder.clone(), analyzer.clone());
        Self { index, analyzer, measure, chunking: ChunkOptions { target_tokens, ..chunking } }
    }

    /// Whether drafts that were sized for `index` are what this one would make.
    pub(crate) fn is_of(&self, index: &Arc<Index>) -> bool {
        Arc::ptr_eq(&self.index, index)
    }

    /// Reads a document and cuts it into chunks.
    pub(crate) fn read(
        &self,
        parser: &dyn DocumentParser,
        bytes: Bytes,
        source: &str,
        content_hash: String,
    ) -> Result<Prepared, IngestError> {
        let parsed = parser.parse(&bytes, source)?;
        let title = parsed.title.unwrap_or_else(|| title_from_source(source));
        let prepared = self.prepare_text(title, content_hash, parsed.markdown, parsed.page_starts)?;
        Ok(Prepared { original: Some(bytes), ..prepared })
    }

    /// Cuts an extracted text into chunks.
    pub(crate) fn prepare_text(
        &self,
        title: String,
        content_hash: String,
        text: String,
        page_starts: Vec<PageStart>,
    ) -> Result<Prepared, IngestError> {
        let drafts = chunk(&text, &page_starts, self.chunking, &|piece| self.measure.tokens(piece));
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

/// SHA-256 of `bytes` in lower-case hexadecimal.
pub fn content_hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Two lower-case digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The form in which a source is stored: NFC, so that the same file has one name on every system.
///
/// # Errors
/// `BadSource` for an empty or overlong name, or one with control characters.
pub(crate) fn checked_source(source: &str) -> Result<String, IngestError> {
    let source: String = source.trim().nfc().collect();
    if source.is_empty() {
        return Err(IngestError::BadSource("it is empty"));
    }
    if source.len() > MAX_SOURCE_BYTES {
        return Err(IngestError::BadSource("it is longer than 4096 bytes"));
    }
    if source.chars().any(char::is_control) {
        return Err(IngestError::BadSource("it holds control characters"));
    }
    Ok(source)
}

/// The source's last part without its extension: "handbook/휴가 규정.md" is called "휴가 규정".
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
    fn the_hash_is_sha256_in_hexadecimal() {
        assert_eq!(content_hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_file_without_a_heading_is_called_by_its_name() {
        assert_eq!(title_from_source("규정/휴가 규정.txt"), "휴가 규정");
        assert_eq!(title_from_source("https://example.com/help/refunds.html?lang=en"), "refunds");
        assert_eq!(title_from_source(".env"), ".env");
        assert_eq!(title_from_source("v1. Overview"), "v1. Overview");
    }

    #[test]
    fn a_source_has_one_form() {
        assert_eq!(checked_source(" \u{1112}\u{1161}\u{11ab}.md ").expect("a name"), "한.md");
        for bad in ["", "  ", "a\0b", "a\nb"] {
            assert_eq!(checked_source(bad).expect_err(bad).code(), "bad_source");
        }
        assert_eq!(checked_source(&"가".repeat(2000)).expect_err("too long").code(), "bad_source");
    }
}
