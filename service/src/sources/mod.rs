//! The configured sources: a server keeps collections in step with folders and web sites.

use std::path::Path;
use std::time::Duration;

use domain::{CollectionId, Visibility};
use ingest::{IngestError, IngestReport, Site, SiteRequest, SyncEvent, SyncRequest, sync_folder, sync_site};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;

use crate::app::{App, WORKSPACE};
use crate::changes::FileChanges;
use crate::config::{SourceConfig, SourcePlace};

/// Keeps in step until `stop`. What is being taken in then is taken up at the next start.
pub async fn run(app: App, stop: CancellationToken) {
    let sources = app.config.sources.clone();
    let kept = sources.into_iter().map(|source| tokio::spawn(keep(app.clone(), source, stop.clone())));
    futures::future::join_all(kept).await;
}

async fn keep(app: App, source: SourceConfig, stop: CancellationToken) {
    match source.place() {
        Ok(SourcePlace::Folder(folder)) => keep_folder(&app, &source, &folder, &stop).await,
        Ok(SourcePlace::Site(start)) => keep_site(&app, &source, &start, &stop).await,
        // The settings were checked when they were read.
        Err(reason) => warn!(reason, "a source cannot be kept in step with"),
    }
}

async fn keep_folder(app: &App, source: &SourceConfig, folder: &Path, stop: &CancellationToken) {
    // Watched before it is read: what changes meanwhile is read once more.
    let mut changes = FileChanges::below(&[folder.to_owned()]);
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

async fn keep_site(app: &App, source: &SourceConfig, start: &Url, stop: &CancellationToken) {
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
) -> Result<IngestReport, IngestError> {
    let request = SyncRequest {
        workspace: WORKSPACE,
        collection: collection(app, source).await?,
        root: folder.to_owned(),
        tags: tags(source),
        force: false,
        prune: true,
    };
    sync_folder(&app.knowledge.pipeline, request, tell).await
}

async fn sync_from_site(app: &App, source: &SourceConfig, start: &Url) -> Result<IngestReport, IngestError> {
    let SourceConfig { follow, max_pages, max_depth, .. } = *source;
    let request = SiteRequest {
        workspace: WORKSPACE,
        collection: collection(app, source).await?,
        site: Site { start: start.clone(), follow, max_pages, max_depth },
        tags: tags(source),
    };
    sync_site(&app.knowledge.pipeline, &app.knowledge.fetcher, request, tell).await
}

async fn collection(app: &App, source: &SourceConfig) -> Result<CollectionId, IngestError> {
    Ok(app.knowledge.db.ensure_collection(WORKSPACE, &source.collection, Visibility::Private).await?.id)
}

fn tags(source: &SourceConfig) -> Option<Vec<String>> {
    (!source.tags.is_empty()).then(|| source.tags.clone())
}

fn tell(event: SyncEvent) {
    if let SyncEvent::Failed(failed) = event {
        warn!(source = failed.source, code = failed.code, message = failed.message, "not ingested");
    }
}

fn report(place: &str, synced: Result<IngestReport, IngestError>) {
    match synced {
        Ok(report) if report.is_idle() => {}
        Ok(IngestReport { added, updated, moved, removed, seconds, .. }) => {
            info!(place, added, updated, moved, removed, seconds, "in step with a source");
        }
        Err(error) => warn!(place, %error, "a source cannot be read; it is tried again"),
    }
}
