//! What keeps an installation healthy: its identity, lock and tenants, its vector indexes, checks, backup and restore.

mod backup;
mod checks;
mod indexed_versions;
mod installation;
mod process_lock;
mod restore;
mod vector_indexes;
mod workspaces;

pub use backup::{LiveVersion, Snapshot, backup_tables};
pub use checks::QueuedJob;
pub use indexed_versions::BuildProgress;
pub use process_lock::{LockAttempt, ProcessLock};
pub use restore::Restore;
pub use vector_indexes::VectorIndex;
