//! Labels a store with the embedding space and the format of its points.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use domain::{EmbeddingSpace, VectorStoreError};
use serde::{Deserialize, Serialize};

use super::folder::{damaged, io_failed, label_path, shard_dir};
use crate::store::layout::{FORMAT, format_mismatch, space_mismatch};

/// Content of `space.json`.
#[derive(Serialize, Deserialize)]
struct Label {
    /// See [`FORMAT`].
    format: u32,
    space: EmbeddingSpace,
}

/// Checks that the store in `dir` holds vectors of `space`; labels a new store.
pub(super) fn check_label(dir: &Path, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
    let path = label_path(dir);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if shard_dir(dir).exists() {
                return Err(damaged(dir, "`space.json` is missing"));
            }
            return write_label(dir, space);
        }
        Err(error) => return Err(io_failed(&path, error)),
    };
    let label: Label = serde_json::from_slice(&bytes).map_err(|error| damaged(dir, error))?;
    if label.format != FORMAT {
        return Err(damaged(dir, format_mismatch(label.format)));
    }
    if label.space != *space {
        return Err(space_mismatch(space, &label.space));
    }
    Ok(())
}

/// Writes `space.json` atomically: to a temporary file, synced, then renamed.
fn write_label(dir: &Path, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
    let path = label_path(dir);
    let label = serde_json::to_vec_pretty(&Label { format: FORMAT, space: space.clone() });
    let label = label.map_err(|error| io_failed(&path, error))?;
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&label)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|error: std::io::Error| io_failed(&path, error))
}
