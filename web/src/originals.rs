//! The source bytes that people gave, kept by content hash under `originals/` in the data directory.
//!
//! An upload is acknowledged only after its bytes are synced here, so a crash between upload and ingest loses nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::archive::is_hash;

/// A folder of files named by the SHA-256 of their content.
#[derive(Debug, Clone)]
pub struct Originals {
    dir: PathBuf,
}

/// Why bytes were not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError<E> {
    /// There are more of them than allowed.
    #[error("the document has more than {limit_bytes} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// The sender failed.
    #[error("the upload broke off")]
    Source(E),
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Originals {
    /// Originals under `dir`, which is made if it is not there.
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }

    /// Writes the stream to disk piece by piece and returns its hash (lower-case hexadecimal). On any error nothing stays.
    pub async fn keep<B: AsRef<[u8]>, E>(
        &self,
        mut pieces: impl Stream<Item = Result<B, E>> + Unpin,
        limit_bytes: u64,
    ) -> Result<String, KeepError<E>> {
        let (file, path) = tempfile::NamedTempFile::new_in(&self.dir)?.into_parts();
        let mut file = fs::File::from_std(file);
        let mut hasher = Sha256::new();
        let mut length_bytes = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(KeepError::Source)?;
            let piece = piece.as_ref();
            length_bytes += piece.len() as u64;
            if length_bytes > limit_bytes {
                return Err(KeepError::TooLarge { limit_bytes });
            }
            hasher.update(piece);
            file.write_all(piece).await?;
        }
        file.sync_all().await?;
        let hash = hexadecimal(&hasher.finalize());
        path.persist(self.path(&hash)).map_err(|error| error.error)?;
        fs::File::open(&self.dir).await?.sync_all().await?;
        Ok(hash)
    }

    /// The bytes with this hash.
    pub async fn read(&self, hash: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(hash)).await
    }

    /// The hashes of all there are.
    pub async fn list(&self) -> io::Result<Vec<String>> {
        let mut entries = fs::read_dir(&self.dir).await?;
        let mut hashes = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            // Others are uploads that have not come to their end.
            hashes.extend(entry.file_name().into_string().ok().filter(|name| is_hash(name)));
        }
        Ok(hashes)
    }

    /// Whether the bytes with this hash are here.
    pub async fn contains(&self, hash: &str) -> io::Result<bool> {
        fs::try_exists(self.path(hash)).await
    }

    /// When they were last given.
    pub async fn kept_at(&self, hash: &str) -> io::Result<SystemTime> {
        fs::metadata(self.path(hash)).await?.modified()
    }

    /// Removes them; what is not here is no error.
    pub async fn remove(&self, hash: &str) -> io::Result<()> {
        match fs::remove_file(self.path(hash)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.dir.join(Path::new(hash).file_name().unwrap_or_default())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn keeps_by_content_and_refuses_what_is_too_large() {
        let dir = tempfile::tempdir().unwrap();
        let originals = Originals::open(dir.path().to_owned()).unwrap();
        let pieces = || stream::iter([Ok::<_, io::Error>("안녕"), Ok("하세요")]);
        let hash = originals.keep(pieces(), 100).await.unwrap();
        assert_eq!(originals.keep(pieces(), 100).await.unwrap(), hash);
        assert_eq!(originals.read(&hash).await.unwrap(), "안녕하세요".as_bytes());
        assert_eq!(originals.list().await.unwrap(), std::slice::from_ref(&hash));
        assert!(originals.contains(&hash).await.unwrap());
        assert!(matches!(originals.keep(pieces(), 10).await, Err(KeepError::TooLarge { limit_bytes: 10 })));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "refused bytes leave nothing behind");
        for _ in 0..2 {
            originals.remove(&hash).await.unwrap();
            assert!(!originals.contains(&hash).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_broken_upload_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let originals = Originals::open(dir.path().to_owned()).unwrap();
        let pieces = stream::iter([Ok("half"), Err("gone")]);
        assert!(matches!(originals.keep(pieces, 100).await, Err(KeepError::Source("gone"))));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
