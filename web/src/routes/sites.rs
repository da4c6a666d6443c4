//! `/api/v1/collections/{collection}/sites`: crawls a web site into a collection.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{CollectionId, WorkspaceId};
use fetch::{Site, page_url};
use futures::{Stream, StreamExt, stream};
use ingest::{RemovalLimit, SyncEvent, sync_site};
use locales::Locale;
use service::App;
use tokio::sync::mpsc;

use crate::api::errors::ErrorEnvelope;
use crate::api::filter;
use crate::api::ingest_report::{FailedSource, IngestReport};
use crate::api::sites::{FinishedEvent, RemovedEvent, SiteEvent, SiteRequest};
use crate::api_error::ApiError;
use crate::extract::{self, Language, Path, Tenant};
use crate::localized_text::LocalizedText;
use crate::sse;

const MAX_PAGES: usize = 100_000;
const MAX_DEPTH: usize = 100;

/// Crawl a web site into a collection
///
/// New pages are ingested, changed ones updated, and the documents of pages that are gone are deleted. A page that cannot be
/// fetched is not gone. The crawl ends when the reader disconnects; what was ingested stays.
#[utoipa::path(
    post, path = "/collections/{collection}/sites", tag = "documents", operation_id = "crawl_site",
    params(("collection" = Uuid, Path, description = "The collection.")),
    request_body = SiteRequest,
    responses(
        (
            status = 200, description = "The progress of the crawl.",
            body = SiteEvent, content_type = "text/event-stream",
        ),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn crawl(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(collection): Path<CollectionId>,
    extract::Json(request): extract::Json<SiteRequest>,
) -> Result<Response, ApiError> {
    app.db.collection(workspace, collection).await?;
    let request = checked(workspace, collection, request)?;
    // Opened now, so that a part that is missing is an error of the response and not of the stream.
    app.knowledge().await?;
    Ok(sse::response(events(app, request, locale)))
}

fn checked(
    workspace: WorkspaceId,
    collection: CollectionId,
    request: SiteRequest,
) -> Result<ingest::SiteRequest, ApiError> {
    let SiteRequest { url, follow, max_pages, max_depth, tags, allow_removals } = request;
    let start = page_url(&url)?;
    check_range("max_pages", max_pages, 1, MAX_PAGES)?;
    check_range("max_depth", max_depth, 0, MAX_DEPTH)?;
    let tags = tags.map(|tags| filter::tags("tags", &tags)).transpose()?;
    let site = Site { start, follow: follow.into(), max_pages, max_depth };
    let removals = RemovalLimit::allowing(allow_removals);
    Ok(ingest::SiteRequest { workspace, collection, site, tags, removals })
}

fn check_range(field: &'static str, value: usize, min: usize, max: usize) -> Result<(), ApiError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let text = LocalizedText::with("error-invalid-value-range", [("min", min.into()), ("max", max.into())]);
    Err(ApiError::invalid(field, text))
}

/// The crawl runs within the stream: when the stream is dropped, the crawl ends.
fn events(
    app: App,
    request: ingest::SiteRequest,
    locale: Locale,
) -> impl Stream<Item = SiteEvent> + Send + 'static {
    let (sender, mut progress) = mpsc::unbounded_channel();
    let crawl = async move {
        let ended = tokio::select! {
            ended = sync(&app, request, locale, &sender) => ended,
            () = service::stop_requested() => {
                Err(ApiError::of_code(StatusCode::SERVICE_UNAVAILABLE, "shutting_down"))
            }
        };
        let last = match ended {
            Ok(report) => SiteEvent::Done(report.localized(locale)),
            Err(error) => SiteEvent::Error(error.event(locale)),
        };
        let _ = sender.send(last);
    };
    let crawl = stream::once(crawl).filter_map(|()| std::future::ready(None));
    stream::select(stream::poll_fn(move |context| progress.poll_recv(context)), crawl)
}

/// The receiver of `events` goes together with this future, so that sending never fails.
async fn sync(
    app: &App,
    request: ingest::SiteRequest,
    locale: Locale,
    events: &mpsc::UnboundedSender<SiteEvent>,
) -> Result<IngestReport, ApiError> {
    let tell = |event| {
        if let Some(event) = site_event(event, locale) {
            let _ = events.send(event);
        }
    };
    Ok(sync_site(&app.knowledge().await?.ingest, &app.fetcher, request, tell).await?.into())
}

fn site_event(event: SyncEvent, locale: Locale) -> Option<SiteEvent> {
    match event {
        SyncEvent::Finished { source, outcome, .. } => {
            Some(SiteEvent::Finished(FinishedEvent { source, outcome: outcome.into() }))
        }
        SyncEvent::Failed(failed) => Some(SiteEvent::Failed(FailedSource::from(failed).localized(locale))),
        SyncEvent::Removed { source } => Some(SiteEvent::Removed(RemovedEvent { source })),
        // A site is not counted before it is crawled, and its pages are too short for stages.
        SyncEvent::Found { .. } | SyncEvent::Progress { .. } => None,
    }
}
