//! Builds extractive answers: quotes sentences of the passages, for a question in a language the generator does not write.

use domain::{Analyzer, Language, Passage, SparseVector};
use unicode_segmentation::UnicodeSegmentation;

/// Maximum number of sentences in an answer.
const MAX_SENTENCES: usize = 4;
/// Maximum number of passages quoted: passages of a lower rank help a model, but not a reader.
const MAX_PASSAGES: usize = 3;
/// Maximum length of a sentence; a longer one is a table or code.
const MAX_SENTENCE_CHARACTERS: usize = 400;

/// Quotes the sentences of the passages that share the most query terms by weight, as a Markdown list with citations
/// under an introduction in `language`. Empty if no sentence shares a term.
pub fn answer(
    query_terms: &SparseVector,
    language: Language,
    passages: &[Passage],
    analyzer: &dyn Analyzer,
) -> String {
    let mut quotes = best_sentences(query_terms, passages, analyzer);
    if quotes.is_empty() {
        return String::new();
    }
    quotes.truncate(MAX_SENTENCES);
    // Passage by passage, in reading order.
    quotes.sort_by_key(|quote| (quote.number, quote.position));
    let mut answer = String::from(introduction(language));
    for quote in quotes {
        answer.push_str(&format!("\n- {} [{}]", quote.sentence, quote.number));
    }
    answer
}

fn introduction(language: Language) -> &'static str {
    match language {
        Language::KOREAN => {
            "지금 쓰는 모델은 한국어 답변을 쓰지 못합니다. 문서의 문장을 그대로 보여 드립니다.\n"
        }
        Language::CHINESE => "当前模型不能用中文作答。以下是文档中的原句。\n",
        Language::JAPANESE => "現在のモデルは日本語で回答できません。文書の文をそのまま示します。\n",
        _ => "The model in use does not write this language. These are the documents' own sentences.\n",
    }
}

struct Quote {
    number: u32,
    position: usize,
    sentence: String,
    score: f32,
}

/// Sentences that share a term with the question, best first.
fn best_sentences(query_terms: &SparseVector, passages: &[Passage], analyzer: &dyn Analyzer) -> Vec<Quote> {
    let mut quotes = Vec::new();
    for (at, passage) in passages.iter().take(MAX_PASSAGES).enumerate() {
        for (position, sentence) in sentences(&passage.chunk.text).into_iter().enumerate() {
            let terms = analyzer.query_terms(&sentence, passage.chunk.language);
            let weighted = query_terms.indices.iter().zip(&query_terms.values);
            let shared: f32 =
                weighted.filter(|(term, _)| terms.weight(**term) > 0.0).map(|(_, weight)| weight).sum();
            if shared > 0.0 {
                // Between equal sentences the one of the better passage wins.
                quotes.push(Quote {
                    number: at as u32 + 1,
                    position,
                    sentence,
                    score: shared - 0.1 * at as f32,
                });
            }
        }
    }
    quotes.sort_by(|a, b| b.score.total_cmp(&a.score));
    quotes
}

/// The sentences of a text, without Markdown's line markers; none spans lines.
fn sentences(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with(['|', '`', '#']))
        .flat_map(|line| line.unicode_sentences())
        .map(|sentence| sentence.trim().trim_start_matches(['-', '*', '>', ' ']).trim().to_owned())
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
        .filter(|sentence| sentence.chars().count() <= MAX_SENTENCE_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use retriever::analyze::BigramAnalyzer;

    use super::*;
    use crate::fixture::passage;

    fn answered(question: &str, passages: &[Passage]) -> String {
        let analyzer = BigramAnalyzer::new();
        answer(&analyzer.query_terms(question, Language::KOREAN), Language::KOREAN, passages, &analyzer)
    }

    #[test]
    fn the_sentence_with_the_query_terms_is_quoted_and_cited() {
        let passages = [
            passage("휴가", "입사 1년 뒤 연차는 15일입니다. 회사는 서울에 있습니다."),
            passage("근무", "근무 시간은 9시부터 18시까지입니다."),
        ];
        let answer = answered("연차는 며칠인가요?", &passages);
        assert!(answer.contains("연차는 15일입니다. [1]"), "{answer}");
        assert!(!answer.contains("서울"), "{answer}");
        assert!(answer.starts_with("지금 쓰는 모델은"), "{answer}");
    }

    #[test]
    fn without_shared_terms_nothing_is_quoted() {
        let passages = [passage("휴가", "연차는 15일입니다.")];
        assert_eq!(answered("프랑스 수도", &passages), "");
    }
}
