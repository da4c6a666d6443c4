//! Checks the names of sources: the path, URL or API caller's name that a document is known by.

use unicode_normalization::UnicodeNormalization;

/// Maximum length of a source name, in bytes: that of a path on Linux.
pub const MAX_SOURCE_BYTES: usize = 4_096;

/// Why a source name cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceNameError {
    /// It has no characters, or white space only.
    #[error("the name of the source cannot be used: it is empty")]
    Empty,
    /// It has more than [`MAX_SOURCE_BYTES`] bytes.
    #[error("the name of the source cannot be used: it is longer than {MAX_SOURCE_BYTES} bytes")]
    TooLong,
    /// It could not be shown on one line.
    #[error("the name of the source cannot be used: it holds control characters")]
    ControlCharacters,
}

/// Checks that `source` can be stored, hashed and shown as it is.
pub fn check_source(source: &str) -> Result<(), SourceNameError> {
    if source.is_empty() {
        return Err(SourceNameError::Empty);
    }
    if source.len() > MAX_SOURCE_BYTES {
        return Err(SourceNameError::TooLong);
    }
    if source.chars().any(char::is_control) {
        return Err(SourceNameError::ControlCharacters);
    }
    Ok(())
}

/// Trims `source` and composes it to NFC, so that the same file has one name on every system, and checks the result.
pub fn normalize_source(source: &str) -> Result<String, SourceNameError> {
    let source: String = source.trim().nfc().collect();
    check_source(&source)?;
    Ok(source)
}

/// Whether `source` is `root`, or lies in that folder or archive.
pub fn is_below(source: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    source.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether `expected` names the document at `source`: the same source, or the end of its path.
pub fn is_source(source: &str, expected: &str) -> bool {
    source.strip_suffix(expected).is_some_and(|above| above.is_empty() || above.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_name_has_one_form_and_bounds() {
        assert_eq!(normalize_source(" \u{1112}\u{1161}\u{11ab}.md "), Ok("한.md".to_owned()));
        assert_eq!(normalize_source("  "), Err(SourceNameError::Empty));
        assert_eq!(normalize_source("a\nb"), Err(SourceNameError::ControlCharacters));
        assert_eq!(check_source(&"a".repeat(MAX_SOURCE_BYTES)), Ok(()));
        assert_eq!(check_source(&"a".repeat(MAX_SOURCE_BYTES + 1)), Err(SourceNameError::TooLong));
    }

    #[test]
    fn a_source_is_meant_whole_or_by_the_end_of_its_path() {
        assert!(is_source("/srv/handbook/휴가.md", "/srv/handbook/휴가.md"));
        assert!(is_source("/srv/handbook/휴가.md", "휴가.md"));
        assert!(is_source("/srv/handbook/휴가.md", "handbook/휴가.md"));
        assert!(!is_source("/srv/handbook/annual-leave.md", "leave.md"));
        assert!(!is_source("leave.md", "handbook/leave.md"));
    }
}
