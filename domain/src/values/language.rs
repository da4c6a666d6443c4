//! Languages of texts, and the languages that a model covers.

use serde::{Deserialize, Serialize};

/// A language by its ISO 639-1 code, or [`Language::UNKNOWN`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 2]);

impl Language {
    /// Korean.
    pub const KOREAN: Self = Self(*b"ko");
    /// English.
    pub const ENGLISH: Self = Self(*b"en");
    /// Chinese, in any script.
    pub const CHINESE: Self = Self(*b"zh");
    /// Japanese.
    pub const JAPANESE: Self = Self(*b"ja");
    /// No language was recognised (code, numbers, too little text). Its code is `un`.
    pub const UNKNOWN: Self = Self(*b"un");

    /// The language of a two-letter lower-case code; `None` for anything else.
    pub fn from_code(code: &str) -> Option<Self> {
        match code.as_bytes() {
            [a @ b'a'..=b'z', b @ b'a'..=b'z'] => Some(Self([*a, *b])),
            _ => None,
        }
    }

    /// The two-letter code.
    pub fn code(&self) -> &str {
        // Both constructors admit ASCII only, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or("un")
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Language({})", self.code())
    }
}

impl TryFrom<String> for Language {
    type Error = String;
    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::from_code(&code).ok_or_else(|| format!("not a two-letter language code: {code:?}"))
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.code().to_owned()
    }
}

/// The languages that a model was trained for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LanguageCoverage {
    /// No known limit: a model file or a server that the user chose.
    Any,
    /// Exactly these.
    Only(Vec<Language>),
}

impl LanguageCoverage {
    /// Whether to give text in `language` to the model. Text of no recognised language is covered: it is mostly code and
    /// identifiers, which are in every model's vocabulary.
    pub fn covers(&self, language: Language) -> bool {
        match self {
            Self::Any => true,
            Self::Only(languages) => language == Language::UNKNOWN || languages.contains(&language),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_ascii_letters_are_a_code() {
        for bad in ["", "k", "kor", "K1", "한", "KO"] {
            assert_eq!(Language::from_code(bad), None, "{bad}");
        }
        assert_eq!(Language::from_code("ko"), Some(Language::KOREAN));
    }

    #[test]
    fn a_limited_model_still_covers_unrecognised_text() {
        let english = LanguageCoverage::Only(vec![Language::ENGLISH]);
        assert!(english.covers(Language::ENGLISH));
        assert!(english.covers(Language::UNKNOWN));
        assert!(!english.covers(Language::KOREAN));
        assert!(LanguageCoverage::Any.covers(Language::KOREAN));
    }
}
