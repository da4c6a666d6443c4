//! Runs queued ingestion jobs: claims one, ingests its original, reports progress, stores the outcome.
//!
//! ```text
//! claim --lease--> parse, embed, store --> complete | fail | postpone (something it needs is unavailable)
//!                  `-- renew the lease, store the stage; a lost lease means the job was cancelled --'
//! ```
//!
//! A worker that dies leaves its lease behind; the next start, or another worker once the lease has expired, claims the job.
//! A worker that panics starts again.

use std::ops::ControlFlow;
use std::time::Duration;

use db::{DbError, Job, JobError, JobLease, JobState};
use domain::{DocumentId, IngestStage, with_causes};
use ingest::{IngestError, IngestItem, Pipeline};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::archive_job::{UnpackError, Unpacked, unpack};
use crate::app::App;
use crate::open_error::OpenError;
use crate::supervised::supervised;

/// How often the queue is read without a notification: another process may share the database, and postponed jobs come
/// due.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// How long a job belongs to its worker without a renewal.
const LEASE: Duration = Duration::from_secs(60);

/// How often a lease is renewed when there is no progress.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Longest wait before a retry.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(600);

/// What workers do when the database takes nothing, as on a full disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDatabaseFailure {
    /// A server tries until it works again: nobody waits at its terminal.
    KeepTrying,
    /// A command ends with the error. Its jobs are continued by the next process.
    GiveUp,
}

/// Works until `stop`; running jobs are released, and the next start continues them.
pub(crate) async fn run(app: App, on_failure: OnDatabaseFailure, stop: CancellationToken) {
    let workers = app.config.ingest.workers;
    app.workers.expect(workers);
    let workers = (0..workers).map(|_| {
        let (app, stop) = (app.clone(), stop.clone());
        let running = app.workers.begin();
        tokio::spawn(async move {
            supervised("job worker", &stop, || work(app.clone(), on_failure, stop.clone())).await;
            drop(running);
        })
    });
    futures::future::join_all(workers).await;
}

async fn work(app: App, on_failure: OnDatabaseFailure, stop: CancellationToken) {
    let mut changes = app.jobs_changed.subscribe();
    while !stop.is_cancelled() {
        changes.mark_unchanged();
        match app.db.claim_job(LEASE).await {
            Ok(Some(job)) => {
                app.jobs_changed.send_replace(());
                ClaimedJob { app: &app, lease: job.lease(), job, on_failure, stop: &stop }.run().await;
                app.jobs_changed.send_replace(());
                continue;
            }
            Ok(None) => {}
            Err(error) if on_failure == OnDatabaseFailure::GiveUp => {
                return app.give_up_on_jobs(with_causes(&error));
            }
            Err(error) => warn!(error = with_causes(&error), "cannot read the job queue"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = changes.changed() => {}
            () = tokio::time::sleep(POLL_EVERY) => {}
        }
    }
}

/// A job that this worker has the lease of.
struct ClaimedJob<'a> {
    app: &'a App,
    job: Job,
    lease: JobLease,
    on_failure: OnDatabaseFailure,
    stop: &'a CancellationToken,
}

/// The result of ingesting an original.
enum Ingested {
    Document(DocumentId),
    /// It is an archive with these members.
    Archive(Unpacked),
}

/// Why a job is not done.
enum Unfinished {
    /// The job was cancelled, or the process stops.
    Cancelled,
    /// A later attempt may succeed.
    Retryable(JobError),
    /// It cannot succeed.
    Failed(JobError),
}

impl From<IngestError> for Unfinished {
    fn from(error: IngestError) -> Self {
        let why = JobError { code: error.code().to_owned(), message: error.message() };
        match error {
            IngestError::Cancelled => Self::Cancelled,
            error if error.is_retryable() => Self::Retryable(why),
            _ => Self::Failed(why),
        }
    }
}

impl From<OpenError> for Unfinished {
    fn from(error: OpenError) -> Self {
        Self::Retryable(JobError { code: "not_ready".to_owned(), message: error.to_string() })
    }
}

impl From<UnpackError> for Unfinished {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Refused(error) => error.into(),
            UnpackError::NotKept(error) => {
                Self::Retryable(JobError { code: "original_unkept".to_owned(), message: with_causes(&error) })
            }
        }
    }
}

impl ClaimedJob<'_> {
    async fn run(self) {
        let (stages, progress) = watch::channel(IngestStage::Parsing);
        let cancelled = self.stop.child_token();
        let ended = tokio::select! {
            ended = self.ingest(&stages, &cancelled) => ended,
            () = self.keep_lease(progress, &cancelled) => Err(Unfinished::Cancelled),
        };
        loop {
            match self.store_outcome(&ended).await {
                Ok(()) => return,
                Err(error @ (DbError::Unavailable(_) | DbError::Failed(_)))
                    if self.on_failure == OnDatabaseFailure::GiveUp =>
                {
                    return self.app.give_up_on_jobs(with_causes(&error));
                }
                // What made the work fail may fail this too; without it the job would wait until its lease expires.
                Err(DbError::Unavailable(_)) if !self.stop.is_cancelled() => {
                    tokio::time::sleep(POLL_EVERY).await;
                }
                Err(DbError::Conflict(_)) => {
                    return info!(job = %self.job.id, "the job was cancelled at the last moment");
                }
                // The job stays "running" until its lease expires; ingesting it again changes nothing.
                Err(error) => {
                    return error!(job = %self.job.id, error = with_causes(&error), "cannot store the outcome of a job");
                }
            }
        }
    }

    async fn store_outcome(&self, ended: &Result<Ingested, Unfinished>) -> Result<(), DbError> {
        let db = &self.app.db;
        let Job { id, ref source, retries, .. } = self.job;
        match ended {
            Ok(Ingested::Document(document)) => {
                db.complete_job(self.lease, *document).await?;
                info!(job = %id, source, "ingested");
            }
            Ok(Ingested::Archive(unpacked)) => {
                db.complete_archive_job(&self.job, &unpacked.members).await?;
                info!(job = %id, source, documents = unpacked.members.len(), "unpacked");
            }
            Err(Unfinished::Cancelled) => self.release().await?,
            Err(Unfinished::Retryable(why)) if retries < self.app.config.ingest.retries => {
                let wait = self.retry_wait();
                db.postpone_job(self.lease, wait, why.clone()).await?;
                warn!(job = %id, source, code = why.code, message = why.message, ?wait, "postponed");
            }
            Err(Unfinished::Retryable(why) | Unfinished::Failed(why)) => {
                db.fail_job(self.lease, why.clone()).await?;
                warn!(job = %id, source, code = why.code, message = why.message, "not ingested");
            }
        }
        Ok(())
    }

    async fn ingest(
        &self,
        stages: &watch::Sender<IngestStage>,
        cancelled: &CancellationToken,
    ) -> Result<Ingested, Unfinished> {
        let originals = &self.app.originals;
        let bytes = originals.read(&self.job.content_hash).await.map_err(IngestError::from)?;
        // A member of an archive is never an archive itself.
        if self.job.parent.is_none()
            && let Some(unpacked) = unpack(originals, &self.job.source, bytes.clone()).await?
        {
            return Ok(Ingested::Archive(unpacked));
        }
        let item = IngestItem {
            workspace: self.job.workspace,
            collection: self.job.collection,
            source: self.job.source.clone(),
            bytes,
            tags: self.job.tags.clone(),
            dated_at: self.job.dated_at,
            force: self.job.forced,
        };
        let on_stage = &mut |stage| {
            stages.send_replace(stage);
            if cancelled.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let knowledge = self.app.knowledge().await?;
        match Pipeline::new(&knowledge.ingest).ingest_in_stages(item, on_stage).await {
            Ok(ingested) => Ok(Ingested::Document(ingested.document)),
            Err(error) => Err(error.into()),
        }
    }

    /// Renews the lease and stores the job's progress. Returns when the job is cancelled and may be dropped where it is,
    /// which it may while nothing is written; a job that writes sees `cancelled`, and ends by itself.
    async fn keep_lease(&self, mut progress: watch::Receiver<IngestStage>, cancelled: &CancellationToken) {
        let mut changes = self.app.jobs_changed.subscribe();
        loop {
            let has_progressed = tokio::select! {
                () = cancelled.cancelled() => break,
                changed = progress.changed() => changed.is_ok(),
                _ = changes.changed() => false,
                () = tokio::time::sleep(RENEW_EVERY) => false,
            };
            let stage = *progress.borrow_and_update();
            match self.app.db.renew_job(self.lease, LEASE, stage).await {
                // Only progress is announced, or two workers would wake each other for ever.
                Ok(()) if has_progressed => {
                    self.app.jobs_changed.send_replace(());
                }
                Ok(()) => {}
                Err(DbError::Conflict(_)) => cancelled.cancel(),
                Err(error) => {
                    warn!(job = %self.job.id, error = with_causes(&error), "cannot renew the lease of a job");
                }
            }
        }
        let is_parsing = |stage: &IngestStage| *stage == IngestStage::Parsing;
        if !is_parsing(&progress.borrow()) {
            std::future::pending::<()>().await;
        }
    }

    /// Lets go of an interrupted job: the next start continues it, unless it was cancelled.
    async fn release(&self) -> Result<(), DbError> {
        let Job { id, workspace, collection, ref source, .. } = self.job;
        if self.app.db.job(workspace, id).await?.state != JobState::Cancelled {
            return self.app.db.release_job(self.lease).await;
        }
        info!(job = %id, source, "cancelled");
        // Without an open knowledge base nothing was written.
        if let Some(knowledge) = self.app.opened_knowledge()
            && let Err(error) = Pipeline::new(&knowledge.ingest).abandon(workspace, collection, source).await
        {
            let error = error.message();
            warn!(job = %id, error, "the unfinished version stays until the document is ingested again");
        }
        Ok(())
    }

    /// Exponential back-off.
    fn retry_wait(&self) -> Duration {
        let first = Duration::from_secs(self.app.config.ingest.retry_seconds);
        first.saturating_mul(2_u32.saturating_pow(self.job.retries)).min(MAX_RETRY_WAIT)
    }
}
