//! Normalizes tags: the words that people sort documents by, in the one form in which they are stored and queried.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// Maximum number of tags of a document, and in a filter.
pub const MAX_TAGS: usize = 32;

/// Maximum number of characters of a tag.
pub const MAX_TAG_CHARACTERS: usize = 64;

/// Why tags cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagsError {
    /// One is empty, too long or has a control character.
    #[error("the tags cannot be used: each must have 1 to {MAX_TAG_CHARACTERS} printable characters")]
    BadTag,
    /// There are more than [`MAX_TAGS`].
    #[error("the tags cannot be used: there may be at most {MAX_TAGS}")]
    TooMany,
}

/// Trims tags, composes them to NFC, sorts them and drops duplicates: equal sets of tags become equal lists.
///
/// # Errors
///
/// [`TagsError`] for more than [`MAX_TAGS`], and for one that is empty, has more than [`MAX_TAG_CHARACTERS`] or a control
/// character.
pub fn normalize_tags<T: AsRef<str>>(tags: impl IntoIterator<Item = T>) -> Result<Vec<String>, TagsError> {
    let mut normalized = BTreeSet::new();
    for tag in tags {
        let tag: String = tag.as_ref().trim().nfc().collect();
        if !(1..=MAX_TAG_CHARACTERS).contains(&tag.chars().count()) || tag.chars().any(char::is_control) {
            return Err(TagsError::BadTag);
        }
        normalized.insert(tag);
        if normalized.len() > MAX_TAGS {
            return Err(TagsError::TooMany);
        }
    }
    Ok(normalized.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tags_have_one_form() {
        let decomposed = "\u{110b}\u{1175}\u{11ab}\u{1109}\u{1161}";
        let normalized = normalize_tags([" hr ", "인사", decomposed, "hr", "2026"]).expect("good tags");
        assert_eq!(normalized, ["2026", "hr", "인사"]);
        assert_eq!(normalize_tags(&normalized).expect("they stay good"), normalized);
        assert!(normalize_tags(Vec::<String>::new()).expect("none is fine").is_empty());
    }

    #[test]
    fn tags_have_bounds() {
        let number = |count: usize| (0..count).map(|number| number.to_string());
        assert!(normalize_tags(number(32)).is_ok());
        assert!(normalize_tags(["가".repeat(64)]).is_ok());
        assert_eq!(normalize_tags(number(33)), Err(TagsError::TooMany));
        for bad in ["가".repeat(65), " ".to_owned(), "a\0b".to_owned()] {
            assert_eq!(normalize_tags([&bad]), Err(TagsError::BadTag), "{bad:?}");
        }
    }
}
