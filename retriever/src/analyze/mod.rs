//! Lexical analysis, the sparse half of retrieval: what a term is, its id, and its BM25 weight.
//!
//! The weight of a term in a text is the part of BM25 that depends on that text alone; the inverse document frequency is
//! the vector store's part, because only the store knows the corpus. A text's weights never change when other texts are
//! added or removed.

mod analyzer;
mod language;
mod normalize;
mod question;
mod question_words;
mod stem;
mod terms;

pub use analyzer::BigramAnalyzer;
