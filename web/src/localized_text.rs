//! Carries a text until the reader's language is known: a message of the catalogue with its values, or a text as it is.

use locales::{Argument, Locale};

/// A text for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalizedText(Content);

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Catalogue {
        key: String,
        arguments: Vec<(&'static str, Argument<'static>)>,
    },
    /// A text in English, which may say more than the message `key` of the other languages.
    English {
        text: String,
        key: String,
    },
    /// The message `key` of the other languages, with the English text behind it.
    Detailed {
        text: String,
        key: String,
    },
}

impl LocalizedText {
    /// The message `key` of the catalogue.
    pub fn key(key: impl Into<String>) -> Self {
        Self::with(key, [])
    }

    /// The message `key` of the catalogue, with its values.
    pub fn with<const N: usize>(
        key: impl Into<String>,
        arguments: [(&'static str, Argument<'static>); N],
    ) -> Self {
        Self(Content::Catalogue { key: key.into(), arguments: arguments.into() })
    }

    /// The message of an error code.
    pub fn of_code(code: &str) -> Self {
        Self::key(error_key(code))
    }

    /// An error whose text exists in English only, as that of a parser: other languages get the message of its code.
    pub fn english(code: &str, text: impl Into<String>) -> Self {
        Self::english_or(error_key(code), text)
    }

    /// A text that exists in English only: other languages get the message `key`, if the catalogue has it.
    pub fn english_or(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Content::English { text: text.into(), key: key.into() })
    }

    /// What is wrong with a request, which names its fields and places: other languages get it behind the message of its
    /// code.
    pub fn detailed(code: &str, text: impl Into<String>) -> Self {
        Self(Content::Detailed { text: text.into(), key: error_key(code) })
    }

    /// The text in this language.
    pub fn localized(&self, locale: Locale) -> String {
        match &self.0 {
            Content::Catalogue { key, arguments } => locales::text_with(locale, key, arguments),
            Content::English { text, key } if locale == Locale::En || !locales::contains(key) => text.clone(),
            Content::English { key, .. } => locales::text(locale, key),
            Content::Detailed { text, .. } if locale == Locale::En => text.clone(),
            Content::Detailed { text, key } => format!("{}: {text}", locales::text(locale, key)),
        }
    }
}

fn error_key(code: &str) -> String {
    format!("error-{}", code.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_message_in_every_language() {
        let known = LocalizedText::of_code("evaluation_empty");
        assert_ne!(known.localized(Locale::Ko), known.localized(Locale::En));
    }

    #[test]
    fn an_english_text_is_kept_in_english_and_its_code_speaks_for_it_elsewhere() {
        let damaged = LocalizedText::english("parser_failed", "unexpected end of stream at byte 7");
        assert_eq!(damaged.localized(Locale::En), "unexpected end of stream at byte 7");
        assert_eq!(damaged.localized(Locale::Ko), locales::text(Locale::Ko, "error-parser-failed"));
        let bad_field = LocalizedText::detailed("invalid_value", "colour: unknown field `colour`");
        assert_eq!(bad_field.localized(Locale::En), "colour: unknown field `colour`");
        assert!(bad_field.localized(Locale::Ko).ends_with("니다: colour: unknown field `colour`"));
        let of_another_release = LocalizedText::english("no_such_code", "as it is");
        assert_eq!(of_another_release.localized(Locale::Ko), "as it is");
    }
}
