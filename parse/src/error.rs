//! Why a document's text cannot be had. It can be written and read again: parsers may run in another process.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use serde::{Deserialize, Serialize};

/// Why there is no text. The sentence is for the person who brought the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParseError {
    /// The content is of a kind that cannot be read.
    #[error(
        "this looks like {looks_like}, which cannot be read; text, Markdown, HTML, CSV, JSON, PDF, Word, Excel, PowerPoint, \
         OpenDocument, EPUB, HWP and e-mail can"
    )]
    UnsupportedType {
        /// What the content looks like, with its article: "a PNG image".
        looks_like: Cow<'static, str>,
    },
    /// The text is in no recognised character encoding, or it is damaged.
    #[error(
        "the text is damaged or in an unknown character encoding (first bad byte at offset {offset}, read as {encoding}); save it as UTF-8"
    )]
    BadEncoding {
        /// The encoding that fits best.
        encoding: Cow<'static, str>,
        /// Offset of the first byte that is not valid in it.
        offset: usize,
    },
    /// There is no text.
    #[error("the document holds no text")]
    Empty,
    /// Its pages are pictures.
    #[error("the document's pages are pictures without a text layer; run text recognition (OCR) on it first")]
    NoTextLayer,
    /// It is encrypted.
    #[error("the document is protected by a password or against copying; save it without protection")]
    Protected,
    /// It wants more than one document may have.
    #[error("reading the document takes more {resource} than is allowed")]
    TooCostly {
        /// What ran out.
        resource: Cow<'static, str>,
    },
    /// It is damaged, or a parser failed in a way that it must not. The document is left out, the process goes on.
    #[error("the document cannot be parsed: {0}")]
    Failed(String),
}

impl ParseError {
    /// What a vendor's parser says of a document. It may have run out of memory and noticed.
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
        assert!(error.to_string().starts_with("this looks like a PNG image, which cannot be read;"));
        let sent = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<ParseError>(&sent).unwrap(), error);
    }
}
