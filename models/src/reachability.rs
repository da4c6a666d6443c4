//! Which sources this machine's network reaches, found out within seconds.

use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::catalog::{Catalog, Source};
use crate::http::{Ask, Http, shown};
use crate::{hugging_face, pypi};

/// Which sources can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachability {
    /// Hugging Face, or the mirror that `HF_ENDPOINT` names.
    pub hugging_face: bool,
    /// The Python package index.
    pub pypi: bool,
}

impl Reachability {
    /// Whether `source` is on a place that can be reached.
    pub(crate) fn reaches(self, source: &Source) -> bool {
        match source {
            Source::HuggingFace(_) => self.hugging_face,
            Source::Pypi(_) => self.pypi,
        }
    }
}

/// Asks both at the same time for something that the catalog will want from them. A proxy's refusal page, or a
/// mirror without our models, is as good as no connection.
pub(crate) async fn probe(http: &Http, catalog: &Catalog) -> Reachability {
    let sources = || catalog.entries().iter().flat_map(|entry| &entry.files).flat_map(|file| &file.sources);
    let hub = sources().find_map(|source| match source {
        Source::HuggingFace(hub) => hugging_face::address(http, hub).ok(),
        Source::Pypi(_) => None,
    });
    let page = sources().find_map(|source| match source {
        Source::Pypi(parts) => pypi::page_address(http, &parts.first()?.package).ok(),
        Source::HuggingFace(_) => None,
    });
    let (hugging_face, pypi) = tokio::join!(answers(http, hub), answers(http, page));
    Reachability { hugging_face, pypi }
}

async fn answers(http: &Http, url: Option<Url>) -> bool {
    let Some(url) = url else { return false };
    let asked =
        tokio::time::timeout(http.patience.probe, http.ask(Ask::HeadHere, &url, HeaderMap::new())).await;
    let answers = matches!(asked, Ok(Ok(_)));
    tracing::debug!(place = shown(&url), answers, "probed");
    answers
}
