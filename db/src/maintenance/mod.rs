//! What keeps an installation healthy: its identity and tenants, its vector indexes, checks, backup and restore.

mod backup;
mod checks;
mod indexed_versions;
mod installation;
mod restore;
mod vector_indexes;
mod workspaces;

pub use backup::{LiveVersion, Snapshot, backup_tables};
pub use checks::QueuedJob;
pub use indexed_versions::BuildProgress;
pub use restore::Restore;
pub use vector_indexes::VectorIndex;
