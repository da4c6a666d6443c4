//! The bytes that people gave, kept by content hash: in a folder, or in a bucket that speaks S3.
//!
//! An upload is acknowledged only after its bytes are here, synced to disk or taken by the bucket, so a crash between upload
//! and ingest loses nothing. What is kept never changes: the name is the hash.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::prepare::{content_hash, hexadecimal};

/// How uploads are called until their hash is known.
const INCOMING: &str = "incoming-";

/// Parts of an upload that are on their way at the same time.
const PARTS_AHEAD: usize = 2;

/// A place of files named by the SHA-256 of their content, in lower-case hexadecimal.
#[derive(Debug, Clone)]
pub struct Originals {
    store: Arc<dyn ObjectStore>,
    /// What every name begins with.
    prefix: Path,
}

/// Why an original cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum OriginalsError {
    /// It is not here.
    #[error("the original is not kept here")]
    Missing,
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The place does not answer, or fails; it may answer later.
    #[error("the originals cannot be reached: {0}")]
    Unavailable(String),
    /// The place's address or the keys to it are of no use.
    #[error("the originals' place cannot be used: {0}")]
    Unusable(String),
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
    /// The place failed.
    #[error(transparent)]
    Place(#[from] OriginalsError),
}

impl Originals {
    /// Originals in a folder, which is made if it is not there. No other process may use it: what one has left unfinished is removed.
    ///
    /// # Errors
    /// `Unusable` where it cannot be made.
    pub fn in_folder(dir: &std::path::Path) -> Result<Self, OriginalsError> {
        let unusable = |reason: String| OriginalsError::Unusable(format!("{}: {reason}", dir.display()));
        std::fs::create_dir_all(dir)
            .and_then(|()| remove_unfinished(dir))
            .map_err(|error| unusable(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(dir)
            .map_err(|error| unusable(error.to_string()))?
            .with_fsync(true);
        Ok(Self { store: Arc::new(store), prefix: Path::default() })
    }

    /// Originals in a bucket: `s3://BUCKET/PREFIX`. Keys, region and endpoint are in the environment, under the names that
    /// Amazon's own tools read: `AWS_ACCESS_KEY_ID` and the like. Nothing is asked of the bucket yet.
    ///
    /// # Errors
    /// `Unusable` for another kind of address, or without keys.
    pub fn in_bucket(address: &str) -> Result<Self, OriginalsError> {
        let unusable = |reason: String| OriginalsError::Unusable(reason);
        let url = url::Url::parse(address).map_err(|error| unusable(error.to_string()))?;
        if url.scheme() != "s3" {
            return Err(unusable(format!("{address} is no s3:// address")));
        }
        let prefix = Path::from_url_path(url.path()).map_err(|error| unusable(error.to_string()))?;
        let store = AmazonS3Builder::from_env()
            .with_url(address)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self { store: Arc::new(store), prefix })
    }

    /// Takes the stream in piece by piece and returns its hash. On any error nothing is kept.
    ///
    /// # Errors
    /// Any [`KeepError`].
    pub async fn keep<B: AsRef<[u8]>, E>(
        &self,
        mut pieces: impl Stream<Item = Result<B, E>> + Unpin,
        limit_bytes: u64,
    ) -> Result<String, KeepError<E>> {
        let incoming = self.prefix.clone().join(format!("{INCOMING}{}", Uuid::now_v7()));
        let upload = self.store.put_multipart(&incoming).await.map_err(OriginalsError::from)?;
        let mut writing = WriteMultipart::new(upload);
        let mut hasher = Sha256::new();
        let mut length_bytes = 0;
        let broken = loop {
            let piece = match pieces.next().await {
                None => break None,
                Some(Err(error)) => break Some(KeepError::Source(error)),
                Some(Ok(piece)) => piece,
            };
            let piece = piece.as_ref();
            length_bytes += piece.len() as u64;
            if length_bytes > limit_bytes {
                break Some(KeepError::TooLarge { limit_bytes });
            }
            hasher.update(piece);
            if let Err(error) = writing.wait_for_capacity(PARTS_AHEAD).await {
                break Some(OriginalsError::from(error).into());
            }
            writing.write(piece);
        };
        if let Some(error) = broken {
            // What a place that fails does not take back now lies under a name that nobody reads.
            let _ = writing.abort().await;
            return Err(error);
        }
        writing.finish().await.map_err(OriginalsError::from)?;
        let hash = hexadecimal(&hasher.finalize());
        self.store.rename(&incoming, &self.path(&hash)).await.map_err(OriginalsError::from)?;
        Ok(hash)
    }

    /// Keeps bytes whose hash is known, unless they are here.
    ///
    /// # Errors
    /// Any [`OriginalsError`].
    pub async fn keep_bytes(&self, hash: &str, bytes: Bytes) -> Result<(), OriginalsError> {
        debug_assert_eq!(hash, content_hash(&bytes));
        if !self.contains(hash).await? {
            self.store.put(&self.path(hash), bytes.into()).await?;
        }
        Ok(())
    }

    /// The bytes with this hash.
    ///
    /// # Errors
    /// Any [`OriginalsError`].
    pub async fn read(&self, hash: &str) -> Result<Bytes, OriginalsError> {
        Ok(self.store.get(&self.path(hash)).await?.bytes().await?)
    }

    /// The hashes of all there are.
    ///
    /// # Errors
    /// Any [`OriginalsError`] but `Missing`.
    pub async fn list(&self) -> Result<Vec<String>, OriginalsError> {
        let listed = self.store.list_with_delimiter(Some(&self.prefix)).await?;
        let names = listed.objects.iter().filter_map(|object| object.location.filename());
        Ok(names.filter(|name| is_hash(name)).map(str::to_owned).collect())
    }

    /// Whether the bytes with this hash are here.
    ///
    /// # Errors
    /// Any [`OriginalsError`] but `Missing`.
    pub async fn contains(&self, hash: &str) -> Result<bool, OriginalsError> {
        match self.kept_at(hash).await {
            Ok(_) => Ok(true),
            Err(OriginalsError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// When they were last given.
    ///
    /// # Errors
    /// Any [`OriginalsError`].
    pub async fn kept_at(&self, hash: &str) -> Result<SystemTime, OriginalsError> {
        Ok(self.store.head(&self.path(hash)).await?.last_modified.into())
    }

    /// Removes them; what is not here is no error.
    ///
    /// # Errors
    /// Any [`OriginalsError`] but `Missing`.
    pub async fn remove(&self, hash: &str) -> Result<(), OriginalsError> {
        match self.store.delete(&self.path(hash)).await.map_err(OriginalsError::from) {
            Err(OriginalsError::Missing) => Ok(()),
            removed => removed,
        }
    }

    fn path(&self, hash: &str) -> Path {
        self.prefix.clone().join(hash)
    }
}

impl From<object_store::Error> for OriginalsError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            let is_full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
            if error.downcast_ref().is_some_and(is_full) {
                return Self::Full(error.to_string());
            }
            cause = error.source();
        }
        Self::Unavailable(error.to_string())
    }
}

/// Removes what a process that was ended had not written to its end: uploads, and files that wait for their name, which the store
/// calls by that name, `#` and a number.
fn remove_unfinished(dir: &std::path::Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(INCOMING) || name.split_once('#').is_some_and(|(name, _)| is_hash(name)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether `name` is a SHA-256 in lower-case hexadecimal.
pub fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    /// Files below a folder, whatever they are.
    fn files(dir: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }

    #[tokio::test]
    async fn keeps_by_content_and_refuses_what_is_too_large() {
        let dir = tempfile::tempdir().expect("a folder");
        let originals = Originals::in_folder(dir.path()).expect("a place");
        let pieces = || stream::iter([Ok::<_, io::Error>("안녕"), Ok("하세요")]);
        let hash = originals.keep(pieces(), 100).await.expect("kept");
        assert_eq!(hash, content_hash("안녕하세요".as_bytes()));
        assert_eq!(originals.keep(pieces(), 100).await.expect("kept"), hash);
        originals.keep_bytes(&hash, "안녕하세요".into()).await.expect("it is here");
        assert_eq!(originals.read(&hash).await.expect("here"), "안녕하세요".as_bytes());
        assert_eq!(originals.list().await.expect("a list"), std::slice::from_ref(&hash));
        assert!(matches!(originals.keep(pieces(), 10).await, Err(KeepError::TooLarge { limit_bytes: 10 })));
        assert_eq!(files(dir.path()), 1, "refused bytes leave nothing behind");
        for _ in 0..2 {
            originals.remove(&hash).await.expect("removed");
            assert!(!originals.contains(&hash).await.expect("asked"));
        }
        assert!(matches!(originals.read(&hash).await, Err(OriginalsError::Missing)));
    }

    #[tokio::test]
    async fn a_broken_upload_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let originals = Originals::in_folder(dir.path()).expect("a place");
        let pieces = stream::iter([Ok("half"), Err("gone")]);
        assert!(matches!(originals.keep(pieces, 100).await, Err(KeepError::Source("gone"))));
        assert_eq!(files(dir.path()), 0);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_unfinished_is_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let originals = Originals::in_folder(dir.path()).expect("a place");
        let hash = originals.keep(stream::iter([Ok::<_, io::Error>("whole")]), 100).await.expect("kept");
        for name in ["incoming-0193a000#1", "incoming-0193a001", &format!("{hash}#1"), "a note.txt"] {
            std::fs::write(dir.path().join(name), "half").expect("written");
        }
        let originals = Originals::in_folder(dir.path()).expect("a place");
        assert_eq!(originals.read(&hash).await.expect("here"), "whole");
        assert_eq!(files(dir.path()), 2, "with the note, which is somebody's own");
    }

    #[test]
    fn only_buckets_have_addresses() {
        for address in ["", "/srv/originals", "file:///srv", "https://example.com/bucket"] {
            assert!(matches!(Originals::in_bucket(address), Err(OriginalsError::Unusable(_))), "{address}");
        }
    }
}
