//! Lists the files of a folder with their sources, and prepares each one for storing.
//!
//! All files below the root belong to it, whatever a `.gitignore` says (that is about source control, not about
//! what people may ask), except hidden ones (a name that begins with a dot) and targets of symbolic links.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{Sha256Digest, normalize_source};
use ignore::{DirEntry, WalkBuilder};
use jiff::Timestamp;
use parse::{ArchiveFile, DocumentParser, Member};

use crate::error::IngestError;
use crate::size_limit::check_size;
use crate::sources::report::FailedSource;
use crate::versions::prepare::{Prepared, Preparer};

/// What [`walk`] found.
#[derive(Debug)]
pub struct FoundFiles {
    /// Files in order of their paths.
    pub files: Vec<FoundFile>,
    /// Files that cannot be ingested.
    pub failed: Vec<FailedSource>,
    /// Whether the listing is complete: no part of the folder was unreadable.
    pub complete: bool,
    /// The source that the root itself would have.
    root: String,
    /// Archives that could not be opened. Their members are not known to be gone.
    unopened: Vec<String>,
}

impl FoundFiles {
    /// A predicate on sources: whether the document came from below the root, and its file no longer exists.
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

/// A file to ingest.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// The source of its document: the absolute path with `/`, in NFC; in an archive, followed by the path in it.
    pub source: String,
    /// When it was last changed, if the file system tells.
    pub modified_at: Option<Timestamp>,
    location: Location,
}

/// Where a document's bytes are.
#[derive(Debug, Clone)]
enum Location {
    File(PathBuf),
    Member(Arc<ArchiveFile>, Member),
}

impl FoundFile {
    /// Reads its bytes, if they are not more than a document may have.
    ///
    /// # Errors
    /// `Unreadable`, `TooLarge`, and `Archive` for a member that cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, IngestError> {
        let path = match &self.location {
            Location::File(path) => path,
            Location::Member(archive, member) => return Ok(archive.read(member)?),
        };
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
        check_size(metadata.len())?;
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
        // It may have grown since.
        check_size(bytes.len() as u64)?;
        Ok(bytes)
    }
}

/// A file that was read.
pub(crate) enum PreparedFile {
    /// It has the hash that is stored already.
    Unchanged,
    /// It is ready to be stored.
    Changed(Box<Prepared>),
}

/// Lists the files below `root`; a root that is a file is listed itself.
///
/// # Errors
/// `Unreadable` when the root cannot be read, `NoFiles` when there is nothing in it.
pub fn walk(root: &Path) -> Result<FoundFiles, IngestError> {
    let root = &root.canonicalize().map_err(|error| unreadable(root, error))?;
    let mut listing = Listing::new(source_of(root)?);
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
                listing.fail(root.display().to_string(), &unreadable(root, io::Error::other(error)));
                listing.found.complete = false;
                continue;
            }
        };
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            listing.take(&entry);
        }
    }
    let found = listing.found;
    if found.files.is_empty() && found.failed.is_empty() {
        return Err(IngestError::NoFiles { root: root.to_owned() });
    }
    Ok(found)
}

/// A listing in progress.
struct Listing {
    found: FoundFiles,
    sources: HashSet<String>,
}

impl Listing {
    fn new(root: String) -> Self {
        let (files, failed, unopened) = (Vec::new(), Vec::new(), Vec::new());
        Self { found: FoundFiles { files, failed, complete: true, root, unopened }, sources: HashSet::new() }
    }

    fn take(&mut self, entry: &DirEntry) {
        let (path, modified_at) = (entry.path(), modified_at(entry));
        let source = match source_of(path) {
            Ok(source) => source,
            Err(error) => return self.fail(path.display().to_string(), &error),
        };
        match ArchiveFile::list(path) {
            Ok(None) => {
                self.add(FoundFile { source, modified_at, location: Location::File(path.to_owned()) });
            }
            Ok(Some((archive, members))) => {
                let archive = Arc::new(archive);
                for member in members {
                    match member {
                        Ok(member) => self.add(FoundFile {
                            source: format!("{source}/{}", member.name),
                            modified_at,
                            location: Location::Member(archive.clone(), member),
                        }),
                        Err((name, error)) => self.fail(format!("{source}/{name}"), &error.into()),
                    }
                }
            }
            Err(error) => {
                self.fail(source.clone(), &error.into());
                self.found.unopened.push(source);
            }
        }
    }

    fn add(&mut self, file: FoundFile) {
        if self.sources.insert(file.source.clone()) {
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
pub(crate) fn prepare_file(
    file: &FoundFile,
    parser: &dyn DocumentParser,
    preparer: &Preparer,
    known_hash: Option<&str>,
) -> Result<PreparedFile, IngestError> {
    let bytes = file.read()?;
    let hash = Sha256Digest::of(&bytes).to_string();
    if known_hash == Some(hash.as_str()) {
        return Ok(PreparedFile::Unchanged);
    }
    Ok(PreparedFile::Changed(Box::new(preparer.prepare(parser, bytes.into(), &file.source, hash)?)))
}

/// The absolute path with `/`, in NFC. With a path relative to the root, two folders with the same file names would overwrite
/// each other's documents.
fn source_of(path: &Path) -> Result<String, IngestError> {
    let path = path.to_str().ok_or(IngestError::SourceNotUnicode)?;
    Ok(normalize_source(&path.replace(std::path::MAIN_SEPARATOR, "/"))?)
}

fn unreadable(path: &Path, source: io::Error) -> IngestError {
    IngestError::Unreadable { path: path.display().to_string(), source }
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
    fn decomposed_names_are_composed_and_duplicates_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("\u{1112}\u{1161}\u{11ab}.md"), "x").expect("a file");
        assert_eq!(sources(folder.path()), ["한.md"]);
        fs::write(folder.path().join("한.md"), "x").expect("a file");
        let found = walk(folder.path()).expect("a readable folder");
        assert_eq!(found.files.len(), 1);
        assert_eq!(found.failed[0].code, "duplicate_source");
    }

    #[test]
    fn an_empty_or_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(walk(folder.path()).err().map(|error| error.code()), Some("no_files"));
        let missing = folder.path().join("missing");
        assert_eq!(walk(&missing).err().map(|error| error.code()), Some("unreadable"));
    }
}
