//! The tables of the page on the settings: one for each section of the default configuration.

use std::collections::BTreeSet;

use tests::environment::workspace_root;

use crate::Language;
use crate::page::{Part, cell, code};

/// The name of the table of settings without a section.
const GENERAL: &str = "general";

struct Setting {
    section: String,
    name: String,
    default: String,
    explanation: String,
}

/// One table for each section. The explanations are the comments; on the Korean page they are written by hand.
pub(crate) fn parts(language: Language) -> Vec<Part> {
    let file = workspace_root().join("service/src/config/default.toml");
    let text = std::fs::read_to_string(file).expect("the default configuration can be read");
    let settings = settings(&text);
    check_complete(&text, &settings);
    let mut parts: Vec<Part> = Vec::new();
    for Setting { section, name, default, explanation } in settings {
        let is_new = parts.last().is_none_or(|part| part.name != section);
        if is_new {
            let columns = language.of(["Setting", "Default", "Description"], ["설정", "기본값", "설명"]);
            parts.push(Part { name: section, columns: columns.into(), rows: Vec::new() });
        }
        let mut row = vec![code(&name), code(&default)];
        if language == Language::English {
            assert!(!explanation.is_empty(), "default.toml does not explain `{name}`");
            row.push(cell(&explanation));
        }
        parts.last_mut().expect("one was pushed").rows.push(row);
    }
    parts
}

/// Reads the file line by line: a setting is explained by the comment right above it.
fn settings(text: &str) -> Vec<Setting> {
    let mut section = GENERAL.to_owned();
    let mut comment: Vec<&str> = Vec::new();
    let mut settings = Vec::new();
    for line in text.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push(text);
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, default)) = line.split_once(" = ") {
            let name = if section == GENERAL { key.to_owned() } else { format!("{section}.{key}") };
            let explanation = comment.join(" ");
            settings.push(Setting {
                section: section.clone(),
                name,
                default: default.to_owned(),
                explanation,
            });
        }
        comment.clear();
    }
    settings
}

/// Fails if reading line by line found other settings than TOML has.
fn check_complete(text: &str, settings: &[Setting]) {
    let parsed: toml::Table = text.parse().expect("TOML");
    let mut names = BTreeSet::new();
    for (key, value) in &parsed {
        match value.as_table() {
            Some(section) => names.extend(section.keys().map(|name| format!("{key}.{name}"))),
            None => drop(names.insert(key.clone())),
        }
    }
    assert_eq!(settings.iter().map(|setting| setting.name.clone()).collect::<BTreeSet<_>>(), names);
}
