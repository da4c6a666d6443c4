//! Language by script, and by trigrams (whatlang) where a script serves many languages.

use domain::Language;
use whatlang::Lang;

use super::terms::{is_han, is_hangul, is_kana};

/// Share of all letters that Hangul or Kana needs: a Korean sentence full of English product names is Korean.
const SCRIPT_SHARE: f32 = 0.2;

/// Letters below which a trigram guess is worth nothing unless it is confident.
const SHORT_TEXT_LETTERS: usize = 60;

/// Letters read at most; the beginning of a text tells its language.
const LETTERS_READ: usize = 2_000;

/// The language most of `text` is in; [`Language::UNKNOWN`] without letters or for a language without a two-letter code.
pub(super) fn detect(text: &str) -> Language {
    let mut script = ScriptCount::default();
    text.chars().filter(|c| c.is_alphabetic()).take(LETTERS_READ).for_each(|c| script.add(c));
    if script.letters == 0 {
        return Language::UNKNOWN;
    }
    let share = |count: usize| count as f32 / script.letters as f32;
    if share(script.hangul) >= SCRIPT_SHARE && script.hangul >= script.kana {
        return Language::KOREAN;
    }
    if share(script.kana) >= SCRIPT_SHARE / 2.0 && share(script.kana + script.han) >= SCRIPT_SHARE {
        return Language::JAPANESE;
    }
    if share(script.han) >= SCRIPT_SHARE {
        return Language::CHINESE;
    }
    by_trigrams(text, script)
}

#[derive(Default, Clone, Copy)]
struct ScriptCount {
    letters: usize,
    latin: usize,
    hangul: usize,
    kana: usize,
    han: usize,
}

impl ScriptCount {
    fn add(&mut self, c: char) {
        self.letters += 1;
        self.hangul += usize::from(is_hangul(c));
        self.kana += usize::from(is_kana(c));
        self.han += usize::from(is_han(c));
        self.latin += usize::from(matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}'));
    }
}

/// A few Latin words are taken for English unless the guess is sure: `cargo build` is as good as Italian to trigrams.
fn by_trigrams(text: &str, script: ScriptCount) -> Language {
    let beginning: String = text.chars().take(LETTERS_READ).collect();
    let guess = whatlang::detect(&beginning);
    let is_latin = script.latin * 2 >= script.letters;
    let is_sure =
        guess.as_ref().is_some_and(|guess| guess.is_reliable() && script.letters >= SHORT_TEXT_LETTERS);
    if is_latin && !is_sure {
        return Language::ENGLISH;
    }
    guess.map_or(Language::UNKNOWN, |guess| language_of(guess.lang()))
}

/// whatlang knows languages by three letters, the domain by two (ISO 639-1).
fn language_of(lang: Lang) -> Language {
    let code = match lang {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Tur => "tr",
        Lang::Vie => "vi",
        Lang::Ind => "id",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Ces => "cs",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Ell => "el",
        Lang::Heb => "he",
        Lang::Ara => "ar",
        Lang::Pes => "fa",
        Lang::Hin => "hi",
        Lang::Tha => "th",
        Lang::Kor => "ko",
        Lang::Jpn => "ja",
        Lang::Cmn => "zh",
        _ => return Language::UNKNOWN,
    };
    Language::from_code(code).unwrap_or(Language::UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        detect(text).code().to_owned()
    }

    #[test]
    fn scripts_decide_first() {
        assert_eq!(code("Rust에서 HashMap을 clone하면 어떻게 되나요?"), "ko");
        assert_eq!(code("所有権とは何ですか"), "ja");
        assert_eq!(code("什么是所有权"), "zh");
        assert_eq!(code("大韓民國의 首都는 서울이다"), "ko");
    }

    #[test]
    fn short_latin_text_is_english() {
        assert_eq!(code("cargo build"), "en");
        assert_eq!(code("Vec<String> clone"), "en");
    }

    #[test]
    fn longer_text_is_told_apart() {
        let german = "Die Gesellschaft hat im vergangenen Jahr ihre Mitarbeiter in drei neuen Standorten untergebracht.";
        assert_eq!(code(german), "de");
        assert_eq!(code("Сколько дней отпуска у сотрудника в первый год работы?"), "ru");
    }

    #[test]
    fn text_without_letters_has_no_language() {
        assert_eq!(code("1234 + 5678 = ?"), "un");
        assert_eq!(code(""), "un");
    }
}
