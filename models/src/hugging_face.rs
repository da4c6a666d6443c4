//! Files from Hugging Face, over its plain HTTP interface.
//!
//! Not through `hf-hub`: version 1.0 resumes only what its own cache layout holds, keeps a second copy of every
//! file there, bounds neither a stalled connection nor a file's size, and brings the Xet client with it (four
//! crates, minutes of build time). What is needed is small: `HEAD {endpoint}/{repo}/resolve/{revision}/{file}`
//! announces the content (`X-Linked-Etag` and `X-Linked-Size`, as `huggingface_hub` reads them), `GET` redirects to
//! it, and downloading itself is the same work as for every other source.

use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};

use crate::Sha256Digest;
use crate::catalog::{FileEntry, HubFile};
use crate::download::{Fetch, Wanted};
use crate::error::{SourceError, blocking};
use crate::hash::git_blob_id;
use crate::http::{Ask, Http, shown};

/// Estimated sizes in the catalog may be off by this factor before a server is no longer believed.
const ESTIMATE_SLACK: u64 = 4;

/// What a file's content is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    /// Of files in large-file storage.
    Sha256(Sha256Digest),
    /// Of small files: git's own id, SHA-1 as 40 hexadecimal digits.
    GitBlob(String),
}

/// What the server says about a file.
struct Announced {
    identity: Identity,
    size: Option<u64>,
}

/// Gets `file`; gives back where it is, whole and verified, and its hash.
pub(crate) async fn fetch(
    fetch: &Fetch<'_>,
    file: &FileEntry,
    hub: &HubFile,
) -> Result<(PathBuf, Sha256Digest), SourceError> {
    let url = address(fetch.http, hub)?;
    let announced = match file.sha256 {
        Some(sha256) => Announced { identity: Identity::Sha256(sha256), size: Some(file.size) },
        None => fetch.retried(|| announce(fetch.http, &url)).await?,
    };
    let (sha256, name) = match &announced.identity {
        Identity::Sha256(sha256) => (Some(*sha256), sha256.to_string()),
        Identity::GitBlob(id) => (None, id.clone()),
    };
    let target = fetch.folder.join(format!("{name}.download"));
    let wanted = Wanted {
        url,
        target: &target,
        size: announced.size,
        sha256,
        limit_bytes: announced.size.unwrap_or(file.size.saturating_mul(ESTIMATE_SLACK)),
        reported_before: 0,
    };
    fetch.progress.begin(fetch.name, announced.size);
    let downloaded = fetch.download(&wanted).await;
    fetch.progress.end();
    let sha256 = downloaded?;
    if let Identity::GitBlob(expected) = announced.identity {
        check_git_blob(fetch, &wanted, expected).await?;
    }
    Ok((target, sha256))
}

/// The address of a file's content.
pub(crate) fn address(http: &Http, hub: &HubFile) -> Result<Url, SourceError> {
    let path = format!("{}/resolve/{}/{}", hub.repo, hub.revision, hub.file);
    http.hugging_face.join(&path).map_err(|error| SourceError::refused(path, error.to_string()))
}

/// Asks what a file's content is, without following the redirect to its storage.
async fn announce(http: &Http, url: &Url) -> Result<Announced, SourceError> {
    let response = http.ask(Ask::HeadHere, url, HeaderMap::new()).await?;
    let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let etag = text("x-linked-etag").or_else(|| text(ETAG.as_str())).unwrap_or_default();
    let identity = identity(etag).ok_or_else(|| {
        SourceError::refused(shown(url), "no hash is announced for it, so nothing could tell a wrong file")
    })?;
    // The length of a redirect's own body says nothing about the file.
    let own_length = || text(CONTENT_LENGTH.as_str()).filter(|_| response.status().is_success());
    let size = text("x-linked-size").or_else(own_length).and_then(|size| size.parse().ok());
    Ok(Announced { identity, size })
}

/// Reads an entity tag: quoted, perhaps weak.
fn identity(etag: &str) -> Option<Identity> {
    let id = etag.trim().trim_start_matches("W/").trim_matches('"');
    match id.len() {
        40 if id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some(Identity::GitBlob(id.to_ascii_lowercase()))
        }
        _ => id.parse().ok().map(Identity::Sha256),
    }
}

async fn check_git_blob(fetch: &Fetch<'_>, wanted: &Wanted<'_>, expected: String) -> Result<(), SourceError> {
    let (path, lock, file) = (wanted.target.to_owned(), fetch.lock.clone(), shown(&wanted.url));
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
