//! Keeps the source bytes of documents by content hash: in a folder, or in an S3 bucket.
//!
//! An upload is acknowledged only after its bytes are kept, synced to disk or accepted by the bucket, so a crash between
//! upload and ingest loses nothing. Kept bytes never change: their name is their hash.

use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use domain::{Sha256Digest, Sha256Hasher};
use futures::{Stream, StreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use uuid::Uuid;

use crate::claims::{Claim, Claims};

/// Prefix of the names of uploads whose hash is not known yet.
const INCOMING: &str = "incoming-";

/// Parts of an upload that are sent at the same time.
const PARTS_AHEAD: usize = 2;

/// Size of a part in a folder: what an upload that stands still holds in memory.
const FOLDER_PART_BYTES: usize = 256 * 1024;

/// Size of a part in a bucket, which takes no smaller ones.
const BUCKET_PART_BYTES: usize = 5 * 1024 * 1024;

/// Files named by the SHA-256 of their content, in lower-case hexadecimal.
#[derive(Debug, Clone)]
pub struct Originals {
    store: Arc<dyn ObjectStore>,
    /// Prefix of every name.
    prefix: Path,
    part_bytes: usize,
    /// What is being stored, and must not be removed.
    claims: Claims,
}

/// An original that is kept. It is not removed as unused before this is dropped, so that a row can begin to refer to it.
#[derive(Debug)]
pub struct KeptOriginal {
    hash: String,
    _claim: Claim,
}

impl KeptOriginal {
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Why an original cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum OriginalsError {
    /// It is not kept.
    #[error("the original is not kept")]
    Missing,
    /// The disk is full.
    #[error("the disk is full")]
    Full(#[source] object_store::Error),
    /// The store does not answer or fails; retrying later may help.
    #[error("the originals cannot be reached")]
    Unavailable(#[source] object_store::Error),
    /// The store's location or its keys are unusable.
    #[error("the originals' location `{location}` cannot be used")]
    Unusable {
        /// The folder or the address of the bucket.
        location: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
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
    /// The store failed.
    #[error(transparent)]
    Originals(#[from] OriginalsError),
}

impl Originals {
    /// Originals in a folder, which is created if it does not exist. No other process may use it: uploads that one left
    /// unfinished are removed.
    ///
    /// # Errors
    /// `Unusable` where it cannot be created.
    pub fn in_folder(dir: &std::path::Path) -> Result<Self, OriginalsError> {
        let unusable = |source| OriginalsError::Unusable { location: dir.display().to_string(), source };
        std::fs::create_dir_all(dir)
            .and_then(|()| remove_unfinished(dir))
            .map_err(|error| unusable(error.into()))?;
        let store =
            LocalFileSystem::new_with_prefix(dir).map_err(|error| unusable(error.into()))?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::default(),
            part_bytes: FOLDER_PART_BYTES,
            claims: Claims::default(),
        })
    }

    /// Originals in a bucket: `s3://BUCKET/PREFIX`. Keys, region and endpoint come from the environment, under the names that
    /// Amazon's own tools read: `AWS_ACCESS_KEY_ID` and the like. Sends no request yet.
    ///
    /// # Errors
    /// `Unusable` for another kind of address, or without keys.
    pub fn in_bucket(address: &str) -> Result<Self, OriginalsError> {
        let unusable = |source| OriginalsError::Unusable { location: address.to_owned(), source };
        let url = url::Url::parse(address).map_err(|error| unusable(error.into()))?;
        if url.scheme() != "s3" {
            return Err(unusable("the address must begin with `s3://`".into()));
        }
        let prefix = Path::from_url_path(url.path()).map_err(|error| unusable(error.into()))?;
        let store =
            AmazonS3Builder::from_env().with_url(address).build().map_err(|error| unusable(error.into()))?;
        Ok(Self { store: Arc::new(store), prefix, part_bytes: BUCKET_PART_BYTES, claims: Claims::default() })
    }

    /// Keeps the bytes of a stream. On any error nothing is kept.
    ///
    /// # Errors
    /// Any [`KeepError`].
    pub async fn keep<B: AsRef<[u8]>, E>(
        &self,
        mut parts: impl Stream<Item = Result<B, E>> + Unpin,
        limit_bytes: u64,
    ) -> Result<KeptOriginal, KeepError<E>> {
        let incoming = self.prefix.clone().join(format!("{INCOMING}{}", Uuid::now_v7()));
        let upload = self.store.put_multipart(&incoming).await.map_err(OriginalsError::from)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, self.part_bytes);
        let hash = match send(&mut upload, &mut parts, limit_bytes).await {
            Ok(hash) => hash.to_string(),
            Err(error) => {
                // What a failing store does not discard now stays under a name that nobody reads.
                let _ = upload.abort().await;
                return Err(error);
            }
        };
        upload.finish().await.map_err(OriginalsError::from)?;
        let claim = self.claims.claim(&hash).await;
        self.store.rename(&incoming, &self.path(&hash)).await.map_err(OriginalsError::from)?;
        Ok(KeptOriginal { hash, _claim: claim })
    }

    /// Keeps bytes whose hash is known, unless they are kept already.
    ///
    /// # Errors
    /// Any [`OriginalsError`].
    pub async fn keep_bytes(&self, hash: &str, bytes: Bytes) -> Result<KeptOriginal, OriginalsError> {
        debug_assert_eq!(hash, Sha256Digest::of(&bytes).to_string());
        let claim = self.claims.claim(hash).await;
        if !self.contains(hash).await? {
            self.store.put(&self.path(hash), bytes.into()).await?;
        }
        Ok(KeptOriginal { hash: hash.to_owned(), _claim: claim })
    }

    /// Removes the bytes with this hash if nobody is storing the same ones and `is_unused` says so; nobody begins to in
    /// between. Returns `None` if somebody is storing them, and otherwise what `is_unused` returned.
    ///
    /// # Errors
    /// That of `is_unused`, and any [`OriginalsError`] but `Missing`.
    pub async fn remove_if<T, E: From<OriginalsError>>(
        &self,
        hash: &str,
        is_unused: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<Option<T>>, E> {
        let Some(_removing) = self.claims.exclude(hash).await else { return Ok(None) };
        let unused = is_unused.await?;
        if unused.is_some() {
            self.remove(hash).await?;
        }
        Ok(Some(unused))
    }

    /// The bytes with this hash.
    ///
    /// # Errors
    /// Any [`OriginalsError`].
    pub async fn read(&self, hash: &str) -> Result<Bytes, OriginalsError> {
        Ok(self.store.get(&self.path(hash)).await?.bytes().await?)
    }

    /// The hashes of all originals.
    ///
    /// # Errors
    /// Any [`OriginalsError`] but `Missing`.
    pub async fn list(&self) -> Result<Vec<String>, OriginalsError> {
        let listed = self.store.list_with_delimiter(Some(&self.prefix)).await?;
        let names = listed.objects.iter().filter_map(|object| object.location.filename());
        Ok(names.filter(|name| is_hash(name)).map(str::to_owned).collect())
    }

    /// Whether the bytes with this hash are kept.
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

    /// When the bytes with this hash were last written.
    ///
    /// # Errors
    /// Any [`OriginalsError`].
    pub async fn kept_at(&self, hash: &str) -> Result<SystemTime, OriginalsError> {
        Ok(self.store.head(&self.path(hash)).await?.last_modified.into())
    }

    /// Removes the bytes with this hash; removing absent ones is no error.
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

/// Sends the parts of a stream. Returns the hash of all of them.
async fn send<B: AsRef<[u8]>, E>(
    upload: &mut WriteMultipart,
    parts: &mut (impl Stream<Item = Result<B, E>> + Unpin),
    limit_bytes: u64,
) -> Result<Sha256Digest, KeepError<E>> {
    let mut hasher = Sha256Hasher::new();
    let mut length_bytes = 0;
    while let Some(part) = parts.next().await {
        let part = part.map_err(KeepError::Source)?;
        let part = part.as_ref();
        length_bytes += part.len() as u64;
        if length_bytes > limit_bytes {
            return Err(KeepError::TooLarge { limit_bytes });
        }
        hasher.update(part);
        upload.wait_for_capacity(PARTS_AHEAD).await.map_err(OriginalsError::from)?;
        upload.write(part);
    }
    Ok(hasher.finish())
}

impl From<object_store::Error> for OriginalsError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(current) = cause {
            let is_full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
            if current.downcast_ref().is_some_and(is_full) {
                return Self::Full(error);
            }
            cause = current.source();
        }
        Self::Unavailable(error)
    }
}

/// Removes the files that a killed process left unfinished: uploads, and files that were not renamed yet. `object_store`
/// names those by their final name, `#` and a number.
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
mod tests;
