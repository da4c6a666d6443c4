//! Runs what works without being asked by anybody: job workers, configured sources, rebuilds of the index.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::abandoned_answers;
use crate::app::App;
use crate::erasure;
use crate::indexes::rebuild;
use crate::installation;
use crate::jobs::worker::{self, OnDatabaseFailure};
use crate::sources::sync;
use crate::supervised::supervised;

/// Which background work a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tasks {
    /// Everything: for a server.
    All,
    /// Only queued jobs: for a command that ingests.
    Jobs,
    /// Only the rebuild of the index: for a command that reindexes.
    Reindex,
}

/// Background work of this process, until it is stopped.
pub struct Background {
    stop: CancellationToken,
    running: JoinSet<()>,
}

impl Background {
    /// Starts the work. The caller has recovered the database before ([`App::recover`]) if it runs jobs.
    pub fn start(app: &App, tasks: Tasks) -> Self {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(app.database_lock.clone().keep(app.db.clone(), stop.clone()));
        let on_failure = match tasks {
            Tasks::All => Some(OnDatabaseFailure::KeepTrying),
            Tasks::Jobs => Some(OnDatabaseFailure::GiveUp),
            Tasks::Reindex => None,
        };
        if let Some(on_failure) = on_failure {
            running.spawn(worker::run(app.clone(), on_failure, stop.clone()));
        }
        if matches!(tasks, Tasks::All | Tasks::Reindex) {
            let (app, stop) = (app.clone(), stop.clone());
            running.spawn(async move {
                supervised("reindex", &stop, || rebuild::run(app.clone(), stop.clone())).await;
            });
        }
        if tasks == Tasks::All {
            let resumed = app.clone();
            running.spawn(async move { rebuild::resume(&resumed).await });
            running.spawn(sync::run(app.clone(), stop.clone()));
            let (answering, until) = (app.clone(), stop.clone());
            running.spawn(async move {
                let check = || abandoned_answers::run(answering.clone(), until.clone());
                supervised("abandoned answers", &until, check).await;
            });
            let (data_dir, db) = (app.config.data_dir.clone(), app.db.clone());
            running.spawn(installation::remember(data_dir, db, stop.clone()));
            running.spawn(erasure::run(app.clone(), stop.clone()));
        }
        Self { stop, running }
    }

    /// Asks all of it to stop; jobs in hand are released.
    pub fn request_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until all of it has stopped.
    pub async fn stopped(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}
