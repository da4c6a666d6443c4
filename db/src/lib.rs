//! All SQL: the truth about workspaces, collections, documents, jobs and conversations.
//!
//! [`Database`] is one concrete type over two dialects, SQLite and PostgreSQL, through sqlx's `Any` driver. A
//! statement is written once and runs on both: ids are TEXT, times are milliseconds since the epoch, flags are
//! 0 or 1, structured values are JSON text, placeholders are `$1`. What really differs between the dialects
//! (how a database is opened, migrated, locked) is in `sqlite.rs` and `postgres.rs` and nowhere else.
//!
//! When a method that writes returns `Ok`, the write survives a crash of the process and a loss of power.
//! Every statement that serves a tenant names its workspace, so an id of another tenant is [`DbError::NotFound`].
//!
//! What is absent: vectors, chunks, originals, and any decision about what to store. No other crate sees sqlx.

mod answers;
mod backup;
mod checks;
mod collections;
mod columns;
mod conversations;
mod copies;
mod database;
mod documents;
mod error;
mod eval_questions;
mod eval_runs;
mod history;
mod indexed_versions;
mod installation;
mod job_leases;
mod jobs;
mod postgres;
mod restore;
mod rows;
mod sqlite;
mod text;
mod turns;
mod vector_indexes;
mod versions;
mod web_pages;
mod workspaces;

pub use answers::{Feedback, FinishedAnswer};
pub use backup::{LiveVersion, Snapshot, copied_tables};
pub use checks::WaitingJob;
pub use database::Database;
pub use documents::DocumentSource;
pub use error::DbError;
pub use eval_questions::{MOST_EVAL_QUESTIONS, NewEvalQuestion, StoredEvalQuestion};
pub use eval_runs::EvalRun;
pub use history::PastVersion;
pub use indexed_versions::BuildProgress;
pub use job_leases::JobLease;
pub use jobs::{ArchiveMember, Job, JobError, JobFilter, JobState, NewJob};
pub use restore::Restoring;
pub use sqlite::sqlite_url;
pub use vector_indexes::VectorIndex;
pub use versions::{BegunVersion, NewVersion, StaleVersion};
pub use web_pages::WebPage;
