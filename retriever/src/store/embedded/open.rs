//! Opening and making the folder of an embedded store.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use domain::{EmbeddingSpace, VectorStoreError};
use qdrant_edge::{
    CreateIndex, Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams,
    FieldIndexOperations, IntegerIndexParams, KeywordIndexParams, Modifier, OperationResult,
    PayloadFieldSchema, PayloadSchemaParams, UpdateOperation,
};
use serde::{Deserialize, Serialize};

use super::path;
use crate::store::payload::{DATE_FIELD, INDEXED_WORDS, TENANT_FIELD};
use crate::store::{DENSE, FORMAT, SPARSE, describe, other_format};

/// Room on the disk without which nothing is written: many records, and what others write to the disk meanwhile.
const RESERVE_BYTES: u64 = 64 << 20;

/// An open shard with the lock that keeps others out.
pub(super) struct Opened {
    pub(super) engine: EdgeShard,
    pub(super) lock: File,
}

/// Content of `space.json`.
#[derive(Serialize, Deserialize)]
struct Label {
    /// See [`FORMAT`].
    format: u32,
    space: EmbeddingSpace,
}

pub(super) fn open(dir: &Path, space: &EmbeddingSpace) -> Result<Opened, VectorStoreError> {
    fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    require_room(dir, 0)?;
    let lock = lock(dir)?;
    check_label(dir, space)?;
    // The engine asserts on files that are not what it wrote.
    let engine = catch_unwind(AssertUnwindSafe(|| load_or_make(dir, space)));
    let engine = engine.unwrap_or_else(|_| Err(damaged(dir, &"the engine gave up reading it")))?;
    Ok(Opened { engine, lock })
}

/// Whether a store was ever made here: the file that the engine writes last when it makes one.
pub(super) fn exists(dir: &Path) -> bool {
    made_file(dir).exists()
}

/// That so many bytes can be written to the disk of `dir`, and the reserve is left.
pub(super) fn require_room(dir: &Path, bytes: u64) -> Result<(), VectorStoreError> {
    let free = fs4::available_space(dir).map_err(|error| failed(dir, &error))?;
    if free >= RESERVE_BYTES + bytes {
        return Ok(());
    }
    let [free, needed] = [free, RESERVE_BYTES + bytes].map(|bytes| bytes >> 20);
    Err(VectorStoreError::Full(format!(
        "{free} MiB are free on the disk of {}, and {needed} are needed",
        dir.display()
    )))
}

/// Bytes on the disk of all that lies in `dir`; what cannot be looked at counts nothing.
pub(super) fn size_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_bytes(&entry.path()),
        Ok(metadata) => allocated_bytes(&metadata),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// The engine's files are long and mostly holes.
fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(metadata) * 512;
    #[cfg(not(unix))]
    metadata.len()
}

pub(super) fn destroy(dir: &Path) -> Result<(), VectorStoreError> {
    if !dir.exists() {
        return Ok(());
    }
    {
        let _lock = lock(dir)?;
        // The shard first: a label without a shard is an empty store, a shard without a label a damaged one.
        remove(&shard_dir(dir), |path| fs::remove_dir_all(path))?;
        remove(&label_path(dir), |path| fs::remove_file(path))?;
    }
    remove(dir, |path| fs::remove_dir_all(path))
}

fn remove(path: &Path, remove: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), VectorStoreError> {
    match remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn lock(dir: &Path) -> Result<File, VectorStoreError> {
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| failed(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VectorStoreError::Locked(dir.display().to_string())),
        Err(TryLockError::Error(error)) => Err(failed(&path, &error)),
    }
}

fn check_label(dir: &Path, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
    let path = label_path(dir);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if shard_dir(dir).exists() {
                return Err(damaged(dir, &"space.json is missing"));
            }
            return write_label(dir, space);
        }
        Err(error) => return Err(failed(&path, &error)),
    };
    let label: Label = serde_json::from_slice(&bytes).map_err(|error| damaged(dir, &error))?;
    if label.format != FORMAT {
        return Err(damaged(dir, &other_format(label.format)));
    }
    if label.space != *space {
        return Err(VectorStoreError::SpaceMismatch {
            expected: describe(space),
            found: describe(&label.space),
        });
    }
    Ok(())
}

/// Writes `space.json` whole or not at all: to another name, to the disk, then renamed.
fn write_label(dir: &Path, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
    let path = label_path(dir);
    let label = serde_json::to_vec_pretty(&Label { format: FORMAT, space: space.clone() });
    let label = label.map_err(|error| failed(&path, &error))?;
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&label)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|error: std::io::Error| failed(&path, &error))
}

fn load_or_make(dir: &Path, space: &EmbeddingSpace) -> Result<EdgeShard, VectorStoreError> {
    let path = shard_dir(dir);
    let engine = if made_file(dir).exists() {
        forget_old_log(&path.join("wal"))?;
        EdgeShard::load(&path, Some(config(space)))
    } else {
        // Also where a first start was cut off: nothing can have been acknowledged before this file existed.
        fs::create_dir_all(&path).map_err(|error| failed(&path, &error))?;
        EdgeShard::new(&path, config(space))
    };
    let engine = readable(dir, engine)?;
    index_fields(dir, &engine)?;
    Ok(engine)
}

fn config(space: &EmbeddingSpace) -> EdgeConfig {
    EdgeConfig::builder()
        .vector(DENSE, EdgeVectorParams::builder(space.dimensions, Distance::Cosine).build())
        .sparse_vector(SPARSE, EdgeSparseVectorParams::builder().modifier(Modifier::Idf).build())
        .build()
}

fn index_fields(dir: &Path, engine: &EdgeShard) -> Result<(), VectorStoreError> {
    let indexed = engine.info().payload_schema;
    let words = INDEXED_WORDS.map(|field| {
        let is_tenant = Some(field == TENANT_FIELD);
        (
            field,
            PayloadSchemaParams::Keyword(KeywordIndexParams { is_tenant, ..KeywordIndexParams::default() }),
        )
    });
    let (lookup, range) = (Some(false), Some(true));
    let date =
        PayloadSchemaParams::Integer(IntegerIndexParams { lookup, range, ..IntegerIndexParams::default() });
    for (field, params) in words.into_iter().chain([(DATE_FIELD, date)]) {
        let field_name = path(field)?;
        if indexed.contains_key(&field_name) {
            continue;
        }
        let schema = PayloadFieldSchema::FieldParams(params);
        let create =
            FieldIndexOperations::CreateIndex(CreateIndex { field_name, field_schema: Some(schema) });
        readable(dir, engine.update(UpdateOperation::FieldIndexOperation(create)))?;
    }
    engine.flush();
    Ok(())
}

/// Removes the closed files of the engine's log, except the last. The engine never reads them back, and everything
/// acknowledged is flushed; the last one stays because the numbers of new operations continue from it.
pub(super) fn forget_old_log(wal: &Path) -> Result<(), VectorStoreError> {
    let Ok(entries) = fs::read_dir(wal) else {
        return Ok(());
    };
    let mut closed: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let start = path.file_name()?.to_str()?.strip_prefix("closed-")?.parse().ok()?;
            Some((start, path))
        })
        .collect();
    closed.sort();
    closed.pop();
    // Oldest first: the engine accepts a log whose beginning is missing, but not one with a hole.
    for (_, path) in closed {
        remove(&path, |path| fs::remove_file(path))?;
    }
    Ok(())
}

fn readable<T>(dir: &Path, result: OperationResult<T>) -> Result<T, VectorStoreError> {
    result.map_err(|error| damaged(dir, &error))
}

fn damaged(dir: &Path, why: &dyn std::fmt::Display) -> VectorStoreError {
    VectorStoreError::Failed(format!(
        "the vector index in {} cannot be read ({why}); run `daedap reindex` to build it again",
        dir.display()
    ))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> VectorStoreError {
    VectorStoreError::Failed(format!("{}: {error}", path.display()))
}

fn shard_dir(dir: &Path) -> PathBuf {
    dir.join("shard")
}

fn made_file(dir: &Path) -> PathBuf {
    shard_dir(dir).join("edge_config.json")
}

fn label_path(dir: &Path) -> PathBuf {
    dir.join("space.json")
}
