//! Removes from disk what removed points leave there: their payloads in segments, and the operations in the log that wrote
//! them.
//!
//! The engine marks points as removed, rewrites a segment when a fifth of it is, and never removes its log. Here segments
//! are rewritten for a single removed point. The log is replaced by filling its current file, and the next one, with
//! operations that change nothing: the engine closes a full file, and closed ones before the last can be removed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use domain::VectorStoreError;
use qdrant_edge::{EdgeOptimizersConfig, EdgeShard, PointOperations, UpdateOperation};

use super::convert::{engine_result, to_filter};
use super::folder::{log_path, require_disk_space, size_bytes};
use super::open::remove_old_log;
use crate::store::payload;

/// Rewrites every segment with removed points. The caller is the only writer.
pub(super) fn rewrite_segments(dir: &Path, engine: &EdgeShard) -> Result<(), VectorStoreError> {
    // The engine writes a second copy of what it rewrites before it removes the first.
    require_disk_space(dir, size_bytes(dir))?;
    let any = EdgeOptimizersConfig {
        deleted_threshold: Some(0.0),
        vacuum_min_vector_number: Some(0),
        ..EdgeOptimizersConfig::default()
    };
    without_panic(|| {
        engine_result(engine.set_optimizers_config(any))?;
        let rewritten = engine_result(engine.optimize());
        engine_result(engine.set_optimizers_config(EdgeOptimizersConfig::default()))?;
        rewritten?;
        engine.flush();
        Ok(())
    })
}

/// Removes every operation from the log. The caller is the only writer, and everything is flushed.
pub(super) fn replace_log(dir: &Path, engine: &EdgeShard) -> Result<(), VectorStoreError> {
    let log = log_path(dir);
    let capacity = file_bytes(&log);
    require_disk_space(dir, 2 * capacity as u64)?;
    without_panic(|| {
        // The first one closes the file with the operations, the second one the file with the first one: the engine
        // numbers operations by the last closed file, so that one must stay.
        for _ in 0..2 {
            let filler = payload::Condition::AnyOf("version", vec!["0".repeat(capacity)]);
            let removal = PointOperations::DeletePointsByFilter(to_filter(vec![filler])?);
            engine_result(engine.update(UpdateOperation::PointOperation(removal)))?;
        }
        engine.flush();
        Ok(())
    })?;
    remove_old_log(&log)
}

/// The size of the largest file in the log.
fn file_bytes(log: &Path) -> usize {
    let Ok(entries) = fs::read_dir(log) else { return 0 };
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).max().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0)
}

fn without_panic(work: impl FnOnce() -> Result<(), VectorStoreError>) -> Result<(), VectorStoreError> {
    let panicked = |_| Err(VectorStoreError::Failed("the engine panicked".into()));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked)
}
