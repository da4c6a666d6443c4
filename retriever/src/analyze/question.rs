//! Extracts the content terms of a question: its terms without interrogative words.
//!
//! `what`, `어떻게`, `알려주세요` ask, but do not say what about. In a small corpus of statements they are rare, so their
//! inverse document frequency is high and they would outweigh the subject. Only questions drop them; documents keep every
//! word.

use domain::Language;
use domain::script::{is_han, is_hangul};

use super::normalize::normalize;
use super::question_words::{CHINESE, ENGLISH, KOREAN_BEGINNINGS, KOREAN_ENDINGS, KOREAN_WORDS};
use super::terms::{Run, Term, each_term, runs};

/// Calls `emit` with the content terms of a question; with all its terms if there are none.
pub(super) fn each_content_term(text: &str, language: Language, mut emit: impl FnMut(Term<'_>)) {
    let text = normalize(text);
    let mut is_empty = true;
    for run in runs(&text) {
        let content = match run {
            Run::Bigrams(run) => content_of_run(run),
            Run::Words(run) => Some(content_of_words(run, language)),
        };
        if let Some(content) = content {
            each_term(&content, language, |term| {
                is_empty = false;
                emit(term);
            });
        }
    }
    if is_empty {
        each_term(&text, language, emit);
    }
}

/// The content of a run; `None` if it only asks.
fn content_of_run(run: &str) -> Option<String> {
    if run.chars().all(is_hangul) {
        return content_of_korean(run).map(str::to_owned);
    }
    // Not with Kana: in Japanese the same characters are parts of other words.
    if run.chars().all(is_han) {
        return Some(CHINESE.iter().fold(run.to_owned(), |rest, word| rest.replace(word, " ")));
    }
    Some(run.to_owned())
}

/// A Korean word without the ending of a question; `None` if nothing else remains.
fn content_of_korean(run: &str) -> Option<&str> {
    if KOREAN_WORDS.contains(&run) || KOREAN_BEGINNINGS.iter().any(|beginning| run.starts_with(beginning)) {
        return None;
    }
    match KOREAN_ENDINGS.iter().find_map(|ending| run.strip_suffix(ending)) {
        Some("") => None,
        Some(stem) => Some(stem),
        None => Some(run),
    }
}

fn content_of_words(run: &str, language: Language) -> String {
    run.split_whitespace().filter(|word| !is_asking(word, language)).collect::<Vec<_>>().join(" ")
}

/// Whether a word is an interrogative or function word of the question's language or of English: questions in other scripts
/// have English terms, and short questions are not always distinguished from English.
fn is_asking(word: &str, language: Language) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    // `IT` and `WHO` are names.
    if word.len() > 1 && word.chars().all(char::is_uppercase) {
        return false;
    }
    let word = word.to_lowercase();
    ENGLISH.binary_search(&word.as_str()).is_ok() || stop_words(language).contains(&word.as_str())
}

/// Function words of other languages (NLTK's lists). For English they do not help: XQuAD-en recall@1 is .938 with
/// [`ENGLISH`]. Recall@1 without and with them: ar .876/.896, de .897/.900, el .908/.914, tr .864/.873, es, ru and ro
/// within .007 either way.
fn stop_words(language: Language) -> &'static [&'static str] {
    if language == Language::ENGLISH { &[] } else { stop_words::lookup(language.code()).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        each_content_term(text, Language::KOREAN, |term| terms.push(term.text.to_owned()));
        terms
    }

    #[test]
    fn words_that_ask_are_dropped() {
        assert_eq!(content("What is the ownership of a String?"), ["ownership", "string"]);
        assert_eq!(content("소유권이란 무엇인가요?"), ["소유", "유권", "권이", "이란"]);
        assert_eq!(content("Rust의 lifetime은 무엇인가"), ["rust", "lifetim"]);
        assert_eq!(content("연차는 어떻게 신청하나요?"), ["연차", "차는", "신청"]);
    }

    #[test]
    fn chinese_is_cut_where_it_asks() {
        assert_eq!(content("什么是所有权?"), ["所有", "有权"]);
        assert_eq!(content("所有権とは"), ["所有", "有権", "権と", "とは"]);
    }

    #[test]
    fn a_question_of_nothing_else_keeps_its_words() {
        assert_eq!(content("무엇인가요?"), ["무엇", "엇인", "인가", "가요"]);
        assert_eq!(content("who are you"), ["who", "are", "you"]);
    }

    #[test]
    fn other_words_that_begin_alike_stay() {
        assert_eq!(content("왜곡"), ["왜곡"]);
        assert_eq!(content("몇몇"), ["몇몇"]);
        assert_eq!(content("Who runs IT?"), ["run", "it"]);
    }

    #[test]
    fn other_languages_have_their_own_words() {
        let mut terms = Vec::new();
        let german = Language::from_code("de").unwrap();
        each_content_term("Welche Frist gilt für die Rückgabe?", german, |term| {
            terms.push(term.text.to_owned());
        });
        assert_eq!(terms, ["frist", "gilt", "ruckgab"]);
    }
}
