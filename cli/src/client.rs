//! The same commands through a server that holds the data directory: its own HTTP API on loopback.

use std::collections::HashMap;
use std::fs::File;

use anyhow::{Context, Result, anyhow, bail};
use db::{Job, JobFilter};
use domain::{CollectionId, ConversationId, DocumentId, Filter, JobId, Passage};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use ingest::FoundFile;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use url::Url;

use super::ask::Answer;
use crate::app::doctor::DoctorReport;
use crate::app::reindexing::ReindexStatus;
use crate::routes::search::SearchResponse;

/// A running daedap server.
pub(super) struct Server {
    client: Client,
    api: String,
}

/// What a collection's list says of a document.
#[derive(Debug, Deserialize)]
pub(super) struct ListedDocument {
    pub(super) id: DocumentId,
    pub(super) source: String,
    pub(super) content_hash: String,
    pub(super) tags: Vec<String>,
    pub(super) chunk_count: u32,
}

/// A question as the server takes it.
#[derive(Serialize)]
pub(super) struct NewTurn<'a> {
    pub(super) question: &'a str,
    pub(super) collections: &'a [CollectionId],
    pub(super) filter: &'a Filter,
}

#[derive(Deserialize)]
struct DocumentPage {
    documents: Vec<ListedDocument>,
    next: Option<DocumentId>,
}

impl Server {
    pub(super) fn new(url: &str) -> Result<Self> {
        // A proxy has no business between two processes of one machine.
        Ok(Self { client: Client::builder().no_proxy().build()?, api: format!("{url}/api/v1") })
    }

    pub(super) async fn search(
        &self,
        query: &str,
        collection: Option<&str>,
        filter: &Filter,
        limit: usize,
    ) -> Result<SearchResponse> {
        let collections = self.named(collection).await?;
        let body = json!({ "query": query, "collections": collections, "filter": filter, "limit": limit });
        let response = send(self.call(Method::POST, "/search").json(&body)).await?;
        Ok(response.json().await?)
    }

    pub(super) async fn ask(
        &self,
        question: &str,
        collection: Option<&str>,
        filter: &Filter,
        show: impl FnMut(&str) -> Result<()>,
    ) -> Result<Answer> {
        let collections = self.named(collection).await?;
        let conversation = self.begin_conversation().await?;
        let turn = NewTurn { question, collections: &collections, filter };
        self.ask_in(conversation, &turn, show).await
    }

    pub(super) async fn begin_conversation(&self) -> Result<ConversationId> {
        let begun: Value = send(self.call(Method::POST, "/conversations")).await?.json().await?;
        Ok(serde_json::from_value(begun["id"].clone())?)
    }

    pub(super) async fn delete_conversation(&self, id: ConversationId) -> Result<()> {
        send(self.call(Method::DELETE, &format!("/conversations/{id}"))).await?;
        Ok(())
    }

    pub(super) async fn ask_in(
        &self,
        id: ConversationId,
        turn: &NewTurn<'_>,
        mut show: impl FnMut(&str) -> Result<()>,
    ) -> Result<Answer> {
        let response =
            send(self.call(Method::POST, &format!("/conversations/{id}/turns")).json(turn)).await?;
        let mut events = response.bytes_stream().eventsource();
        let mut passages: Vec<Passage> = Vec::new();
        while let Some(event) = events.next().await {
            let event = event?;
            match event.event.as_str() {
                "sources" => passages = serde_json::from_str(&event.data)?,
                "delta" => {
                    let delta: Value = serde_json::from_str(&event.data)?;
                    show(delta["text"].as_str().unwrap_or_default())?;
                }
                "done" => return answer(&event.data, passages),
                "error" => bail!(message_of(&serde_json::from_str(&event.data)?)),
                _ => {}
            }
        }
        bail!("the server ended the answer in the middle")
    }

    /// The collection of that name, made if it is not there.
    pub(super) async fn ensure_collection(&self, name: &str) -> Result<CollectionId> {
        let made: Value = send(self.call(Method::POST, "/collections").json(&json!({ "name": name })))
            .await?
            .json()
            .await?;
        Ok(serde_json::from_value(made["id"].clone())?)
    }

    /// All documents of a collection, by source.
    pub(super) async fn documents(
        &self,
        collection: CollectionId,
    ) -> Result<HashMap<String, ListedDocument>> {
        let mut found = HashMap::new();
        let mut path = format!("/collections/{collection}/documents");
        loop {
            let page: DocumentPage = send(self.call(Method::GET, &path)).await?.json().await?;
            found.extend(page.documents.into_iter().map(|document| (document.source.clone(), document)));
            match page.next {
                Some(after) => path = format!("/collections/{collection}/documents?after={after}"),
                None => return Ok(found),
            }
        }
    }

    pub(super) async fn document(&self, id: DocumentId) -> Result<ListedDocument> {
        Ok(send(self.call(Method::GET, &format!("/documents/{id}"))).await?.json().await?)
    }

    pub(super) async fn remove_document(&self, id: DocumentId) -> Result<()> {
        send(self.call(Method::DELETE, &format!("/documents/{id}"))).await?;
        Ok(())
    }

    /// Sorts a document by these tags; returns what it is then.
    pub(super) async fn retag(&self, id: DocumentId, tags: &[String]) -> Result<ListedDocument> {
        let request = self.call(Method::PATCH, &format!("/documents/{id}")).json(&json!({ "tags": tags }));
        Ok(send(request).await?.json().await?)
    }

    /// Uploads a document; returns the job that ingests it.
    pub(super) async fn upload(
        &self,
        collection: CollectionId,
        file: &FoundFile,
        tags: &[String],
        bytes: Vec<u8>,
    ) -> Result<Job> {
        let mut form = Form::new().text("source", file.source.clone());
        if let Some(time) = file.modified_at {
            form = form.text("dated_at", time.to_string());
        }
        for tag in tags {
            form = form.text("tags", tag.clone());
        }
        // Last: what stands behind it is not read.
        let form = form.part("file", Part::bytes(bytes).file_name("document"));
        let path = format!("/collections/{collection}/documents");
        job(send(self.call(Method::POST, &path).multipart(form)).await?).await
    }

    /// Has the server fetch a page; returns the job that ingests it.
    pub(super) async fn bring_page(
        &self,
        collection: CollectionId,
        url: &Url,
        tags: &[String],
    ) -> Result<Job> {
        let tags = (!tags.is_empty()).then_some(tags);
        let path = format!("/collections/{collection}/documents");
        let request = self.call(Method::POST, &path).json(&json!({ "url": url.as_str(), "tags": tags }));
        job(send(request).await?).await
    }

    /// Follows the job to the end; the job as it is then.
    pub(super) async fn follow(&self, job: JobId, mut show: impl FnMut(&Job)) -> Result<Job> {
        let response = send(self.call(Method::GET, &format!("/jobs/{job}/events"))).await?;
        let mut events = response.bytes_stream().eventsource();
        let mut last = None;
        while let Some(event) = events.next().await {
            let event = event?;
            match event.event.as_str() {
                "job" => {
                    let job = serde_json::from_str::<JobReply>(&event.data)?.job;
                    show(&job);
                    last = Some(job);
                }
                "error" => bail!(message_of(&serde_json::from_str(&event.data)?)),
                _ => {}
            }
        }
        last.filter(|job| job.state.is_final()).context("the server ended before the job did")
    }

    /// The newest jobs.
    pub(super) async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<Job>> {
        #[derive(Deserialize)]
        struct Reply {
            jobs: Vec<Job>,
        }
        let JobFilter { state, before, parent } = filter;
        let request = self
            .call(Method::GET, "/jobs")
            .query(&[("limit", limit)])
            .query(&[("state", state)])
            .query(&[("before", before)])
            .query(&[("parent", parent)]);
        Ok(send(request).await?.json::<Reply>().await?.jobs)
    }

    /// Calls a job off.
    pub(super) async fn cancel_job(&self, id: JobId) -> Result<Job> {
        job(send(self.call(Method::DELETE, &format!("/jobs/{id}"))).await?).await
    }

    /// Queues a job again.
    pub(super) async fn retry_job(&self, id: JobId) -> Result<Job> {
        job(send(self.call(Method::POST, &format!("/jobs/{id}/retry"))).await?).await
    }

    /// Asks for a rebuild of the index, with the embedder of that name.
    pub(super) async fn begin_reindex(&self, embedder: Option<&str>) -> Result<ReindexStatus> {
        let body = json!({ "embedder": embedder });
        Ok(send(self.call(Method::POST, "/reindex").json(&body)).await?.json().await?)
    }

    /// How the rebuild stands.
    pub(super) async fn reindex_status(&self) -> Result<ReindexStatus> {
        Ok(send(self.call(Method::GET, "/reindex")).await?.json().await?)
    }

    /// Writes the server's backup to `out`. Whether all of it came, only the archive says.
    pub(super) async fn backup(&self, out: File) -> Result<()> {
        let response = send(self.call(Method::POST, "/backup")).await?;
        let (mut pieces, mut out) = (response.bytes_stream(), tokio::fs::File::from_std(out));
        while let Some(piece) = pieces.next().await {
            out.write_all(&piece.context("the server broke the backup off; its log says why")?).await?;
        }
        Ok(out.flush().await?)
    }

    /// What the doctor finds.
    pub(super) async fn doctor(&self, fix: bool) -> Result<DoctorReport> {
        Ok(send(self.call(Method::POST, "/doctor").json(&json!({ "fix": fix }))).await?.json().await?)
    }

    pub(super) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.api))
    }

    async fn named(&self, name: Option<&str>) -> Result<Vec<CollectionId>> {
        let Some(name) = name else { return Ok(Vec::new()) };
        Ok(vec![self.collection(name).await?])
    }

    /// The collection of that name, which must be there.
    pub(super) async fn collection(&self, name: &str) -> Result<CollectionId> {
        let listed: Value = send(self.call(Method::GET, "/collections")).await?.json().await?;
        let collections = listed["collections"].as_array().cloned().unwrap_or_default();
        let found = collections.into_iter().find(|collection| collection["name"] == name);
        let found = found.ok_or_else(|| anyhow!("there is no collection called {name}"))?;
        Ok(serde_json::from_value(found["id"].clone())?)
    }
}

#[derive(Deserialize)]
struct JobReply {
    job: Job,
}

async fn job(response: Response) -> Result<Job> {
    Ok(response.json::<JobReply>().await?.job)
}

fn answer(done: &str, passages: Vec<Passage>) -> Result<Answer> {
    #[derive(Deserialize)]
    struct Done {
        content: String,
        #[serde(flatten)]
        rest: super::ask::AnswerFacts,
    }
    let Done { content, rest } = serde_json::from_str(done)?;
    Ok(Answer { answer: content, passages, facts: rest })
}

/// Sends, and turns an error envelope into its message.
pub(super) async fn send(request: RequestBuilder) -> Result<Response> {
    let response =
        request.send().await.context("the server that holds the data directory does not answer")?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let envelope: Value = response.json().await.unwrap_or_default();
    match &envelope["error"] {
        Value::Null => bail!("the server answered {status}"),
        error => bail!(message_of(error)),
    }
}

fn message_of(error: &Value) -> String {
    let text = |field: &str| error[field].as_str().unwrap_or("unknown").to_owned();
    format!("{} ({})", text("message"), text("code"))
}
