//! Hashes files: SHA-256, and the id that git gives a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use domain::{Sha256Digest, Sha256Hasher, to_hex};
use sha1::{Digest, Sha1};

use crate::blocking::blocking;
use crate::error::ModelError;

/// Read size: large enough that system calls cost nothing next to hashing a gigabyte.
const READ_BYTES: usize = 1 << 20;

/// The hash of a file's content.
pub(crate) fn file_sha256(path: &Path) -> io::Result<Sha256Digest> {
    let mut hasher = Sha256Hasher::new();
    each_block(path, |block| hasher.update(block))?;
    Ok(hasher.finish())
}

/// [`file_sha256`] outside of the async threads.
pub(crate) async fn file_sha256_async(path: &Path) -> Result<Sha256Digest, ModelError> {
    let path = path.to_owned();
    blocking(move || file_sha256(&path).map_err(ModelError::io(&path))).await
}

/// The id that git gives a file: SHA-1 over a header and the content. Hugging Face announces it for files that are
/// not in large-file storage.
pub(crate) fn git_blob_id(path: &Path) -> io::Result<String> {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", path.metadata()?.len()));
    each_block(path, |block| hasher.update(block))?;
    Ok(to_hex(&hasher.finalize()))
}

fn each_block(path: &Path, mut visit: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => visit(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hello");
        std::fs::write(&path, "hello\n").unwrap();
        let expected = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!(file_sha256(&path).unwrap().to_string(), expected);
        assert_eq!(Sha256Digest::of(b"hello\n"), expected.parse().unwrap());
        // What `git hash-object` prints for it.
        assert_eq!(git_blob_id(&path).unwrap(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
