//! Compares what exists twice: the schema in two SQL dialects, the messages in two languages.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement};

use crate::tree::{SourceFile, Tree, Violation};

const DIALECTS: [&str; 2] = ["sqlite", "postgres"];
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
        .map(|path| Violation {
            path,
            line: 1,
            message: "write this migration for this dialect, too".to_owned(),
        })
        .collect()
}

/// The messages of one language.
struct Catalogue<'a> {
    file: &'a SourceFile,
    /// The variables of each message, term (`-id`) and attribute (`id.attribute`).
    messages: BTreeMap<String, BTreeSet<String>>,
}

/// Each language has the same messages, terms and attributes, and each of them the same variables.
pub(crate) fn messages_of_one_language(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut catalogues = Vec::new();
    for language in LANGUAGES {
        let path = format!("locales/{language}.ftl");
        if let Some(file) = tree.get(&path) {
            let (messages, unreadable) = messages_in(file);
            violations.extend(unreadable);
            catalogues.push(Catalogue { file, messages });
        } else {
            let message = "the messages of this language are not here: correct the path in this rule";
            violations.push(Violation { path, line: 1, message: message.to_owned() });
        }
    }
    for here in &catalogues {
        if here.messages.is_empty() {
            violations.push(here.file.violation(1, "there are no messages in this language"));
        }
        for there in catalogues.iter().filter(|there| there.file.path != here.file.path) {
            violations.extend(missing_from(here, there));
        }
    }
    violations
}

/// What `there` has and `here` lacks.
fn missing_from(here: &Catalogue<'_>, there: &Catalogue<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, variables) in &there.messages {
        let Some(own_variables) = here.messages.get(id) else {
            violations.push(here.file.violation(1, format!("add `{id}`, which {} has", there.file.path)));
            continue;
        };
        for variable in variables.difference(own_variables) {
            let message = format!("`{id}` lacks ${variable}, which {} has", there.file.path);
            violations.push(here.file.violation(line_of_message(here.file, id), message));
        }
    }
    violations
}

/// The messages of `file`, and what in it is no message.
fn messages_in(file: &SourceFile) -> (BTreeMap<String, BTreeSet<String>>, Vec<Violation>) {
    let mut messages = BTreeMap::new();
    let mut unreadable = Vec::new();
    let resource = fluent_syntax::parser::parse(file.text.as_str()).unwrap_or_else(|(resource, _)| resource);
    for entry in &resource.body {
        let (id, value, attributes) = match entry {
            Entry::Message(message) => {
                (message.id.name.to_owned(), message.value.as_ref(), &message.attributes)
            }
            Entry::Term(term) => (format!("-{}", term.id.name), Some(&term.value), &term.attributes),
            Entry::Junk { content } => {
                let first = content.lines().next().unwrap_or_default();
                unreadable
                    .push(file.violation(file.line_of(first), format!("this is not Fluent: `{first}`")));
                continue;
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => continue,
        };
        for attribute in attributes {
            messages.insert(format!("{id}.{}", attribute.id.name), variables_of(Some(&attribute.value)));
        }
        let line = line_of_message(file, &id);
        if messages.insert(id.clone(), variables_of(value)).is_some() {
            unreadable.push(file.violation(line, format!("`{id}` is defined twice")));
        }
    }
    (messages, unreadable)
}

fn line_of_message(file: &SourceFile, id: &str) -> usize {
    let message = id.split('.').next().unwrap_or(id);
    let begins_here =
        |line: &str| line.strip_prefix(message).is_some_and(|rest| rest.trim_start().starts_with('='));
    file.text.lines().position(begins_here).map_or(1, |index| index + 1)
}

fn variables_of(pattern: Option<&Pattern<&str>>) -> BTreeSet<String> {
    let mut variables = BTreeSet::new();
    if let Some(pattern) = pattern {
        collect_from_pattern(pattern, &mut variables);
    }
    variables
}

fn collect_from_pattern(pattern: &Pattern<&str>, variables: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            collect(expression, variables);
        }
    }
}

fn collect(expression: &Expression<&str>, variables: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => collect_from_inline(inline, variables),
        Expression::Select { selector, variants } => {
            collect_from_inline(selector, variables);
            for variant in variants {
                collect_from_pattern(&variant.value, variables);
            }
        }
    }
}

fn collect_from_inline(inline: &InlineExpression<&str>, variables: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => {
            variables.insert(id.name.to_owned());
        }
        InlineExpression::Placeable { expression } => collect(expression, variables),
        InlineExpression::FunctionReference { arguments, .. } => collect_from_arguments(arguments, variables),
        InlineExpression::TermReference { arguments: Some(arguments), .. } => {
            collect_from_arguments(arguments, variables);
        }
        _ => {}
    }
}

fn collect_from_arguments(arguments: &CallArguments<&str>, variables: &mut BTreeSet<String>) {
    for argument in arguments.positional.iter().chain(arguments.named.iter().map(|named| &named.value)) {
        collect_from_inline(argument, variables);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_of_one_dialect_is_reported() {
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

    fn found(en: &str, ko: &str) -> Vec<String> {
        let tree = Tree::of(&[("locales/en.ftl", en), ("locales/ko.ftl", ko)]);
        messages_of_one_language(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_message_of_one_language_is_reported() {
        assert_eq!(
            found("send = Send\nwait = Wait\n", "send = 보내기\n"),
            ["locales/ko.ftl:1: add `wait`, which locales/en.ftl has"]
        );
        assert_eq!(
            found("send = Send\n", "send = 보내기\n    .title = 질문 보내기\n-name = 대답\n").len(),
            2,
            "an attribute and a term"
        );
        assert!(found("send = Send\n", "# 단추\nsend = 보내기\n").is_empty());
    }

    #[test]
    fn a_variable_of_one_language_is_reported() {
        assert_eq!(
            found("a = A\nfiles = { $count } files in { $folder }\n", "a = 가\nfiles = 파일 { $count }개\n"),
            ["locales/ko.ftl:2: `files` lacks $folder, which locales/en.ftl has"]
        );
        let plural = "files = { $count ->\n    [one] one file\n   *[other] { NUMBER($count) } files\n}\n";
        assert!(found(plural, "files = 파일 { $count }개\n").is_empty());
        assert_eq!(found(plural, "files = 파일 여러 개\n").len(), 1);
    }

    #[test]
    fn what_is_not_a_message_is_reported() {
        assert_eq!(found("send = Send\n???\n", "send = 보내기\n").len(), 1);
        assert_eq!(found("send = Send\nsend = Send it\n", "send = 보내기\n").len(), 1);
    }

    #[test]
    fn a_missing_language_or_file_is_reported() {
        assert_eq!(found("send = Send\n", "").len(), 2);
        assert_eq!(messages_of_one_language(&Tree::of(&[])).len(), 2);
    }
}
