//! A collection in step with a web site: new pages come in, changed ones are updated, and what is gone goes.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use db::DbError;
use domain::{CollectionId, DocumentId, WorkspaceId};

use super::{Crawler, Site, SitePage, Visit};
use crate::fetch::Fetcher;
use crate::pipeline::{IngestItem, Outcome};
use crate::sync::{FailedSource, IngestReport, SyncEvent, written};
use crate::{IngestError, Pipeline, checked_tags};

/// What to bring in.
#[derive(Debug, Clone)]
pub struct SiteRequest {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// The site.
    pub site: Site,
    /// What all of its pages are sorted by from now on; `None` leaves each as it is.
    pub tags: Option<Vec<String>>,
}

/// Makes a collection hold what a site holds.
///
/// A page that cannot be had now is in the report, and its document stays as it was. A document whose page no crawl from
/// this start finds any more is deleted, unless the crawl had to stop for want of room.
///
/// # Errors
/// `BadTags` and `Fetch` for the request itself, and what concerns every document
/// ([`IngestError::concerns_every_document`]).
pub async fn sync_site(
    pipeline: &Pipeline,
    fetcher: &Fetcher,
    mut request: SiteRequest,
    on_event: impl FnMut(SyncEvent) + Send,
) -> Result<IngestReport, IngestError> {
    let begun = Instant::now();
    request.tags = request.tags.map(checked_tags).transpose()?;
    let (workspace, collection, start) =
        (request.workspace, request.collection, request.site.start.to_string());
    let stored = pipeline.db.document_sources(workspace, collection).await?;
    let stored: HashSet<String> = stored.into_iter().map(|row| row.source).collect();
    let known = pipeline.db.web_pages(collection, &start).await?;
    let former: Vec<String> = known.iter().map(|page| page.url.clone()).collect();
    // Of a page whose document is gone all is wanted again.
    let known: HashMap<_, _> = known
        .into_iter()
        .filter(|page| stored.contains(&page.url))
        .map(|page| (page.url.clone(), page))
        .collect();
    let mut crawler = Crawler::begin(fetcher, &request.site, known).await?;
    let mut sync = SiteSync {
        pipeline,
        request: &request,
        start,
        present: HashSet::new(),
        report: IngestReport::default(),
        on_event,
    };
    while let Some(visit) = crawler.next().await {
        sync.take(visit).await?;
    }
    if crawler.saw_all() {
        let gone: Vec<String> = former.into_iter().filter(|url| !sync.present.contains(url)).collect();
        for url in gone {
            sync.remove(url).await?;
        }
    }
    sync.report.seconds = begun.elapsed().as_secs_f64();
    Ok(sync.report)
}

struct SiteSync<'a, F> {
    pipeline: &'a Pipeline,
    request: &'a SiteRequest,
    start: String,
    /// Pages that are there, also those that cannot be had now.
    present: HashSet<String>,
    report: IngestReport,
    on_event: F,
}

impl<F: FnMut(SyncEvent) + Send> SiteSync<'_, F> {
    async fn take(&mut self, visit: Visit) -> Result<(), IngestError> {
        match visit {
            Visit::Page(page) => self.store(page).await?,
            Visit::Unchanged(url) => {
                self.present.insert(url.clone());
                self.report.unchanged += 1;
                (self.on_event)(SyncEvent::Finished {
                    source: url,
                    outcome: Outcome::Unchanged,
                    chunks_written: 0,
                });
            }
            Visit::Gone(url) => self.remove(url).await?,
            Visit::Failed(url, error) => self.fail(url, &IngestError::Fetch(error)),
        }
        Ok(())
    }

    async fn store(&mut self, page: SitePage) -> Result<(), IngestError> {
        let SitePage { known, bytes, modified_at } = page;
        let SiteRequest { workspace, collection, ref tags, .. } = *self.request;
        let source = known.url.clone();
        self.present.insert(source.clone());
        let item = IngestItem {
            workspace,
            collection,
            source: source.clone(),
            bytes,
            tags: tags.clone(),
            dated_at: modified_at,
            force: false,
        };
        match self.pipeline.ingest(item).await {
            Ok(ingested) => {
                // After the document: what is noted before a crash would not be fetched again.
                self.pipeline.db.note_web_page(collection, &self.start, &known).await?;
                self.report.add(source.clone(), Ok(ingested))?;
                let (outcome, chunks_written) = written(ingested);
                (self.on_event)(SyncEvent::Finished { source, outcome, chunks_written });
            }
            Err(error) if error.concerns_every_document() => return Err(error),
            Err(error) => self.fail(source, &error),
        }
        Ok(())
    }

    fn fail(&mut self, source: String, error: &IngestError) {
        self.present.insert(source.clone());
        let failed = FailedSource::new(source, error);
        self.report.failed.push(failed.clone());
        (self.on_event)(SyncEvent::Failed(failed));
    }

    async fn remove(&mut self, url: String) -> Result<(), IngestError> {
        let SiteRequest { workspace, collection, .. } = *self.request;
        match self.pipeline.remove(workspace, DocumentId::derive(collection, &url)).await {
            Ok(()) => {
                self.report.removed += 1;
                (self.on_event)(SyncEvent::Removed { source: url.clone() });
            }
            // It never came in, or somebody else deleted it.
            Err(IngestError::Database(DbError::NotFound(_))) => {}
            Err(error) => return Err(error),
        }
        Ok(self.pipeline.db.forget_web_page(collection, &url).await?)
    }
}
