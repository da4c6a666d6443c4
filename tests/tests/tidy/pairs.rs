//! Things that exist twice and must not drift apart: the schema in two dialects, the page in two languages.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{Tree, Violation};

const DIALECTS: [&str; 2] = ["sqlite", "postgres"];
const SENTENCES: &str = "web/assets/js/strings.js";
const LANGUAGES: [&str; 2] = ["en", "ko"];

pub(crate) fn migrations_of_one_dialect(tree: &Tree) -> Vec<Violation> {
    let steps = |dialect: &str| -> BTreeSet<&str> {
        let folder = format!("migrations/{dialect}/");
        tree.files.iter().filter_map(|file| file.path.strip_prefix(&folder)).collect()
    };
    let all: BTreeSet<&str> = DIALECTS.into_iter().flat_map(steps).collect();
    if all.is_empty() {
        let message = "there are no migrations here: correct the path in this rule".to_owned();
        return vec![Violation { path: "migrations".to_owned(), line: 1, message }];
    }
    let missing = DIALECTS.into_iter().flat_map(|dialect| {
        let there = steps(dialect);
        all.iter()
            .filter(|name| !there.contains(*name))
            .map(|name| format!("migrations/{dialect}/{name}"))
            .collect::<Vec<_>>()
    });
    missing
        .map(|path| Violation { path, line: 1, message: "write this step for this dialect too".to_owned() })
        .collect()
}

pub(crate) fn sentences_of_one_language(tree: &Tree) -> Vec<Violation> {
    let Some(file) = tree.get(SENTENCES) else {
        let message = "the page's sentences are not here: correct the path in this rule".to_owned();
        return vec![Violation { path: SENTENCES.to_owned(), line: 1, message }];
    };
    let languages = keys_by_language(&file.text);
    let all: BTreeSet<&str> = languages.values().flat_map(|keys| keys.iter().copied()).collect();
    let mut violations = Vec::new();
    for language in LANGUAGES {
        let there = languages.get(language).cloned().unwrap_or_default();
        if there.is_empty() {
            violations.push(file.violation(1, format!("no sentences were found in language `{language}`")));
        }
        for key in all.difference(&there) {
            let message = format!("say `{key}` in language `{language}` too");
            violations.push(file.violation(file.line_of(&format!("{key}:")), message));
        }
    }
    violations
}

/// The keys of each language in `STRINGS`, read by their indentation, which the page's sources keep: a language
/// is two spaces deep, a key four.
fn keys_by_language(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut languages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut language = None;
    let table =
        text.lines().skip_while(|line| !line.contains("STRINGS = {")).take_while(|line| *line != "};");
    for line in table {
        if let Some(name) = key_at(line, "  ") {
            language = Some(name);
        } else if let (Some(language), Some(key)) = (language, key_at(line, "    ")) {
            languages.entry(language).or_default().insert(key);
        }
    }
    languages
}

/// The `key` of a line `<indent>key: …`.
fn key_at<'a>(line: &'a str, indent: &str) -> Option<&'a str> {
    let (key, _) = line.strip_prefix(indent)?.split_once(':')?;
    let is_name =
        !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_in_one_dialect_only_is_seen() {
        let tree = Tree::of(&[
            ("migrations/sqlite/0001_first.sql", ""),
            ("migrations/postgres/0001_first.sql", ""),
            ("migrations/sqlite/0002_more.sql", ""),
        ]);
        let paths: Vec<String> =
            migrations_of_one_dialect(&tree).into_iter().map(|violation| violation.path).collect();
        assert_eq!(paths, ["migrations/postgres/0002_more.sql"]);
        assert_eq!(migrations_of_one_dialect(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn a_sentence_in_one_language_only_is_seen() {
        let text = "export const STRINGS = {\n  en: {\n    send: \"Send\",\n    wait: ({ n }) =>\n      n: 1,\n  },\n  ko: {\n    send: \"보내기\",\n  },\n};\n";
        let found = sentences_of_one_language(&Tree::of(&[(SENTENCES, text)]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].message.as_str()), (4, "say `wait` in language `ko` too"));
    }

    #[test]
    fn a_missing_language_or_file_is_seen() {
        let text = "export const STRINGS = {\n  en: {\n    send: \"Send\",\n  },\n};\n";
        assert_eq!(sentences_of_one_language(&Tree::of(&[(SENTENCES, text)])).len(), 2);
        assert_eq!(sentences_of_one_language(&Tree::of(&[])).len(), 1);
    }
}
