//! One URL into one file: resumed, retried, bounded, hashed while it is written.
//!
//! A partial file's name says which content it is part of (see the callers), so going on with one is always right
//! as far as content goes; `If-Range` catches a file that changes on the server between two tries.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode, Url};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

use crate::error::SourceError;
use crate::http::{Ask, Http, failure, shown};
use crate::lock::EntryLock;
use crate::{Progress, Sha256Digest};

/// Bytes gathered before they go to the file: each write crosses to a blocking thread.
const BUFFER_BYTES: usize = 1 << 20;

/// What a source works with while it gets one file.
#[derive(Clone, Copy)]
pub(crate) struct Fetch<'a> {
    pub(crate) http: &'a Http,
    pub(crate) progress: &'a dyn Progress,
    /// What the file is called before people.
    pub(crate) name: &'a str,
    /// Where partial files of this model are kept.
    pub(crate) folder: &'a Path,
    pub(crate) lock: &'a EntryLock,
    /// Tries in a row that bring nothing new before this source is given up.
    pub(crate) attempts: u32,
}

/// What is to be downloaded.
pub(crate) struct Wanted<'a> {
    pub(crate) url: Url,
    /// Where it goes; what is there already is its beginning.
    pub(crate) target: &'a Path,
    /// Its bytes, where known.
    pub(crate) size: Option<u64>,
    /// Its content, where known.
    pub(crate) sha256: Option<Sha256Digest>,
    /// Bytes at which a server that goes on is no longer believed.
    pub(crate) limit_bytes: u64,
    /// Bytes of the same file that came before, for the progress report.
    pub(crate) reported_before: u64,
}

impl Fetch<'_> {
    /// Runs `work` until it succeeds, fails for good, or failed too often in a row.
    pub(crate) async fn retried<T, F>(&self, mut work: impl FnMut() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let mut failures = 0;
        loop {
            match work().await {
                Ok(value) => return Ok(value),
                Err(error) => {
                    failures += 1;
                    self.wait_after(error, failures).await?;
                }
            }
        }
    }

    /// Waits before the next try, or gives the error back when there should be none.
    async fn wait_after(&self, error: SourceError, failures: u32) -> Result<(), SourceError> {
        let retry_after = match &error {
            SourceError::Passing { retry_after, .. } if failures < self.attempts => *retry_after,
            _ => return Err(error),
        };
        tracing::debug!(%error, failures, "trying again");
        tokio::time::sleep(retry_after.unwrap_or(Duration::ZERO).max(self.http.patience.delay(failures)))
            .await;
        Ok(())
    }

    /// Downloads, and gives back the content's hash. A wrong hash removes the file.
    pub(crate) async fn download(&self, wanted: &Wanted<'_>) -> Result<Sha256Digest, SourceError> {
        let resumes = tokio::fs::metadata(wanted.target).await.is_ok_and(|metadata| metadata.len() > 0);
        match self.download_from_here(wanted).await {
            // What an earlier, perhaps crashed, process left may be to blame rather than the source.
            Err(SourceError::WrongHash { .. }) if resumes => self.download_from_here(wanted).await,
            result => result,
        }
    }

    async fn download_from_here(&self, wanted: &Wanted<'_>) -> Result<Sha256Digest, SourceError> {
        let mut partial = Partial::open(wanted.target).await.map_err(SourceError::disk(wanted.target))?;
        let (mut failures, mut farthest) = (0, partial.length);
        while !partial.is_whole(wanted) {
            let ended = self.transfer(wanted, &mut partial).await;
            partial.flush().await.map_err(SourceError::disk(wanted.target))?;
            let Err(error) = ended else { break };
            // Only tries that bring nothing count: a line that is cut every minute still gets there.
            failures = if partial.length > farthest { 1 } else { failures + 1 };
            farthest = farthest.max(partial.length);
            self.wait_after(error, failures).await?;
        }
        let found = partial.finish().await.map_err(SourceError::disk(wanted.target))?;
        match wanted.sha256 {
            Some(expected) if expected != found => {
                tokio::fs::remove_file(wanted.target).await.map_err(SourceError::disk(wanted.target))?;
                Err(SourceError::WrongHash {
                    file: shown(&wanted.url),
                    expected: expected.to_string(),
                    found: found.to_string(),
                })
            }
            _ => Ok(found),
        }
    }

    /// One request, from where the partial file ends.
    async fn transfer(&self, wanted: &Wanted<'_>, partial: &mut Partial) -> Result<(), SourceError> {
        let disk = || SourceError::disk(wanted.target);
        if wanted.size.is_some_and(|size| partial.length > size) {
            partial.restart().await.map_err(disk())?;
        }
        let response = match self.http.ask(Ask::Get, &wanted.url, partial.range()).await {
            // The server's file is not longer than ours, and ours is not whole: ours is of something else.
            Err(SourceError::OutOfRange { place }) if partial.length > 0 => {
                partial.restart().await.map_err(disk())?;
                return Err(SourceError::passing(
                    place,
                    "the file there is shorter than what was here of it",
                ));
            }
            answer => answer?,
        };
        if !partial.continues(&response) {
            partial.restart().await.map_err(disk())?;
            if response.status() == StatusCode::PARTIAL_CONTENT {
                return Err(SourceError::passing(
                    shown(&wanted.url),
                    "answered with another range than asked for",
                ));
            }
        }
        partial.remember_etag(&response);
        self.check_length(wanted, partial, &response)?;
        self.receive(wanted, partial, response).await
    }

    fn check_length(
        &self,
        wanted: &Wanted<'_>,
        partial: &Partial,
        response: &Response,
    ) -> Result<(), SourceError> {
        let Some(rest) = response.content_length() else { return Ok(()) };
        let whole = partial.length.saturating_add(rest);
        match wanted.size {
            Some(size) if whole != size => {
                Err(SourceError::refused(shown(&wanted.url), format!("has {whole} bytes, expected {size}")))
            }
            _ if whole > wanted.limit_bytes => Err(too_long(wanted)),
            _ => Ok(()),
        }
    }

    async fn receive(
        &self,
        wanted: &Wanted<'_>,
        partial: &mut Partial,
        response: Response,
    ) -> Result<(), SourceError> {
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| failure(&wanted.url, &error))?;
            if partial.length + chunk.len() as u64 > wanted.limit_bytes {
                return Err(too_long(wanted));
            }
            partial.append(&chunk).await.map_err(SourceError::disk(wanted.target))?;
            self.progress.position(wanted.reported_before + partial.length);
        }
        match wanted.size {
            Some(size) if partial.length < size => {
                Err(SourceError::passing(shown(&wanted.url), "the connection was closed early"))
            }
            _ => Ok(()),
        }
    }
}

fn too_long(wanted: &Wanted<'_>) -> SourceError {
    SourceError::refused(shown(&wanted.url), format!("is longer than {} bytes", wanted.limit_bytes))
}

/// A file that is being downloaded, with the running hash of what is in it.
struct Partial {
    out: BufWriter<File>,
    hasher: Sha256,
    length: u64,
    /// Strong entity tag of what the server sent so far, in this process.
    etag: Option<HeaderValue>,
}

impl Partial {
    async fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path).await?;
        let (mut hasher, mut length) = (Sha256::new(), 0);
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

    /// Whether it is all there: by its hash, or by its length where no hash is known.
    fn is_whole(&self, wanted: &Wanted<'_>) -> bool {
        match (wanted.sha256, wanted.size) {
            (Some(expected), None) => Sha256Digest::finish(self.hasher.clone()) == expected,
            (_, Some(size)) => self.length == size,
            (None, None) => false,
        }
    }

    fn range(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.length > 0 {
            // Digits are always a valid header value; `From<u64>` alone cannot write the prefix.
            if let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.length)) {
                headers.insert(RANGE, range);
            }
            if let Some(etag) = &self.etag {
                headers.insert(IF_RANGE, etag.clone());
            }
        }
        headers
    }

    /// Whether the answer begins where this file ends.
    fn continues(&self, response: &Response) -> bool {
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
        (self.hasher, self.length, self.etag) = (Sha256::new(), 0, None);
        Ok(())
    }

    /// Puts it on the disk for good.
    async fn finish(mut self) -> std::io::Result<Sha256Digest> {
        self.out.flush().await?;
        self.out.get_ref().sync_all().await?;
        Ok(Sha256Digest::finish(self.hasher))
    }
}
