//! Manages the folder of a store: paths, lock, disk space, and removal of files.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use domain::{Cause, VectorStoreError};

/// Free disk space that every write must leave: room for several records, and for the writes of other processes.
const RESERVE_BYTES: u64 = 64 << 20;

pub(super) fn shard_dir(dir: &Path) -> PathBuf {
    dir.join("shard")
}

/// The folder of the engine's log.
pub(super) fn log_path(dir: &Path) -> PathBuf {
    shard_dir(dir).join("wal")
}

/// The file that the engine writes last when it creates a shard.
pub(super) fn shard_config_path(dir: &Path) -> PathBuf {
    shard_dir(dir).join("edge_config.json")
}

pub(super) fn label_path(dir: &Path) -> PathBuf {
    dir.join("space.json")
}

/// Checks that `bytes` can be written to the disk of `dir` and leave the reserve.
pub(super) fn require_disk_space(dir: &Path, bytes: u64) -> Result<(), VectorStoreError> {
    let free = fs4::available_space(dir).map_err(|error| io_failed(dir, error))?;
    if free >= RESERVE_BYTES + bytes {
        return Ok(());
    }
    let [free, needed] = [free, RESERVE_BYTES + bytes].map(|bytes| bytes >> 20);
    let reason = format!("the disk of `{}` has {free} MiB free; {needed} MiB are needed", dir.display());
    Err(VectorStoreError::Full(reason.into()))
}

/// Disk space of all files in `dir`; unreadable ones count 0.
pub(super) fn size_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_bytes(&entry.path()),
        Ok(metadata) => allocated_bytes(&metadata),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// The engine's files are sparse: their length exceeds the space that they take up.
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(metadata) * 512;
    #[cfg(not(unix))]
    metadata.len()
}

/// Locks the store in `dir` for this process.
pub(super) fn lock(dir: &Path) -> Result<File, VectorStoreError> {
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| io_failed(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VectorStoreError::Locked(dir.display().to_string())),
        Err(TryLockError::Error(error)) => Err(io_failed(&path, error)),
    }
}

/// Removes a file or folder with `remove`; an absent one is no error.
pub(super) fn remove(
    path: &Path,
    remove: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), VectorStoreError> {
    match remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_failed(path, error)),
        _ => Ok(()),
    }
}

/// The error of a damaged store.
pub(super) fn damaged(dir: &Path, reason: impl Into<Cause>) -> VectorStoreError {
    let reason = reason.into();
    let context = format!(
        "cannot read the vector index in `{}` ({reason}); run `daedap reindex` to rebuild it",
        dir.display()
    );
    VectorStoreError::Failed(Cause::with_context(context, reason))
}

/// The error of a failed file operation.
pub(super) fn io_failed(path: &Path, error: impl Into<Cause>) -> VectorStoreError {
    VectorStoreError::Failed(Cause::with_context(format!("`{}`", path.display()), error))
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use domain::with_causes;

    use super::*;

    /// The error of the operating system behind `error`, two levels down.
    fn io_error(error: &VectorStoreError) -> Option<&io::Error> {
        error.source().and_then(Error::source).and_then(|source| source.downcast_ref())
    }

    #[test]
    fn a_failed_file_operation_keeps_the_error_of_the_operating_system() {
        let error = io_failed(Path::new("/srv/index"), io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(with_causes(&error), "the vector store failed: `/srv/index`: permission denied");
        assert_eq!(io_error(&error).map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
    }

    #[test]
    fn a_damaged_store_names_the_reason_once() {
        let error = damaged(Path::new("/srv/index"), io::Error::from(io::ErrorKind::UnexpectedEof));
        assert_eq!(
            with_causes(&error),
            "the vector store failed: cannot read the vector index in `/srv/index` (unexpected end of file); \
             run `daedap reindex` to rebuild it"
        );
        assert_eq!(io_error(&error).map(io::Error::kind), Some(io::ErrorKind::UnexpectedEof));
    }
}
