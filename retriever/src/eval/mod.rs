//! How well a question set's own documents are found: dense, sparse and hybrid side by side.
//!
//! The caller ingests [`Dataset::documents`] first, each under its `source`; a passage counts for the document with
//! its source. All three systems are judged from one pair of searches for each question, so that they differ in
//! nothing but the ranking.

mod dataset;
mod metrics;

use std::time::Instant;

use domain::{Passage, Scope};
use serde::Serialize;

pub use dataset::{Dataset, DatasetError, EvalDocument, EvalQuery};
pub use metrics::{LatencyMs, SystemReport};

use crate::retrieve::{FEWEST_CANDIDATES, Query, RetrieveError, Retriever, System, milliseconds};
use metrics::Tally;

/// Ranks looked at.
const DEPTH: usize = 10;

/// What `daedap eval retrieval` reports.
#[derive(Debug, Clone, Serialize)]
pub struct RetrievalReport {
    /// Documents of the dataset.
    pub documents: usize,
    /// Questions asked.
    pub queries: usize,
    /// Figures by system.
    pub systems: Systems,
}

/// Figures by system.
#[derive(Debug, Clone, Serialize)]
pub struct Systems {
    /// Cosine of embeddings alone; all zero where the embedder does not cover the language.
    pub dense: SystemReport,
    /// BM25 alone.
    pub sparse: SystemReport,
    /// Both, fused.
    pub hybrid: SystemReport,
}

/// Asks every question of `dataset` in `scope`, where its documents are. Calls `on_progress` after each question
/// with the number of those done.
pub async fn run(
    retriever: &Retriever,
    scope: &Scope,
    dataset: &Dataset,
    mut on_progress: impl FnMut(usize),
) -> Result<RetrievalReport, RetrieveError> {
    let (mut dense, mut sparse, mut hybrid) = (Tally::default(), Tally::default(), Tally::default());
    for (done, query) in (1..).zip(&dataset.queries) {
        let started = Instant::now();
        let read = retriever.read(&Query {
            text: query.text.clone(),
            earlier: Vec::new(),
            scope: scope.clone(),
            limit: DEPTH,
        });
        let analyze_ms = milliseconds(started);
        let searched = retriever.search(&read, scope, FEWEST_CANDIDATES).await?;
        let both_ms = analyze_ms + searched.dense_ms.max(searched.sparse_ms);
        for (tally, system, latency_ms) in [
            (&mut dense, System::Dense, searched.dense_ms),
            (&mut sparse, System::Sparse, analyze_ms + searched.sparse_ms),
            (&mut hybrid, System::Hybrid, both_ms),
        ] {
            let passages = retriever.only_live(scope, retriever.rank(searched.found.clone(), system)).await?;
            tally.add(&gains(&passages, query), &query.ideal_gains(), latency_ms);
        }
        on_progress(done);
    }
    Ok(RetrievalReport {
        documents: dataset.documents.len(),
        queries: dataset.queries.len(),
        systems: Systems { dense: dense.report(), sparse: sparse.report(), hybrid: hybrid.report() },
    })
}

/// Relevance of the first documents, in the order of their best passages.
fn gains(passages: &[Passage], query: &EvalQuery) -> Vec<u32> {
    let mut seen = Vec::<&str>::new();
    for passage in passages {
        if !seen.contains(&passage.chunk.source.as_str()) {
            seen.push(&passage.chunk.source);
        }
        if seen.len() == DEPTH {
            break;
        }
    }
    seen.into_iter().map(|source| query.relevant.get(source).copied().unwrap_or(0)).collect()
}
