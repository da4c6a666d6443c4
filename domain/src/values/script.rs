//! Classifies characters by writing system: the one table of Unicode ranges.
//!
//! The functions named after a script admit its letters. [`is_cjk`] admits whole Unicode blocks.

/// Whether `c` is a Hangul syllable or jamo.
pub fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{a960}'..='\u{a97c}' | '\u{ac00}'..='\u{d7a3}')
}

/// Whether `c` is a Hiragana or Katakana letter, or the mark of a long vowel.
pub fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}' | '\u{31f0}'..='\u{31ff}')
}

/// Whether `c` is a Han ideograph.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Whether `c` is in a block of Hangul, Kana or Han, the marks and unassigned code points of the block included:
/// characters that tokenizers count one by one.
pub fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether `c` is Thai, Lao, Myanmar or Khmer: scripts written without spaces between words.
pub fn is_south_east_asian(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// Whether `c` is a Latin letter, with or without an accent.
pub fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}')
}

/// Whether `c` is Greek.
pub fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}')
}

/// Whether `c` is Cyrillic.
pub fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}

/// Whether `c` is Arabic.
pub fn is_arabic(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{6ff}')
}

/// Whether `c` is Devanagari.
pub fn is_devanagari(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{97f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_belong_to_one_script() {
        type IsScript = fn(char) -> bool;
        let scripts: [(&str, IsScript); 9] = [
            ("가ㄱ각", is_hangul),
            ("ひカー", is_kana),
            ("漢字", is_han),
            ("กຂကខ", is_south_east_asian),
            ("azÄé", is_latin),
            ("λΩ", is_greek),
            ("жЯ", is_cyrillic),
            ("سلا", is_arabic),
            ("नम", is_devanagari),
        ];
        for (letters, own) in scripts {
            for letter in letters.chars() {
                let count = scripts.iter().filter(|(_, is_script)| is_script(letter)).count();
                assert!(own(letter) && count == 1, "{letter}");
            }
        }
    }

    #[test]
    fn blocks_hold_more_than_letters() {
        assert!(is_cjk('가') && is_cjk('ひ') && is_cjk('漢'));
        assert!(is_cjk('・') && !is_kana('・'));
        assert!(!is_cjk('a'));
    }
}
