//! Jobs as workers see them: taken for a while, reported on, ended.
//!
//! A lease is a job's id with the number of the attempt. Every statement of a worker names both, so one whose lease ran
//! out, or whose job was called off, changes nothing any more and learns it as [`DbError::Conflict`]. What it has done by
//! then does no harm: ingesting twice changes nothing.

use std::time::Duration;

use domain::{DocumentId, IngestStage, JobId};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::database::Dialect;
use crate::jobs::{ArchiveMember, Job, JobError, columns, job};
use crate::rows::{count, now_ms};
use crate::text::replace_nul;
use crate::{Database, DbError, postgres, sqlite};

/// A job whose worker was gone this often is what kills it.
const MAX_CRASHES: u32 = 3;

/// The right to work on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLease {
    job: JobId,
    attempt: u32,
}

impl Job {
    /// The lease of the attempt that this is.
    pub fn lease(&self) -> JobLease {
        JobLease { job: self.id, attempt: self.attempts }
    }
}

impl Database {
    /// Takes the oldest job of any workspace whose time has come, or `None`. Two callers never get the same one, nor two
    /// of the same source at once. Unless it is renewed, the lease is over after `lease`.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn claim_job(&self, lease: Duration) -> Result<Option<Job>, DbError> {
        let skip_claimed = match self.dialect {
            Dialect::Sqlite => sqlite::SKIP_LOCKED,
            Dialect::Postgres => postgres::SKIP_LOCKED,
        };
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_until = $2, error_code = NULL, \
             error_message = NULL, updated_at = $1 WHERE id = \
             (SELECT j.id FROM jobs j WHERE j.state = 'queued' AND j.run_at <= $1 AND NOT EXISTS \
              (SELECT 1 FROM jobs o WHERE o.collection = j.collection AND o.source = j.source \
               AND o.state IN ('queued', 'running') \
               AND (o.state = 'running' OR (o.created_at, o.id) < (j.created_at, j.id))) \
             ORDER BY j.created_at, j.id LIMIT 1{skip_claimed}) RETURNING {}",
            columns!()
        );
        let mut tx = self.write().await?;
        let now = now_ms();
        requeue(&mut tx, now, now).await?;
        // Safe: both parts are constants of this crate.
        let row =
            sqlx::query(AssertSqlSafe(sql)).bind(now).bind(end(now, lease)).fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        row.as_ref().map(job).transpose()
    }

    /// Says how far a job is, and that `lease` begins anew.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over: the work is not wanted any more.
    pub async fn renew_job(
        &self,
        held: JobLease,
        lease: Duration,
        progress: IngestStage,
    ) -> Result<(), DbError> {
        let progress = serde_json::to_string(&progress)?;
        let now = now_ms();
        let renew = sqlx::query(
            "UPDATE jobs SET lease_until = $4, progress = $5, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.as_holder(held, renew, |query| query.bind(now).bind(end(now, lease)).bind(progress)).await
    }

    /// Ends a job with the document it made.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn complete_job(&self, held: JobLease, document: DocumentId) -> Result<(), DbError> {
        let complete = sqlx::query(
            "UPDATE jobs SET state = 'done', document = $4, lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.as_holder(held, complete, |query| query.bind(now_ms()).bind(document.to_string())).await
    }

    /// Ends the job of an archive by queueing one for each of its documents, which are sorted and dated as the archive is.
    /// What cannot be unpacked has a failed job. All of it happens, or nothing.
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
        let now = now_ms();
        let end = sqlx::query(
            "UPDATE jobs SET state = 'done', lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        update_held(&mut tx, archive.lease(), end, |query| query.bind(now)).await?;
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

    /// Ends a job with the reason why it cannot be done.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn fail_job(&self, held: JobLease, error: JobError) -> Result<(), DbError> {
        let fail = sqlx::query(
            "UPDATE jobs SET state = 'failed', error_code = $4, error_message = $5, lease_until = NULL, \
             progress = NULL, updated_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.as_holder(held, fail, |query| with_error(query.bind(now_ms()), &error)).await
    }

    /// Gives a job back that could not be done now, to be tried again after `wait`.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn postpone_job(&self, held: JobLease, wait: Duration, error: JobError) -> Result<(), DbError> {
        let now = now_ms();
        let postpone = sqlx::query(
            "UPDATE jobs SET state = 'queued', retries = retries + 1, error_code = $4, error_message = $5, \
             run_at = $6, lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.as_holder(held, postpone, |query| with_error(query.bind(now), &error).bind(end(now, wait))).await
    }

    /// Gives a job back that its worker has no time to finish, to be taken up at once.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the lease is over.
    pub async fn release_job(&self, held: JobLease) -> Result<(), DbError> {
        let release = sqlx::query(
            "UPDATE jobs SET state = 'queued', lease_until = NULL, progress = NULL, updated_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        self.as_holder(held, release, |query| query.bind(now_ms())).await
    }

    /// Runs an update whose first parameters are the lease.
    async fn as_holder<'q>(
        &self,
        held: JobLease,
        update: Query<'q, Any, AnyArguments>,
        bind: impl FnOnce(Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments>,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        update_held(&mut tx, held, update, bind).await?;
        Ok(tx.commit().await?)
    }

    /// Queues again what a process that died left running, and gives their number. A job that this happened to three
    /// times fails with the code `crashed` instead. To be called at start, by the one process that works on jobs;
    /// leases that ran out are taken back by [`claim_job`](Database::claim_job).
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn requeue_running_jobs(&self) -> Result<u64, DbError> {
        let mut tx = self.write().await?;
        let requeued = requeue(&mut tx, now_ms(), i64::MAX).await?;
        tx.commit().await?;
        Ok(requeued)
    }
}

/// Takes back the leases that end before `ended_by`, and gives the number of jobs that are tried again.
async fn requeue(connection: &mut AnyConnection, now: i64, ended_by: i64) -> Result<u64, DbError> {
    sqlx::query(
        "UPDATE jobs SET state = 'failed', lease_until = NULL, progress = NULL, updated_at = $1, \
         crashes = crashes + 1, error_code = 'crashed', error_message = 'the server died each time it worked on this' \
         WHERE state = 'running' AND lease_until < $2 AND crashes + 1 >= $3",
    )
    .bind(now)
    .bind(ended_by)
    .bind(count(MAX_CRASHES))
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

/// Runs an update whose first parameters are the lease, within a transaction.
async fn update_held<'q>(
    connection: &mut AnyConnection,
    held: JobLease,
    update: Query<'q, Any, AnyArguments>,
    bind: impl FnOnce(Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments>,
) -> Result<(), DbError> {
    let update = bind(update.bind(held.job.to_string()).bind(count(held.attempt)));
    match update.execute(connection).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(DbError::Conflict("the lease of the job is over".to_owned())),
    }
}

fn with_error<'q>(query: Query<'q, Any, AnyArguments>, error: &JobError) -> Query<'q, Any, AnyArguments> {
    query.bind(replace_nul(&error.code).into_owned()).bind(replace_nul(&error.message).into_owned())
}

/// The time after `now` by `span`, in milliseconds since the epoch.
fn end(now: i64, span: Duration) -> i64 {
    now.saturating_add(count(span.as_millis()))
}
