//! Which text can be stored. PostgreSQL has no U+0000 in TEXT, so neither dialect gets one.
//!
//! Names, sources and documents are refused with it: their bytes are counted or compared elsewhere (page
//! borders, derived ids), and ingestion takes it out before. What people and models write in a chat is kept, with
//! U+FFFD in its place, as CommonMark (section 2.3, "Insecure characters") does when it is rendered.

use std::borrow::Cow;

use crate::DbError;

/// Refuses text that both dialects cannot hold; `field` says which one in the message.
pub(crate) fn refuse_nul(field: &str, text: &str) -> Result<(), DbError> {
    match text.find('\0') {
        Some(at) => Err(DbError::Rejected(format!("the {field} has a NUL character at byte {at}"))),
        None => Ok(()),
    }
}

/// Refuses what stands for a thing and is empty, besides what [`refuse_nul`] refuses.
pub(crate) fn require(field: &str, text: &str) -> Result<(), DbError> {
    if text.is_empty() {
        Err(DbError::Rejected(format!("the {field} is empty")))
    } else {
        refuse_nul(field, text)
    }
}

/// The text with U+FFFD for every U+0000.
pub(crate) fn replace_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_stored_is_refused_or_replaced() {
        assert_eq!(refuse_nul("title", "휴가"), Ok(()));
        let refused = refuse_nul("title", "휴\0가");
        assert_eq!(refused, Err(DbError::Rejected("the title has a NUL character at byte 3".to_owned())));
        assert_eq!(require("name", ""), Err(DbError::Rejected("the name is empty".to_owned())));
        assert_eq!(require("name", "\0"), refuse_nul("name", "\0"));
        assert_eq!(replace_nul("휴\0가"), "휴\u{fffd}가");
        assert!(matches!(replace_nul("휴가"), Cow::Borrowed(_)));
    }
}
