//! Defines why a document cannot be parsed. The error is serializable, because parsers may run in another process.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use serde::{Deserialize, Serialize};

/// Why a document cannot be parsed. The message is for the person who uploaded the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParseError {
    /// The format is not supported.
    #[error(
        "this looks like {looks_like}, which is not supported; supported formats are text, Markdown, HTML, CSV, JSON, PDF, Word, \
         Excel, PowerPoint, OpenDocument, EPUB, HWP and e-mail"
    )]
    UnsupportedType {
        /// What the content looks like, with its article: "a PNG image".
        looks_like: Cow<'static, str>,
    },
    /// The text is in no recognized character encoding, or it is damaged.
    #[error(
        "the text is damaged or in an unknown character encoding (first bad byte at offset {offset}, decoded as {encoding}); \
         save it as UTF-8"
    )]
    BadEncoding {
        /// The encoding that fits best.
        encoding: Cow<'static, str>,
        /// Offset of the first byte that is not valid in it.
        offset: usize,
    },
    /// There is no text.
    #[error("the document contains no text")]
    Empty,
    /// Its pages are scanned images.
    #[error(
        "the document consists of scanned images without a text layer; run text recognition (OCR) on it first"
    )]
    NoTextLayer,
    /// It is encrypted.
    #[error("the document is protected by a password or against copying; save it without protection")]
    Protected,
    /// It needs more of a resource than one document may use.
    #[error("parsing the document exceeds the {resource} limit")]
    TooCostly {
        /// The resource.
        resource: Cow<'static, str>,
    },
    /// There is no parser for it now: the system cannot start one, or not as the settings require. The document is not to
    /// blame.
    #[error("the parser cannot be started: {0}")]
    Unavailable(String),
    /// It is damaged, or its parser failed in an unexpected way. Only this document is affected.
    #[error("the document cannot be parsed: {0}")]
    Failed(String),
}

impl ParseError {
    /// Converts the error of a vendor's parser, which may have run out of memory and noticed.
    pub(crate) fn failed(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error
                .downcast_ref()
                .is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::OutOfMemory)
            {
                return Self::TooCostly { resource: "memory".into() };
            }
            cause = error.source();
        }
        Self::Failed(error.to_string())
    }

    /// A code that stays the same between releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::BadEncoding { .. } => "bad_encoding",
            Self::Empty => "empty",
            Self::NoTextLayer => "no_text_layer",
            Self::Protected => "protected",
            Self::TooCostly { .. } => "too_costly",
            Self::Unavailable(_) => "parser_unavailable",
            Self::Failed(_) => "parser_failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_a_person_what_to_do_in_any_process() {
        let error = ParseError::UnsupportedType { looks_like: "a PNG image".into() };
        assert_eq!(error.code(), "unsupported_type");
        assert!(error.to_string().starts_with("this looks like a PNG image, which is not supported;"));
        let sent = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<ParseError>(&sent).unwrap(), error);
    }
}
