//! Documents: listed, uploaded, changed, deleted; and their versions.

use std::collections::HashMap;

use anyhow::{Result, bail};
use domain::{Absence, CollectionId, DocumentId};
use jiff::Timestamp;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use web::api::documents::{Document, DocumentChange, DocumentList, NewDocument};
use web::api::errors::ErrorBody;
use web::api::ingest_report::FailedSource;
use web::api::jobs::{Job, JobReply};
use web::api::versions::VersionList;

use super::connection::{Client, error_text};

/// A file to upload.
pub(crate) struct Upload<'a> {
    /// The document's source.
    pub(crate) source: &'a str,
    /// When the file was last changed.
    pub(crate) dated_at: Option<Timestamp>,
    /// The document's tags from now on; empty keeps those it has.
    pub(crate) tags: &'a [String],
    /// Ingest it even if the document is made of the same bytes already.
    pub(crate) force: bool,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

impl Client {
    /// All documents of a collection, by source.
    pub(crate) async fn documents(&self, collection: CollectionId) -> Result<HashMap<String, Document>> {
        let mut found = HashMap::new();
        let mut path = format!("/collections/{collection}/documents");
        loop {
            let page: DocumentList = self.get(&path).await?;
            found.extend(page.documents.into_iter().map(|document| (document.source.clone(), document)));
            match page.next {
                Some(after) => path = format!("/collections/{collection}/documents?after={after}"),
                None => return Ok(found),
            }
        }
    }

    /// The first `limit` documents of a collection.
    pub(crate) async fn list_documents(&self, collection: CollectionId, limit: u32) -> Result<Vec<Document>> {
        let page: DocumentList =
            self.get(&format!("/collections/{collection}/documents?limit={limit}")).await?;
        Ok(page.documents)
    }

    /// A document.
    pub(crate) async fn document(&self, id: DocumentId) -> Result<Document> {
        self.get(&format!("/documents/{id}")).await
    }

    /// The document of that source, if it has a live version.
    pub(crate) async fn document_of(
        &self,
        collection: CollectionId,
        source: &str,
    ) -> Result<Option<Document>> {
        let id = DocumentId::derive(collection, source);
        let request = self.request(Method::GET, &format!("/documents/{id}"));
        match self.try_receive::<Document>(request).await? {
            Ok(document) => Ok(Some(document).filter(|document| document.live_version.is_some())),
            Err(error) if error.code == "not_found" => Ok(None),
            Err(error) => bail!(error_text(&error.message, &error.code)),
        }
    }

    /// The newest `limit` versions of a document.
    pub(crate) async fn versions(&self, id: DocumentId, limit: u32) -> Result<VersionList> {
        self.get(&format!("/documents/{id}/versions?limit={limit}")).await
    }

    /// Restores an earlier version of a document.
    pub(crate) async fn restore_version(&self, id: DocumentId, number: u32) -> Result<Document> {
        self.receive(self.request(Method::POST, &format!("/documents/{id}/versions/{number}/restore"))).await
    }

    /// Parses the original of a document again, and waits for the end of the job.
    pub(crate) async fn parse_again(&self, id: DocumentId) -> Result<Document> {
        let queued: JobReply =
            self.receive(self.request(Method::POST, &format!("/documents/{id}/read"))).await?;
        let job = self.follow_job(queued.job.id, |_| {}).await?;
        if let Some(error) = job.error {
            bail!(error_text(&error.message, &error.code));
        }
        self.document(id).await
    }

    /// Uploads a file; returns the job that ingests it.
    pub(crate) async fn upload(&self, collection: CollectionId, upload: Upload<'_>) -> Result<Job> {
        let Upload { source, dated_at, tags, force, bytes } = upload;
        let mut form = Form::new().text("source", source.to_owned());
        if let Some(time) = dated_at {
            form = form.text("dated_at", time.to_string());
        }
        if force {
            form = form.text("force", "true");
        }
        for tag in tags {
            form = form.text("tags", tag.clone());
        }
        let form = form.part("file", Part::bytes(bytes).file_name("document"));
        let request = self.request(Method::POST, &format!("/collections/{collection}/documents"));
        Ok(self.receive::<JobReply>(request.multipart(form)).await?.job)
    }

    /// Has the page at `url` fetched by whoever holds the data; returns the job that ingests it. A page that cannot be
    /// fetched is the inner error: it concerns this page alone.
    pub(crate) async fn add_page(
        &self,
        collection: CollectionId,
        url: &str,
        tags: &[String],
        force: bool,
    ) -> Result<Result<Job, FailedSource>> {
        let new = NewDocument {
            url: Some(url.to_owned()),
            tags: (!tags.is_empty()).then(|| tags.to_vec()),
            force,
            ..NewDocument::default()
        };
        let request = self.request(Method::POST, &format!("/collections/{collection}/documents")).json(&new);
        match self.try_receive::<JobReply>(request).await? {
            Ok(queued) => Ok(Ok(queued.job)),
            Err(ErrorBody { code, message, field: Some(field), .. }) if field == "url" => {
                Ok(Err(FailedSource { source: url.to_owned(), code, message }))
            }
            Err(error) => bail!(error_text(&error.message, &error.code)),
        }
    }

    /// Changes a document; returns it as it is then. Another source makes it another document.
    pub(crate) async fn change_document(&self, id: DocumentId, change: &DocumentChange) -> Result<Document> {
        self.patch(&format!("/documents/{id}"), change).await
    }

    /// Deletes the document that its source no longer holds.
    pub(crate) async fn delete_absent(&self, collection: CollectionId, absence: &Absence) -> Result<()> {
        let id = DocumentId::derive(collection, absence.source());
        self.delete(&format!("/documents/{id}")).await
    }
}
