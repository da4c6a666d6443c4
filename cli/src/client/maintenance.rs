//! Backup, check, and rebuild of the index.

use std::fs::File;

use anyhow::{Context, Result};
use domain::DocumentId;
use futures::StreamExt;
use reqwest::Method;
use tokio::io::AsyncWriteExt;
use web::api::doctor::{DoctorReport, DoctorRequest, ErasureReport};
use web::api::reindex::{ReindexRequest, ReindexStatus};

use super::connection::Client;
use crate::messages::message;

impl Client {
    /// Writes a backup to `out`. Only the file itself tells whether it is complete.
    pub(crate) async fn backup(&self, out: File) -> Result<()> {
        let response = self.send(self.request(Method::POST, "/backup")).await?;
        let (mut body, mut out) = (response.bytes_stream(), tokio::fs::File::from_std(out));
        while let Some(bytes) = body.next().await {
            out.write_all(&bytes.with_context(|| message!("cli-backup-cut-off"))?).await?;
        }
        Ok(out.flush().await?)
    }

    /// Checks the installation, and with `fix` repairs it.
    pub(crate) async fn doctor(&self, fix: bool) -> Result<DoctorReport> {
        self.post("/doctor", &DoctorRequest { fix }).await
    }

    /// What is left of a deleted document.
    pub(crate) async fn erasure(&self, document: DocumentId) -> Result<ErasureReport> {
        self.get(&format!("/erasures/{document}")).await
    }

    /// Requests a rebuild of the index, with the embedder of that name.
    pub(crate) async fn begin_reindex(&self, embedder: Option<&str>) -> Result<ReindexStatus> {
        self.post("/reindex", &ReindexRequest { embedder: embedder.map(str::to_owned) }).await
    }

    /// The state of the rebuild.
    pub(crate) async fn reindex_status(&self) -> Result<ReindexStatus> {
        self.get("/reindex").await
    }
}
