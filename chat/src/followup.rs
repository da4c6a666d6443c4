//! What to search for when a question leans on the ones before it.
//!
//! "And for contractors?" names nothing that can be searched. Such a question is searched together with the question
//! before it; no model is asked, so a follow-up costs no time.

use domain::Analyzer;

/// A question with fewer distinct terms than this is too thin to search alone: "계약직은요?" has four bigrams.
const FEWEST_TERMS: usize = 6;

/// Words with which a question points back, at its beginning or anywhere, in lower case.
const OPENERS: [&str; 12] = [
    "and ",
    "but ",
    "also ",
    "what about",
    "how about",
    "then ",
    "그럼",
    "그러면",
    "그리고",
    "그런데",
    "그건",
    "그것",
];
const POINTERS: [&str; 12] = [
    " it",
    " that",
    " they",
    " them",
    " those",
    " this one",
    " there",
    "그때",
    "거기",
    "그 경우",
    "이건",
    "그거",
];

/// The text to search for: the question, preceded by the last one where it leans on it. `earlier` are the questions of
/// the conversation so far, oldest first.
pub fn search_text(question: &str, earlier: &[&str], analyzer: &dyn Analyzer) -> String {
    match earlier.last() {
        Some(previous) if leans_back(question, analyzer) => format!("{previous}\n{question}"),
        _ => question.to_owned(),
    }
}

fn leans_back(question: &str, analyzer: &dyn Analyzer) -> bool {
    let lower = question.trim().to_lowercase();
    OPENERS.iter().any(|opener| lower.starts_with(opener))
        || POINTERS.iter().any(|pointer| points_back(&lower, pointer))
        || analyzer.query_terms(question).indices.len() < FEWEST_TERMS
}

/// Whether `pointer` stands in `question` as a word of its own: " it" is not in "item".
fn points_back(question: &str, pointer: &str) -> bool {
    question.match_indices(pointer).any(|(at, _)| {
        let next = question[at + pointer.len()..].chars().next();
        !pointer.is_ascii() || next.is_none_or(|character| !character.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use retriever::analyze::BigramAnalyzer;

    use super::*;

    #[test]
    fn a_thin_question_carries_the_one_before_it() {
        let analyzer = BigramAnalyzer::new();
        let earlier = ["How many days of annual leave do employees get?"];
        assert!(search_text("And for contractors?", &earlier, &analyzer).contains("annual leave"));
        let earlier = ["정규직의 연차는 며칠인가요?"];
        assert!(search_text("계약직은요?", &earlier, &analyzer).contains("연차"));
    }

    #[test]
    fn a_full_question_stands_alone() {
        let analyzer = BigramAnalyzer::new();
        let earlier = ["How many days of annual leave do employees get?"];
        let question = "Which items does the warranty of the indoor garden cover after two years?";
        assert_eq!(search_text(question, &earlier, &analyzer), question);
        assert_eq!(search_text("Why?", &[], &analyzer), "Why?");
    }
}
