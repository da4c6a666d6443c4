//! Reading a folder: which files there are, under which names, and each one prepared.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, WalkBuilder};
use jiff::Timestamp;

use crate::IngestError;
use crate::apart::DocumentParser;
use crate::archive::{ArchiveFile, Member};
use crate::pipeline::check_size;
use crate::prepare::{Prepared, Preparer, checked_source, content_hash};
use crate::sync::FailedSource;

/// What a walk found.
#[derive(Debug)]
pub struct FoundFiles {
    /// Files in order of their paths.
    pub files: Vec<FoundFile>,
    /// What could not be taken.
    pub failed: Vec<FailedSource>,
    /// Whether nothing else can be there: no part of the folder was unreadable.
    pub complete: bool,
    /// What the root's own document is called.
    root: String,
    /// Archives that could not be opened. What was taken out of them is not known to be gone.
    unopened: Vec<String>,
}

impl FoundFiles {
    /// A test of sources: whether the document came from below the root, and its file is not there any more.
    pub fn absence(&self) -> impl Fn(&str) -> bool + '_ {
        let present: HashSet<&str> = self.files.iter().map(|file| file.source.as_str()).collect();
        move |source| {
            self.complete
                && is_below(source, &self.root)
                && !present.contains(source)
                && !self.unopened.iter().any(|archive| is_below(source, archive))
        }
    }
}

/// A file to read.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// What its document is called: the absolute path with `/`, in NFC; in an archive, followed by the path in it.
    pub source: String,
    /// When it was last changed, where the file system says.
    pub modified_at: Option<Timestamp>,
    place: Place,
}

/// Where a document's bytes are.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Member(Arc<ArchiveFile>, Member),
}

impl FoundFile {
    /// Its bytes, as long as a document may be.
    ///
    /// # Errors
    /// `Unreadable`, `TooLarge`, and for a damaged member of an archive `Parse`.
    pub fn read(&self) -> Result<Vec<u8>, IngestError> {
        let path = match &self.place {
            Place::File(path) => path,
            Place::Member(archive, member) => return archive.read(member),
        };
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        check_size(metadata.len())?;
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        // It may have grown in between.
        check_size(bytes.len() as u64)?;
        Ok(bytes)
    }
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
pub fn walk(root: &Path) -> Result<FoundFiles, IngestError> {
    let root = &root.canonicalize().map_err(|error| unreadable(root, &error))?;
    let mut walking = Walking::new(source_of(root)?);
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
                walking.fail(root.display().to_string(), &error);
                walking.found.complete = false;
                continue;
            }
        };
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            walking.take(&entry);
        }
    }
    let found = walking.found;
    if found.files.is_empty() && found.failed.is_empty() {
        return Err(IngestError::NoFiles { root: root.to_owned() });
    }
    Ok(found)
}

/// A walk on its way.
struct Walking {
    found: FoundFiles,
    names: HashSet<String>,
}

impl Walking {
    fn new(root: String) -> Self {
        let (files, failed, unopened) = (Vec::new(), Vec::new(), Vec::new());
        Self { found: FoundFiles { files, failed, complete: true, root, unopened }, names: HashSet::new() }
    }

    fn take(&mut self, entry: &DirEntry) {
        let (path, modified_at) = (entry.path(), modified_at(entry));
        let source = match source_of(path) {
            Ok(source) => source,
            Err(error) => return self.fail(path.display().to_string(), &error),
        };
        match ArchiveFile::list(path) {
            Ok(None) => self.add(FoundFile { source, modified_at, place: Place::File(path.to_owned()) }),
            Ok(Some((archive, members))) => {
                let archive = Arc::new(archive);
                for member in members {
                    match member {
                        Ok(member) => self.add(FoundFile {
                            source: format!("{source}/{}", member.name),
                            modified_at,
                            place: Place::Member(archive.clone(), member),
                        }),
                        Err((name, error)) => self.fail(format!("{source}/{name}"), &error),
                    }
                }
            }
            Err(error) => {
                self.fail(source.clone(), &error);
                self.found.unopened.push(source);
            }
        }
    }

    fn add(&mut self, file: FoundFile) {
        if self.names.insert(file.source.clone()) {
            self.found.files.push(file);
        } else {
            self.fail(file.source, &IngestError::DuplicateSource);
        }
    }

    fn fail(&mut self, source: String, error: &IngestError) {
        self.found.failed.push(FailedSource::new(source, error));
    }
}

/// Whether a source is `root`, or lies in that folder or archive.
fn is_below(source: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    source.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn modified_at(entry: &DirEntry) -> Option<Timestamp> {
    let modified = entry.metadata().ok()?.modified().ok()?;
    Timestamp::try_from(modified).ok()
}

/// Reads a file, and prepares it unless its hash is `known_hash`.
pub(crate) fn read(
    file: &FoundFile,
    parser: &dyn DocumentParser,
    preparer: &Preparer,
    known_hash: Option<&str>,
) -> Result<Read, IngestError> {
    let bytes = file.read()?;
    let hash = content_hash(&bytes);
    if known_hash == Some(hash.as_str()) {
        return Ok(Read::Unchanged);
    }
    Ok(Read::Prepared(Box::new(preparer.read(parser, bytes.into(), &file.source, hash)?)))
}

/// The absolute path with `/`, in NFC. Not a path relative to the root: two folders of the same shape would take each
/// other's documents.
fn source_of(path: &Path) -> Result<String, IngestError> {
    let path = path.to_str().ok_or(IngestError::BadSource("it is not valid Unicode"))?;
    checked_source(&path.replace(std::path::MAIN_SEPARATOR, "/"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> IngestError {
    IngestError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Sources below `root`, without what all of them begin with.
    fn sources(root: &Path) -> Vec<String> {
        let found = walk(root).expect("a readable folder");
        let prefix = format!("{}/", found.root);
        let below = |file: FoundFile| file.source.strip_prefix(&prefix).expect("it is below").to_owned();
        found.files.into_iter().map(below).collect()
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
    fn a_file_has_the_same_name_alone_and_in_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.md");
        fs::write(&file, "x").expect("a file");
        let alone = walk(&file).expect("a readable file");
        assert_eq!(alone.files[0].source, walk(folder.path()).expect("a readable folder").files[0].source);
        let gone = alone.absence();
        let beside = format!("{}x", alone.root);
        assert!(!gone(&beside) && !gone(&alone.root), "other files are not below it");
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
