//! Splits a paragraph into sentences, in any language.
//!
//! Applies Unicode's rules (UAX #29) to the paragraph with its soft line breaks taken as spaces; they hold for Korean,
//! whose sentences end in ".", "?", "!" followed by a letter without case. Two corrections follow: a part without words
//! of its own ("1.", "제3조.") and a part that ends in a known abbreviation ("Dr.") are joined to the next one.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Minimum letters and digits of a sentence.
const MIN_SENTENCE_CHARACTERS: usize = 4;

/// Words after which a full stop does not end the sentence, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "fig", "sec", "vol", "e.g", "i.e", "cf", "approx",
    "inc", "ltd", "co", "corp", "jr", "sr",
];

/// Byte ranges of the sentences, without the white space around them. Together they cover everything but white space.
pub(crate) fn sentences(paragraph: &str) -> Vec<Range<usize>> {
    // The length stays the same, so offsets stay valid.
    let flowing = paragraph.replace('\n', " ");
    let mut ranges = Vec::new();
    let mut begin = 0;
    let mut end = 0;
    let mut letters = 0;
    for part in flowing.split_sentence_bounds() {
        end += part.len();
        letters += part.chars().filter(|character| character.is_alphanumeric()).count();
        if letters >= MIN_SENTENCE_CHARACTERS && !ends_in_abbreviation(part) {
            push_trimmed(&mut ranges, &flowing, &(begin..end));
            begin = end;
            letters = 0;
        }
    }
    push_trimmed(&mut ranges, &flowing, &(begin..end));
    ranges
}

fn push_trimmed(ranges: &mut Vec<Range<usize>>, text: &str, range: &Range<usize>) {
    let slice = &text[range.clone()];
    let trimmed = slice.trim_start();
    let begin = range.end - trimmed.len();
    let end = begin + trimmed.trim_end().len();
    if begin < end {
        ranges.push(begin..end);
    }
}

fn ends_in_abbreviation(part: &str) -> bool {
    let Some(before_stop) = part.trim_end().strip_suffix('.') else { return false };
    let last_word = before_stop.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    ABBREVIATIONS.iter().any(|abbreviation| last_word.eq_ignore_ascii_case(abbreviation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn korean_sentences_end_where_people_end_them() {
        let text = "연차는 15일입니다. 남은 연차는 3.5일까지\n이월할 수 있나요? 네! 다음 해 3월까지 쓰세요.";
        assert_eq!(
            split(text),
            ["연차는 15일입니다.", "남은 연차는 3.5일까지\n이월할 수 있나요?", "네! 다음 해 3월까지 쓰세요.",]
        );
    }

    #[test]
    fn english_abbreviations_and_numbers_do_not_end_sentences() {
        let text = "Ask Dr. Lee, e.g. by mail. Version 2.1 is out. See No. 5!";
        assert_eq!(split(text), ["Ask Dr. Lee, e.g. by mail.", "Version 2.1 is out.", "See No. 5!"]);
    }

    #[test]
    fn full_width_stops_need_no_space() {
        assert_eq!(
            split("返品は七日以内です。送料は負担します。"),
            ["返品は七日以内です。", "送料は負担します。"]
        );
    }

    #[test]
    fn a_soft_line_break_does_not_end_a_sentence() {
        assert_eq!(
            split("Rust is a language\nwith ownership. It is fast."),
            ["Rust is a language\nwith ownership.", "It is fast."]
        );
    }

    #[test]
    fn blank_text_has_no_sentence() {
        assert!(split(" \n ").is_empty());
        assert!(split("").is_empty());
    }
}
