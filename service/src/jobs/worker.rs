//! The background workers: each takes a queued job, ingests its original, and says meanwhile how far it is.
//!
//! ```text
//! claim --lease--> read, embed, store --> complete | fail | postpone (what it needs did not work)
//!                  `-- renew the lease, note the stage; it is over: somebody called the job off --'
//! ```
//!
//! A worker that dies leaves its lease behind; the next start, or another worker once it has run out, takes the job up.

use std::ops::ControlFlow;
use std::time::Duration;

use db::{ArchiveMember, DbError, Job, JobError, JobLease, JobState};
use domain::{DocumentId, IngestStage};
use ingest::{IngestError, IngestItem};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;
use crate::unpack::{UnpackError, unpack};

/// How often the queue is looked at without being told: another process may share the database, and jobs that were put
/// off come due.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a job is its worker's without a sign of it.
const LEASE: Duration = Duration::from_secs(60);

/// How often a worker gives a sign when there is no news.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Longest wait before a job is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Works until `stop`; jobs in hand are given back, to be taken up where they stand at the next start.
pub async fn run(app: App, stop: CancellationToken) {
    let workers = (0..app.config.ingest.workers).map(|_| work(app.clone(), stop.clone()));
    futures::future::join_all(workers.map(tokio::spawn)).await;
}

async fn work(app: App, stop: CancellationToken) {
    let mut changes = app.jobs_changed.subscribe();
    while !stop.is_cancelled() {
        changes.mark_unchanged();
        match app.knowledge.db.claim_job(LEASE).await {
            Ok(Some(job)) => {
                app.jobs_changed.send_replace(());
                Held { app: &app, lease: job.lease(), job, stop: &stop }.work().await;
                app.jobs_changed.send_replace(());
                continue;
            }
            Ok(None) => {}
            Err(error) => warn!(%error, "the job queue cannot be read"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// A job in hand.
struct Held<'a> {
    app: &'a App,
    job: Job,
    lease: JobLease,
    stop: &'a CancellationToken,
}

/// What came of an original.
enum Ingested {
    Document(DocumentId),
    /// It is an archive, and these are in it.
    Archive(Vec<ArchiveMember>),
}

/// Why a job is not done.
enum Unfinished {
    /// It is not wanted any more, or the worker has no time for it.
    CalledOff,
    /// It may be done later.
    Hindered(JobError),
    /// It cannot be done.
    Failed(JobError),
}

impl From<IngestError> for Unfinished {
    fn from(error: IngestError) -> Self {
        let why = JobError { code: error.code().to_owned(), message: error.to_string() };
        match error {
            IngestError::Cancelled => Self::CalledOff,
            error if error.may_pass() => Self::Hindered(why),
            _ => Self::Failed(why),
        }
    }
}

impl From<UnpackError> for Unfinished {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Refused(error) => error.into(),
            UnpackError::Unkept(error) => {
                Self::Hindered(JobError { code: "original_unkept".to_owned(), message: error.to_string() })
            }
        }
    }
}

impl Held<'_> {
    async fn work(self) {
        let (stages, news) = watch::channel(IngestStage::Reading);
        let enough = self.stop.child_token();
        let ended = tokio::select! {
            ended = self.ingest(&stages, &enough) => ended,
            () = self.keep(news, &enough) => Err(Unfinished::CalledOff),
        };
        loop {
            match self.note(&ended).await {
                Ok(()) => return,
                // What hindered the work may hinder this; without it the job would wait for the end of its lease.
                Err(DbError::Unavailable(_)) if !self.stop.is_cancelled() => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(DbError::Conflict(_)) => {
                    return info!(job = %self.job.id, "the job was called off at the last moment");
                }
                // The job stays "running" until its lease is over; ingesting twice changes nothing.
                Err(error) => {
                    return error!(job = %self.job.id, %error, "the job's outcome could not be stored");
                }
            }
        }
    }

    async fn note(&self, ended: &Result<Ingested, Unfinished>) -> Result<(), DbError> {
        let db = &self.app.knowledge.db;
        let Job { id, ref source, retries, .. } = self.job;
        match ended {
            Ok(Ingested::Document(document)) => {
                db.complete_job(self.lease, *document).await?;
                info!(job = %id, source, "ingested");
            }
            Ok(Ingested::Archive(members)) => {
                db.complete_archive_job(&self.job, members).await?;
                info!(job = %id, source, documents = members.len(), "unpacked");
            }
            Err(Unfinished::CalledOff) => self.put_down().await?,
            Err(Unfinished::Hindered(why)) if retries < self.app.config.ingest.retries => {
                let wait = self.wait();
                db.postpone_job(self.lease, wait, why.clone()).await?;
                warn!(job = %id, source, code = why.code, message = why.message, ?wait, "put off");
            }
            Err(Unfinished::Hindered(why) | Unfinished::Failed(why)) => {
                db.fail_job(self.lease, why.clone()).await?;
                warn!(job = %id, source, code = why.code, message = why.message, "not ingested");
            }
        }
        Ok(())
    }

    async fn ingest(
        &self,
        stages: &watch::Sender<IngestStage>,
        enough: &CancellationToken,
    ) -> Result<Ingested, Unfinished> {
        let knowledge = &self.app.knowledge;
        let bytes = knowledge.originals.read(&self.job.content_hash).await.map_err(IngestError::from)?;
        // What lies in an archive is no archive.
        if self.job.parent.is_none()
            && let Some(members) = unpack(&knowledge.originals, &self.job.source, bytes.clone()).await?
        {
            return Ok(Ingested::Archive(members));
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
            if enough.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match knowledge.pipeline.ingest_in_stages(item, on_stage).await {
            Ok(ingested) => Ok(Ingested::Document(ingested.document)),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the lease and notes how far the job is. Returns when the work is not wanted any more and may be dropped where
    /// it stands, which it may while nothing is written; what writes is told by `enough`, and ends by itself.
    async fn keep(&self, mut news: watch::Receiver<IngestStage>, enough: &CancellationToken) {
        let mut changes = self.app.jobs_changed.subscribe();
        loop {
            let is_news = tokio::select! {
                () = enough.cancelled() => break,
                changed = news.changed() => changed.is_ok(),
                _ = changes.changed() => false,
                () = tokio::time::sleep(RENEW_EVERY) => false,
            };
            let stage = *news.borrow_and_update();
            match self.app.knowledge.db.renew_job(self.lease, LEASE, stage).await {
                // Only news is told, or two workers would wake one another for ever.
                Ok(()) if is_news => {
                    self.app.jobs_changed.send_replace(());
                }
                Ok(()) => {}
                Err(DbError::Conflict(_)) => enough.cancel(),
                Err(error) => warn!(job = %self.job.id, %error, "the job's lease could not be renewed"),
            }
        }
        let is_reading = |stage: &IngestStage| *stage == IngestStage::Reading;
        if !is_reading(&news.borrow()) {
            std::future::pending::<()>().await;
        }
    }

    /// Leaves a job whose work was broken off: for the next start if the server stops, for ever if it was called off.
    async fn put_down(&self) -> Result<(), DbError> {
        let knowledge = &self.app.knowledge;
        let Job { id, workspace, collection, ref source, .. } = self.job;
        if knowledge.db.job(workspace, id).await?.state == JobState::Cancelled {
            info!(job = %id, source, "called off");
            if let Err(error) = knowledge.pipeline.abandon(workspace, collection, source).await {
                warn!(job = %id, %error, "what was begun of the document stays until it is ingested again");
            }
            return Ok(());
        }
        knowledge.db.release_job(self.lease).await
    }

    /// Twice as long each time.
    fn wait(&self) -> Duration {
        let first = Duration::from_secs(self.app.config.ingest.retry_seconds);
        first.saturating_mul(2_u32.saturating_pow(self.job.retries)).min(LONGEST_WAIT)
    }
}
