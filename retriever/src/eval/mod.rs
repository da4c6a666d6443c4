//! How well questions are served: whether the right documents are found, and whether the right questions are answered.
//!
//! The caller has the documents in the stores already, each under its source. A question is asked as a conversation asks
//! it ([`Retriever::retrieve`]): that is what the latency of `hybrid` and the decision are measured on. All three
//! rankings are judged from one pair of searches, so that they differ in nothing else; before copies are left out of the
//! passages, for a copy of the wanted document is the wanted text.

mod dataset;
mod decision;
mod metrics;

use std::time::Instant;

use domain::{Passage, Scope, is_source};
use serde::{Deserialize, Serialize};

pub use dataset::{Dataset, DatasetError, EvalDocument, JudgedQuestion, read_questions};
pub use decision::{Answerable, CurvePoint, DecisionReport, Unanswerable, as_written};
pub use metrics::{LatencyMs, SystemReport};

use crate::retrieve::{FEWEST_CANDIDATES, Query, RetrieveError, Retriever, System, milliseconds};
use decision::Decisions;
use metrics::Tally;

/// Ranks looked at.
const DEPTH: usize = 10;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Measurement<'a> {
    /// Where the documents are: one collection.
    pub scope: &'a Scope,
    /// How many they are.
    pub documents: usize,
    /// What to ask.
    pub questions: &'a [JudgedQuestion],
    /// Passages that an answer is written from, and that the decision to answer stands on.
    pub passages: usize,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievalReport {
    /// Documents searched.
    pub documents: usize,
    /// Questions that some document answers; the figures of the systems are means over them.
    pub queries: usize,
    /// Figures by system.
    pub systems: Systems,
    /// Which questions would be answered, and which declined.
    pub decision: DecisionReport,
}

/// Figures by system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Systems {
    /// Cosine of embeddings alone; all zero where the embedder does not cover the language.
    pub dense: SystemReport,
    /// BM25 alone.
    pub sparse: SystemReport,
    /// Both, fused, and reranked where there is a reranker: what people are answered from.
    pub hybrid: SystemReport,
}

/// Asks every question of an index that is settled: latency is that of a service at rest. Calls `on_progress` after each with the number of those done.
pub async fn run(
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

/// `number` of them, evenly spread and the same ones every time; all where there are no more.
pub fn even_sample<T>(all: Vec<T>, number: usize) -> Vec<T> {
    let length = all.len();
    if number >= length {
        return all;
    }
    let mut wanted = (0..number).map(|index| index * length / number).peekable();
    let sampled = all.into_iter().enumerate().filter(|(at, _)| wanted.next_if_eq(at).is_some());
    sampled.map(|(_, item)| item).collect()
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
        let asked = |limit| Query {
            text: question.question.clone(),
            earlier: question.history.clone(),
            scope: measurement.scope.clone(),
            limit,
        };
        // First, so that nothing is warm that would not be for a reader.
        let started = Instant::now();
        let retrieved = retriever.retrieve(&asked(measurement.passages)).await?;
        let hybrid_ms = milliseconds(started);
        self.decisions.add(question.is_answerable(), &retrieved);
        if !question.is_answerable() {
            return Ok(());
        }
        let started = Instant::now();
        let read = retriever.read(&asked(DEPTH));
        let analyze_ms = milliseconds(started);
        let searched = retriever.search(&read, measurement.scope, FEWEST_CANDIDATES).await?;
        for (tally, system, latency_ms) in [
            (&mut self.dense, System::Dense, searched.dense_ms),
            (&mut self.sparse, System::Sparse, analyze_ms + searched.sparse_ms),
            (&mut self.hybrid, System::Hybrid, hybrid_ms),
        ] {
            let ranked = retriever.rank(searched.found.clone(), system);
            let live = retriever.only_live(measurement.scope, ranked).await?;
            tally.add(&question.gains(&live), &question.ideal_gains(), latency_ms);
        }
        Ok(())
    }
}

impl JudgedQuestion {
    /// Relevance of the documents that a perfect ranking would begin with.
    fn ideal_gains(&self) -> Vec<u32> {
        let mut gains: Vec<u32> = self.relevant.values().copied().collect();
        gains.sort_unstable_by(|a, b| b.cmp(a));
        gains
    }

    /// Relevance of the first documents, in the order of their best passages. A document that is wanted counts once,
    /// also where the ends of several paths are its name.
    fn gains(&self, passages: &[Passage]) -> Vec<u32> {
        let mut seen = Vec::<&str>::new();
        for passage in passages {
            if !seen.contains(&passage.chunk.source.as_str()) {
                seen.push(&passage.chunk.source);
            }
            if seen.len() == DEPTH {
                break;
            }
        }
        let mut wanted = self.relevant.clone();
        let mut gain = |source: &str| {
            let found = wanted.keys().find(|expected| is_source(source, expected)).cloned();
            found.and_then(|expected| wanted.remove(&expected)).unwrap_or(0)
        };
        seen.into_iter().map(&mut gain).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fixture::chunk;

    fn passage(source: &str, position: u32) -> Passage {
        let chunk = chunk(source, position, "");
        Passage { chunk, score: 1.0, dense_score: None, sparse_score: None }
    }

    #[test]
    fn a_document_counts_once_at_its_best_passage() {
        let question = JudgedQuestion {
            question: String::new(),
            history: Vec::new(),
            relevant: BTreeMap::from([("leave.md".to_owned(), 1), ("support/refunds.md".to_owned(), 2)]),
            references: Vec::new(),
        };
        let found = [
            passage("/srv/pay.md", 0),
            passage("/srv/leave.md", 3),
            passage("/srv/leave.md", 1),
            passage("/srv/old/leave.md", 0),
            passage("/srv/support/refunds.md", 0),
        ];
        assert_eq!(question.gains(&found), [0, 1, 0, 2]);
        assert_eq!(question.ideal_gains(), [2, 1]);
    }

    #[test]
    fn a_sample_is_even_and_always_the_same() {
        assert_eq!(even_sample((0..10).collect(), 4), [0, 2, 5, 7]);
        assert_eq!(even_sample((0..3).collect(), 3), [0, 1, 2]);
        assert_eq!(even_sample((0..3).collect(), 9), [0, 1, 2]);
        assert_eq!(even_sample((0..3).collect(), 0), Vec::<i32>::new());
    }
}
