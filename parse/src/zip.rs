//! Reads ZIP archives of documents: each member is a document of its own, as if the archive were a folder.
//!
//! A ZIP archive that is an office document itself is not one of these. Member names are UTF-8, or CP949 if a Korean Windows
//! wrote them. The size of an archive is checked before its directory is read, and before
//! anything is unpacked; a member that is longer than it declares is an error. Archives within an archive are not opened:
//! they are members of an unsupported type.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use domain::{SourceNameError, normalize_source};
use encoding_rs::EUC_KR;
use zip::ZipArchive;

use crate::detect::{ZIP, holds_documents};
use crate::error::ParseError;
use crate::limits::MAX_DOCUMENT_BYTES;
use crate::zip_directory;

/// Maximum number of members of an archive.
const MAX_MEMBERS: usize = 10_000;

/// Maximum size of all members together, in bytes.
const MAX_UNPACKED_BYTES: u128 = 1 << 30;

/// The folder in which macOS stores metadata.
const MACOS_FOLDER: &str = "__MACOSX";

/// Why an archive, or one of its members, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A member's name cannot be stored.
    #[error(transparent)]
    BadName(#[from] SourceNameError),
    /// A member's name leads out of the archive.
    #[error("the name of the source cannot be used: it leads out of the archive")]
    OutsideArchive,
    /// A member has more bytes than a document may have.
    #[error("the document has {bytes} bytes; the maximum is {max_bytes}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The maximum.
        max_bytes: u64,
    },
    /// The archive is too large, damaged or protected.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The archive on disk changed after its members were listed.
    #[error("cannot read `{path}`: the archive changed while it was read")]
    Changed {
        /// The archive.
        path: String,
    },
}

impl ArchiveError {
    /// A code that stays the same between releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadName(_) | Self::OutsideArchive => "bad_source",
            Self::TooLarge { .. } => "too_large",
            Self::Parse(error) => error.code(),
            Self::Changed { .. } => "unreadable",
        }
    }
}

/// An archive of documents.
pub struct Archive<R> {
    zip: ZipArchive<R>,
}

/// A document in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path in the archive, with `/`, in NFC.
    pub name: String,
    index: usize,
}

/// A member, or the name of one that cannot be a document, and why.
pub type FoundMember = Result<Member, (String, ArchiveError)>;

/// What a file is.
enum Kind<R> {
    Archive(Archive<R>),
    /// A document that is an archive itself.
    Document,
    /// Anything that does not begin as an archive.
    Other,
    /// It is too short to tell, or a damaged archive of whatever kind.
    Unknown,
}

impl<R: Read + Seek> Kind<R> {
    fn of(mut reader: R) -> Result<Self, ParseError> {
        let mut beginning = [0; ZIP.len()];
        if reader.read_exact(&mut beginning).is_err() {
            return Ok(Self::Unknown);
        }
        if beginning != *ZIP {
            return Ok(Self::Other);
        }
        zip_directory::check_size(&mut reader)?;
        let zip = match reader.rewind().map(|()| ZipArchive::new(reader)) {
            // With an offset it is the last archive within one that is cut off.
            Ok(Ok(zip)) if zip.offset() == 0 => zip,
            _ => return Ok(Self::Unknown),
        };
        if !holds_documents(&zip) {
            return Ok(Self::Document);
        }
        if zip.len() > MAX_MEMBERS {
            return Err(ParseError::TooCostly { resource: "files".into() });
        }
        if zip.decompressed_size().is_none_or(|bytes| bytes > MAX_UNPACKED_BYTES) {
            return Err(ParseError::TooCostly { resource: "space".into() });
        }
        Ok(Self::Archive(Archive { zip }))
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Opens `reader` as an archive of documents; `None` for any other file.
    ///
    /// # Errors
    /// `TooCostly` for an archive with more than 10,000 members or more than 1 GiB of them.
    pub fn open(reader: R) -> Result<Option<Self>, ParseError> {
        match Kind::of(reader)? {
            Kind::Archive(archive) => Ok(Some(archive)),
            // A damaged archive gets its error when it is parsed as a document.
            Kind::Document | Kind::Other | Kind::Unknown => Ok(None),
        }
    }

    /// Lists its documents by name, without folders, links and hidden files.
    pub fn members(&mut self) -> Vec<FoundMember> {
        let mut members: Vec<_> = (0..self.zip.len()).filter_map(|index| self.member(index)).collect();
        let name = |member: &FoundMember| match member {
            Ok(member) => member.name.clone(),
            Err((name, _)) => name.clone(),
        };
        members.sort_by_cached_key(name);
        members
    }

    /// `None` for a member that is not listed.
    fn member(&mut self, index: usize) -> Option<FoundMember> {
        let file = match self.zip.by_index_raw(index) {
            Ok(file) => file,
            Err(error) => return Some(Err((index.to_string(), damaged(&error)))),
        };
        if file.is_dir() || file.is_symlink() {
            return None;
        }
        let written = decode_name(file.name_raw());
        let parts: Vec<&str> = written.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.iter().any(|part| *part == MACOS_FOLDER || (part.starts_with('.') && *part != "..")) {
            return None;
        }
        if parts.contains(&"..") {
            return Some(Err((written, ArchiveError::OutsideArchive)));
        }
        let name = match normalize_source(&parts.join("/")) {
            Ok(name) => name,
            Err(error) => return Some(Err((written, error.into()))),
        };
        if file.encrypted() {
            return Some(Err((name, ParseError::Protected.into())));
        }
        if file.size() > MAX_DOCUMENT_BYTES {
            let error = ArchiveError::TooLarge { bytes: file.size(), max_bytes: MAX_DOCUMENT_BYTES };
            return Some(Err((name, error)));
        }
        Some(Ok(Member { name, index }))
    }

    /// Unpacks a member.
    ///
    /// # Errors
    /// `Parse` for a damaged member, or one that is longer than it declares.
    pub fn read(&mut self, member: &Member) -> Result<Vec<u8>, ArchiveError> {
        let file = self.zip.by_index(member.index).map_err(|error| damaged(&error))?;
        let declared = file.size().min(MAX_DOCUMENT_BYTES);
        let mut bytes = Vec::new();
        file.take(declared + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 > declared {
            return Err(ParseError::Failed("it is longer than its archive declares".to_owned()).into());
        }
        Ok(bytes)
    }
}

/// Opens the file of an archive.
pub type OpenFile = Box<dyn Fn() -> io::Result<File> + Send + Sync>;

/// An archive on disk whose members are read one by one. The first read opens it; it stays open until it is dropped.
pub struct ArchiveFile {
    path: PathBuf,
    open: OpenFile,
    archive: Mutex<Option<Archive<BufReader<File>>>>,
}

impl std::fmt::Debug for ArchiveFile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("ArchiveFile").field(&self.path).finish()
    }
}

/// What a file on disk is, and what it holds.
#[derive(Debug)]
pub enum ListedFile {
    /// An archive of documents and its members.
    Archive(ArchiveFile, Vec<FoundMember>),
    /// A document.
    Document,
    /// Perhaps an archive: it cannot be opened, or it is empty, cut off or damaged.
    Unknown,
}

impl ArchiveFile {
    /// Lists the members of the file at `path` if it is an archive of documents. `open` opens it, now and later.
    ///
    /// # Errors
    /// Those of [`Archive::open`], and `Parse` for a file that is called an archive and is none, or not a whole one.
    pub fn list(path: PathBuf, open: OpenFile) -> Result<ListedFile, ArchiveError> {
        // A file that cannot be opened gets its error when it is read as a document.
        let Ok(file) = open() else { return Ok(ListedFile::Unknown) };
        let is_called_archive =
            path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        match Kind::of(BufReader::new(file))? {
            Kind::Archive(mut archive) => {
                let members = archive.members();
                Ok(ListedFile::Archive(Self { path, open, archive: Mutex::new(None) }, members))
            }
            Kind::Document => Ok(ListedFile::Document),
            // It is being copied, perhaps. Some programs write zeros first.
            Kind::Other | Kind::Unknown if is_called_archive => {
                Err(ParseError::Failed("it is not a whole ZIP archive".to_owned()).into())
            }
            Kind::Other => Ok(ListedFile::Document),
            Kind::Unknown => Ok(ListedFile::Unknown),
        }
    }

    /// Unpacks a member.
    ///
    /// # Errors
    /// Those of [`Archive::read`], and `Changed`.
    pub fn read(&self, member: &Member) -> Result<Vec<u8>, ArchiveError> {
        let mut opened = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let archive = match &mut *opened {
            Some(archive) => archive,
            none => none.insert(self.reopen()?),
        };
        match archive.member(member.index) {
            Some(Ok(found)) if found == *member => archive.read(member),
            _ => Err(self.changed()),
        }
    }

    fn reopen(&self) -> Result<Archive<BufReader<File>>, ArchiveError> {
        let file = (self.open)().map_err(|_| self.changed())?;
        Archive::open(BufReader::new(file))?.ok_or_else(|| self.changed())
    }

    fn changed(&self) -> ArchiveError {
        ArchiveError::Changed { path: self.path.display().to_string() }
    }
}

/// Decodes a member's name, which Windows writes in the encoding of its language.
fn decode_name(written: &[u8]) -> String {
    match std::str::from_utf8(written) {
        Ok(name) => name.to_owned(),
        Err(_) => EUC_KR.decode(written).0.into_owned(),
    }
}

fn damaged(error: &(dyn std::error::Error + 'static)) -> ArchiveError {
    ParseError::failed(error).into()
}
