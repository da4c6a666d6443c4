//! Finds words that this project does not use in names, texts and files ([`banned`](crate::banned) lists them).

use proc_macro2::{TokenStream, TokenTree};

use crate::banned::{BEGINNINGS_OF_NAMES, FILES, KOREAN, KOREAN_ENDINGS, NAMES, PHRASES, WORDS_OF_NAMES};
use crate::tree::{SourceFile, Tree, Violation};

/// The list itself; sample documents, since people write as they like; and released migrations, which must not change.
const EXEMPT: [&str; 3] = ["tests/tests/tidy/banned.rs", "examples/", "migrations/"];

/// What daedap itself says in Korean.
const KOREAN_TEXTS: [&str; 4] = ["locales/", "web/assets/", "README.ko.md", "docs/"];

/// Words that `*` in a phrase stands for, at most.
const MAX_GAP: usize = 2;

pub(crate) fn banned_words(tree: &Tree) -> Vec<Violation> {
    let files = tree.files.iter().filter(|file| !EXEMPT.iter().any(|exempt| file.path.starts_with(exempt)));
    files
        .flat_map(|file| {
            let mut found = banned_file_name(file);
            found.extend(banned_names(file));
            found.extend(banned_phrases(file));
            found.extend(banned_korean(file));
            found.sort_by(|one, other| (one.line, &one.message).cmp(&(other.line, &other.message)));
            found.dedup();
            found
        })
        .collect()
}

fn write_instead(file: &SourceFile, line: usize, word: &str, instead: &str) -> Violation {
    file.violation(line, format!("`{word}`: write `{instead}`"))
}

/// Every folder of the path counts, too.
fn banned_file_name(file: &SourceFile) -> Vec<Violation> {
    let ends = file.path.match_indices(['/', '.']).map(|(end, _)| &file.path[..end]);
    let banned = ends.flat_map(|path| {
        FILES.iter().filter(move |(name, _)| {
            path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    });
    banned.map(|(name, instead)| write_instead(file, 1, name, instead)).collect()
}

fn banned_names(file: &SourceFile) -> Vec<Violation> {
    let names = names_in(file);
    let found = names.iter().filter_map(|(name, line)| {
        let (_, instead) = banned_name(name)?;
        Some(write_instead(file, *line, name, instead))
    });
    found.collect()
}

fn banned_name(name: &str) -> Option<(&'static str, &'static str)> {
    let whole = NAMES.iter().find(|(banned, _)| *banned == name);
    let beginning = || BEGINNINGS_OF_NAMES.iter().find(|(banned, _)| name.starts_with(banned));
    let words = || {
        let words = words_of_name(name);
        WORDS_OF_NAMES.iter().find(|(banned, _)| format!(" {words} ").contains(&format!(" {banned} ")))
    };
    whole.or_else(beginning).or_else(words).copied()
}

/// `read_all`, `ReadAll` and `READ_ALL` are `read all`.
fn words_of_name(name: &str) -> String {
    let mut words = String::new();
    let mut after_lower_case = false;
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() && after_lower_case {
            words.push(' ');
        }
        words.extend(letter.to_lowercase().filter(|letter| *letter != '_'));
        after_lower_case = letter.is_lowercase();
    }
    words
}

/// Identifiers in code, and in every text those between backticks.
fn names_in(file: &SourceFile) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    if file.is_rust() {
        // The rule on walls reports files that are not Rust.
        collect_identifiers(file.text.parse().unwrap_or_default(), &mut names);
    }
    for (index, line) in file.text.lines().enumerate() {
        let is_code = file.path.ends_with(".js");
        let texts = line.split('`').enumerate().filter(|(part, _)| is_code || part % 2 == 1);
        let words =
            texts.flat_map(|(_, text)| text.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
        names.extend(words.filter(|word| !word.is_empty()).map(|word| (word.to_owned(), index + 1)));
    }
    names
}

fn collect_identifiers(tokens: TokenStream, names: &mut Vec<(String, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => names.push((ident.to_string(), ident.span().start().line)),
            TokenTree::Group(group) => collect_identifiers(group.stream(), names),
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// A word of a text in lower case, or a mark between sentences.
enum Word {
    Text(String, usize),
    Mark,
}

fn banned_phrases(file: &SourceFile) -> Vec<Violation> {
    let words = words_of_text(&file.text);
    let mut found = Vec::new();
    for (phrase, instead) in PHRASES {
        let phrase_words: Vec<&str> = phrase.split(' ').collect();
        for (index, word) in words.iter().enumerate() {
            if let Word::Text(_, line) = word
                && begins_with(&words[index..], &phrase_words)
            {
                found.push(write_instead(file, *line, phrase, instead));
            }
        }
    }
    found
}

fn begins_with(words: &[Word], phrase: &[&str]) -> bool {
    let Some((first, rest)) = phrase.split_first() else { return true };
    match words.first() {
        Some(Word::Text(_, _)) if *first == "*" => {
            (1..=MAX_GAP).any(|gap| words.len() >= gap && begins_with(&words[gap..], rest))
        }
        Some(Word::Text(word, _)) => word == first && begins_with(&words[1..], rest),
        Some(Word::Mark) | None => false,
    }
}

/// The words of a text, without what makes a line a comment, a list or a quotation. An empty line is a mark.
fn words_of_text(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches(['/', '!', '#', '*', '>', '-', '|']).trim();
        if line.is_empty() {
            words.push(Word::Mark);
        }
        let mut word = String::new();
        for letter in line.chars() {
            if letter.is_alphanumeric() || letter == '_' {
                word.extend(letter.to_lowercase());
                continue;
            }
            if !word.is_empty() {
                words.push(Word::Text(std::mem::take(&mut word), index + 1));
            }
            if !letter.is_whitespace() {
                words.push(Word::Mark);
            }
        }
        if !word.is_empty() {
            words.push(Word::Text(word, index + 1));
        }
    }
    words
}

fn banned_korean(file: &SourceFile) -> Vec<Violation> {
    let is_shown = KOREAN_TEXTS.iter().any(|beginning| file.path.starts_with(beginning));
    let endings: &[(&[&str], &str)] = if is_shown { KOREAN_ENDINGS } else { &[] };
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for (parts, instead) in KOREAN.iter().chain(endings) {
            if contains_in_order(line, parts) {
                found.push(write_instead(file, index + 1, &parts.join(" … "), instead));
            }
        }
    }
    found
}

fn contains_in_order(line: &str, parts: &[&str]) -> bool {
    let end = parts.iter().try_fold(0, |from, part| Some(from + line[from..].find(part)? + part.len()));
    end.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let mut lines: Vec<usize> =
            banned_words(&Tree::of(&[(path, text)])).into_iter().map(|violation| violation.line).collect();
        lines.dedup();
        lines
    }

    #[test]
    fn every_banned_name_is_reported() {
        for (name, _) in NAMES {
            assert_eq!(lines("db/src/jobs.rs", &format!("\nfn f() {{ {name}(); }}")), [2], "{name}");
        }
        for (beginning, _) in BEGINNINGS_OF_NAMES {
            assert_eq!(lines("db/src/jobs.rs", &format!("const {beginning}TAGS: usize = 1;")), [1]);
        }
        for (words, _) in WORDS_OF_NAMES {
            let snake = words.replace(' ', "_");
            let camel: String = words.split(' ').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            for name in [format!("is_{snake}"), format!("{camel}Job"), snake.to_uppercase()] {
                assert_eq!(lines("db/src/jobs.rs", &format!("\nuse crate::{name};")), [2], "{name}");
                assert_eq!(lines("web/assets/js/a.js", &format!("\nlet {name};")), [2], "{name}");
                assert_eq!(lines("ARCHITECTURE.md", &format!("\nSee `{name}`.")), [2], "{name}");
            }
        }
    }

    #[test]
    fn a_name_is_compared_word_by_word() {
        let text = "fn recommended(nosniff: bool) { told_apart(rollback); } // MOST_ of all";
        assert!(lines("db/src/jobs.rs", text).is_empty());
    }

    #[test]
    fn every_banned_file_name_is_reported() {
        for (name, _) in FILES {
            let path = if name.contains('/') { (*name).to_owned() } else { format!("cli/src/eval/{name}") };
            assert_eq!(lines(&format!("{path}.rs"), ""), [1], "{path}");
            assert_eq!(lines(&format!("{path}/mod.rs"), ""), [1], "{path}");
        }
        assert!(lines("cli/src/replace.rs", "").is_empty());
    }

    #[test]
    fn every_banned_phrase_is_reported_in_every_kind_of_text() {
        for (phrase, _) in PHRASES {
            let phrase = phrase.replace('*', "all of");
            for path in ["db/src/jobs.rs", "README.md", "locales/en.ftl", "web/assets/js/a.js", "deny.toml"] {
                assert!(
                    lines(path, &format!("//! One.\n// And {phrase} now.")).contains(&2),
                    "{path}: {phrase}"
                );
            }
        }
        let (phrase, _) = PHRASES.iter().find(|(phrase, _)| phrase.contains(' ')).expect("one has two words");
        let over_two_lines = phrase.replacen(' ', "\n/// ", 1).to_uppercase();
        assert_eq!(lines("db/src/jobs.rs", &format!("/// {over_two_lines}\nfn f() {{}}")), [1]);
        let two_sentences = phrase.replacen(' ', ". ", 1);
        assert!(lines("README.md", &two_sentences).is_empty());
        assert!(lines("examples/knowledge-base/a.md", phrase).is_empty());
    }

    #[test]
    fn banned_korean_is_reported() {
        for (parts, _) in KOREAN {
            assert!(
                !lines("locales/ko.ftl", &format!("a = {}", parts.join(" { $n }"))).is_empty(),
                "{parts:?}"
            );
        }
        for (parts, _) in KOREAN_ENDINGS {
            let text = format!("a = 없{}", parts.join(""));
            assert_eq!(lines("locales/ko.ftl", &text), [1], "{text}");
            assert!(lines("tests/tests/http.rs", &format!("// {text}")).is_empty(), "{text}");
        }
    }
}
