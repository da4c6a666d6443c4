//! The configured sources: a server keeps collections in step with folders.

use domain::Visibility;
use ingest::{IngestError, IngestReport, SyncEvent, SyncRequest, sync_folder};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app::{App, WORKSPACE};
use crate::changes::FileChanges;
use crate::config::SourceConfig;

/// Keeps in step until `stop`. What is being taken in then is taken up at the next start.
pub async fn run(app: App, stop: CancellationToken) {
    let sources = app.config.sources.clone();
    let kept = sources.into_iter().map(|source| tokio::spawn(keep(app.clone(), source, stop.clone())));
    futures::future::join_all(kept).await;
}

async fn keep(app: App, source: SourceConfig, stop: CancellationToken) {
    // Watched before it is read: what changes meanwhile is read once more.
    let mut changes = FileChanges::below(std::slice::from_ref(&source.path));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            synced = sync(&app, &source) => report(&source, synced),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = changes.next() => {}
        }
    }
}

async fn sync(app: &App, source: &SourceConfig) -> Result<IngestReport, IngestError> {
    let knowledge = &app.knowledge;
    let collection =
        knowledge.db.ensure_collection(WORKSPACE, &source.collection, Visibility::Private).await?.id;
    let request = SyncRequest {
        workspace: WORKSPACE,
        collection,
        root: source.path.clone(),
        tags: (!source.tags.is_empty()).then(|| source.tags.clone()),
        force: false,
        prune: true,
    };
    let report = sync_folder(&knowledge.pipeline, request, |event| {
        if let SyncEvent::Failed(failed) = event {
            warn!(source = failed.source, code = failed.code, message = failed.message, "not ingested");
        }
    });
    report.await
}

fn report(source: &SourceConfig, synced: Result<IngestReport, IngestError>) {
    let path = source.path.display();
    match synced {
        Ok(report) if report.is_idle() => {}
        Ok(IngestReport { added, updated, moved, removed, seconds, .. }) => {
            info!(%path, added, updated, moved, removed, seconds, "in step with a source");
        }
        Err(error) => warn!(%path, %error, "a source cannot be read; it is tried again"),
    }
}
