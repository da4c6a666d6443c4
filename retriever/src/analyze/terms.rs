//! Tokenizes text to terms. Documents and questions use the same code, or their terms would not match.
//!
//! Hangul, Han, Kana and the scripts of South East Asia without spaces between words become overlapping bigrams: they need
//! no dictionary, match compounds by their parts, and a Korean particle costs one bigram instead of the whole word.
//! Everything else becomes words (UAX #29), stemmed for the text's language; names such as `snake_case`, `HashMap` and
//! `1.2.3` give both themselves and their parts.

use domain::Language;
use domain::script::{is_han, is_hangul, is_kana, is_south_east_asian};
use unicode_segmentation::UnicodeSegmentation;

use super::normalize::normalize;
use super::stem::WordStemmer;

/// One occurrence of a term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term<'t> {
    /// Normalized text of the term.
    pub(super) text: &'t str,
    /// Whether it is the last bigram of a longer Hangul run, where particles and verb endings are.
    pub(super) is_ending: bool,
}

/// Calls `emit` with every term of `text`, in order and with repetitions. `language` is the text's.
pub(super) fn each_term(text: &str, language: Language, mut emit: impl FnMut(Term<'_>)) {
    let stemmer = WordStemmer::of(language);
    for run in runs(&normalize(text)) {
        match run {
            Run::Bigrams(run) => bigrams(run, &mut emit),
            Run::Words(run) => words(run, &stemmer, &mut emit),
        }
    }
}

/// A part of a text that is tokenized in one way.
pub(super) enum Run<'t> {
    /// Hangul, Han or Kana only.
    Bigrams(&'t str),
    /// Anything else, punctuation and spaces included.
    Words(&'t str),
}

/// Splits normalized text where the way of tokenizing changes: `Rust는` is `Rust` and `는`.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let wants_bigrams = is_bigram_script(rest.chars().next()?);
        let end = rest.find(|c| is_bigram_script(c) != wants_bigrams).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        Some(if wants_bigrams { Run::Bigrams(run) } else { Run::Words(run) })
    })
}

fn is_bigram_script(c: char) -> bool {
    is_hangul(c) || is_kana(c) || is_han(c) || is_south_east_asian(c)
}

fn bigrams(run: &str, emit: &mut impl FnMut(Term<'_>)) {
    let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
    if let [start, end] = starts[..] {
        return emit(Term { text: &run[start..end], is_ending: false });
    }
    let may_end = starts.len() > 3 && run.chars().all(is_hangul);
    for window in starts.windows(3) {
        let is_ending = may_end && window[2] == run.len();
        emit(Term { text: &run[window[0]..window[2]], is_ending });
    }
}

fn words(run: &str, stemmer: &WordStemmer, emit: &mut impl FnMut(Term<'_>)) {
    let mut emit_word = |word: &str| emit(Term { text: &stemmer.stem(word), is_ending: false });
    for name in run.split_whitespace().filter_map(hyphenated) {
        emit_word(name);
    }
    for (at, word) in run.unicode_word_indices() {
        let word = &run[at..at + word.len() + sign_length(&run[at + word.len()..])];
        let word = without_contraction(word);
        let parts: Vec<&str> = parts(word).collect();
        emit_word(word);
        if parts != [word] {
            parts.into_iter().for_each(&mut emit_word);
        }
    }
}

/// A part, order or standard number (`AB-1234-X`, `ISO-8859-1`): parts joined by hyphens, with digits.
fn hyphenated(word: &str) -> Option<&str> {
    let name = word.trim_matches(|c: char| !c.is_alphanumeric());
    let is_joined = name.split('-').all(|part| !part.is_empty() && part.chars().all(char::is_alphanumeric));
    (is_joined && name.contains('-') && name.contains(|c: char| c.is_ascii_digit())).then_some(name)
}

/// Length of a sign that belongs to the word before it: `C++` and `C#` are not `C`.
fn sign_length(rest: &str) -> usize {
    ["++", "#"].iter().find(|sign| rest.starts_with(**sign)).map_or(0, |sign| sign.len())
}

/// A word without its contraction: `Einstein's` is `Einstein`, `don't` is `don`.
fn without_contraction(word: &str) -> &str {
    match word.rsplit_once(['\'', '\u{2019}']) {
        Some((stem, tail)) if tail.chars().count() <= 2 && !stem.is_empty() => stem,
        _ => word,
    }
}

/// The parts of a name: between separators (`snake_case`, `1.2.3`) and at humps (`HashMap`, `JSONParser`).
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_alphanumeric() && !is_mark(c)).filter(|part| !part.is_empty()).flat_map(humps)
}

/// A combining mark belongs to the letter before it: words of Hindi or Thai must not be split there.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn humps(part: &str) -> impl Iterator<Item = &str> {
    let mut rest = part;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = next_hump(rest).unwrap_or(rest.len());
        let (hump, tail) = rest.split_at(end);
        rest = tail;
        Some(hump)
    })
}

/// Byte offset of the second hump of `text`: an upper-case letter after a lower-case one, or the last of several upper-case
/// letters before a lower-case one.
fn next_hump(text: &str) -> Option<usize> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    letters.windows(2).enumerate().find_map(|(at, pair)| {
        let ((_, before), (offset, current)) = (pair[0], pair[1]);
        let next = letters.get(at + 2).map(|(_, c)| *c);
        let starts_word = before.is_uppercase() && next.is_some_and(char::is_lowercase);
        (current.is_uppercase() && (before.is_lowercase() || starts_word)).then_some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        each_term(text, Language::ENGLISH, |term| terms.push(term.text.to_owned()));
        terms
    }

    #[test]
    fn scripts_without_spaces_become_bigrams() {
        assert_eq!(terms("소유권은"), ["소유", "유권", "권은"]);
        assert_eq!(terms("所有权"), ["所有", "有权"]);
        assert_eq!(terms("データ"), ["デー", "ータ"]);
        assert_eq!(terms("값"), ["값"]);
    }

    #[test]
    fn thai_has_no_spaces_either() {
        assert_eq!(terms("ข้าว"), ["ข้", "้า", "าว"]);
    }

    #[test]
    fn words_meet_their_inflections() {
        assert_eq!(terms("Leases renewed"), terms("lease RENEW"));
        assert_eq!(terms("Einstein\u{2019}s don't"), ["einstein", "don"]);
        assert_eq!(terms("Gesellschaft für"), ["gesellschaft", "fur"]);
    }

    #[test]
    fn names_stay_whole_and_give_their_parts() {
        assert_eq!(terms("snake_case"), ["snake_case", "snake", "case"]);
        assert_eq!(terms("HashMap"), ["hashmap", "hash", "map"]);
        assert_eq!(terms("JSONParser"), ["jsonpars", "json", "parser"]);
        assert_eq!(terms("1.2.3"), ["1.2.3", "1", "2", "3"]);
        assert_eq!(terms("E0382"), ["e0382"]);
        assert_eq!(terms("(AB-1234-X)"), ["ab-1234-x", "ab", "1234", "x"]);
        assert_eq!(terms("well-known C++ and C#"), ["well", "known", "c++", "c", "and", "c#", "c"]);
    }

    #[test]
    fn scripts_meet_inside_a_word() {
        assert_eq!(terms("Rust는 2024년"), ["rust", "는", "2024", "년"]);
    }

    #[test]
    fn full_width_and_invisible_characters_make_no_difference() {
        assert_eq!(terms("ａｂｃ\u{200b}de"), terms("abcde"));
    }

    #[test]
    fn only_the_end_of_a_longer_hangul_run_is_an_ending() {
        let mut endings = Vec::new();
        each_term("방주는 배 所有权", Language::KOREAN, |term| endings.push(term.is_ending));
        assert_eq!(endings, [false, true, false, false, false]);
    }
}
