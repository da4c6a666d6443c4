//! Stems words: reduces a word to the form that its inflections share, by the Snowball algorithm of the text's language.

use domain::Language;
use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;

/// Stems the words of a text in one language.
pub(super) struct WordStemmer {
    /// For the language's own words; `None` if there is no algorithm for it.
    own: Option<Stemmer>,
    /// For Latin words in a language with another script: they are names and terms, mostly English.
    foreign: Option<Stemmer>,
    /// Whether accents only mark pronunciation, so that people often omit them.
    folds_accents: bool,
}

impl WordStemmer {
    /// The stemmer for a text in `language`.
    pub(super) fn of(language: Language) -> Self {
        let algorithm = algorithm(language);
        Self {
            own: algorithm.map(Stemmer::create),
            foreign: (!is_latin(algorithm)).then(|| Stemmer::create(Algorithm::English)),
            // Vietnamese tones distinguish words: XQuAD-vi recall@1 .925 with them, .881 without.
            folds_accents: language.code() != "vi",
        }
    }

    /// The term of a word: lower case, and without endings and accents if it has letters only.
    pub(super) fn stem(&self, word: &str) -> String {
        let word = word.to_lowercase();
        if !word.chars().all(|c| c.is_alphabetic() || is_accent(c)) {
            return word;
        }
        let stemmer = self.foreign.as_ref().filter(|_| word.is_ascii()).or(self.own.as_ref());
        let stem = stemmer.map_or(word.as_str().into(), |stemmer| stemmer.stem(&word));
        if self.folds_accents && !stem.is_ascii() { without_accents(&stem) } else { stem.into_owned() }
    }
}

/// `Fußgänger`, `Málaga`, `İzmir` as many people type them; marks of other scripts are letters.
fn without_accents(word: &str) -> String {
    word.nfd().filter(|c| !is_accent(*c)).nfc().collect()
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether the algorithm is for words in Latin letters. A language without an algorithm counts as another script.
fn is_latin(algorithm: Option<Algorithm>) -> bool {
    use Algorithm::{Arabic, Greek, Russian, Tamil};
    algorithm.is_some_and(|algorithm| !matches!(algorithm, Arabic | Greek | Russian | Tamil))
}

fn algorithm(language: Language) -> Option<Algorithm> {
    Some(match language.code() {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nb" => Algorithm::Norwegian,
        "nl" => Algorithm::Dutch,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem(language: &str, word: &str) -> String {
        WordStemmer::of(Language::from_code(language).unwrap()).stem(word)
    }

    #[test]
    fn inflections_meet_in_their_own_language() {
        assert_eq!(stem("en", "Leases"), stem("en", "lease"));
        assert_eq!(stem("de", "Verträgen"), stem("de", "Vertrag"));
        assert_eq!(stem("es", "políticas"), stem("es", "politica"));
        assert_eq!(stem("ru", "договора"), stem("ru", "договор"));
    }

    #[test]
    fn latin_words_in_other_scripts_are_read_as_english() {
        assert_eq!(stem("ko", "lifetimes"), stem("en", "lifetime"));
        assert_eq!(stem("ru", "references"), stem("en", "reference"));
    }

    #[test]
    fn words_with_other_characters_than_letters_stay() {
        assert_eq!(stem("en", "E0382s"), "e0382s");
        assert_eq!(stem("en", "snake_cases"), "snake_cases");
    }

    #[test]
    fn accents_fold_except_where_they_distinguish_words() {
        assert_eq!(stem("fr", "Éléphant"), stem("fr", "elephant"));
        assert_ne!(stem("vi", "mã"), stem("vi", "ma"));
    }
}
