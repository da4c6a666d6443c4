//! Tags: the words that people sort documents by, in the one form in which they are stored and asked for.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::IngestError;

/// Most tags of a document, and in a filter.
const MOST_TAGS: usize = 32;

/// Most characters of a tag.
const MOST_TAG_CHARACTERS: usize = 64;

/// The tags without spaces around them, in NFC, each once and in order: the same ones, however they are given, are equal.
///
/// # Errors
/// `BadTags` for more than 32, and for one that is empty, has more than 64 characters or a control character.
pub fn checked_tags<T: AsRef<str>>(tags: impl IntoIterator<Item = T>) -> Result<Vec<String>, IngestError> {
    let mut checked = BTreeSet::new();
    for tag in tags {
        let tag: String = tag.as_ref().trim().nfc().collect();
        if !(1..=MOST_TAG_CHARACTERS).contains(&tag.chars().count()) || tag.chars().any(char::is_control) {
            return Err(IngestError::BadTags("each must have 1 to 64 printable characters"));
        }
        checked.insert(tag);
        if checked.len() > MOST_TAGS {
            return Err(IngestError::BadTags("there may be at most 32"));
        }
    }
    Ok(checked.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tags_have_one_form() {
        let decomposed = "\u{110b}\u{1175}\u{11ab}\u{1109}\u{1161}";
        let checked = checked_tags([" hr ", "인사", decomposed, "hr", "2026"]).expect("good tags");
        assert_eq!(checked, ["2026", "hr", "인사"]);
        assert_eq!(checked_tags(&checked).expect("they stay good"), checked);
        assert!(checked_tags(Vec::<String>::new()).expect("none is fine").is_empty());
    }

    #[test]
    fn tags_have_bounds() {
        let number = |count: usize| (0..count).map(|number| number.to_string());
        assert!(checked_tags(number(32)).is_ok());
        assert!(checked_tags(["가".repeat(64)]).is_ok());
        for bad in
            [number(33).collect(), vec!["가".repeat(65)], vec![" ".to_owned()], vec!["a\0b".to_owned()]]
        {
            assert_eq!(checked_tags(&bad).expect_err("too much").code(), "bad_tags", "{bad:?}");
        }
    }
}
