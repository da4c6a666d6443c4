//! Checks what a file says, how long it is and what it is called.

use crate::syntax::{self, MacroCall};
use crate::tree::{SourceFile, Tree, Violation};

/// Maximum lines of a file of code.
const MAX_LINES: usize = 500;
const CODE: [&str; 5] = [".rs", ".js", ".css", ".html", ".sql"];

// Split, so that this file does not break its own rules.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const HOSTS: [&str; 7] = [
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("huggingface", ".co"),
    concat!("jsdelivr", ".net"),
    concat!("unpkg", ".com"),
    concat!("googleapis", ".com"),
    concat!("cloudflare", ".com"),
];
const HOSTS_FOLDER: &str = "models/";

const UNFINISHED_MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];
const VAGUE_NAMES: [&str; 4] = ["util", "common", "helper", "manager"];

/// Every Rust file begins with `//!`.
pub(crate) fn modules_without_documentation(tree: &Tree) -> Vec<Violation> {
    tree.rust()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.violation(1, "begin with `//!` and say what this module does"))
        .collect()
}

pub(crate) fn unfinished_work(tree: &Tree) -> Vec<Violation> {
    let marks = tree.files.iter().flat_map(|file| {
        lines_with_words(file, &MARKS).map(|(line, word)| {
            file.violation(line, format!("finish it, or open an issue and remove `{word}`"))
        })
    });
    let macros = tree.rust().flat_map(|file| {
        macro_calls(file)
            .into_iter()
            .filter(|call| UNFINISHED_MACROS.contains(&call.name.as_str()))
            .map(|call| file.violation(call.line, format!("remove `{}!`", call.name)))
            .collect::<Vec<_>>()
    });
    marks.chain(macros).collect()
}

pub(crate) fn long_files(tree: &Tree) -> Vec<Violation> {
    let code = tree.files.iter().filter(|file| CODE.iter().any(|kind| file.path.ends_with(kind)));
    code.filter_map(|file| {
        let lines = file.text.lines().count();
        let message = format!("{lines} lines, of at most {MAX_LINES}: split the file by what its parts do");
        (lines > MAX_LINES).then(|| file.violation(MAX_LINES + 1, message))
    })
    .collect()
}

pub(crate) fn vague_file_names(tree: &Tree) -> Vec<Violation> {
    let is_vague = |file: &&SourceFile| {
        let mut parts = file.path.split(['/', '.', '_', '-']);
        parts.any(|part| VAGUE_NAMES.contains(&part.strip_suffix('s').unwrap_or(part)))
    };
    tree.files
        .iter()
        .filter(is_vague)
        .map(|file| file.violation(1, "name the file after what it does"))
        .collect()
}

/// Only the catalog of models names hosts of other people: everything else works without them.
pub(crate) fn hosts_outside_models(tree: &Tree) -> Vec<Violation> {
    let others = tree.files.iter().filter(|file| !file.path.starts_with(HOSTS_FOLDER));
    others
        .flat_map(|file| {
            file.text.lines().enumerate().filter_map(|(index, line)| {
                let host = HOSTS.iter().find(|host| line.contains(**host))?;
                let message =
                    format!("`{host}` may be named in {HOSTS_FOLDER} only: everything else works without it");
                Some(file.violation(index + 1, message))
            })
        })
        .collect()
}

/// The test harness captures `eprintln!` of tests that pass, and a test that skips itself passes.
pub(crate) fn captured_skip_messages(tree: &Tree) -> Vec<Violation> {
    tree.rust()
        .flat_map(|file| {
            macro_calls(file)
                .into_iter()
                .filter(|call| ["eprintln", "println", "eprint", "print"].contains(&call.name.as_str()))
                .filter(|call| call.first_argument.contains("SKIPPED"))
                .map(|call| {
                    file.violation(
                        call.line,
                        "the test harness captures this: use `writeln!(std::io::stderr(), …)`",
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Files that are not Rust have no calls; the rule on walls reports them.
fn macro_calls(file: &SourceFile) -> Vec<MacroCall> {
    syntax::read(&file.text).map(|syntax| syntax.macro_calls).unwrap_or_default()
}

/// Lines (from 1) with one of `words` standing alone.
fn lines_with_words<'a>(
    file: &'a SourceFile,
    words: &'a [&'a str],
) -> impl Iterator<Item = (usize, &'a str)> {
    file.text.lines().enumerate().filter_map(|(index, line)| {
        let mut parts = line.split(|letter: char| !letter.is_alphanumeric());
        parts.find_map(|part| words.iter().find(|word| **word == part)).map(|word| (index + 1, *word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Tree) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
        rule(&Tree::of(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_module_without_documentation_is_reported() {
        assert_eq!(lines(modules_without_documentation, "db/src/jobs.rs", "use std::fmt;"), [1]);
        assert!(
            lines(modules_without_documentation, "db/src/jobs.rs", "//! The queue.\nuse std::fmt;")
                .is_empty()
        );
    }

    #[test]
    fn marks_and_macros_are_reported() {
        for mark in MARKS {
            assert_eq!(lines(unfinished_work, "web/assets/js/a.js", &format!("f();\n// {mark}: later")), [2]);
        }
        for name in UNFINISHED_MACROS {
            assert_eq!(lines(unfinished_work, "db/src/a.rs", &format!("fn f() {{\n    {name}!()\n}}")), [2]);
        }
        assert!(lines(unfinished_work, "db/src/a.rs", "fn todo() { let s = \"todo!()\"; }").is_empty());
    }

    #[test]
    fn a_long_file_is_reported() {
        let text = "//! a\n".repeat(MAX_LINES + 1);
        assert_eq!(lines(long_files, "db/src/a.rs", &text), [MAX_LINES + 1]);
        assert!(lines(long_files, "db/src/a.rs", text.trim_end_matches("//! a\n")).is_empty());
        assert!(lines(long_files, "examples/a.md", &text).is_empty());
    }

    #[test]
    fn a_vague_name_is_reported() {
        for path in ["db/src/utils.rs", "web/src/common/mod.rs", "chat/src/turn_helper.rs"] {
            assert_eq!(lines(vague_file_names, path, ""), [1], "{path}");
        }
        assert_eq!(lines(vague_file_names, "db/src/commons_license.rs", ""), [1]);
        assert!(lines(vague_file_names, "db/src/jobs.rs", "").is_empty());
    }

    #[test]
    fn a_host_outside_models_is_reported() {
        for host in HOSTS {
            let text = format!("<p>\n<script src=\"https://cdn.{host}/a.js\">");
            assert_eq!(lines(hosts_outside_models, "web/assets/index.html", &text), [2], "{host}");
        }
        let catalog = format!("index = \"https://{}\"", HOSTS[0]);
        assert!(lines(hosts_outside_models, "models/catalog.toml", &catalog).is_empty());
    }

    #[test]
    fn a_captured_skip_message_is_reported() {
        assert_eq!(
            lines(
                captured_skip_messages,
                "llm/src/a.rs",
                "fn f() {\n    eprintln!(\"SKIPPED f: no model\");\n}"
            ),
            [2]
        );
        let printed = "fn f() { let _ = writeln!(std::io::stderr(), \"SKIPPED f: no model\"); }";
        assert!(lines(captured_skip_messages, "llm/src/a.rs", printed).is_empty());
    }
}
