//! Lets workers claim jobs for a time, renew their leases, and end the jobs.
//!
//! A lease is a job's id with the number of the attempt. Every statement of a worker names both, so a worker whose lease
//! expired, or whose job was cancelled, changes nothing and gets [`DbError::Conflict`]. The work it did is harmless:
//! ingesting the same original twice changes nothing. Leases and waits are times of a clock that nobody sets
//! (`lease_clock.rs`).

use std::time::Duration;

use domain::{DocumentId, IngestStage, JobId};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::database::Database;
use crate::encode;
use crate::error::DbError;
use crate::jobs::job::{ArchiveMember, Job, JobError, columns, decode_job};
use crate::lease_clock::later;
use crate::stored_text::replace_nul;

/// A job fails after this many crashes of its workers: it is taken to be their cause.
const MAX_CRASHES: u32 = 3;

/// The right to work on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLease {
    job: JobId,
    attempt: u32,
}

impl Job {
    /// The lease of the job's current attempt.
    pub fn lease(&self) -> JobLease {
        JobLease { job: self.id, attempt: self.attempts }
    }
}

impl Database {
    /// Claims the oldest job of any workspace that is due; `None` if there is none. Two workers never get the same job, nor
    /// jobs of the same source at the same time. The lease expires after `lease` unless it is renewed.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn claim_job(&self, lease: Duration) -> Result<Option<Job>, DbError> {
        let skip_locked = self.dialect.skip_locked();
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_until = $2, error_code = NULL, \
             error_message = NULL, updated_at = $3 WHERE id = \
             (SELECT j.id FROM jobs j WHERE j.state = 'queued' \
             AND (j.retries = 0 OR j.run_at <= $1 OR j.run_at > $4) AND NOT EXISTS \
              (SELECT 1 FROM jobs o WHERE o.collection = j.collection AND o.source = j.source \
               AND o.state IN ('queued', 'running') \
               AND (o.state = 'running' OR (o.created_at, o.id) < (j.created_at, j.id))) \
             ORDER BY j.created_at, j.id LIMIT 1{skip_locked}) RETURNING {}",
            columns!()
        );
        let mut tx = self.write().await?;
        let now = self.lease_clock.now_ms();
        requeue(&mut tx, now).await?;
        // Safe: both parts are constants of this crate.
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(now)
            .bind(later(now, lease))
            .bind(encode::now_ms())
            .bind(self.lease_clock.latest_wait())
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        row.as_ref().map(decode_job).transpose()
    }

    /// Records the progress of a job, and restarts its lease.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over, and the worker must stop.
    pub async fn renew_job(
        &self,
        held: JobLease,
        lease: Duration,
        progress: IngestStage,
    ) -> Result<(), DbError> {
        let progress = serde_json::to_string(&progress)?;
        let until = later(self.lease_clock.now_ms(), lease);
        let renew = sqlx::query(
            "UPDATE jobs SET lease_until = $4, progress = $5, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.update_leased(held, renew, |query| query.bind(encode::now_ms()).bind(until).bind(progress)).await
    }

    /// Ends a job that ingested its document.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn complete_job(&self, held: JobLease, document: DocumentId) -> Result<(), DbError> {
        let complete = sqlx::query(
            "UPDATE jobs SET state = 'done', document = $4, lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.update_leased(held, complete, |query| query.bind(encode::now_ms()).bind(document.to_string()))
            .await
    }

    /// Ends the job of an archive and queues a job for each of its documents, with the archive's tags and date. A document
    /// that cannot be unpacked gets a failed job. All of it happens in one transaction.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn complete_archive_job(
        &self,
        archive: &Job,
        members: &[ArchiveMember],
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        let now = encode::now_ms();
        let end = sqlx::query(
            "UPDATE jobs SET state = 'done', lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        update_with_lease(&mut tx, archive.lease(), end, |query| query.bind(now)).await?;
        for (source, original) in members {
            let error = original.as_ref().err();
            sqlx::query(
                "INSERT INTO jobs (id, workspace, parent, collection, source, content_hash, tags, dated_at, state, \
                 error_code, error_message, run_at, created_at, updated_at) \
                 SELECT $1, workspace, id, collection, $3, $4, tags, dated_at, $5, $6, $7, $8, $8, $8 FROM jobs WHERE id = $2",
            )
            .bind(JobId::new().to_string())
            .bind(archive.id.to_string())
            .bind(replace_nul(source).into_owned())
            .bind(original.as_ref().unwrap_or(&archive.content_hash).as_str())
            .bind(if error.is_some() { "failed" } else { "queued" })
            .bind(error.map(|error| replace_nul(&error.code).into_owned()))
            .bind(error.map(|error| replace_nul(&error.message).into_owned()))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends a job with the reason why it failed.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn fail_job(&self, held: JobLease, error: JobError) -> Result<(), DbError> {
        let fail = sqlx::query(
            "UPDATE jobs SET state = 'failed', error_code = $4, error_message = $5, lease_until = NULL, \
             progress = NULL, updated_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.update_leased(held, fail, |query| with_error(query.bind(encode::now_ms()), &error)).await
    }

    /// Queues a job again after a temporary failure, to be retried after `wait`.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn postpone_job(&self, held: JobLease, wait: Duration, error: JobError) -> Result<(), DbError> {
        let run_at = later(self.lease_clock.now_ms(), wait);
        let postpone = sqlx::query(
            "UPDATE jobs SET state = 'queued', retries = retries + 1, error_code = $4, error_message = $5, \
             run_at = $6, lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.update_leased(held, postpone, |query| {
            with_error(query.bind(encode::now_ms()), &error).bind(run_at)
        })
        .await
    }

    /// Queues a job again that its worker cannot finish, such as at shutdown; it is due at once.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn release_job(&self, held: JobLease) -> Result<(), DbError> {
        let release = sqlx::query(
            "UPDATE jobs SET state = 'queued', lease_until = NULL, progress = NULL, updated_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.update_leased(held, release, |query| query.bind(encode::now_ms())).await
    }

    /// Runs an update whose first two parameters are the lease.
    async fn update_leased<'q>(
        &self,
        held: JobLease,
        update: Query<'q, Any, AnyArguments>,
        bind: impl FnOnce(Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments>,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        update_with_lease(&mut tx, held, update, bind).await?;
        Ok(tx.commit().await?)
    }

    /// Queues the jobs again that a dead process left running, and returns their number. A job that this happened to three
    /// times fails with the code `crashed` instead. Call it at start, in the one process that works on jobs;
    /// [`claim_job`](Database::claim_job) requeues jobs whose leases expired.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn requeue_running_jobs(&self) -> Result<u64, DbError> {
        let mut tx = self.write().await?;
        let requeued = requeue(&mut tx, i64::MAX).await?;
        tx.commit().await?;
        Ok(requeued)
    }
}

/// Requeues the jobs whose leases end before `ended_by`, and returns their number.
async fn requeue(connection: &mut AnyConnection, ended_by: i64) -> Result<u64, DbError> {
    let now = encode::now_ms();
    sqlx::query(
        "UPDATE jobs SET state = 'failed', lease_until = NULL, progress = NULL, updated_at = $1, \
         crashes = crashes + 1, error_code = 'crashed', error_message = 'the server crashed each time it worked on this job' \
         WHERE state = 'running' AND lease_until < $2 AND crashes + 1 >= $3",
    )
    .bind(now)
    .bind(ended_by)
    .bind(encode::integer(MAX_CRASHES))
    .execute(&mut *connection)
    .await?;
    let requeued = sqlx::query(
        "UPDATE jobs SET state = 'queued', lease_until = NULL, progress = NULL, updated_at = $1, \
         crashes = crashes + 1 WHERE state = 'running' AND lease_until < $2",
    )
    .bind(now)
    .bind(ended_by)
    .execute(connection)
    .await?;
    Ok(requeued.rows_affected())
}

/// Runs an update whose first two parameters are the lease, within a transaction.
async fn update_with_lease<'q>(
    connection: &mut AnyConnection,
    held: JobLease,
    update: Query<'q, Any, AnyArguments>,
    bind: impl FnOnce(Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments>,
) -> Result<(), DbError> {
    let update = bind(update.bind(held.job.to_string()).bind(encode::integer(held.attempt)));
    match update.execute(connection).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(DbError::Conflict("the lease of the job is over".to_owned())),
    }
}

fn with_error<'q>(query: Query<'q, Any, AnyArguments>, error: &JobError) -> Query<'q, Any, AnyArguments> {
    query.bind(replace_nul(&error.code).into_owned()).bind(replace_nul(&error.message).into_owned())
}
