//! A second look at the first candidates: a cross-encoder reads each together with the question.
//!
//! It may only improve an answer, never hold it up: what is not known within the deadline is as if nobody had looked.

use std::time::Duration;

use domain::{Chunk, Passage};
use tokio::time::timeout;
use tracing::warn;

use crate::embed::CrossEncoder;

/// Rescores the candidates that are best so far.
pub struct Reranker {
    /// What reads them.
    pub cross_encoder: CrossEncoder,
    /// How many are read; those after them stay behind them.
    pub candidates: usize,
    /// How long a question waits for it.
    pub deadline: Duration,
}

impl Reranker {
    /// `ranked` (best first) in the order that the cross-encoder finds better; as it is where that is not known in time.
    pub(crate) async fn rerank(&self, question: &str, ranked: Vec<Passage>) -> Vec<Passage> {
        let texts = ranked.iter().take(self.candidates).map(|passage| text_to_read(&passage.chunk)).collect();
        match timeout(self.deadline, self.cross_encoder.score(question, texts)).await {
            Ok(Ok(logits)) => reordered(ranked, &logits),
            Ok(Err(error)) => {
                warn!(%error, "the passages stay in the order in which they were found");
                ranked
            }
            Err(_) => {
                let deadline_ms = self.deadline.as_millis();
                warn!(
                    deadline_ms,
                    "reranking was late; the passages stay in the order in which they were found"
                );
                ranked
            }
        }
    }
}

/// A chunk under its headings.
fn text_to_read(chunk: &Chunk) -> String {
    let headings = chunk.heading_path.iter().map(String::as_str);
    headings.chain([chunk.text.as_str()]).collect::<Vec<_>>().join("\n")
}

/// The first ones by their logits, equals in the order they had; behind them the others in theirs. A score is the
/// logistic of the logit; those of the others lie below the lowest of these.
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
