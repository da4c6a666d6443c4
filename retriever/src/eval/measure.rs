//! Asks the questions of a measurement and reports the figures of retrieval and of the decision to answer.
//!
//! All three rankings are judged from one pair of searches, so that they differ in nothing else. They are judged before
//! duplicates are removed, because a duplicate of a relevant document has the relevant text.

use std::time::Instant;

use domain::Scope;
use serde::{Deserialize, Serialize};

use super::dataset::JudgedQuestion;
use super::decision::{DecisionReport, Decisions};
use super::gains::{DEPTH, gains, ideal_gains};
use super::metrics::{SystemReport, Tally};
use crate::query::Query;
use crate::retrieve::{MIN_CANDIDATES, RetrieveError, Retriever, SearchMode, milliseconds};

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Measurement<'a> {
    /// The collection that holds the documents.
    pub scope: &'a Scope,
    /// Number of documents.
    pub documents: usize,
    /// The questions to ask.
    pub questions: &'a [JudgedQuestion],
    /// Number of passages for an answer; the decision to answer depends on them.
    pub passages: usize,
}

/// The figures of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievalReport {
    /// Number of documents searched.
    pub documents: usize,
    /// Number of answerable questions; the figures of the systems are means over them.
    pub queries: usize,
    /// Figures by system.
    pub systems: Systems,
    /// Which questions are answered, and which are declined.
    pub decision: DecisionReport,
}

/// Figures by system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Systems {
    /// Cosine of embeddings alone; all zero where the embedder does not cover the language.
    pub dense: SystemReport,
    /// BM25 alone.
    pub sparse: SystemReport,
    /// Both, fused, and reranked if there is a reranker: the ranking that answers use.
    pub hybrid: SystemReport,
}

/// Asks every question after flushing the index, so that latency is that of an idle service. Calls `on_progress` with the
/// number of finished questions after each.
pub async fn measure(
    retriever: &Retriever,
    measurement: &Measurement<'_>,
    mut on_progress: impl FnMut(usize),
) -> Result<RetrievalReport, RetrieveError> {
    retriever.flush().await?;
    let mut tallies = Tallies::default();
    for (done, question) in (1..).zip(measurement.questions) {
        tallies.ask(retriever, measurement, question).await?;
        on_progress(done);
    }
    let threshold = retriever.threshold_in(measurement.scope).await?;
    Ok(RetrievalReport {
        documents: measurement.documents,
        queries: tallies.hybrid.questions(),
        systems: Systems {
            dense: tallies.dense.report(),
            sparse: tallies.sparse.report(),
            hybrid: tallies.hybrid.report(),
        },
        decision: tallies.decisions.report(threshold),
    })
}

#[derive(Default)]
struct Tallies {
    dense: Tally,
    sparse: Tally,
    hybrid: Tally,
    decisions: Decisions,
}

impl Tallies {
    async fn ask(
        &mut self,
        retriever: &Retriever,
        measurement: &Measurement<'_>,
        question: &JudgedQuestion,
    ) -> Result<(), RetrieveError> {
        let query = |limit| Query {
            text: question.question.clone(),
            earlier: question.history.clone(),
            scope: measurement.scope.clone(),
            limit,
        };
        // First, so that no cache is warmer than for a reader.
        let started = Instant::now();
        let retrieved = retriever.retrieve(&query(measurement.passages)).await?;
        let hybrid_ms = milliseconds(started);
        self.decisions.add(question.is_answerable(), &retrieved);
        if !question.is_answerable() {
            return Ok(());
        }
        let started = Instant::now();
        let analyzed = retriever.analyze(&query(DEPTH));
        let analyze_ms = milliseconds(started);
        let searched = retriever.search(&analyzed, measurement.scope, MIN_CANDIDATES).await?;
        for (tally, mode, latency_ms) in [
            (&mut self.dense, SearchMode::Dense, searched.dense_ms),
            (&mut self.sparse, SearchMode::Sparse, analyze_ms + searched.sparse_ms),
            (&mut self.hybrid, SearchMode::Hybrid, hybrid_ms),
        ] {
            let ranked = retriever.rank(searched.hits.clone(), mode);
            let live = retriever.keep_live(measurement.scope, ranked).await?;
            tally.add(&gains(question, &live), &ideal_gains(question), latency_ms);
        }
        Ok(())
    }
}
