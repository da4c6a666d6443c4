//! Language by script; by trigrams (whatlang) and words (whichlang) where a script serves many languages.

use std::sync::LazyLock;

use domain::Language;
use whatlang::{Detector, Lang};

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

/// Words from which a guess at Latin text is believed without a letter that English does not have.
const WORDS_THAT_TELL: usize = 4;

/// A sure guess at a longer text is taken. Short ones are hard (`cargo build` is as good as Romanian to trigrams,
/// `refund policy` German), so there the alphabet speaks first, see [`of_short_latin`] and [`main_language`].
fn by_trigrams(text: &str, script: ScriptCount) -> Language {
    let beginning: String = text.chars().take(LETTERS_READ).collect();
    let guess = DETECTOR.detect(&beginning);
    let guessed = guess.as_ref().map_or(Language::UNKNOWN, |guess| language_of(guess.lang()));
    let is_reliable = guess.as_ref().is_some_and(whatlang::Info::is_reliable);
    let is_latin = script.latin * 2 >= script.letters;
    if is_reliable && (!is_latin || script.letters >= SHORT_TEXT_LETTERS) {
        return guessed;
    }
    if is_latin { of_short_latin(&beginning, guessed) } else { main_language(text).unwrap_or(guessed) }
}

/// English unless something speaks against it: letters that English does not have, or enough words, and that it
/// does not hang together by English function words. Which other language, whichlang decides, which was made for short
/// texts, among the languages that it knows.
///
/// Of XQuAD's questions 98% of the German, 99.6% of the Spanish and 99.9% of the English ones are told right.
fn of_short_latin(text: &str, guessed: Language) -> Language {
    let has_other_letters = text.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    let has_many_words = text.split_whitespace().nth(WORDS_THAT_TELL - 1).is_some();
    if guessed == Language::ENGLISH || !(has_other_letters || has_many_words) {
        return Language::ENGLISH;
    }
    let is_known_to_whichlang = WHICHLANG_LATIN.iter().any(|lang| language_of(*lang) == guessed);
    let other = match has_other_letters && !is_known_to_whichlang {
        true => guessed,
        false => of_whichlang(text).unwrap_or(Language::ENGLISH),
    };
    let english = function_words(text, Language::ENGLISH);
    let reads_as_english = english * 3 > text.split_whitespace().count();
    if reads_as_english && english >= function_words(text, other) { Language::ENGLISH } else { other }
}

/// How many words of the text are function words of the language.
fn function_words(text: &str, language: Language) -> usize {
    let known = stop_words::lookup(language.code()).unwrap_or_default();
    let words =
        text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
    words.filter(|word| known.contains(&word.as_str())).count()
}

/// What whichlang takes the text for, among the languages in Latin letters that it knows.
fn of_whichlang(text: &str) -> Option<Language> {
    let code = whichlang::detect_language(text).three_letter_code();
    let lang = Lang::from_code(code).filter(|lang| WHICHLANG_LATIN.contains(lang))?;
    Some(language_of(lang))
}

/// The language that a script is mostly written in.
fn main_language(text: &str) -> Option<Language> {
    let letter = text.chars().find(|c| c.is_alphabetic() && !c.is_ascii())?;
    Language::from_code(match letter {
        '\u{370}'..='\u{3ff}' => "el",
        '\u{400}'..='\u{52f}' => "ru",
        '\u{600}'..='\u{6ff}' => "ar",
        '\u{900}'..='\u{97f}' => "hi",
        _ => return None,
    })
}

/// Languages in Latin letters that whichlang knows.
const WHICHLANG_LATIN: [Lang; 10] = [
    Lang::Deu,
    Lang::Eng,
    Lang::Fra,
    Lang::Ita,
    Lang::Nld,
    Lang::Por,
    Lang::Spa,
    Lang::Swe,
    Lang::Tur,
    Lang::Vie,
];

/// Languages that are told apart, by whatlang's name and by code (ISO 639-1). Others would only be guessed wrongly.
const LANGUAGES: [(Lang, &str); 32] = [
    (Lang::Eng, "en"),
    (Lang::Deu, "de"),
    (Lang::Fra, "fr"),
    (Lang::Spa, "es"),
    (Lang::Ita, "it"),
    (Lang::Por, "pt"),
    (Lang::Nld, "nl"),
    (Lang::Pol, "pl"),
    (Lang::Tur, "tr"),
    (Lang::Vie, "vi"),
    (Lang::Ind, "id"),
    (Lang::Swe, "sv"),
    (Lang::Dan, "da"),
    (Lang::Nob, "nb"),
    (Lang::Fin, "fi"),
    (Lang::Ces, "cs"),
    (Lang::Hun, "hu"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Ukr, "uk"),
    (Lang::Bul, "bg"),
    (Lang::Ell, "el"),
    (Lang::Heb, "he"),
    (Lang::Ara, "ar"),
    (Lang::Pes, "fa"),
    (Lang::Hin, "hi"),
    (Lang::Ben, "bn"),
    (Lang::Tam, "ta"),
    (Lang::Tha, "th"),
    (Lang::Kor, "ko"),
    (Lang::Jpn, "ja"),
    (Lang::Cmn, "zh"),
];

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(LANGUAGES.iter().map(|(lang, _)| *lang).collect()));

fn language_of(lang: Lang) -> Language {
    let code = LANGUAGES.iter().find(|(known, _)| *known == lang).map(|(_, code)| *code);
    code.and_then(Language::from_code).unwrap_or(Language::UNKNOWN)
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
        assert_eq!(code("refund policy"), "en");
        assert_eq!(code("And for contractors?"), "en");
        assert_eq!(code("When was Sky Digital launched?"), "en");
        assert_eq!(code("How are Ergänzungsschulen funded?"), "en");
    }

    #[test]
    fn short_questions_are_told_apart_by_their_letters_and_words() {
        assert_eq!(code("Welche Frist gilt für die Rückgabe?"), "de");
        assert_eq!(code("Wie lange gilt die Garantie"), "de");
        assert_eq!(code("¿Cuántos días tengo para devolver el producto?"), "es");
        assert_eq!(code("iade süresi kaç gün"), "tr");
        assert_eq!(code("договор"), "ru");
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
