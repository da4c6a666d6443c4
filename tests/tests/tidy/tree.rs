//! Reads the files of the checkout that the rules apply to.

use std::fmt;
use std::path::Path;

use ignore::WalkBuilder;

const KINDS: [&str; 10] = ["rs", "toml", "sql", "js", "css", "html", "md", "sh", "yml", "ftl"];

/// A file that the rules apply to.
pub(crate) struct SourceFile {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// True for Rust files of a crate's own program or library.
    pub(crate) fn is_in_src(&self) -> bool {
        self.is_rust() && self.path.split('/').nth(1) == Some("src")
    }

    /// True for files that are compiled into test programs only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("tests.rs")
    }

    pub(crate) fn violation(&self, line: usize, message: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, message: message.into() }
    }

    /// The first line (from 1) that contains `needle`, or 1.
    pub(crate) fn line_of(&self, needle: &str) -> usize {
        self.text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
    }
}

/// Where a rule is broken, and how to fix it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Files in the order of their paths.
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

impl Tree {
    /// Reads every file that git tracks or would track.
    pub(crate) fn of_the_workspace() -> Self {
        let root = tests::environment::workspace_root();
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .sort_by_file_path(Path::cmp)
            .build();
        let mut files = Vec::new();
        for entry in walk {
            let entry = entry.expect("the checkout can be read");
            let path = entry.path();
            let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            if path.is_file() && (KINDS.contains(&kind) || path.ends_with(".ci/run")) {
                let text = std::fs::read_to_string(path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let path = path.strip_prefix(root).expect("the walk stays below its root");
                files.push(SourceFile { path: path.to_string_lossy().replace('\\', "/"), text });
            }
        }
        assert!(
            files.iter().any(|file| file.path == "domain/src/lib.rs"),
            "no checkout at {}",
            root.display()
        );
        Self { files }
    }

    /// A tree of these paths and texts, to test a rule on.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        Self { files }
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(crate) fn get(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }
}
