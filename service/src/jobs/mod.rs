//! Works off the queue of ingestion jobs.

mod archive_job;
pub(crate) mod worker;
pub(crate) mod worker_count;
