//! Unpacks an uploaded archive: its documents become originals of their own.

use std::convert::Infallible;
use std::io::Cursor;

use bytes::Bytes;
use db::{ArchiveMember, JobError};
use futures::stream;
use ingest::{IngestError, KeepError, KeptOriginal, Originals};
use parse::{Archive, MAX_DOCUMENT_BYTES, ParseError};
use tokio::sync::mpsc;

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// The archive is to blame.
    #[error(transparent)]
    Refused(#[from] IngestError),
    /// Its documents could not be kept.
    #[error(transparent)]
    NotKept(#[from] KeepError<Infallible>),
}

/// The documents of an archive.
pub(super) struct Unpacked {
    pub(super) members: Vec<ArchiveMember>,
    /// Not removed as unused before the documents have jobs.
    _originals: Vec<KeptOriginal>,
}

/// Unpacks `bytes` that came from `source` if they are an archive of documents; `None` for every other kind of file.
/// One document is held in memory at a time.
///
/// # Errors
/// `Refused` for an archive that is empty or too large, `NotKept` where the disk fails.
pub(super) async fn unpack(
    originals: &Originals,
    source: &str,
    bytes: Bytes,
) -> Result<Option<Unpacked>, UnpackError> {
    let (sender, mut unpacked) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || {
        let Some(mut archive) = Archive::open(Cursor::new(bytes))? else { return Ok(false) };
        for member in archive.members() {
            let (name, read) = match member {
                Ok(member) => (member.name.clone(), archive.read(&member)),
                Err((name, error)) => (name, Err(error)),
            };
            if sender.blocking_send((name, read)).is_err() {
                break;
            }
        }
        Ok::<bool, ParseError>(true)
    });
    let (mut members, mut claims) = (Vec::new(), Vec::new());
    while let Some((name, read)) = unpacked.recv().await {
        let original = match read {
            Ok(bytes) => {
                let pieces = stream::iter([Ok::<_, Infallible>(bytes)]);
                let kept = originals.keep(pieces, MAX_DOCUMENT_BYTES).await?;
                let hash = kept.hash().to_owned();
                claims.push(kept);
                Ok(hash)
            }
            Err(error) => Err(JobError { code: error.code().to_owned(), message: error.to_string() }),
        };
        members.push((format!("{source}/{name}"), original));
    }
    let is_archive = match reading.await {
        Ok(read) => read.map_err(IngestError::from)?,
        Err(crashed) => return Err(IngestError::from(ParseError::Failed(crashed.to_string())).into()),
    };
    match (is_archive, members.is_empty()) {
        (false, _) => Ok(None),
        (true, true) => Err(IngestError::from(ParseError::Empty).into()),
        (true, false) => Ok(Some(Unpacked { members, _originals: claims })),
    }
}
