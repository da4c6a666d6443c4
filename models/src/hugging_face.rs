//! Downloads files from Hugging Face over plain HTTP.
//!
//! Not through `hf-hub`: version 1.0 resumes only files in its own cache layout, keeps a second copy of every file
//! there, bounds neither a stalled connection nor the size of a file, and depends on the Xet client (four crates, minutes
//! of build time). Two requests suffice: `HEAD {endpoint}/{repo}/resolve/{revision}/{file}` announces the content
//! (`X-Linked-Etag` and `X-Linked-Size`, as `huggingface_hub` reads them), and `GET` redirects to it.

use std::path::PathBuf;

use domain::Sha256Digest;
use reqwest::Url;
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};

use crate::blocking::blocking;
use crate::download::{DownloadContext, DownloadRequest};
use crate::entry::{FileEntry, HubFile};
use crate::hash::git_blob_id;
use crate::http::{Http, Method, display_url};
use crate::source_error::SourceError;

/// A file may be this many times larger than the catalog's estimate.
const MAX_ESTIMATE_RATIO: u64 = 4;

/// The hash that a server announces for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    /// For files in large-file storage.
    Sha256(Sha256Digest),
    /// For small files: git's own id, SHA-1 as 40 hexadecimal digits.
    GitBlob(String),
}

/// What a server announces about a file.
struct Announced {
    identity: Identity,
    size: Option<u64>,
}

/// Downloads `file` and verifies it; returns its path and its hash.
pub(crate) async fn download(
    context: &DownloadContext<'_>,
    file: &FileEntry,
    hub: &HubFile,
) -> Result<(PathBuf, Sha256Digest), SourceError> {
    let url = file_url(context.http, hub)?;
    let announced = match file.sha256 {
        Some(sha256) => Announced { identity: Identity::Sha256(sha256), size: Some(file.size) },
        None => context.with_retries(|| announce(context.http, &url)).await?,
    };
    let (sha256, name) = match &announced.identity {
        Identity::Sha256(sha256) => (Some(*sha256), sha256.to_string()),
        Identity::GitBlob(id) => (None, id.clone()),
    };
    let target = context.folder.join(format!("{name}.download"));
    let request = DownloadRequest {
        url,
        target: &target,
        size: announced.size,
        sha256,
        max_bytes: announced.size.unwrap_or(file.size.saturating_mul(MAX_ESTIMATE_RATIO)),
        reported_before: 0,
    };
    context.progress.begin(context.name, announced.size);
    let downloaded = context.download(&request).await;
    context.progress.end();
    let sha256 = downloaded?;
    if let Identity::GitBlob(expected) = announced.identity {
        check_git_blob(context, &request, expected).await?;
    }
    Ok((target, sha256))
}

/// The URL of a file's content.
pub(crate) fn file_url(http: &Http, hub: &HubFile) -> Result<Url, SourceError> {
    let path = format!("{}/resolve/{}/{}", hub.repo, hub.revision, hub.file);
    http.hugging_face.join(&path).map_err(|error| SourceError::permanent(path, error.to_string()))
}

/// Requests the announced hash and size of a file, without following the redirect to its storage.
async fn announce(http: &Http, url: &Url) -> Result<Announced, SourceError> {
    let response = http.send(Method::HeadSameHost, url, HeaderMap::new()).await?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let etag = header("x-linked-etag").or_else(|| header(ETAG.as_str())).unwrap_or_default();
    let identity = identity(etag).ok_or_else(|| {
        SourceError::permanent(display_url(url), "no hash is announced, so the content could not be verified")
    })?;
    // The length of a redirect's body is not the file's.
    let own_length = || header(CONTENT_LENGTH.as_str()).filter(|_| response.status().is_success());
    let size = header("x-linked-size").or_else(own_length).and_then(|size| size.parse().ok());
    Ok(Announced { identity, size })
}

/// Parses an entity tag: quoted, possibly weak.
fn identity(etag: &str) -> Option<Identity> {
    let id = etag.trim().trim_start_matches("W/").trim_matches('"');
    match id.len() {
        40 if id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some(Identity::GitBlob(id.to_ascii_lowercase()))
        }
        _ => id.parse().ok().map(Identity::Sha256),
    }
}

async fn check_git_blob(
    context: &DownloadContext<'_>,
    request: &DownloadRequest<'_>,
    expected: String,
) -> Result<(), SourceError> {
    let (path, lock, file) = (request.target.to_owned(), context.lock.clone(), display_url(&request.url));
    blocking(move || {
        let _held = lock;
        let found = git_blob_id(&path).map_err(SourceError::disk(&path))?;
        if found == expected {
            return Ok(());
        }
        std::fs::remove_file(&path).map_err(SourceError::disk(&path))?;
        Err(SourceError::WrongHash { file, expected, found })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_a_sha256_or_a_git_id() {
        let sha256 = "a".repeat(64);
        assert_eq!(identity(&format!("\"{sha256}\"")), Some(Identity::Sha256(sha256.parse().unwrap())));
        assert_eq!(identity(&format!("W/\"{}\"", "B".repeat(40))), Some(Identity::GitBlob("b".repeat(40))));
        assert_eq!(identity("\"abc-12\""), None);
        assert_eq!(identity(""), None);
    }
}
