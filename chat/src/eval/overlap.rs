//! Compares an answer with reference answers: exact match and F1, as the common question sets define them.
//!
//! English: SQuAD's (Rajpurkar et al., EMNLP 2016) exact match and F1 over words, lower case, without punctuation and
//! articles. Korean: KorQuAD 1.0's, F1 over characters, so that an extra particle is a small difference and not another
//! word; Chinese and Japanese, which have no spaces between words, in the same way. The best reference counts.

use domain::Language;

use crate::cite;

/// Characters that KorQuAD replaces by a space.
const KORQUAD_SPACES: [char; 12] = ['\'', '"', '《', '》', '<', '>', '〈', '〉', '(', ')', '‘', '’'];

const ARTICLES: [&str; 3] = ["a", "an", "the"];

/// Whether the normalized answer equals a normalized reference.
pub fn exact_match(answer: &str, references: &[String], language: Language) -> bool {
    let answer = Units::of(answer, language).text;
    references.iter().any(|reference| Units::of(reference, language).text == answer)
}

/// F1 over words or characters, 0 to 1: the harmonic mean of precision and recall.
pub fn f1(answer: &str, references: &[String], language: Language) -> f64 {
    let answer = Units::of(answer, language).units;
    let score = |reference: &String| f1_of_units(&answer, &Units::of(reference, language).units);
    references.iter().map(score).fold(0.0, f64::max)
}

/// A normalized text, and the units in which it is compared.
struct Units {
    text: String,
    units: Vec<String>,
}

impl Units {
    fn of(text: &str, language: Language) -> Self {
        let text = without_citations(text);
        if [Language::KOREAN, Language::CHINESE, Language::JAPANESE].contains(&language) {
            let text = normalize_korquad(&text);
            let characters = text.chars().filter(|character| !character.is_whitespace());
            Self { units: characters.map(String::from).collect(), text }
        } else {
            let text = normalize_squad(&text);
            Self { units: text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(), text }
        }
    }
}

fn without_citations(answer: &str) -> String {
    let mut kept = String::with_capacity(answer.len());
    let mut end = 0;
    for (range, _) in cite::markers(answer) {
        kept.push_str(&answer[end..range.start]);
        end = range.end;
    }
    kept.push_str(&answer[end..]);
    kept
}

fn normalize_squad(text: &str) -> String {
    let text = without_punctuation(&text.to_lowercase());
    let words = text.split_whitespace().filter(|word| !ARTICLES.contains(word));
    words.collect::<Vec<_>>().join(" ")
}

fn normalize_korquad(text: &str) -> String {
    let text = without_punctuation(&text.replace(KORQUAD_SPACES, " ").to_lowercase());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Both evaluation scripts use Python's `string.punctuation`: ASCII punctuation only.
fn without_punctuation(text: &str) -> String {
    text.chars().filter(|character| !character.is_ascii_punctuation()).collect()
}

/// F1 of two lists of units; 1 if both are empty, as in SQuAD 2.0.
fn f1_of_units(answer: &[String], reference: &[String]) -> f64 {
    if answer.is_empty() || reference.is_empty() {
        return if answer.is_empty() && reference.is_empty() { 1.0 } else { 0.0 };
    }
    let mut unmatched: Vec<&String> = reference.iter().collect();
    let mut common = 0;
    for unit in answer {
        if let Some(at) = unmatched.iter().position(|other| *other == unit) {
            unmatched.swap_remove(at);
            common += 1;
        }
    }
    2.0 * f64::from(common) / (answer.len() + reference.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    }

    fn right(answers: &[&str]) -> Vec<String> {
        answers.iter().map(|answer| (*answer).to_owned()).collect()
    }

    #[test]
    fn english_words_by_hand() {
        let english = |answer: &str, reference: &str| f1(answer, &right(&[reference]), Language::ENGLISH);
        close(english("The Eiffel Tower!", "eiffel tower"), 1.0);
        // "it opened in 1889" and "1889": one word in common, 1/4 and 1/1.
        close(english("It opened in 1889. [1]", "1889"), 0.4);
        // A word counts as often as both have it: 2 of 3 and 2 of 2.
        close(english("no no no", "no no"), 0.8);
        close(english("seventeen", "15 days"), 0.0);
        close(english("", "15 days"), 0.0);
        close(english("the", "a"), 1.0);
    }

    #[test]
    fn korean_characters_by_hand() {
        let korean = |answer: &str, reference: &str| f1(answer, &right(&[reference]), Language::KOREAN);
        close(korean("《임수경》", "임수경"), 1.0);
        // 15일입니다 has six characters, 15일 three, all of them in common.
        close(korean("15일입니다. [1]", "15일"), 2.0 * 3.0 / 9.0);
        close(korean("학생회관 계단", "학생회관 건물 계단"), 2.0 * 6.0 / 14.0);
        close(korean("서울", "부산"), 0.0);
    }

    #[test]
    fn a_match_is_exact_apart_from_the_form() {
        let english =
            |answer: &str| exact_match(answer, &right(&["15 days", "fifteen days"]), Language::ENGLISH);
        assert!(english("The 15 days."));
        assert!(english("Fifteen days [2][1]"));
        assert!(!english("15 days a year"));
        let korean = |answer: &str| exact_match(answer, &right(&["1989년 2월 15일"]), Language::KOREAN);
        assert!(korean("'1989년 2월  15일'"));
        assert!(!korean("1989년 2월 15일에"));
        assert!(!korean("1989년2월15일"), "KorQuAD keeps spaces here");
    }

    #[test]
    fn the_best_reference_counts() {
        close(f1("1889", &right(&["in the year 1889", "1889"]), Language::ENGLISH), 1.0);
        close(f1("1889", &[], Language::ENGLISH), 0.0);
    }

    #[test]
    fn markers_go_and_other_brackets_stay() {
        assert_eq!(without_citations("둘 [1][2], 셋 [3]."), "둘 , 셋 .");
        assert_eq!(without_citations("a [b] c"), "a [b] c");
    }
}
