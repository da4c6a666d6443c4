//! The queue of ingestion jobs: what people do with jobs, and what workers do with them.

pub(crate) mod job;
#[expect(clippy::module_inception, reason = "a file is named after its table")]
mod jobs;
mod leases;

pub use job::{ArchiveMember, Job, JobError, JobFilter, JobState, NewJob};
pub use leases::JobLease;
