//! Opens, creates and removes the engine's shard in a folder.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use domain::{EmbeddingSpace, VectorStoreError};
use qdrant_edge::{
    CreateIndex, Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams,
    FieldIndexOperations, IntegerIndexParams, KeywordIndexParams, Modifier, OperationResult,
    PayloadFieldSchema, PayloadSchemaParams, UpdateOperation, WalOptions,
};

use super::convert::json_path;
use super::folder::{
    damaged, io_failed, label_path, lock, log_path, remove, require_disk_space, shard_config_path, shard_dir,
};
use super::label::check_label;
use crate::store::layout::{DENSE, SPARSE};
use crate::store::payload::{DATE_FIELD, INDEXED_WORDS, TENANT_FIELD};

/// Size of a file of the engine's log: room for a few records. A purge fills two of them.
const LOG_FILE_BYTES: usize = 4 << 20;

/// An open shard with the lock that keeps other processes out.
pub(super) struct Opened {
    pub(super) engine: EdgeShard,
    pub(super) lock: File,
}

/// Opens the shard in `dir`, or creates one for `space`.
pub(super) fn open(dir: &Path, space: &EmbeddingSpace) -> Result<Opened, VectorStoreError> {
    fs::create_dir_all(dir).map_err(|error| io_failed(dir, error))?;
    require_disk_space(dir, 0)?;
    let lock = lock(dir)?;
    check_label(dir, space)?;
    // The engine panics on damaged files.
    let engine = catch_unwind(AssertUnwindSafe(|| load_or_create(dir, space)));
    let engine = engine.unwrap_or_else(|_| Err(damaged(dir, "the engine panicked on it")))?;
    Ok(Opened { engine, lock })
}

/// Whether a shard was created in `dir`.
pub(super) fn exists(dir: &Path) -> bool {
    shard_config_path(dir).exists()
}

/// Removes `dir` with the shard in it.
pub(super) fn destroy(dir: &Path) -> Result<(), VectorStoreError> {
    if !dir.exists() {
        return Ok(());
    }
    {
        let _lock = lock(dir)?;
        // The shard first: a label without a shard is an empty store, a shard without a label is a damaged one.
        remove(&shard_dir(dir), |path| fs::remove_dir_all(path))?;
        remove(&label_path(dir), |path| fs::remove_file(path))?;
    }
    remove(dir, |path| fs::remove_dir_all(path))
}

fn load_or_create(dir: &Path, space: &EmbeddingSpace) -> Result<EdgeShard, VectorStoreError> {
    let path = shard_dir(dir);
    let engine = if exists(dir) {
        remove_old_log(&log_path(dir))?;
        EdgeShard::load(&path, Some(config(space)))
    } else {
        // Also after a crash during the first start: nothing is acknowledged before the shard exists.
        fs::create_dir_all(&path).map_err(|error| io_failed(&path, error))?;
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
        .wal_options(WalOptions { segment_capacity: LOG_FILE_BYTES, ..WalOptions::default() })
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
        let field_name = json_path(field)?;
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

/// Removes the closed files of the engine's log, except the last. The engine never reads them again, and every
/// acknowledged write is flushed; the last file stays because the numbers of new operations continue from it.
pub(super) fn remove_old_log(wal: &Path) -> Result<(), VectorStoreError> {
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
    // Oldest first: the engine accepts a log without its beginning, but not one with a gap.
    for (_, path) in closed {
        remove(&path, |path| fs::remove_file(path))?;
    }
    Ok(())
}

fn readable<T>(dir: &Path, result: OperationResult<T>) -> Result<T, VectorStoreError> {
    result.map_err(|error| damaged(dir, error))
}
