//! Is there enough evidence to answer, or should the answer be that the documents do not hold it?
//!
//! Two signs speak for passages that hold an answer. *Coverage*: the share of the question's terms, weighted by how
//! rare each is, that stand in one passage; a term that no document has counts as if one had it. *Closeness*: the
//! best cosine, where the embedder covers the question's language. Neither is enough alone: paraphrases cover
//! little, and an embedder finds everything a little similar.
//!
//! The threshold is the one that leaves room on both sides of 5% and 10% in two sets halved by article, each half asked its
//! own questions and those of the other. Share of the former declined, and of the latter answered, at [`THRESHOLD`]:
//!
//! | documents | questions | of the other half | declined | answered |
//! |---|---|---|---|---|
//! | KorQuAD-a, first half | 1,567 | 1,749 | 1.5% | 5.9% |
//! | KorQuAD-a, second half | 1,749 | 1,567 | 1.8% | 6.3% |
//! | XQuAD-en, first half | 612 | 578 | 3.1% | 6.4% |
//! | XQuAD-en, second half | 578 | 612 | 1.9% | 6.9% |
//!
//! `daedap eval answers FILE --unanswerable OTHER --without-model` gives these figures and the curve. A collection can
//! have a threshold of its own.

use domain::{Analyzer, Language, Passage, SparseVector, VectorStore, VectorStoreError};
use serde::Serialize;

/// Default of [`crate::RetrievalOptions::evidence_threshold`].
pub const THRESHOLD: f32 = 0.4;

/// Terms of a question that are looked up. Ids are hashes, so the first ones are a fair sample of a longer text.
const TERMS_LOOKED_UP: usize = 64;

/// Passages looked at: a model reads little more, and the best of many would cover anything.
const PASSAGES_LOOKED_AT: usize = 5;

/// What coverage is multiplied with in scripts that put no space between words. Half of their bigrams straddle two
/// words, and such a bigram is missing as soon as the neighbour is another one. Measured on halves of XQuAD-zh.
const STRETCH_WITHOUT_SPACES: f32 = 1.5;

/// How much speaks for the passages holding an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evidence {
    /// 0 (nothing) to 1 (every term of the question in one passage, and its meaning too).
    pub score: f32,
    /// Whether it reaches the threshold.
    pub sufficient: bool,
}

/// What evidence is weighed from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Signals {
    /// See [`coverage`].
    pub(crate) coverage: f32,
    /// See [`closeness`]; `None` where the embedder does not cover the question's language.
    pub(crate) closeness: Option<f32>,
}

impl Evidence {
    pub(crate) fn weigh(signals: Signals, threshold: f32) -> Self {
        let score = match signals.closeness {
            None => signals.coverage,
            Some(closeness) => (signals.coverage + closeness) / 2.0,
        };
        Self { score, sufficient: score >= threshold }
    }
}

/// Share of the question's terms, by rarity, that the best passage has, 0 to 1.
pub(crate) fn coverage(
    passages: &[Passage],
    rarity: &Rarity,
    analyzer: &dyn Analyzer,
    question_language: Language,
) -> f32 {
    let best = passages
        .iter()
        .take(PASSAGES_LOOKED_AT)
        .map(|passage| covered_share(rarity, &analyzer.document_terms((&passage.chunk).into())))
        .fold(0.0, f32::max);
    let is_spaced = ![Language::CHINESE, Language::JAPANESE].contains(&question_language);
    if is_spaced { best } else { (best * STRETCH_WITHOUT_SPACES).min(1.0) }
}

/// The best cosine, 0 to 1.
pub(crate) fn closeness(passages: &[Passage]) -> f32 {
    let cosines = passages.iter().take(PASSAGES_LOOKED_AT).filter_map(|passage| passage.dense_score);
    cosines.fold(0.0, f32::max).min(1.0)
}

fn covered_share(rarity: &Rarity, passage: &SparseVector) -> f32 {
    let all: f32 = rarity.values.iter().sum();
    let terms = rarity.indices.iter().zip(&rarity.values);
    let covered: f32 = terms.filter(|(term, _)| passage.weight(**term) > 0.0).map(|(_, rarity)| rarity).sum();
    if all > 0.0 { covered / all } else { 0.0 }
}

/// How rare the terms of a question are: their inverse document frequencies times their weights in the question.
pub(crate) type Rarity = SparseVector;

/// Looks up how rare the terms of a question are.
pub(crate) async fn rarity(
    vectors: &dyn VectorStore,
    question: &SparseVector,
) -> Result<Rarity, VectorStoreError> {
    let looked_up = question.indices.len().min(TERMS_LOOKED_UP);
    let indices = question.indices[..looked_up].to_vec();
    let rarity = vectors.rarity(&indices).await?;
    let values = rarity.iter().zip(&question.values).map(|(rarity, weight)| rarity * weight).collect();
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

    /// Every term of the question as rare as the next.
    fn even_rarity(question: &str) -> Rarity {
        BigramAnalyzer::new().query_terms(question, Language::ENGLISH)
    }

    fn covered(question: &str, texts: &[&str], language: Language) -> f32 {
        let passages: Vec<Passage> = texts.iter().map(|text| passage(text, None)).collect();
        coverage(&passages, &even_rarity(question), &BigramAnalyzer::new(), language)
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
        let mut rarity = even_rarity("pump valve");
        let pump = even_rarity("pump").indices[0];
        let at = rarity.indices.iter().position(|term| *term == pump).unwrap();
        rarity.values[at] = 3.0;
        let passages = [passage("the pump is blue", None)];
        assert_eq!(coverage(&passages, &rarity, &BigramAnalyzer::new(), Language::ENGLISH), 0.75);
    }

    #[test]
    fn scripts_without_spaces_are_stretched_up_to_one() {
        assert_eq!(covered("所有权", &["所有 者"], Language::CHINESE), 0.75);
        assert_eq!(covered("所有权", &["所有权"], Language::CHINESE), 1.0);
    }

    #[test]
    fn closeness_is_the_best_cosine_and_never_negative() {
        assert_eq!(closeness(&[passage("a", Some(0.2)), passage("b", Some(0.7)), passage("c", None)]), 0.7);
        assert_eq!(closeness(&[passage("a", Some(-0.4))]), 0.0);
    }

    #[test]
    fn both_signs_count_half_where_there_are_both() {
        let weigh = |coverage, closeness| Evidence::weigh(Signals { coverage, closeness }, THRESHOLD);
        assert_eq!(weigh(0.5, None), Evidence { score: 0.5, sufficient: true });
        assert_eq!(weigh(0.5, Some(0.1)), Evidence { score: 0.3, sufficient: false });
        assert!(weigh(0.3, Some(0.7)).sufficient, "a paraphrase");
    }
}
