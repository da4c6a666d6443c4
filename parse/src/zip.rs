//! ZIP archives of documents: each member is a document of its own, as if the archive were a folder.
//!
//! Office documents are ZIP archives, too, and are not meant. Names are what the archive's maker wrote: UTF-8, or CP949 where a
//! Korean Windows did. What an archive may cost is bounded before a byte of it is unpacked, and a member that holds more than it
//! said is an error; an archive within an archive is refused as any other file that cannot be read.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use encoding_rs::EUC_KR;
use zip::ZipArchive;

use crate::IngestError;
use crate::parse::ParseError;
use crate::pipeline::{MAX_DOCUMENT_BYTES, check_size};
use crate::prepare::checked_source;
use crate::sniff::{ZIP, holds_documents};

/// Most members of an archive.
const MAX_MEMBERS: usize = 10_000;

/// Most bytes of all of its members together.
const MAX_UNPACKED_BYTES: u128 = 1 << 30;

/// The folder in which macOS keeps what is no document.
const MACOS_FOLDER: &str = "__MACOSX";

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

/// A member, or the name of one that cannot be read and why.
pub type FoundMember = Result<Member, (String, IngestError)>;

impl<R: Read + Seek> Archive<R> {
    /// Opens what `reader` gives if it is an archive of documents; `None` for every other kind of file.
    ///
    /// # Errors
    /// `TooCostly` for more than 10,000 members or a gibibyte of them.
    pub fn open(mut reader: R) -> Result<Option<Self>, ParseError> {
        let mut beginning = [0; ZIP.len()];
        if reader.read_exact(&mut beginning).is_err() || beginning != *ZIP || reader.rewind().is_err() {
            return Ok(None);
        }
        // A damaged one is refused by who parses it.
        let Ok(zip) = ZipArchive::new(reader) else { return Ok(None) };
        if !holds_documents(&zip) {
            return Ok(None);
        }
        if zip.len() > MAX_MEMBERS {
            return Err(ParseError::TooCostly { resource: "files".into() });
        }
        if zip.decompressed_size().is_none_or(|bytes| bytes > MAX_UNPACKED_BYTES) {
            return Err(ParseError::TooCostly { resource: "space".into() });
        }
        Ok(Some(Self { zip }))
    }

    /// Its documents in order of their names: no folders, links, or hidden files.
    pub fn members(&mut self) -> Vec<FoundMember> {
        let mut members: Vec<_> = (0..self.zip.len()).filter_map(|index| self.member(index)).collect();
        let name = |member: &FoundMember| match member {
            Ok(member) => member.name.clone(),
            Err((name, _)) => name.clone(),
        };
        members.sort_by_cached_key(name);
        members
    }

    fn member(&mut self, index: usize) -> Option<FoundMember> {
        let file = match self.zip.by_index_raw(index) {
            Ok(file) => file,
            Err(error) => return Some(Err((index.to_string(), damaged(&error)))),
        };
        if file.is_dir() || file.is_symlink() {
            return None;
        }
        let written = name(file.name_raw());
        let parts: Vec<&str> = written.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.iter().any(|part| *part == MACOS_FOLDER || (part.starts_with('.') && *part != "..")) {
            return None;
        }
        if parts.contains(&"..") {
            return Some(Err((written, IngestError::BadSource("it leads out of the archive"))));
        }
        if file.encrypted() {
            return Some(Err((written, ParseError::Protected.into())));
        }
        if let Err(error) = check_size(file.size()) {
            return Some(Err((written, error)));
        }
        Some(match checked_source(&parts.join("/")) {
            Ok(name) => Ok(Member { name, index }),
            Err(error) => Err((written, error)),
        })
    }

    /// The bytes of a member.
    ///
    /// # Errors
    /// `Parse` for a damaged member, or one that is longer than it says.
    pub fn read(&mut self, member: &Member) -> Result<Vec<u8>, IngestError> {
        let file = self.zip.by_index(member.index).map_err(|error| damaged(&error))?;
        let said = file.size().min(MAX_DOCUMENT_BYTES);
        let mut bytes = Vec::new();
        file.take(said + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 > said {
            return Err(ParseError::Failed("it is longer than its archive says".to_owned()).into());
        }
        Ok(bytes)
    }
}

/// An archive on disk whose members are read one by one. It is opened by the first and closed with the last.
pub(crate) struct ArchiveFile {
    path: PathBuf,
    archive: Mutex<Option<Archive<BufReader<File>>>>,
}

impl std::fmt::Debug for ArchiveFile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("ArchiveFile").field(&self.path).finish()
    }
}

/// An archive on disk, with what is in it.
type ListedArchive = (ArchiveFile, Vec<FoundMember>);

impl ArchiveFile {
    /// The archive at `path` with its members; `None` where there is none that can be read.
    ///
    /// # Errors
    /// Those of [`Archive::open`].
    pub(crate) fn list(path: &Path) -> Result<Option<ListedArchive>, IngestError> {
        let Some(mut archive) = open(path)? else { return Ok(None) };
        let members = archive.members();
        Ok(Some((Self { path: path.to_owned(), archive: Mutex::new(None) }, members)))
    }

    /// The bytes of a member.
    ///
    /// # Errors
    /// Those of [`Archive::read`], and `Unreadable` when the archive is not what it was.
    pub(crate) fn read(&self, member: &Member) -> Result<Vec<u8>, IngestError> {
        let mut opened = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let archive = match &mut *opened {
            Some(archive) => archive,
            none => none.insert(open(&self.path)?.ok_or_else(|| self.changed())?),
        };
        match archive.member(member.index) {
            Some(Ok(found)) if found == *member => archive.read(member),
            _ => Err(self.changed()),
        }
    }

    fn changed(&self) -> IngestError {
        let reason = "the archive changed while it was read".to_owned();
        IngestError::Unreadable { path: self.path.display().to_string(), reason }
    }
}

/// A file that cannot be opened is no archive; who reads it as a document says why.
fn open(path: &Path) -> Result<Option<Archive<BufReader<File>>>, IngestError> {
    let Ok(file) = File::open(path) else { return Ok(None) };
    Ok(Archive::open(BufReader::new(file))?)
}

/// A member's name, which Windows writes in the encoding of its language.
fn name(written: &[u8]) -> String {
    match std::str::from_utf8(written) {
        Ok(name) => name.to_owned(),
        Err(_) => EUC_KR.decode(written).0.into_owned(),
    }
}

fn damaged(error: &(dyn std::error::Error + 'static)) -> IngestError {
    ParseError::failed(error).into()
}
