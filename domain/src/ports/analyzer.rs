//! The analyzer port: text to weighted terms, for documents and queries alike.

use crate::values::analysis::{FieldedText, SparseVector};
use crate::values::language::Language;

/// Turns text into weighted terms.
///
/// One analyzer must serve both documents and queries, or their terms do not match. It is a port although there is one
/// implementation: `ingest` uses it and must not depend on `retriever`.
pub trait Analyzer: Send + Sync {
    /// Term weights of a stored text: the part of BM25 that depends on the document alone.
    fn document_terms(&self, text: FieldedText<'_>) -> SparseVector;

    /// Normalizes text to the form in which it would be typed plainly: composed, without full-width, invisible and
    /// look-alike characters.
    fn normalize(&self, text: &str) -> String;

    /// Term weights of a question in `language`.
    fn query_terms(&self, text: &str, language: Language) -> SparseVector;

    /// Detects the language that most of the text is in.
    fn language(&self, text: &str) -> Language;
}
