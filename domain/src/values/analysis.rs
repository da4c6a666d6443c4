//! Values of lexical analysis: sparse term vectors, and a text by its fields.

use serde::{Deserialize, Serialize};

use crate::values::document::Chunk;
use crate::values::language::Language;

/// Term ids with weights. Ids are strictly ascending, both vectors have the same length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SparseVector {
    /// Term ids (hashes of terms).
    pub indices: Vec<u32>,
    /// One weight per id, above 0.
    pub values: Vec<f32>,
}

impl SparseVector {
    /// Whether there is no term at all.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The weight of `term`, 0 where it is absent.
    pub fn weight(&self, term: u32) -> f32 {
        self.indices.binary_search(&term).map_or(0.0, |at| self.values[at])
    }

    /// Number of terms that `other` has too.
    pub fn common_terms(&self, other: &Self) -> usize {
        self.indices.iter().filter(|&&term| other.weight(term) > 0.0).count()
    }
}

/// A text by its fields, which an analyzer may weigh differently.
#[derive(Debug, Clone, Copy)]
pub struct FieldedText<'a> {
    /// The document's title.
    pub title: &'a str,
    /// Headings above the body, outermost first.
    pub heading_path: &'a [String],
    /// The body.
    pub body: &'a str,
    /// The body's language, which decides how words are reduced to terms. The caller passes it because detecting it
    /// costs more than the terms do.
    pub language: Language,
}

impl<'a> From<&'a Chunk> for FieldedText<'a> {
    fn from(chunk: &'a Chunk) -> Self {
        Self {
            title: &chunk.title,
            heading_path: &chunk.heading_path,
            body: &chunk.text,
            language: chunk.language,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_term_weighs_nothing() {
        let terms = SparseVector { indices: vec![3, 9], values: vec![0.5, 2.0] };
        assert_eq!(terms.weight(9), 2.0);
        assert_eq!(terms.weight(4), 0.0);
        assert!(SparseVector::default().is_empty());
    }
}
