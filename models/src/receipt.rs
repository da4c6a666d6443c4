//! Records installed files, so that the next start needs neither network nor a gigabyte of hashing.
//!
//! A file is trusted while its size and modification time match the receipt. That detects truncated and replaced files,
//! not flipped bits: `verify` hashes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use domain::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::entry::FileEntry;

const NAME: &str = "receipt.json";

/// What is installed in one model's folder.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// By file name.
    pub(crate) files: BTreeMap<String, InstalledFile>,
}

/// One installed file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct InstalledFile {
    /// The hash of its content.
    pub(crate) sha256: Sha256Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Modification time in milliseconds since 1970; 0 where the file system does not record it.
    pub(crate) modified_ms: u64,
}

impl InstalledFile {
    /// Describes the file at `path`, whose hash was just computed.
    pub(crate) fn describe(path: &Path, sha256: Sha256Digest) -> io::Result<Self> {
        let metadata = path.metadata()?;
        Ok(Self { sha256, size: metadata.len(), modified_ms: modified_ms(&metadata) })
    }

    /// Whether the file looks unchanged since.
    pub(crate) fn is_unchanged(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| {
            metadata.is_file() && metadata.len() == self.size && modified_ms(&metadata) == self.modified_ms
        })
    }
}

impl Receipt {
    /// Whether `file` is in `folder`, unchanged, and has the hash that the catalog lists.
    pub(crate) fn covers(&self, folder: &Path, file: &FileEntry) -> bool {
        self.files.get(&file.name).is_some_and(|installed| {
            file.sha256.is_none_or(|expected| expected == installed.sha256)
                && installed.is_unchanged(&folder.join(&file.name))
        })
    }

    /// Loads the receipt in `folder`; an empty one where it is missing or damaged, so that the files are hashed again.
    pub(crate) fn load(folder: &Path) -> Self {
        fs::read(folder.join(NAME))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Saves the receipt; a crash leaves the old or the new one.
    pub(crate) fn save(&self, folder: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.as_file().sync_all()?;
        file.persist(folder.join(NAME))?;
        Ok(())
    }
}

fn modified_ms(metadata: &fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_missing_file_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.gguf");
        fs::write(&path, "abc").unwrap();
        let installed = InstalledFile::describe(&path, Sha256Digest::of(b"abc")).unwrap();
        assert!(installed.is_unchanged(&path));
        fs::write(&path, "ab").unwrap();
        assert!(!installed.is_unchanged(&path));
        fs::remove_file(&path).unwrap();
        assert!(!installed.is_unchanged(&path));
    }

    #[test]
    fn a_receipt_is_read_back_and_a_damaged_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let installed = InstalledFile { sha256: Sha256Digest::of(b"abc"), size: 3, modified_ms: 5 };
        let receipt = Receipt { files: BTreeMap::from([("model.gguf".to_owned(), installed)]) };
        receipt.save(dir.path()).unwrap();
        assert_eq!(Receipt::load(dir.path()), receipt);
        fs::write(dir.path().join(NAME), "{\"files\": {").unwrap();
        assert_eq!(Receipt::load(dir.path()), Receipt::default());
    }
}
