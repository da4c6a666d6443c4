//! Normalizes text: to NFC, `\n` as line end, and no invisible characters that would break a search.

use domain::PageStart;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Converts `text` to the form in which it is stored and searched.
///
/// * NFC: macOS file names and many PDFs store Hangul as separate jamo, which would never match a typed word.
/// * Line ends become `\n`; so do form feeds and the Unicode line and paragraph separators.
/// * Control characters (NUL first of all: PostgreSQL cannot store it), soft hyphens, zero-width spaces,
///   byte order marks, direction marks and the invisible "tag" characters are removed: they split words, or
///   carry text that no reader sees. Zero-width joiners stay, because scripts and emoji need them.
/// * Latin ligatures become their letters.
/// * Bullets that only a symbol font shows (Word and HWP write them as private-use characters) are removed.
/// * No-break spaces become spaces.
pub fn normalize(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                visible.push('\n');
            }
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => visible.push('\n'),
            '\u{a0}' | '\u{202f}' => visible.push(' '),
            '\n' | '\t' => visible.push(character),
            // "ﬁ" and the like, which PDFs and old fonts store as one character.
            '\u{fb00}'..='\u{fb06}' => visible.extend([character].into_iter().nfkc()),
            _ if is_invisible(character) => {}
            _ => visible.push(character),
        }
    }
    match is_nfc_quick(visible.chars()) {
        IsNormalized::Yes => visible,
        IsNormalized::No | IsNormalized::Maybe => visible.nfc().collect(),
    }
}

/// Normalizes a text with pages, and moves the page starts with their characters.
pub(crate) fn normalize_pages(text: &str, page_starts: &[PageStart]) -> (String, Vec<PageStart>) {
    let mut normal = String::with_capacity(text.len());
    let mut starts = Vec::with_capacity(page_starts.len());
    let mut from = 0;
    for start in page_starts {
        if let Some(before) = text.get(from..start.offset) {
            normal.push_str(&normalize(before));
            from = start.offset;
        }
        starts.push(PageStart { offset: normal.len(), page: start.page });
    }
    normal.push_str(&normalize(text.get(from..).unwrap_or_default()));
    (normal, starts)
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
            | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{f020}'..='\u{f0ff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_hangul_becomes_syllables() {
        assert_eq!(normalize("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"), "한글");
    }

    #[test]
    fn invisible_characters_do_not_split_words() {
        assert_eq!(normalize("re\u{ad}fund\u{200b}s\0 \u{feff}환\u{2060}불"), "refunds 환불");
        assert_eq!(normalize("a\u{e0041}\u{e0042}b"), "ab");
        assert_eq!(normalize("\u{f06c} 첫째"), " 첫째");
        assert_eq!(normalize("e\u{fb03}cient \u{fb01}lter"), "efficient filter");
    }

    #[test]
    fn every_line_end_is_one() {
        assert_eq!(normalize("a\r\nb\rc\u{2028}d\u{c}e\n"), "a\nb\nc\nd\ne\n");
        assert_eq!(normalize("10\u{a0}%\tx"), "10 %\tx");
    }

    #[test]
    fn emoji_sequences_stay_whole() {
        assert_eq!(normalize("👩\u{200d}💻"), "👩\u{200d}💻");
    }

    #[test]
    fn pages_keep_their_place() {
        let text = "\u{1112}\u{1161}\u{11ab} 1\r\n둘째\r\n";
        let second = text.find('둘').expect("the text holds it");
        let starts = [PageStart { offset: 0, page: 1 }, PageStart { offset: second, page: 2 }];
        let (normal, moved) = normalize_pages(text, &starts);
        assert_eq!(normal, "한 1\n둘째\n");
        assert_eq!(
            moved.iter().map(|start| (&normal[start.offset..], start.page)).collect::<Vec<_>>(),
            [("한 1\n둘째\n", 1), ("둘째\n", 2)]
        );
    }
}
