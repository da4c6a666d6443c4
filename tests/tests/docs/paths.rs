//! Finds links and paths in the pages that lead nowhere.

use std::path::Path;

use tests::environment::workspace_root;

const PAGES: [&str; 13] = [
    "README.md",
    "README.ko.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "BENCHMARKS.md",
    "docs/api.md",
    "docs/api.ko.md",
    "docs/backup.md",
    "docs/backup.ko.md",
    "docs/formats.md",
    "docs/formats.ko.md",
    "docs/settings.md",
    "docs/settings.ko.md",
];

/// `page: path` for each link of a page, and each path in backticks, whose file does not exist.
pub(crate) fn dead() -> Vec<String> {
    let root = workspace_root();
    let mut dead = Vec::new();
    for page in PAGES {
        let text = std::fs::read_to_string(root.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        let folder = root.join(page).parent().expect("a page is in a folder").to_owned();
        let links = links(&text).filter(|link| !folder.join(link).exists());
        let paths = paths(&text).filter(|path| !root.join(path).exists() && is_ours(root, path));
        dead.extend(links.chain(paths).map(|path| format!("{page}: {path}")));
    }
    dead
}

/// Targets of links within the repository, without their anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).map(|target| {
        let (file, _) = target.split_once('#').unwrap_or((target, ""));
        file
    })
}

/// Texts in backticks that are paths. Those with a word in capitals are examples: `parse/src/formats/NAME.rs`.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    lines.filter(|code| {
        let is_path = code.contains('/')
            && code.chars().all(|letter| letter.is_alphanumeric() || "/._-".contains(letter));
        is_path && !code.contains(char::is_uppercase)
    })
}

/// Whether a path begins with a folder of the repository. `target` has what was built here.
fn is_ours(root: &Path, path: &str) -> bool {
    let folder = path.split_once('/').map_or("", |(folder, _)| folder);
    !["", "target"].contains(&folder) && root.join(folder).is_dir()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn links_and_paths_are_found() {
        let text = "See [a](docs/a.md#part), [b](https://example.com) and `web/src/api/`,\nnot `A | B` or `parse/NAME.rs`.";
        assert_eq!(links(text).collect::<Vec<_>>(), ["docs/a.md"]);
        assert_eq!(paths(text).collect::<Vec<_>>(), ["web/src/api/"]);
    }
}
