//! Reading a folder: which files there are, under which names, and each one prepared.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::IngestError;
use crate::pipeline::check_size;
use crate::prepare::{Prepared, Preparer, checked_source, content_hash};
use crate::sync::FailedSource;

/// What a walk found.
pub(crate) struct Found {
    /// Files in order of their paths.
    pub(crate) files: Vec<File>,
    /// What could not be taken.
    pub(crate) failed: Vec<FailedSource>,
    /// Whether nothing else can be there: no part of the folder was unreadable.
    pub(crate) complete: bool,
}

/// A file to read.
#[derive(Debug)]
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What its document is called.
    pub(crate) source: String,
}

/// What became of a file before storing.
pub(crate) enum Read {
    /// It has the hash that is known already.
    Unchanged,
    /// It is ready for storing.
    Prepared(Box<Prepared>),
}

/// Finds the files below `root`; a root that is a file is found itself.
///
/// # Errors
/// `Unreadable` when the root cannot be read, `NoFiles` when there is nothing in it.
pub(crate) fn walk(root: &Path) -> Result<Found, IngestError> {
    let metadata = std::fs::metadata(root).map_err(|error| unreadable(root, &error))?;
    let folder = if metadata.is_file() { root.parent().unwrap_or(root) } else { root };
    let mut found = Found { files: Vec::new(), failed: Vec::new(), complete: true };
    let mut names = HashSet::new();
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .hidden(true)
        .follow_links(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .build();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let error =
                    IngestError::Unreadable { path: root.display().to_string(), reason: error.to_string() };
                found.failed.push(FailedSource::new(root.display().to_string(), &error));
                found.complete = false;
                continue;
            }
        };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        // A root that is a link to a file was named by a person, who means the file.
        if !is_file && !(entry.depth() == 0 && metadata.is_file()) {
            continue;
        }
        let path = entry.into_path();
        match source_of(folder, &path) {
            Ok(source) if names.insert(source.clone()) => found.files.push(File { path, source }),
            Ok(source) => found.failed.push(FailedSource::new(source, &IngestError::DuplicateSource)),
            Err(error) => found.failed.push(FailedSource::new(path.display().to_string(), &error)),
        }
    }
    if found.files.is_empty() && found.failed.is_empty() {
        return Err(IngestError::NoFiles { root: root.to_owned() });
    }
    Ok(found)
}

/// Reads a file, and prepares it unless its hash is `known_hash`.
pub(crate) fn read(file: &File, preparer: &Preparer, known_hash: Option<&str>) -> Result<Read, IngestError> {
    let metadata = std::fs::metadata(&file.path).map_err(|error| unreadable(&file.path, &error))?;
    check_size(metadata.len())?;
    let bytes = std::fs::read(&file.path).map_err(|error| unreadable(&file.path, &error))?;
    // It may have grown in between.
    check_size(bytes.len() as u64)?;
    let hash = content_hash(&bytes);
    if known_hash == Some(hash.as_str()) {
        return Ok(Read::Unchanged);
    }
    Ok(Read::Prepared(Box::new(preparer.prepare(&bytes, &file.source, hash)?)))
}

/// The path relative to the folder, with `/`, in NFC.
fn source_of(folder: &Path, path: &Path) -> Result<String, IngestError> {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let mut parts = Vec::new();
    for part in relative.components() {
        let part = part.as_os_str().to_str().ok_or(IngestError::BadSource("it is not valid Unicode"))?;
        parts.push(part);
    }
    checked_source(&parts.join("/"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> IngestError {
    IngestError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sources(root: &Path) -> Vec<String> {
        walk(root).expect("a readable folder").files.into_iter().map(|file| file.source).collect()
    }

    #[test]
    fn hidden_files_and_links_are_left_out_and_ignored_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("규정/.git")).expect("folders");
        for name in ["a.md", ".hidden.md", "규정/b.md", "규정/.git/config", "secret.log"] {
            fs::write(root.join(name), "x").expect("a file");
        }
        fs::write(root.join(".gitignore"), "*.log\n").expect("a file");
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("a.md"), root.join("link.md")).expect("a link");
        assert_eq!(sources(root), ["a.md", "secret.log", "규정/b.md"]);
    }

    #[test]
    fn a_single_file_is_called_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.md"), "x").expect("a file");
        assert_eq!(sources(&folder.path().join("a.md")), ["a.md"]);
    }

    #[test]
    fn decomposed_names_are_composed_and_twins_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("\u{1112}\u{1161}\u{11ab}.md"), "x").expect("a file");
        assert_eq!(sources(folder.path()), ["한.md"]);
        fs::write(folder.path().join("한.md"), "x").expect("a file");
        let found = walk(folder.path()).expect("a readable folder");
        assert_eq!(found.files.len(), 1);
        assert_eq!(found.failed[0].code, "duplicate_source");
    }

    #[test]
    fn nothing_there_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(walk(folder.path()).err().map(|error| error.code()), Some("no_files"));
        let missing = folder.path().join("missing");
        assert_eq!(walk(&missing).err().map(|error| error.code()), Some("unreadable"));
    }
}
