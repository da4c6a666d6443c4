//! Extractive answers: the passages' own sentences, cited, for a question in a language the generator does not write.

use domain::{Analyzer, Language, Passage, SparseVector};
use unicode_segmentation::UnicodeSegmentation;

/// Most sentences of an answer.
const MOST_SENTENCES: usize = 4;
/// Passages worth quoting: those behind them are there for a model to weigh, not for a person to read.
const MOST_PASSAGES: usize = 3;
/// A "sentence" longer than this is a table or code that was not meant to be quoted.
const LONGEST_SENTENCE_CHARACTERS: usize = 400;

/// The sentences of the passages that share most of what was asked (terms with their weights), as a Markdown list with
/// citations, under a line in `language` that says what this is. Empty when no sentence shares a term.
pub fn answer(
    asked: &SparseVector,
    language: Language,
    passages: &[Passage],
    analyzer: &dyn Analyzer,
) -> String {
    let mut quotes = best_sentences(asked, passages, analyzer);
    if quotes.is_empty() {
        return String::new();
    }
    quotes.truncate(MOST_SENTENCES);
    // The reader gets them as the documents have them: passage by passage, in reading order.
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
    shared: f32,
}

/// Sentences that share a term with what was asked, most shared first.
fn best_sentences(asked: &SparseVector, passages: &[Passage], analyzer: &dyn Analyzer) -> Vec<Quote> {
    let mut quotes = Vec::new();
    for (at, passage) in passages.iter().take(MOST_PASSAGES).enumerate() {
        for (position, sentence) in sentences(&passage.chunk.text).into_iter().enumerate() {
            let terms = analyzer.query_terms(&sentence, passage.chunk.language);
            let shared = asked.indices.iter().zip(&asked.values);
            let shared: f32 =
                shared.filter(|(term, _)| terms.weight(**term) > 0.0).map(|(_, weight)| weight).sum();
            if shared > 0.0 {
                // Passages come best first; between equal sentences the better passage wins.
                quotes.push(Quote {
                    number: at as u32 + 1,
                    position,
                    sentence,
                    shared: shared - 0.1 * at as f32,
                });
            }
        }
    }
    quotes.sort_by(|a, b| b.shared.total_cmp(&a.shared));
    quotes
}

/// Sentences without Markdown's line markers, one line each.
fn sentences(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with(['|', '`', '#']))
        .flat_map(|line| line.unicode_sentences())
        .map(|sentence| sentence.trim().trim_start_matches(['-', '*', '>', ' ']).trim().to_owned())
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
        .filter(|sentence| sentence.chars().count() <= LONGEST_SENTENCE_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use retriever::analyze::BigramAnalyzer;

    use super::*;
    use crate::prompt::tests::passage;

    fn answered(question: &str, passages: &[Passage]) -> String {
        let analyzer = BigramAnalyzer::new();
        answer(&analyzer.query_terms(question, Language::KOREAN), Language::KOREAN, passages, &analyzer)
    }

    #[test]
    fn quotes_what_was_asked_for_and_cites_it() {
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
    fn nothing_shared_is_nothing_said() {
        let passages = [passage("휴가", "연차는 15일입니다.")];
        assert_eq!(answered("프랑스 수도", &passages), "");
    }
}
