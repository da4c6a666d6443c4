//! Weighs the evidence that the passages hold an answer.
//!
//! There are two signals. *Coverage*: the share of the question's terms, weighted by inverse document frequency, that one
//! passage contains; a term that no document contains counts as if one did. *Similarity*: the best cosine, if the
//! embedder covers the question's language. Neither is enough alone: paraphrases have a low coverage, and to an embedder
//! everything is a little similar.
//!
//! The threshold has margins to 5% declined and to 10% answered in two question sets that were halved by article, each half
//! asked its own questions and those of the other. Share of the former declined, and of the latter answered, at
//! [`THRESHOLD`]:
//!
//! | documents | questions | of the other half | declined | answered |
//! |---|---|---|---|---|
//! | KorQuAD-a, first half | 1,567 | 1,749 | 1.5% | 5.9% |
//! | KorQuAD-a, second half | 1,749 | 1,567 | 1.8% | 6.3% |
//! | XQuAD-en, first half | 612 | 578 | 3.1% | 6.4% |
//! | XQuAD-en, second half | 578 | 612 | 1.9% | 6.9% |
//!
//! `daedap eval answers FILE --unanswerable OTHER --without-model` prints these figures and the curve. A collection can
//! have its own threshold.

use domain::{Analyzer, Language, Passage, SparseVector, VectorStore, VectorStoreError};
use serde::Serialize;

/// Default of [`crate::RetrievalOptions::evidence_threshold`].
pub const THRESHOLD: f32 = 0.4;

/// Maximum number of a question's terms that are looked up. Ids are hashes, so the first ones are a random sample.
const MAX_TERMS: usize = 64;

/// Number of passages examined: a prompt contains few more, and the best of many would cover anything.
const EXAMINED_PASSAGES: usize = 5;

/// Factor of coverage for scripts without spaces between words. Half of their bigrams span two words, and are missing if
/// the next word differs. Measured on halves of XQuAD-zh.
const UNSPACED_FACTOR: f32 = 1.5;

/// The evidence that the passages hold an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evidence {
    /// 0 (none) to 1 (one passage contains every term of the question, and its meaning).
    pub score: f32,
    /// Whether the score reaches the threshold.
    pub sufficient: bool,
}

/// The signals that evidence is weighed from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Signals {
    /// See [`coverage`].
    pub(crate) coverage: f32,
    /// See [`similarity`]; `None` if the embedder does not cover the question's language.
    pub(crate) similarity: Option<f32>,
}

impl Evidence {
    pub(crate) fn weigh(signals: Signals, threshold: f32) -> Self {
        let score = match signals.similarity {
            None => signals.coverage,
            Some(similarity) => (signals.coverage + similarity) / 2.0,
        };
        Self { score, sufficient: score >= threshold }
    }
}

/// The highest share of the terms of one of `queries`, by weight and inverse document frequency, that a passage contains; 0
/// to 1.
///
/// A question within a conversation counts alone and with those before it: either may be what it means. Of 126 answerable
/// follow-ups and 202 unanswerable ones (half of these in a conversation about the documents), 27% were declined and 8%
/// answered with the questions before, 21% and 14% alone, 17% and 17% by the better of the two. A lower threshold for the
/// first would answer more unanswerable ones at the same share of declined ones.
pub(crate) fn coverage(
    passages: &[Passage],
    queries: &[&SparseVector],
    idf: &SparseVector,
    analyzer: &dyn Analyzer,
    question_language: Language,
) -> f32 {
    let best = passages
        .iter()
        .take(EXAMINED_PASSAGES)
        .map(|passage| analyzer.document_terms((&passage.chunk).into()))
        .flat_map(|passage| queries.iter().map(move |query| covered_share(query, idf, &passage)))
        .fold(0.0, f32::max);
    let is_spaced = ![Language::CHINESE, Language::JAPANESE].contains(&question_language);
    if is_spaced { best } else { (best * UNSPACED_FACTOR).min(1.0) }
}

/// The best cosine, 0 to 1.
pub(crate) fn similarity(passages: &[Passage]) -> f32 {
    let cosines = passages.iter().take(EXAMINED_PASSAGES).filter_map(|passage| passage.dense_score);
    cosines.fold(0.0, f32::max).min(1.0)
}

fn covered_share(query: &SparseVector, idf: &SparseVector, passage: &SparseVector) -> f32 {
    let (mut covered, mut all) = (0.0, 0.0);
    for (&term, weight) in query.indices.iter().zip(&query.values) {
        let value = weight * idf.weight(term);
        all += value;
        if passage.weight(term) > 0.0 {
            covered += value;
        }
    }
    if all > 0.0 { covered / all } else { 0.0 }
}

/// Looks up the inverse document frequencies of the first of these terms; the others count 0.
pub(crate) async fn look_up_idf(
    vectors: &dyn VectorStore,
    terms: &SparseVector,
) -> Result<SparseVector, VectorStoreError> {
    let looked_up = terms.indices.len().min(MAX_TERMS);
    let indices = terms.indices[..looked_up].to_vec();
    let values = vectors.idf(&indices).await?;
    Ok(SparseVector { indices, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::BigramAnalyzer;
    use crate::fixture::chunk;

    fn passage(text: &str, dense_score: Option<f32>) -> Passage {
        let chunk = chunk("d", 0, text);
        Passage { chunk, score: 1.0, dense_score, sparse_score: Some(1.0) }
    }

    fn terms(question: &str) -> SparseVector {
        BigramAnalyzer::new().query_terms(question, Language::ENGLISH)
    }

    /// The same inverse document frequency for every term.
    fn even_idf(terms: &SparseVector) -> SparseVector {
        SparseVector { values: vec![1.0; terms.indices.len()], ..terms.clone() }
    }

    fn covered(question: &str, texts: &[&str], language: Language) -> f32 {
        let passages: Vec<Passage> = texts.iter().map(|text| passage(text, None)).collect();
        let asked = terms(question);
        coverage(&passages, &[&asked], &even_idf(&asked), &BigramAnalyzer::new(), language)
    }

    #[test]
    fn terms_count_within_one_passage_not_across_several() {
        let texts = ["the pump is blue", "the valve is red"];
        assert_eq!(covered("pump valve", &texts, Language::ENGLISH), 0.5);
        assert_eq!(covered("pump valve", &["a pump with a valve"], Language::ENGLISH), 1.0);
        assert_eq!(covered("pump valve", &[], Language::ENGLISH), 0.0);
    }

    #[test]
    fn rare_terms_count_for_more() {
        let asked = terms("pump valve");
        let mut idf = even_idf(&asked);
        let pump = terms("pump").indices[0];
        let at = idf.indices.iter().position(|term| *term == pump).unwrap();
        idf.values[at] = 3.0;
        let passages = [passage("the pump is blue", None)];
        let analyzer = BigramAnalyzer::new();
        assert_eq!(coverage(&passages, &[&asked], &idf, &analyzer, Language::ENGLISH), 0.75);
    }

    #[test]
    fn a_follow_up_is_covered_alone_or_with_what_came_before_it() {
        let (alone, with_earlier) = (terms("valve"), terms("valve of the blue pump"));
        let idf = even_idf(&with_earlier);
        let covered = |text: &str| {
            let passages = [passage(text, None)];
            let asked = [&alone, &with_earlier];
            coverage(&passages, &asked, &idf, &BigramAnalyzer::new(), Language::ENGLISH)
        };
        assert_eq!(covered("turn the valve"), 1.0);
        assert!(covered("a blue pump") > 0.5);
    }

    #[test]
    fn coverage_of_scripts_without_spaces_is_raised_up_to_one() {
        assert_eq!(covered("所有权", &["所有 者"], Language::CHINESE), 0.75);
        assert_eq!(covered("所有权", &["所有权"], Language::CHINESE), 1.0);
    }

    #[test]
    fn similarity_is_the_best_cosine_and_never_negative() {
        assert_eq!(similarity(&[passage("a", Some(0.2)), passage("b", Some(0.7)), passage("c", None)]), 0.7);
        assert_eq!(similarity(&[passage("a", Some(-0.4))]), 0.0);
    }

    #[test]
    fn both_signals_count_half_if_there_are_both() {
        let weigh = |coverage, similarity| Evidence::weigh(Signals { coverage, similarity }, THRESHOLD);
        assert_eq!(weigh(0.5, None), Evidence { score: 0.5, sufficient: true });
        assert_eq!(weigh(0.5, Some(0.1)), Evidence { score: 0.3, sufficient: false });
        assert!(weigh(0.3, Some(0.7)).sufficient, "a paraphrase");
    }
}
