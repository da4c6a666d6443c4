//! The table of dependencies between our crates, from their manifests.

use std::collections::BTreeSet;

use tests::environment::workspace_root;

use crate::page::{Part, code};

/// What each crate depends on, tests and builds left out.
pub(crate) fn part() -> Part {
    let members = members();
    let mut rows = Vec::new();
    for member in &members {
        let dependencies = dependencies(member);
        let ours = members.iter().filter(|name| dependencies.contains(*name)).map(|name| code(name));
        rows.push(vec![code(member), ours.collect::<Vec<_>>().join(", ")]);
    }
    Part { name: "arrows".to_owned(), columns: vec!["Crate", "Depends on"], rows }
}

/// The crates of the workspace, in the order of its manifest.
fn members() -> Vec<String> {
    let manifest = manifest("Cargo.toml");
    let members = manifest["workspace"]["members"].as_array().expect("the workspace has members");
    members.iter().filter_map(|member| member.as_str()).map(str::to_owned).collect()
}

fn dependencies(member: &str) -> BTreeSet<String> {
    let manifest = manifest(&format!("{member}/Cargo.toml"));
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

fn manifest(path: &str) -> toml::Table {
    let text = std::fs::read_to_string(workspace_root().join(path)).expect("the manifest can be read");
    text.parse().expect("TOML")
}
