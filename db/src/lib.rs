//! All SQL: the source of truth for workspaces, collections, documents, jobs and conversations.
//!
//! [`Database`] is one concrete type over two dialects, SQLite and PostgreSQL, through sqlx's `Any` driver. A
//! statement is written once and runs on both: ids are TEXT, times are milliseconds since the epoch, flags are
//! 0 or 1, structured values are JSON text, placeholders are `$1`. The few statements that differ are in `dialect.rs`;
//! how a database is opened differs in `open/sqlite.rs` and `open/postgres.rs`.
//!
//! When a method that writes returns `Ok`, the write survives a crash of the process and a loss of power.
//! Every statement that serves a tenant names its workspace, so an id of another tenant is [`DbError::NotFound`].
//!
//! Does not contain vectors, chunks, originals, or any decision about what to store. No other crate uses sqlx.

mod chat;
mod database;
mod decode;
mod dialect;
mod documents;
mod encode;
mod erasure;
mod error;
mod eval;
mod jobs;
mod lease_clock;
mod maintenance;
mod open;
mod schema;
mod stored_text;

pub use chat::{BegunExchange, Feedback, FinishedAnswer};
pub use database::Database;
pub use documents::{BegunVersion, DocumentSource, NewVersion, StaleVersion, VersionSummary, WebPage};
pub use erasure::{Erasure, Tombstone, Trace, UnreferencedOriginal};
pub use error::DbError;
pub use eval::{EvalRun, MAX_EVAL_QUESTIONS, NewEvalQuestion, StoredEvalQuestion};
pub use jobs::{ArchiveMember, Job, JobError, JobFilter, JobLease, JobState, NewJob};
pub use maintenance::{
    BuildProgress, LiveVersion, LockAttempt, ProcessLock, QueuedJob, Restore, Snapshot, VectorIndex,
    backup_tables,
};
pub use open::sqlite_url;
