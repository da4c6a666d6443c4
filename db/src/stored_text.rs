//! Checks and cleans text before it is stored. PostgreSQL has no U+0000 in TEXT, so neither dialect stores one.
//!
//! Names, sources and documents with it are rejected: their bytes are counted or compared elsewhere (page
//! borders, derived ids), and ingestion removes it before. What people and models write in a chat is stored with
//! U+FFFD in its place, as CommonMark (section 2.3, "Insecure characters") does when it renders.

use std::borrow::Cow;

use crate::error::DbError;

/// Rejects text with U+0000; the message names the `field`.
pub(crate) fn reject_nul(field: &str, text: &str) -> Result<(), DbError> {
    match text.find('\0') {
        Some(at) => Err(DbError::Rejected(format!("the {field} has a NUL character at byte {at}"))),
        None => Ok(()),
    }
}

/// Rejects empty text and text with U+0000; the message names the `field`.
pub(crate) fn require_text(field: &str, text: &str) -> Result<(), DbError> {
    if text.is_empty() {
        Err(DbError::Rejected(format!("the {field} is empty")))
    } else {
        reject_nul(field, text)
    }
}

/// Replaces every U+0000 with U+FFFD.
pub(crate) fn replace_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_stored_is_refused_or_replaced() {
        assert_eq!(reject_nul("title", "휴가"), Ok(()));
        let refused = reject_nul("title", "휴\0가");
        assert_eq!(refused, Err(DbError::Rejected("the title has a NUL character at byte 3".to_owned())));
        assert_eq!(require_text("name", ""), Err(DbError::Rejected("the name is empty".to_owned())));
        assert_eq!(require_text("name", "\0"), reject_nul("name", "\0"));
        assert_eq!(replace_nul("휴\0가"), "휴\u{fffd}가");
        assert!(matches!(replace_nul("휴가"), Cow::Borrowed(_)));
    }
}
