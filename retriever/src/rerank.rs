//! Reranks the first candidates with a cross-encoder.
//!
//! Reranking must not delay an answer: after the deadline, or on an error, the ranking stays as it is.

use std::time::Duration;

use domain::{Chunk, Passage, with_causes};
use tokio::time::timeout;
use tracing::warn;

use crate::embed::CrossEncoder;

/// Rescores the best candidates.
pub struct Reranker {
    /// The model that scores them.
    pub cross_encoder: CrossEncoder,
    /// Number of candidates that are rescored; the others stay behind them.
    pub candidates: usize,
    /// Maximum time that a question waits for it.
    pub deadline: Duration,
}

impl Reranker {
    /// Reorders `ranked` (best first) by the scores of the cross-encoder; returns it unchanged on an error or timeout.
    pub(crate) async fn rerank(&self, question: &str, ranked: Vec<Passage>) -> Vec<Passage> {
        let texts =
            ranked.iter().take(self.candidates).map(|passage| text_to_score(&passage.chunk)).collect();
        match timeout(self.deadline, self.cross_encoder.score(question, texts)).await {
            Ok(Ok(logits)) => reordered(ranked, &logits),
            Ok(Err(error)) => {
                warn!(
                    error = with_causes(&error),
                    "reranking failed; the passages keep the order of the search"
                );
                ranked
            }
            Err(_) => {
                let deadline_ms = self.deadline.as_millis();
                warn!(deadline_ms, "reranking timed out; the passages keep the order of the search");
                ranked
            }
        }
    }
}

/// The text of a chunk under its headings.
fn text_to_score(chunk: &Chunk) -> String {
    let headings = chunk.heading_path.iter().map(String::as_str);
    headings.chain([chunk.text.as_str()]).collect::<Vec<_>>().join("\n")
}

/// Sorts the first passages by their logits (equal ones keep their order), with the other passages behind them. A score is
/// the logistic of the logit; the scores of the others are scaled below the lowest of these.
fn reordered(mut ranked: Vec<Passage>, logits: &[f32]) -> Vec<Passage> {
    let others = ranked.split_off(logits.len().min(ranked.len()));
    let mut rescored: Vec<(f32, Passage)> = logits.iter().copied().zip(ranked).collect();
    rescored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let lowest = rescored.last().map_or(1.0, |(logit, _)| logistic(*logit));
    let rescored = rescored.into_iter().map(|(logit, passage)| Passage { score: logistic(logit), ..passage });
    let others = others.into_iter().map(|passage| Passage { score: lowest * passage.score, ..passage });
    rescored.chain(others).collect()
}

fn logistic(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
