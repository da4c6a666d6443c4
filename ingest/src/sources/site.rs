//! Keeps a collection in step with a web site: ingests new and changed pages, deletes the documents of pages that are gone.
//!
//! Documents are deleted at the end, by the listing of the crawl, and only with a finding that their pages are gone.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use db::{Database, DbError, WebPage};
use domain::{Absence, CollectionId, Listing, WorkspaceId, normalize_tags};
use fetch::{Crawler, Fetcher, KnownPage, Site, SitePage, Visit};

use crate::context::IngestContext;
use crate::erasure::erasures::Erasures;
use crate::error::IngestError;
use crate::sources::removal::{AbsentRemoval, RemovalLimit};
use crate::sources::report::{FailedSource, IngestReport, SyncEvent};
use crate::versions::item::{IngestItem, Outcome};
use crate::versions::pipeline::Pipeline;

/// A site to sync.
#[derive(Debug, Clone)]
pub struct SiteRequest {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// The site.
    pub site: Site,
    /// New tags of all of its pages; `None` keeps those of each.
    pub tags: Option<Vec<String>>,
    /// How many documents may be deleted.
    pub removals: RemovalLimit,
}

/// Makes a collection hold what a site holds.
///
/// A page that cannot be fetched is in the report, and its document stays as it was. A document is deleted if the site
/// says that its page is gone, or if a complete crawl does not find the page. Where those are too many, none is deleted,
/// and the report says so.
///
/// # Errors
/// `BadTags` and `Fetch` for the request itself, and those that concern every document
/// ([`IngestError::concerns_every_document`]).
pub async fn sync_site(
    context: &IngestContext,
    fetcher: &Fetcher,
    mut request: SiteRequest,
    on_event: impl FnMut(SyncEvent) + Send,
) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    request.tags = request.tags.map(normalize_tags).transpose()?;
    let SiteRequest { workspace, collection, ref site, .. } = request;
    let start = site.start.to_string();
    let stored = context.db.document_sources(workspace, collection).await?;
    let stored: HashSet<String> = stored.into_iter().map(|row| row.source).collect();
    let pages = context.db.web_pages(collection, &start).await?;
    let former: Vec<String> = pages.iter().map(|page| page.url.clone()).collect();
    let known = known_pages(pages, &stored);
    let mut crawler = Crawler::begin(fetcher, site, context.pages.as_ref(), known).await?;
    let mut sync = SiteSync {
        db: context.db.clone(),
        pipeline: Pipeline::new(context),
        removal: AbsentRemoval::new(context, workspace, collection),
        request: &request,
        start,
        report: IngestReport::default(),
        on_event,
    };
    while let Some(visit) = crawler.next().await {
        sync.handle(visit).await?;
    }
    sync.remove_absent(&former, &stored, &crawler.into_listing()).await?;
    if sync.report.removed > 0 {
        Erasures::new(context).finish_or_warn().await;
    }
    sync.report.seconds = started.elapsed().as_secs_f64();
    Ok(sync.report)
}

struct SiteSync<'a, F> {
    db: Database,
    pipeline: Pipeline,
    removal: AbsentRemoval,
    request: &'a SiteRequest,
    start: String,
    report: IngestReport,
    on_event: F,
}

impl<F: FnMut(SyncEvent) + Send> SiteSync<'_, F> {
    async fn handle(&mut self, visit: Visit) -> Result<(), IngestError> {
        match visit {
            Visit::Page(page) => self.store(page).await?,
            Visit::Unchanged(url) => {
                self.report.unchanged += 1;
                (self.on_event)(SyncEvent::Finished {
                    source: url,
                    outcome: Outcome::Unchanged,
                    chunks_written: 0,
                });
            }
            Visit::Failed(url, error) => self.fail(url, &IngestError::Fetch(error)),
        }
        Ok(())
    }

    async fn store(&mut self, page: SitePage) -> Result<(), IngestError> {
        let SitePage { known, bytes, modified_at } = page;
        let SiteRequest { workspace, collection, ref tags, .. } = *self.request;
        let source = known.url.clone();
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
                // After the document: a page noted before a crash would not be fetched again.
                self.db.save_web_page(collection, &self.start, &web_page(known)).await?;
                self.report.add(source.clone(), Ok(ingested))?;
                let (outcome, chunks_written) = (ingested.outcome, ingested.chunks_written());
                (self.on_event)(SyncEvent::Finished { source, outcome, chunks_written });
            }
            Err(error) if error.concerns_every_document() => return Err(error),
            Err(error) => self.fail(source, &error),
        }
        Ok(())
    }

    fn fail(&mut self, source: String, error: &IngestError) {
        let failed = FailedSource::new(source, error);
        self.report.failed.push(failed.clone());
        (self.on_event)(SyncEvent::Failed(failed));
    }

    /// Deletes the documents of the `former` pages that are gone, unless they are too many.
    async fn remove_absent(
        &mut self,
        former: &[String],
        stored: &HashSet<String>,
        listing: &Listing,
    ) -> Result<(), IngestError> {
        let absent: Vec<Absence> = former.iter().filter_map(|url| listing.absence(url)).collect();
        let has_document = |url: &str| stored.contains(url);
        let removals = absent.iter().filter(|absence| has_document(absence.source())).count();
        let documents = former.iter().filter(|url| has_document(url)).count();
        if let Err(error) = self.request.removals.check(removals, documents) {
            self.fail(self.start.clone(), &error);
            return Ok(());
        }
        for absence in absent {
            self.remove(&absence).await?;
        }
        Ok(())
    }

    async fn remove(&mut self, absence: &Absence) -> Result<(), IngestError> {
        let url = absence.source();
        match self.removal.remove(absence).await {
            Ok(()) => {
                self.report.removed += 1;
                (self.on_event)(SyncEvent::Removed { source: url.to_owned() });
            }
            // It was never ingested, or somebody else deleted it.
            Err(IngestError::Database(DbError::NotFound(_))) => {}
            Err(error) => return Err(error),
        }
        Ok(self.db.delete_web_page(self.request.collection, url).await?)
    }
}

/// The pages that need not be fetched unless they changed. A page without a document is not among them.
fn known_pages(pages: Vec<WebPage>, stored: &HashSet<String>) -> HashMap<String, KnownPage> {
    let mut known = HashMap::new();
    for WebPage { url, etag, last_modified, links } in pages {
        if stored.contains(&url) {
            known.insert(url.clone(), KnownPage { url, etag, last_modified, links });
        }
    }
    known
}

fn web_page(page: KnownPage) -> WebPage {
    let KnownPage { url, etag, last_modified, links } = page;
    WebPage { url, etag, last_modified, links }
}
