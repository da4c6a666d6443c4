//! Normalizes the many spellings of a text to one. Terms of documents, terms of questions, and the text that a question is
//! embedded as all use it.

use domain::script::{is_cyrillic, is_greek};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton;

/// NFKC (decomposed Hangul, full-width letters, ligatures) without invisible characters, and with Latin letters in place of
/// their look-alikes in Latin words. Case is kept: it shows where the parts of a name begin.
pub(super) fn normalize(text: &str) -> String {
    // Before composition: an invisible character between two jamo or before an accent would prevent it.
    let visible: String =
        text.chars().filter(|c| !is_invisible(*c)).nfkc().filter(|c| !is_invisible(*c)).collect();
    if visible.chars().any(is_greek_or_cyrillic) { with_latin_letters(&visible) } else { visible }
}

/// Assigned code points that are Default_Ignorable_Code_Point (UAX #44); NFKC produces some of them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Replaces Greek and Cyrillic look-alikes (UTS #39) in words that also have Latin letters: `Rust` with a Cyrillic `s`
/// becomes `Rust`. Such a word was typed on the wrong keyboard, or to deceive. Other words stay.
fn with_latin_letters(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)) {
        let is_mixed =
            word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(is_greek_or_cyrillic);
        if is_mixed {
            normal.extend(
                word.chars().map(|c| if is_greek_or_cyrillic(c) { latin(c).unwrap_or(c) } else { c }),
            );
        } else {
            normal.push_str(word);
        }
    }
    normal
}

/// The Latin letter that looks like `c`.
fn latin(c: char) -> Option<char> {
    let text = c.to_string();
    let mut alike = skeleton(&text);
    alike.next().filter(|first| first.is_ascii_alphabetic() && alike.next().is_none())
}

fn is_greek_or_cyrillic(c: char) -> bool {
    is_greek(c) || is_cyrillic(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_text_are_one() {
        for spelling in [
            "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} Rust 1",
            "한글 Ｒｕｓｔ １",
            "한\u{200b}글 Ru\u{ad}st\u{2060} 1",
            "\u{1112}\u{200d}\u{1161}\u{11ab}글 Rust 1",
            "한글 Ru\u{455}t 1",
        ] {
            assert_eq!(normalize(spelling), "한글 Rust 1", "{spelling:?}");
        }
    }

    #[test]
    fn words_of_another_alphabet_stay() {
        assert_eq!(normalize("договор аренды, λόγος"), "договор аренды, λόγος");
        assert_eq!(normalize("Δx от API"), "Δx от API");
    }
}
