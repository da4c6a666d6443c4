//! Turns texts and questions into sparse vectors of weighted terms.

use std::collections::BTreeMap;

use domain::{Analyzer, FieldedText, Language, SparseVector};
use twox_hash::XxHash32;

use super::terms::{Term, each_term};
use super::{language, normalize, question};

/// How fast repeated occurrences saturate (BM25's k1; Robertson and Zaragoza, "The Probabilistic Relevance
/// Framework", 2009). Low, because chunks are short: measured on KorQuAD, XQuAD-en and XQuAD-zh from 0.3 to 1.6.
const SATURATION: f32 = 0.6;

/// How much a long text is discounted (BM25's b).
const LENGTH_NORMALISATION: f32 = 0.75;

/// Number of terms in an average chunk. Fixed, not counted, so that weights do not depend on the corpus: between the chunks
/// of the Rust book (103 terms in Korean, 134 in English) and the longer paragraphs of KorQuAD (273).
const AVERAGE_LENGTH: f32 = 160.0;

/// Weight of one occurrence, by field. A heading names the subject of its section; a title is the same in every chunk of
/// its document, so it distinguishes documents but not chunks.
const TITLE_WEIGHT: f32 = 1.0;
const HEADING_WEIGHT: f32 = 1.5;

/// Weight of a Hangul run's last bigram in a query: it mostly contains the particle (`방주는` has `방주` and `주는`).
/// Measured on KorQuAD: recall@1 .906 without it, .917 with it.
const ENDING_WEIGHT: f32 = 0.5;

/// Analyzer for mixed Korean, Chinese, Japanese and Latin text: bigrams of the first three, words of the last.
#[derive(Debug, Clone, Copy, Default)]
pub struct BigramAnalyzer;

impl BigramAnalyzer {
    /// Creates an analyzer; it has no state and needs no files.
    pub fn new() -> Self {
        Self
    }
}

/// The id of a term: xxHash32 with seed 0 of its UTF-8 bytes. The stores keep ids, so this must never change.
fn term_id(term: &str) -> u32 {
    XxHash32::oneshot(0, term.as_bytes())
}

impl Analyzer for BigramAnalyzer {
    fn document_terms(&self, text: FieldedText<'_>) -> SparseVector {
        let mut frequencies = BTreeMap::<u32, f32>::new();
        let mut length = 0.0;
        let mut add = |field: &str, weight: f32| {
            each_term(field, text.language, |term| {
                *frequencies.entry(term_id(term.text)).or_default() += weight;
                length += weight;
            });
        };
        add(text.title, TITLE_WEIGHT);
        for heading in text.heading_path {
            add(heading, HEADING_WEIGHT);
        }
        add(text.body, 1.0);
        let norm = SATURATION * (1.0 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * length / AVERAGE_LENGTH);
        vector(frequencies, |frequency| frequency * (SATURATION + 1.0) / (frequency + norm))
    }

    fn normalize(&self, text: &str) -> String {
        normalize::normalize(text)
    }

    fn query_terms(&self, text: &str, language: Language) -> SparseVector {
        let mut weights = BTreeMap::<u32, f32>::new();
        question::each_content_term(text, language, |term: Term<'_>| {
            let weight = if term.is_ending { ENDING_WEIGHT } else { 1.0 };
            *weights.entry(term_id(term.text)).or_default() += weight;
        });
        vector(weights, |weight| weight)
    }

    fn language(&self, text: &str) -> Language {
        language::detect(text)
    }
}

fn vector(terms: BTreeMap<u32, f32>, weigh: impl Fn(f32) -> f32) -> SparseVector {
    let (indices, values) = terms.into_iter().map(|(id, amount)| (id, weigh(amount))).unzip();
    SparseVector { indices, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(text: &str) -> SparseVector {
        headed(&[], text)
    }

    fn headed(heading_path: &[String], body: &str) -> SparseVector {
        let language = language::detect(body);
        BigramAnalyzer::new().document_terms(FieldedText { title: "", heading_path, body, language })
    }

    fn question(text: &str) -> SparseVector {
        BigramAnalyzer::new().query_terms(text, language::detect(text))
    }

    #[test]
    fn ids_of_terms_are_those_of_the_first_release() {
        assert_eq!(term_id(""), 0x02cc_5d05);
        assert_eq!(term_id("연차"), 0x8664_8794);
        assert_eq!(term_id("e0382"), 0xab6e_baed);
    }

    #[test]
    fn a_question_meets_the_text_that_answers_it() {
        let question = question("연차 휴가는 며칠인가요?");
        let right = body("연차휴가는 입사 후 1년이 지나면 15일이 주어집니다.");
        let wrong = body("회의실은 사내망에서 예약합니다.");
        assert!(question.common_terms(&right) >= 2, "{question:?}");
        assert_eq!(question.common_terms(&wrong), 0);
    }

    #[test]
    fn decomposed_korean_is_the_same_text() {
        assert_eq!(body("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"), body("한글"));
    }

    #[test]
    fn a_term_weighs_less_in_a_longer_text_and_saturates() {
        let id = term_id("rust");
        let (short, long) = (body("rust"), body(&format!("rust {}", "other words ".repeat(400))));
        assert!(short.weight(id) > long.weight(id));
        let twice = body("rust rust").weight(id);
        assert!(twice > short.weight(id) && twice < 2.0 * short.weight(id));
    }

    #[test]
    fn a_heading_counts_for_more_than_the_body() {
        let headed = headed(&["rust".to_owned()], "and more text");
        assert!(headed.weight(term_id("rust")) > body("rust and more text").weight(term_id("rust")));
    }

    proptest! {
        #[test]
        fn any_text_gives_ascending_ids_with_positive_finite_weights(text in "\\PC{0,200}") {
            for terms in [body(&text), question(&text)] {
                prop_assert_eq!(terms.indices.len(), terms.values.len());
                prop_assert!(terms.indices.is_sorted_by(|a, b| a < b));
                prop_assert!(terms.values.iter().all(|weight| weight.is_finite() && *weight > 0.0));
            }
        }
    }
}
