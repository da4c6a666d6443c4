//! Carries a text until the reader's language is known: a message of the catalogue with its values, or a text as it is.

use locales::{Argument, Locale};

/// A text for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalizedText(Content);

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Catalogue { key: String, arguments: Vec<(&'static str, Argument<'static>)> },
    Plain(String),
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

    /// The message of an error code; `english` where the catalogue does not have it.
    pub fn of_code(code: &str, english: impl Into<String>) -> Self {
        let key = format!("error-{}", code.replace('_', "-"));
        if locales::contains(&key) { Self::key(key) } else { Self::plain(english) }
    }

    /// A text that says more than the catalogue can, in English.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(Content::Plain(text.into()))
    }

    /// The text in this language.
    pub fn localized(&self, locale: Locale) -> String {
        match &self.0 {
            Content::Catalogue { key, arguments } => locales::text_with(locale, key, arguments),
            Content::Plain(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_message_and_an_unknown_one_its_own_text() {
        let known = LocalizedText::of_code("evaluation_empty", "unused");
        assert_ne!(known.localized(Locale::Ko), known.localized(Locale::En));
        assert_eq!(LocalizedText::of_code("no_such_code", "as it is").localized(Locale::Ko), "as it is");
    }
}
