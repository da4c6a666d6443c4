//! Lists the files of a folder with their sources, and prepares each one for storing.
//!
//! All files below the root belong to it, whatever a `.gitignore` says (that is about source control, not about
//! what people may ask), except hidden ones (a name that begins with a dot) and targets of symbolic links. What was in a
//! file or folder that is a link now, or in an archive that cannot be opened, is not known to be gone.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use domain::{Absence, Listing, Sha256Digest, is_below, normalize_source};
use ignore::{DirEntry, WalkBuilder};
use jiff::Timestamp;
use parse::{
    ArchiveError, ArchiveFile, DocumentParser, FoundMember, ListedFile, MAX_DOCUMENT_BYTES, Member,
    ParseError,
};

use crate::blocking::run_blocking;
use crate::error::IngestError;
use crate::size_limit::check_size;
use crate::sources::regular_file::{Folder, RegularFile};
use crate::sources::report::FailedSource;
use crate::versions::prepare::{Prepared, Preparer};

/// What [`walk`] found.
#[derive(Debug)]
pub struct FoundFiles {
    /// Files in order of their paths.
    pub files: Vec<FoundFile>,
    /// Files that cannot be ingested.
    pub failed: Vec<FailedSource>,
    /// The source that the root itself would have.
    root: String,
    listing: Listing,
    /// Links and other things that are not read, by their sources.
    unread: Vec<String>,
}

impl FoundFiles {
    /// The source that the root itself would have.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Whether a document came from below the root.
    pub fn covers(&self, source: &str) -> bool {
        is_below(source, &self.root)
    }

    /// The finding that a document came from below the root, and its file no longer exists.
    pub fn absence(&self, source: &str) -> Option<Absence> {
        if self.covers(source) { self.listing.absence(source) } else { None }
    }

    /// What keeps documents from being read again: links and the like in place of their files, or of folders above them.
    pub fn hidden<'a>(&self, known: impl IntoIterator<Item = &'a String>) -> Vec<FailedSource> {
        let known: Vec<&String> = known.into_iter().collect();
        let hides = |unread: &&String| known.iter().any(|source| is_below(source, unread));
        let failed = |path: &String| {
            FailedSource::new(path.clone(), &IngestError::NotRegularFile { path: path.clone() })
        };
        self.unread.iter().filter(hides).map(failed).collect()
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
    File(RegularFile),
    Member(Arc<ArchiveFile>, Member),
}

impl FoundFile {
    /// Reads its bytes, if they are not more than a document may have.
    ///
    /// # Errors
    /// `Unreadable`, `TooLarge`, and `Archive` for a member that cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, IngestError> {
        let file = match &self.location {
            Location::File(file) => file,
            Location::Member(archive, member) => return Ok(archive.read(member)?),
        };
        let unreadable = |error| unreadable(&file.path(), error);
        let opened = file.open().map_err(unreadable)?;
        check_size(opened.metadata().map_err(unreadable)?.len())?;
        let mut bytes = Vec::new();
        opened.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
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
    let folder = Folder::of(root).map_err(|error| unreadable(root, error))?;
    let mut walked = Walked::new(source_of(root)?, folder);
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
                walked.fail(root.display().to_string(), &unreadable(root, io::Error::other(error)));
                walked.found.listing.leave_gap();
                continue;
            }
        };
        match entry.file_type() {
            Some(kind) if kind.is_file() => walked.take(&entry),
            Some(kind) if kind.is_dir() => {}
            _ => walked.skip(entry.path()),
        }
    }
    let mut found = walked.found;
    found.listing.finish();
    if found.files.is_empty() && found.failed.is_empty() {
        return Err(IngestError::NoFiles { root: root.to_owned() });
    }
    Ok(found)
}

/// A listing in progress.
struct Walked {
    found: FoundFiles,
    folder: Arc<Folder>,
}

impl Walked {
    fn new(root: String, folder: Arc<Folder>) -> Self {
        let (files, failed, unread) = (Vec::new(), Vec::new(), Vec::new());
        Self { found: FoundFiles { files, failed, root, listing: Listing::default(), unread }, folder }
    }

    fn take(&mut self, entry: &DirEntry) {
        let (path, modified_at) = (entry.path(), modified_at(entry));
        let source = match source_of(path) {
            Ok(source) => source,
            Err(error) => return self.fail(path.display().to_string(), &error),
        };
        let file = match self.folder.file(path) {
            Ok(file) => file,
            Err(error) => return self.fail(source, &unreadable(path, error)),
        };
        let opened = file.clone();
        match ArchiveFile::list(path.to_owned(), Box::new(move || opened.open())) {
            Ok(ListedFile::Archive(archive, members)) => {
                return self.take_members(&source, modified_at, &Arc::new(archive), members);
            }
            Ok(ListedFile::Document) => {}
            Ok(ListedFile::Unknown) => self.found.listing.leave_gap_below(&*source),
            Err(error) => {
                self.found.listing.leave_gap_below(&*source);
                return self.fail(source, &error.into());
            }
        }
        self.add(FoundFile { source, modified_at, location: Location::File(file) });
    }

    fn take_members(
        &mut self,
        archive_source: &str,
        modified_at: Option<Timestamp>,
        archive: &Arc<ArchiveFile>,
        members: Vec<FoundMember>,
    ) {
        for member in members {
            match member {
                Ok(member) => self.add(FoundFile {
                    source: format!("{archive_source}/{}", member.name),
                    modified_at,
                    location: Location::Member(archive.clone(), member),
                }),
                Err((name, error)) => {
                    let source = format!("{archive_source}/{name}");
                    // It is there, even if it cannot be read now.
                    self.found.listing.hold(&*source);
                    if matches!(error, ArchiveError::Parse(ParseError::Failed(_))) {
                        // Its name is damaged, too: it may be any of them.
                        self.found.listing.leave_gap_below(archive_source);
                    }
                    self.fail(source, &error.into());
                }
            }
        }
    }

    /// Leaves out what is neither a file nor a folder. It may stand where documents were.
    fn skip(&mut self, path: &Path) {
        if let Ok(source) = source_of(path) {
            self.found.listing.leave_gap_below(&*source);
            self.found.unread.push(source);
        }
    }

    fn add(&mut self, file: FoundFile) {
        if self.found.listing.holds(&file.source) {
            self.fail(file.source, &IngestError::DuplicateSource);
        } else {
            self.found.listing.hold(&*file.source);
            self.found.files.push(file);
        }
    }

    fn fail(&mut self, source: String, error: &IngestError) {
        self.found.failed.push(FailedSource::new(source, error));
    }
}

fn modified_at(entry: &DirEntry) -> Option<Timestamp> {
    let modified = entry.metadata().ok()?.modified().ok()?;
    Timestamp::try_from(modified).ok()
}

/// Reads a file, and prepares it unless its hash is `known_hash`.
pub(crate) async fn prepare_file(
    file: FoundFile,
    parser: &dyn DocumentParser,
    preparer: &Preparer,
    known_hash: Option<String>,
) -> Result<PreparedFile, IngestError> {
    let source = file.source.clone();
    let (bytes, hash) = run_blocking(move || {
        let bytes = file.read()?;
        let hash = Sha256Digest::of(&bytes).to_string();
        Ok((bytes, hash))
    })
    .await?;
    if known_hash.is_some_and(|known| known == hash) {
        return Ok(PreparedFile::Unchanged);
    }
    Ok(PreparedFile::Changed(Box::new(preparer.prepare(parser, bytes.into(), &source, hash).await?)))
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
        let beside = format!("{}x", alone.root);
        assert!(alone.absence(&beside).is_none() && alone.absence(&alone.root).is_none(), "not below it");
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
    #[cfg(unix)]
    #[test]
    fn what_was_in_a_folder_that_is_a_link_now_is_not_known_to_be_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.md"), "x").expect("a file");
        std::os::unix::fs::symlink("/nowhere", folder.path().join("2025")).expect("a link");
        let found = walk(folder.path()).expect("a readable folder");
        let [in_link, beside] =
            ["2025/leave.md", "2026/leave.md"].map(|name| format!("{}/{name}", found.root));
        assert!(found.absence(&in_link).is_none() && found.absence(&beside).is_some());
        let hidden = found.hidden([&in_link, &beside]);
        assert_eq!(hidden.len(), 1);
        assert_eq!(
            (&*hidden[0].source, &*hidden[0].code),
            (&*format!("{}/2025", found.root), "not_regular_file")
        );
    }

    #[test]
    fn what_was_in_an_archive_that_cannot_be_opened_is_not_known_to_be_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rules.zip");
        for damaged in [b"".as_slice(), b"PK", b"PK\x03\x04", &[0; 64]] {
            fs::write(&path, damaged).expect("a file");
            let found = walk(folder.path()).expect("a readable folder");
            let member = |name: &str| format!("{}/{name}", found.root);
            assert!(found.absence(&member("rules.zip/leave.md")).is_none(), "{damaged:?}");
            assert!(found.absence(&member("other.zip/leave.md")).is_some(), "{damaged:?}");
        }
    }
}
