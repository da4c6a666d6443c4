//! Downloads one URL into one file: resumed, retried, bounded, and hashed as it is written.
//!
//! The name of a partial file identifies the content it belongs to (see the callers), so resuming it is always right
//! as far as content goes; `If-Range` catches a file that changes on the server between two attempts.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use domain::{Sha256Digest, Sha256Hasher};
use futures::StreamExt;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode, Url};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

use crate::http::{Http, Method, display_url, request_error};
use crate::lock::EntryLock;
use crate::progress::Progress;
use crate::source_error::SourceError;

/// Bytes buffered before a write: each write crosses to a blocking thread.
const BUFFER_BYTES: usize = 1 << 20;

/// What a source needs to download one file.
#[derive(Clone, Copy)]
pub(crate) struct DownloadContext<'a> {
    pub(crate) http: &'a Http,
    pub(crate) progress: &'a dyn Progress,
    /// Display name of the file.
    pub(crate) name: &'a str,
    /// The folder of the model's partial files.
    pub(crate) folder: &'a Path,
    pub(crate) lock: &'a EntryLock,
    /// Maximum number of attempts in a row that receive no new bytes.
    pub(crate) max_attempts: u32,
}

/// A URL to download, and what is known of its content.
pub(crate) struct DownloadRequest<'a> {
    pub(crate) url: Url,
    /// The file to write; an existing file is a partial download of the same content.
    pub(crate) target: &'a Path,
    /// Its size in bytes, where known.
    pub(crate) size: Option<u64>,
    /// Its hash, where known.
    pub(crate) sha256: Option<Sha256Digest>,
    /// Maximum size accepted from the server.
    pub(crate) max_bytes: u64,
    /// Bytes of the same file reported before this download, for the progress report.
    pub(crate) reported_before: u64,
}

impl DownloadContext<'_> {
    /// Runs `work` until it succeeds, fails permanently, or reaches the maximum number of attempts.
    pub(crate) async fn with_retries<T, F>(&self, mut work: impl FnMut() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let mut failures = 0;
        loop {
            match work().await {
                Ok(value) => return Ok(value),
                Err(error) => {
                    failures += 1;
                    self.back_off(error, failures).await?;
                }
            }
        }
    }

    /// Waits before the next attempt, or returns the error if there should be none.
    async fn back_off(&self, error: SourceError, failures: u32) -> Result<(), SourceError> {
        let retry_after = match &error {
            SourceError::Temporary { retry_after, .. } if failures < self.max_attempts => *retry_after,
            _ => return Err(error),
        };
        tracing::debug!(%error, failures, "download failed; retrying");
        tokio::time::sleep(retry_after.unwrap_or(Duration::ZERO).max(self.http.retry.delay(failures))).await;
        Ok(())
    }

    /// Downloads the file and returns its hash. A file with a wrong hash is removed.
    pub(crate) async fn download(&self, request: &DownloadRequest<'_>) -> Result<Sha256Digest, SourceError> {
        let is_resumed = tokio::fs::metadata(request.target).await.is_ok_and(|metadata| metadata.len() > 0);
        match self.download_rest(request).await {
            // The partial file of an earlier process may be damaged, not the source.
            Err(SourceError::WrongHash { .. }) if is_resumed => self.download_rest(request).await,
            result => result,
        }
    }

    async fn download_rest(&self, request: &DownloadRequest<'_>) -> Result<Sha256Digest, SourceError> {
        let mut partial = Partial::open(request.target).await.map_err(SourceError::disk(request.target))?;
        let (mut failures, mut longest) = (0, partial.length);
        while !partial.is_complete(request) {
            let ended = self.transfer(request, &mut partial).await;
            partial.flush().await.map_err(SourceError::disk(request.target))?;
            let Err(error) = ended else { break };
            // Only attempts without new bytes count: a connection that breaks every minute still completes.
            failures = if partial.length > longest { 1 } else { failures + 1 };
            longest = longest.max(partial.length);
            self.back_off(error, failures).await?;
        }
        let found = partial.finish().await.map_err(SourceError::disk(request.target))?;
        match request.sha256 {
            Some(expected) if expected != found => {
                tokio::fs::remove_file(request.target).await.map_err(SourceError::disk(request.target))?;
                Err(SourceError::WrongHash {
                    file: display_url(&request.url),
                    expected: expected.to_string(),
                    found: found.to_string(),
                })
            }
            _ => Ok(found),
        }
    }

    /// Sends one request for the part that is missing.
    async fn transfer(
        &self,
        request: &DownloadRequest<'_>,
        partial: &mut Partial,
    ) -> Result<(), SourceError> {
        let disk = || SourceError::disk(request.target);
        if request.size.is_some_and(|size| partial.length > size) {
            partial.restart().await.map_err(disk())?;
        }
        let response = match self.http.send(Method::Get, &request.url, partial.range_headers()).await {
            // The server's file is not longer than the partial one, which is incomplete: they have different content.
            Err(SourceError::OutOfRange { location }) if partial.length > 0 => {
                partial.restart().await.map_err(disk())?;
                return Err(SourceError::temporary(
                    location,
                    "the file is shorter than its partial download",
                ));
            }
            response => response?,
        };
        if !partial.is_continued_by(&response) {
            partial.restart().await.map_err(disk())?;
            if response.status() == StatusCode::PARTIAL_CONTENT {
                return Err(SourceError::temporary(
                    display_url(&request.url),
                    "the server sent another range than requested",
                ));
            }
        }
        partial.remember_etag(&response);
        self.check_length(request, partial, &response)?;
        self.receive(request, partial, response).await
    }

    fn check_length(
        &self,
        request: &DownloadRequest<'_>,
        partial: &Partial,
        response: &Response,
    ) -> Result<(), SourceError> {
        let Some(remaining) = response.content_length() else { return Ok(()) };
        let total = partial.length.saturating_add(remaining);
        match request.size {
            Some(size) if total != size => Err(SourceError::permanent(
                display_url(&request.url),
                format!("has {total} bytes, expected {size}"),
            )),
            _ if total > request.max_bytes => Err(too_long(request)),
            _ => Ok(()),
        }
    }

    async fn receive(
        &self,
        request: &DownloadRequest<'_>,
        partial: &mut Partial,
        response: Response,
    ) -> Result<(), SourceError> {
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| request_error(&request.url, &error))?;
            if partial.length + chunk.len() as u64 > request.max_bytes {
                return Err(too_long(request));
            }
            partial.append(&chunk).await.map_err(SourceError::disk(request.target))?;
            self.progress.position(request.reported_before + partial.length);
        }
        match request.size {
            Some(size) if partial.length < size => {
                Err(SourceError::temporary(display_url(&request.url), "the connection was closed early"))
            }
            _ => Ok(()),
        }
    }
}

fn too_long(request: &DownloadRequest<'_>) -> SourceError {
    SourceError::permanent(display_url(&request.url), format!("is longer than {} bytes", request.max_bytes))
}

/// A file that is being downloaded, with the running hash of its content.
struct Partial {
    out: BufWriter<File>,
    hasher: Sha256Hasher,
    length: u64,
    /// Strong entity tag of the responses so far, in this process.
    etag: Option<HeaderValue>,
}

impl Partial {
    async fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path).await?;
        let (mut hasher, mut length) = (Sha256Hasher::new(), 0);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match file.read(&mut buffer).await? {
                0 => break,
                read => {
                    hasher.update(&buffer[..read]);
                    length += read as u64;
                }
            }
        }
        Ok(Self { out: BufWriter::with_capacity(BUFFER_BYTES, file), hasher, length, etag: None })
    }

    /// Whether the file is complete: by its length, or by its hash where no length is known.
    fn is_complete(&self, request: &DownloadRequest<'_>) -> bool {
        match (request.sha256, request.size) {
            (Some(expected), None) => self.hasher.clone().finish() == expected,
            (_, Some(size)) => self.length == size,
            (None, None) => false,
        }
    }

    /// Headers that request the part after this file.
    fn range_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.length > 0 {
            // ASCII text is always a valid header value.
            if let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.length)) {
                headers.insert(RANGE, range);
            }
            if let Some(etag) = &self.etag {
                headers.insert(IF_RANGE, etag.clone());
            }
        }
        headers
    }

    /// Whether the response begins where this file ends.
    fn is_continued_by(&self, response: &Response) -> bool {
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
                range.is_some_and(|range| range.starts_with(&format!("bytes {}-", self.length)))
            }
            _ => self.length == 0,
        }
    }

    fn remember_etag(&mut self, response: &Response) {
        let etag = response.headers().get(ETAG);
        self.etag = etag.filter(|etag| !etag.as_bytes().starts_with(b"W/")).cloned();
    }

    async fn append(&mut self, chunk: &Bytes) -> std::io::Result<()> {
        self.out.write_all(chunk).await?;
        self.hasher.update(chunk);
        self.length += chunk.len() as u64;
        Ok(())
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush().await
    }

    async fn restart(&mut self) -> std::io::Result<()> {
        self.out.flush().await?;
        self.out.get_mut().set_len(0).await?;
        self.out.rewind().await?;
        (self.hasher, self.length, self.etag) = (Sha256Hasher::new(), 0, None);
        Ok(())
    }

    /// Syncs the file to disk and returns its hash.
    async fn finish(mut self) -> std::io::Result<Sha256Digest> {
        self.out.flush().await?;
        self.out.get_ref().sync_all().await?;
        Ok(self.hasher.finish())
    }
}
