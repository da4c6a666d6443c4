//! Syncs collections with the configured folders and web sites, at the start and whenever they change.

use std::path::Path;
use std::time::Duration;

use db::DbError;
use domain::{CollectionId, Visibility, with_causes};
use fetch::Site;
use ingest::{
    IngestError, IngestReport, RemovalLimit, SiteRequest, SyncEvent, SyncRequest, sync_folder, sync_site,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;

use super::file_watcher::FileWatcher;
use crate::app::App;
use crate::config::{SourceConfig, SourceLocation};
use crate::open_error::OpenError;
use crate::supervised::supervised;
use crate::workspace::WORKSPACE;

/// Why a source is not synced.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    NotOpen(#[from] OpenError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

/// Syncs until `stop`. A sync that is cut off continues at the next start.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let sources = app.config.sources.clone();
    let syncs = sources.into_iter().map(|source| {
        let (app, stop) = (app.clone(), stop.clone());
        tokio::spawn(async move {
            supervised("source", &stop, || sync(app.clone(), source.clone(), stop.clone())).await;
        })
    });
    futures::future::join_all(syncs).await;
}

async fn sync(app: App, source: SourceConfig, stop: CancellationToken) {
    match source.location() {
        Ok(SourceLocation::Folder(folder)) => follow_folder(&app, &source, &folder, &stop).await,
        Ok(SourceLocation::Site(start)) => follow_site(&app, &source, &start, &stop).await,
        // The settings were checked when they were read.
        Err(reason) => warn!(reason, "cannot sync a source"),
    }
}

async fn follow_folder(app: &App, source: &SourceConfig, folder: &Path, stop: &CancellationToken) {
    // Watched before it is read: what changes meanwhile is read again.
    let mut changes = FileWatcher::new(&[folder.to_owned()]);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            synced = sync_from_folder(app, source, folder) => report(&folder.display().to_string(), synced),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = changes.next() => {}
        }
    }
}

async fn follow_site(app: &App, source: &SourceConfig, start: &Url, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            synced = sync_from_site(app, source, start) => report(start.as_str(), synced),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(source.every_minutes * 60)) => {}
        }
    }
}

async fn sync_from_folder(
    app: &App,
    source: &SourceConfig,
    folder: &Path,
) -> Result<IngestReport, SyncError> {
    let request = SyncRequest {
        workspace: WORKSPACE,
        collection: collection(app, source).await?,
        root: folder.to_owned(),
        tags: tags(source),
        force: false,
        prune: true,
        removals: RemovalLimit::allowing(source.allow_removals),
    };
    Ok(sync_folder(&app.knowledge().await?.ingest, request, log_failure).await?)
}

async fn sync_from_site(app: &App, source: &SourceConfig, start: &Url) -> Result<IngestReport, SyncError> {
    let SourceConfig { follow, max_pages, max_depth, .. } = *source;
    let request = SiteRequest {
        workspace: WORKSPACE,
        collection: collection(app, source).await?,
        site: Site { start: start.clone(), follow, max_pages, max_depth },
        tags: tags(source),
        removals: RemovalLimit::allowing(source.allow_removals),
    };
    Ok(sync_site(&app.knowledge().await?.ingest, &app.fetcher, request, log_failure).await?)
}

async fn collection(app: &App, source: &SourceConfig) -> Result<CollectionId, SyncError> {
    Ok(app.db.ensure_collection(WORKSPACE, &source.collection, Visibility::Private).await?.id)
}

fn tags(source: &SourceConfig) -> Option<Vec<String>> {
    (!source.tags.is_empty()).then(|| source.tags.clone())
}

fn log_failure(event: SyncEvent) {
    if let SyncEvent::Failed(failed) = event {
        warn!(source = failed.source, code = failed.code, message = failed.message, "not ingested");
    }
}

fn report(location: &str, synced: Result<IngestReport, SyncError>) {
    match synced {
        Ok(report) if report.is_idle() => {}
        Ok(IngestReport { added, updated, moved, removed, seconds, .. }) => {
            info!(location, added, updated, moved, removed, seconds, "synced a source");
        }
        Err(error) => {
            warn!(
                location,
                error = with_causes(&error),
                "cannot sync a source; the next change or interval tries again"
            );
        }
    }
}
