//! The running service: its stores at once, its models when they are first needed.

use std::ops::Deref;
use std::sync::Arc;

use anyhow::Result;
use chat::Chat;
use db::{Database, DbError};
use domain::with_causes;
use fetch::Fetcher;
use ingest::{Build, Erasures, Originals, Sweep};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard, watch};

use crate::backup::{BackupError, BackupSource};
use crate::config::Config;
use crate::database_lock::DatabaseLock;
use crate::generator::Answering;
use crate::indexes::{Indexes, Reindexing};
use crate::installation;
use crate::jobs::worker_count::WorkerCount;
use crate::knowledge::{KnowledgeBase, Stores};
use crate::maintenance_lock::{Busy, MaintenanceLock};
use crate::model_files::ModelFiles;
use crate::open_error::OpenError;
use crate::owner::Owner;
use crate::stores::{open_database, open_originals};

/// Maximum number of interrupted deletions that a start completes before it goes on.
const MAX_ERASURES_AT_START: u32 = 100;

/// A handle on the service; clones share everything, and cost nothing: every request has one.
#[derive(Clone)]
pub struct App(Arc<AppParts>);

impl Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

/// What the service consists of.
///
/// Models and the live index open on first use, so that a command that lists jobs needs none of them. A server opens
/// them before it listens ([`App::open_all`]).
pub struct AppParts {
    /// The settings it was opened with.
    pub config: Arc<Config>,
    /// Whose installation it is.
    pub owner: Arc<Owner>,
    /// SQL.
    pub db: Database,
    /// Source bytes.
    pub originals: Originals,
    /// Pages of the Web.
    pub fetcher: Fetcher,
    /// All vector indexes of the installation.
    pub indexes: Indexes,
    /// The rebuild of the index, where one is running.
    pub reindexing: Arc<Reindexing>,
    /// Notified when a job is queued, progresses or ends.
    pub jobs_changed: watch::Sender<()>,
    /// Held while a collection is measured: two measurements would measure each other.
    pub evaluating: Arc<Mutex<()>>,
    pub(crate) database_lock: DatabaseLock,
    /// The job workers of this process.
    pub(crate) workers: WorkerCount,
    /// Why the job workers of this process gave up, once they did.
    workers_failure: watch::Sender<Option<String>>,
    models: ModelFiles,
    maintenance: MaintenanceLock,
    knowledge: Arc<OnceCell<KnowledgeBase>>,
    answering: Arc<OnceCell<Answering>>,
}

impl App {
    /// Opens SQL and originals.
    ///
    /// # Errors
    /// Also where another process works on the same database.
    pub async fn open(config: Config) -> Result<Self> {
        let models = ModelFiles::new(&config)?;
        let db = open_database(&config).await?;
        let owner = Arc::new(Owner::open(&config.data_dir)?);
        let database_lock = DatabaseLock::acquire(&db).await?;
        Ok(Self(Arc::new(AppParts {
            owner,
            originals: open_originals(&config)?,
            fetcher: Fetcher::new(config.web.allowed_hosts.clone(), config.ingest.document_bytes),
            indexes: Indexes::new(db.clone(), &config, models.clone())?,
            reindexing: Arc::default(),
            jobs_changed: watch::Sender::new(()),
            evaluating: Arc::default(),
            database_lock,
            workers: WorkerCount::default(),
            workers_failure: watch::Sender::new(None),
            maintenance: MaintenanceLock::default(),
            knowledge: Arc::default(),
            answering: Arc::default(),
            config: Arc::new(config),
            models,
            db,
        })))
    }

    /// Opens what is opened on first use otherwise.
    pub async fn open_all(&self) -> Result<()> {
        self.open_knowledge().await?;
        self.open_answering().await?;
        Ok(())
    }

    /// What finds and stores passages.
    pub async fn knowledge(&self) -> Result<&KnowledgeBase, OpenError> {
        Ok(self.open_knowledge().await?)
    }

    /// What finds and stores passages, if it is open.
    pub fn opened_knowledge(&self) -> Option<&KnowledgeBase> {
        self.knowledge.get()
    }

    /// What answers questions.
    pub async fn chat(&self) -> Result<&Chat, OpenError> {
        Ok(&self.open_answering().await?.chat)
    }

    /// What answers questions, if it is open.
    pub fn opened_chat(&self) -> Option<&Chat> {
        Some(&self.answering.get()?.chat)
    }

    async fn open_knowledge(&self) -> Result<&KnowledgeBase> {
        self.knowledge
            .get_or_try_init(|| KnowledgeBase::open(&self.config, &self.models, self.stores()))
            .await
    }

    async fn open_answering(&self) -> Result<&Answering> {
        let knowledge = self.open_knowledge().await?;
        self.answering.get_or_try_init(|| Answering::open(&self.config, &self.models, knowledge)).await
    }

    /// A knowledge base around an index that is being built, apart from the one that answers.
    pub(crate) async fn open_to_build(&self, embedder: Option<&str>) -> Result<(KnowledgeBase, Build)> {
        KnowledgeBase::open_to_build(&self.config, self.stores(), embedder).await
    }

    fn stores(&self) -> Stores {
        Stores { db: self.db.clone(), originals: self.originals.clone(), indexes: self.indexes.clone() }
    }

    /// The right to read everything, for a backup or a check.
    ///
    /// # Errors
    /// [`Busy`] while another one has it.
    pub fn begin_maintenance(&self) -> Result<OwnedMutexGuard<()>, Busy> {
        self.maintenance.try_lock()
    }

    /// What a backup is written from.
    ///
    /// # Errors
    /// [`BackupError::NothingThere`] for an installation without data: its backup would take the place of a good one.
    pub async fn backup_source(&self) -> Result<BackupSource, BackupError> {
        if !self.db.has_data().await? {
            return Err(BackupError::NothingThere { data_dir: self.config.data_dir.clone() });
        }
        let vectors = match self.opened_knowledge() {
            Some(knowledge) => {
                let index = knowledge.index.current();
                Some((index.embedder.space().clone(), index.vectors.clone()))
            }
            None => self.indexes.open_points().await.map_err(OpenError::from)?,
        };
        Ok(BackupSource { db: self.db.clone(), originals: self.originals.clone(), vectors })
    }

    /// Recovers from a process that died in the middle of its work. For the only process on this database, before it works.
    pub async fn recover(&self) -> Result<()> {
        let interrupted = self.db.interrupt_unfinished_answers().await?;
        let requeued = self.db.requeue_running_jobs().await?;
        let ingest = &self.open_knowledge().await?.ingest;
        let swept = Sweep::new(ingest).run().await?;
        // A failure must not keep a server from starting, and neither must the many deletions that an older version left:
        // they are completed in the background.
        if self.db.unfinished_erasures(None, MAX_ERASURES_AT_START + 1).await?.len() as u32
            <= MAX_ERASURES_AT_START
        {
            Erasures::new(ingest).finish_or_warn().await;
        }
        if let Err(error) = self.indexes.remove_retired().await {
            tracing::warn!(
                error = with_causes(&*error),
                "cannot remove a retired index; the next start tries again"
            );
        }
        if interrupted + requeued + swept > 0 {
            tracing::info!(interrupted, requeued, swept, "recovered from an unclean shutdown");
        }
        Ok(())
    }

    /// Tells other processes where this one listens.
    ///
    /// # Errors
    /// When a shared database does not answer.
    pub async fn announce(&self, url: &str) -> Result<(), DbError> {
        self.database_lock.announce(url).await
    }

    /// Resolves with the name of the process that took the database over, while this one could not reach it.
    pub async fn database_taken_over(&self) -> String {
        self.database_lock.lost().await
    }

    /// Resolves with the reason when the job workers of this process have given up.
    pub async fn workers_gave_up(&self) -> String {
        let mut failure = self.workers_failure.subscribe();
        match failure.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            // The sender lives as long as this value.
            _ => std::future::pending().await,
        }
    }

    /// Lets whoever waits for jobs know that nobody works on them any more.
    pub(crate) fn give_up_on_jobs(&self, reason: String) {
        self.workers_failure.send_replace(Some(reason));
    }

    /// Indexes what was written, and binds the data directory to its database. For a process that ingested and ends.
    pub async fn finish_ingestion(&self) -> Result<()> {
        if let Some(knowledge) = self.opened_knowledge() {
            Erasures::new(&knowledge.ingest).finish().await?;
            knowledge.index.current().vectors.flush().await?;
        }
        installation::check(&self.config.data_dir, &self.db).await?;
        Ok(())
    }

    /// Ends what runs, answers first.
    pub async fn close(&self) {
        if let Some(answering) = self.answering.get() {
            answering.chat.drain().await;
            if let Some(engine) = &answering.engine {
                engine.shutdown();
            }
        }
        self.db.close().await;
    }
}
