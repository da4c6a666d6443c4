//! Compares the error codes of the API with the catalogue of messages, both ways. The command line's own messages are
//! compared in its crate.

use crate::tree::{SourceFile, Tree, Violation};

/// The beginnings of the ids that are made of a code: `error-not-found` is the message of `not_found`.
const PREFIXES: [&str; 2] = ["error-", "finding-"];

/// The calls in `web` that look up the message of a code.
const LOOKUPS: [&str; 3] = ["of_code(", "internal(", "unavailable("];

pub(crate) fn messages_that_nobody_uses(tree: &Tree) -> Vec<Violation> {
    let Some(catalogue) = tree.get("locales/en.ftl") else { return vec![no_catalogue()] };
    let code: Vec<&SourceFile> = tree.files.iter().filter(|file| file.is_in_src()).collect();
    let is_used = |id: &str, code_of_id: &str| {
        let quoted = [format!("\"{id}\""), format!("\"{}\"", code_of_id.replace('-', "_"))];
        code.iter().any(|file| quoted.iter().any(|quoted| file.text.contains(quoted)))
    };
    let ids = catalogue.text.lines().enumerate().filter_map(|(index, line)| {
        let (id, _) = line.split_once(" =")?;
        let code_of_id = PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix))?;
        (!is_used(id, code_of_id)).then(|| (index + 1, id))
    });
    ids.map(|(line, id)| catalogue.violation(line, format!("no code uses `{id}`: remove it"))).collect()
}

pub(crate) fn codes_without_a_message(tree: &Tree) -> Vec<Violation> {
    let Some(catalogue) = tree.get("locales/en.ftl") else { return vec![no_catalogue()] };
    let has_message = |code: &str| {
        let id = format!("error-{} =", code.replace('_', "-"));
        catalogue.text.lines().any(|line| line.starts_with(&id))
    };
    let web = tree.files.iter().filter(|file| file.is_in_src() && file.path.starts_with("web/"));
    let violations = web.flat_map(|file| {
        let codes = codes_in(&file.text).into_iter().filter(|code| !has_message(code));
        codes.map(|code| {
            let message = format!("`{code}` has no message: add `error-{}`", code.replace('_', "-"));
            file.violation(file.line_of(&format!("\"{code}\"")), message)
        })
    });
    violations.collect()
}

fn no_catalogue() -> Violation {
    let message = "the messages are not here: correct the path in this rule".to_owned();
    Violation { path: "locales/en.ftl".to_owned(), line: 1, message }
}

/// The text in quotes that a lookup is called with.
fn codes_in(text: &str) -> Vec<&str> {
    let calls = LOOKUPS.iter().flat_map(|lookup| text.split(lookup).skip(1));
    let arguments = calls.filter_map(|rest| rest.split(';').next()?.split('"').nth(1));
    arguments.filter(|code| code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(code: &str) -> Tree {
        let catalogue = "error-not-found = not found\nerror-disk-full = the disk is full\ncli-page = page\n";
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        Tree { files: vec![file("locales/en.ftl", catalogue), file("web/src/error_status.rs", code)] }
    }

    #[test]
    fn a_message_without_a_user_is_reported() {
        let found = messages_that_nobody_uses(&tree("fn f() { Self::of_code(\"not_found\") }"));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].message.as_str()),
            (2, "no code uses `error-disk-full`: remove it")
        );
        let by_id = tree("fn f() { g(\"error-not-found\"); g(\"error-disk-full\") }");
        assert_eq!(messages_that_nobody_uses(&by_id), []);
    }

    #[test]
    fn a_code_without_a_message_is_reported() {
        let found = codes_without_a_message(&tree("fn f() {\n    Self::internal(\"io_failed\", detail)\n}"));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].path.as_str()), (2, "web/src/error_status.rs"));
        let known = tree("fn f() { Self::of_code(StatusCode::NOT_FOUND, \"not_found\"); }");
        assert_eq!(codes_without_a_message(&known), []);
    }
}
