//! Web sites: crawled by whoever holds the data.

use anyhow::{Result, bail};
use domain::CollectionId;
use futures::StreamExt;
use reqwest::Method;
use web::api::ingest_report::IngestReport;
use web::api::sites::{SiteEvent, SiteRequest};

use super::connection::{Client, error_text};
use crate::messages::message;

impl Client {
    /// Brings a collection in line with a site. Calls `on_page` with each page that is done.
    pub(crate) async fn crawl(
        &self,
        collection: CollectionId,
        site: &SiteRequest,
        mut on_page: impl FnMut(String),
    ) -> Result<IngestReport> {
        let request = self.request(Method::POST, &format!("/collections/{collection}/sites")).json(site);
        let mut events = self.events(request, "cli-crawl-cut-off").await?;
        while let Some(event) = events.next().await {
            match event? {
                SiteEvent::Finished(page) => on_page(page.source),
                SiteEvent::Removed(page) => on_page(page.source),
                SiteEvent::Failed(page) => on_page(page.source),
                SiteEvent::Done(report) => return Ok(report),
                SiteEvent::Error(error) => bail!(error_text(&error.message, &error.code)),
            }
        }
        bail!(message!("cli-crawl-cut-off"))
    }
}
