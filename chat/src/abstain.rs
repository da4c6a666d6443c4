//! Declines to answer: one fixed sentence per language, without a model.

use domain::Language;

const ENGLISH: &str = "I could not find an answer to that in the documents.";
const KOREAN: &str = "문서에서 답을 찾지 못했습니다.";
const CHINESE: &str = "在文档中没有找到答案。";
const JAPANESE: &str = "文書の中に答えは見つかりませんでした。";

/// The declining sentence in `language` if there is one, else in English.
pub fn sentence(language: Language) -> &'static str {
    match language {
        Language::KOREAN => KOREAN,
        Language::CHINESE => CHINESE,
        Language::JAPANESE => JAPANESE,
        _ => ENGLISH,
    }
}

/// Whether a generated answer is the declining sentence, which the prompt asks for if the passages do not hold the answer.
///
/// Small models add a word or drop the full stop: the answer must begin with the sentence, and little may follow.
pub fn is_declining(answer: &str) -> bool {
    const MAX_EXTRA_CHARACTERS: usize = 40;
    let answer = answer.trim().trim_matches(['"', '\'', '*', '`']);
    [ENGLISH, KOREAN, CHINESE, JAPANESE].iter().any(|sentence| {
        let stem = sentence.trim_end_matches(['.', '。']);
        answer.strip_prefix(stem).is_some_and(|rest| rest.chars().count() <= MAX_EXTRA_CHARACTERS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declines_in_the_language_of_the_question() {
        assert_eq!(sentence(Language::KOREAN), KOREAN);
        assert_eq!(sentence(Language::UNKNOWN), ENGLISH);
    }

    #[test]
    fn recognises_its_own_sentence_with_small_changes() {
        assert!(is_declining(KOREAN));
        assert!(is_declining("문서에서 답을 찾지 못했습니다"));
        assert!(is_declining("\"I could not find an answer to that in the documents.\" [1]"));
        assert!(!is_declining(
            "I could not find an answer to that in the documents. However, the handbook says that leave is 15 days."
        ));
        assert!(!is_declining("연차는 15일입니다."));
    }
}
