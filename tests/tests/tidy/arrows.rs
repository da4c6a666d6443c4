//! Checks that dependencies between our own crates run one way.

use crate::tree::{SourceFile, Tree, Violation};

/// Each crate, and which of our crates its code may use. Tests may look at more. Nobody sees `cli`, and only `cli` sees
/// `web`.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("parse", &["domain"]),
    ("fetch", &["domain"]),
    ("db", &["domain"]),
    ("ingest", &["domain", "db", "parse", "fetch"]),
    ("retriever", &["domain", "db"]),
    ("llm", &["domain"]),
    ("models", &["domain"]),
    ("chat", &["domain", "db", "retriever", "llm"]),
    ("locales", &[]),
    (
        "service",
        &["domain", "db", "ingest", "parse", "fetch", "retriever", "llm", "chat", "models", "locales"],
    ),
    // Beside the service, the crates whose values stand in requests and answers, and whose errors have a status.
    ("web", &["domain", "service", "locales", "db", "ingest", "fetch", "parse", "retriever", "chat"]),
    // Beside the API, `parse` for the sandboxed child, and `models` and `llm` for what runs without a server.
    (
        "cli",
        &[
            "domain",
            "service",
            "web",
            "locales",
            "parse",
            "fetch",
            "ingest",
            "retriever",
            "chat",
            "models",
            "llm",
        ],
    ),
    // The harness drives the built binary; only its suites, by dev-dependencies, look inside.
    ("tests", &[]),
    ("xtask", &[]),
];

pub(crate) fn forbidden_dependencies(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (crate_name, allowed) in ARROWS.iter().copied() {
        match tree.get(&format!("{crate_name}/Cargo.toml")) {
            Some(manifest) => violations.extend(check(manifest, crate_name, allowed)),
            None => violations.push(Violation {
                path: format!("{crate_name}/Cargo.toml"),
                line: 1,
                message: "the table of arrows has this crate, the tree does not: correct the table"
                    .to_owned(),
            }),
        }
    }
    violations.extend(crates_without_arrows(tree));
    violations
}

fn check(manifest: &SourceFile, crate_name: &str, allowed: &[&str]) -> Vec<Violation> {
    let parsed: toml::Table = match manifest.text.parse() {
        Ok(parsed) => parsed,
        Err(error) => return vec![manifest.violation(1, error.to_string())],
    };
    let mut tables = vec![&parsed];
    tables.extend(
        parsed
            .get("target")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(|targets| targets.values().filter_map(toml::Value::as_table)),
    );
    let dependencies =
        tables.iter().flat_map(|table| ["dependencies", "build-dependencies"].map(|name| table.get(name)));
    dependencies
        .flatten()
        .filter_map(toml::Value::as_table)
        .flat_map(toml::Table::keys)
        .filter(|name| is_ours(name) && !allowed.contains(&name.as_str()))
        .map(|name| {
            let message = format!(
                "`{crate_name}` must not depend on `{name}`: arrows run one way (ARCHITECTURE.md, \"Arrows\")"
            );
            manifest.violation(manifest.line_of(name), message)
        })
        .collect()
}

/// A new crate enters the table before it gets dependencies.
fn crates_without_arrows(tree: &Tree) -> Vec<Violation> {
    let manifests = tree.files.iter().filter_map(|file| Some((file, file.path.strip_suffix("/Cargo.toml")?)));
    manifests
        .filter(|(_, folder)| !is_ours(folder))
        .map(|(file, folder)| {
            file.violation(1, format!("add `{folder}` to the table of arrows, with what it may use"))
        })
        .collect()
}

fn is_ours(name: &str) -> bool {
    ARROWS.iter().any(|(ours, _)| *ours == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut files: Vec<(String, &str)> =
            ARROWS.iter().map(|(name, _)| (format!("{name}/Cargo.toml"), "[dependencies]")).collect();
        files.retain(|(name, _)| name != path);
        files.push((path.to_owned(), text));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let violations = forbidden_dependencies(&Tree::of(&files));
        violations.into_iter().map(|violation| (violation.line, violation.message)).collect()
    }

    #[test]
    fn a_forbidden_dependency_is_reported() {
        let found = messages(
            "ingest/Cargo.toml",
            "[dependencies]\ndomain.workspace = true\nretriever.workspace = true",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 3);
        assert!(found[0].1.contains("`ingest` must not depend on `retriever`"));
        assert_eq!(messages("domain/Cargo.toml", "[build-dependencies]\ndb = { path = \"../db\" }").len(), 1);
        assert_eq!(
            messages("llm/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nchat.workspace = true").len(),
            1
        );
    }

    #[test]
    fn nobody_sees_cli_and_only_cli_sees_web() {
        for (name, allowed) in ARROWS {
            assert!(!allowed.contains(&"cli"), "{name}");
            assert_eq!(allowed.contains(&"web"), *name == "cli", "{name}");
        }
    }

    #[test]
    fn the_table_itself_runs_one_way() {
        for (index, (name, allowed)) in ARROWS.iter().enumerate() {
            let above: Vec<&str> = ARROWS[..index].iter().map(|(name, _)| *name).collect();
            let against: Vec<&&str> =
                allowed.iter().filter(|crate_name| !above.contains(crate_name)).collect();
            assert!(against.is_empty(), "{name} -> {against:?}");
        }
    }

    #[test]
    fn allowed_dependencies_and_those_of_tests_pass() {
        let text = "[dependencies]\ndomain.workspace = true\nserde = \"1\"\n[dev-dependencies]\nweb.workspace = true";
        assert!(messages("db/Cargo.toml", text).is_empty());
    }

    #[test]
    fn a_crate_outside_the_table_is_reported() {
        assert_eq!(messages("extras/Cargo.toml", "[package]").len(), 1);
    }
}
