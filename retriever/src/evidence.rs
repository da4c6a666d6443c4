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

/// Share of the terms of one of `asked`, by weight and rarity, that one of the passages has, at its best; 0 to 1.
///
/// A question within a conversation is asked alone and with those before it: either may be what it means. Of 126
/// follow-ups that the documents answer and 202 that they do not (half of these after talk of the documents), with those
/// before it 27% were declined and 8% answered, alone 21% and 14%, the better of the two 17% and 17%; with a lower
/// threshold, the first would answer more of the wrong ones for as many of the right ones.
pub(crate) fn coverage(
    passages: &[Passage],
    asked: &[&SparseVector],
    rarity: &Rarity,
    analyzer: &dyn Analyzer,
    question_language: Language,
) -> f32 {
    let best = passages
        .iter()
        .take(PASSAGES_LOOKED_AT)
        .map(|passage| analyzer.document_terms((&passage.chunk).into()))
        .flat_map(|passage| asked.iter().map(move |asked| covered_share(asked, rarity, &passage)))
        .fold(0.0, f32::max);
    let is_spaced = ![Language::CHINESE, Language::JAPANESE].contains(&question_language);
    if is_spaced { best } else { (best * STRETCH_WITHOUT_SPACES).min(1.0) }
}

/// The best cosine, 0 to 1.
pub(crate) fn closeness(passages: &[Passage]) -> f32 {
    let cosines = passages.iter().take(PASSAGES_LOOKED_AT).filter_map(|passage| passage.dense_score);
    cosines.fold(0.0, f32::max).min(1.0)
}

fn covered_share(asked: &SparseVector, rarity: &Rarity, passage: &SparseVector) -> f32 {
    let (mut covered, mut all) = (0.0, 0.0);
    for (&term, weight) in asked.indices.iter().zip(&asked.values) {
        let value = weight * rarity.weight(term);
        all += value;
        if passage.weight(term) > 0.0 {
            covered += value;
        }
    }
    if all > 0.0 { covered / all } else { 0.0 }
}

/// How rare terms are: their inverse document frequencies. One that is not in it counts for nothing.
pub(crate) type Rarity = SparseVector;

/// Looks up how rare the first of these terms are.
pub(crate) async fn rarity(
    vectors: &dyn VectorStore,
    terms: &SparseVector,
) -> Result<Rarity, VectorStoreError> {
    let looked_up = terms.indices.len().min(TERMS_LOOKED_UP);
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

    /// Every term as rare as the next.
    fn even_rarity(terms: &SparseVector) -> Rarity {
        SparseVector { values: vec![1.0; terms.indices.len()], ..terms.clone() }
    }

    fn covered(question: &str, texts: &[&str], language: Language) -> f32 {
        let passages: Vec<Passage> = texts.iter().map(|text| passage(text, None)).collect();
        let asked = terms(question);
        coverage(&passages, &[&asked], &even_rarity(&asked), &BigramAnalyzer::new(), language)
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
        let mut rarity = even_rarity(&asked);
        let pump = terms("pump").indices[0];
        let at = rarity.indices.iter().position(|term| *term == pump).unwrap();
        rarity.values[at] = 3.0;
        let passages = [passage("the pump is blue", None)];
        let analyzer = BigramAnalyzer::new();
        assert_eq!(coverage(&passages, &[&asked], &rarity, &analyzer, Language::ENGLISH), 0.75);
    }

    #[test]
    fn a_follow_up_is_covered_alone_or_with_what_came_before_it() {
        let (alone, with_earlier) = (terms("valve"), terms("valve of the blue pump"));
        let rarity = even_rarity(&with_earlier);
        let covered = |text: &str| {
            let passages = [passage(text, None)];
            let asked = [&alone, &with_earlier];
            coverage(&passages, &asked, &rarity, &BigramAnalyzer::new(), Language::ENGLISH)
        };
        assert_eq!(covered("turn the valve"), 1.0);
        assert!(covered("a blue pump") > 0.5);
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
