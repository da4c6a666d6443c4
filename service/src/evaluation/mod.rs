//! A collection's evaluation: its questions asked as conversations ask them, and what came of it kept.
//!
//! Routes and the command line both come here, so that a run means the same wherever it was started.

pub mod question;

use db::{DbError, EvalRun};
use domain::{CollectionId, Filter, WorkspaceId};
use retriever::eval::{self, JudgedQuestion, Measurement, RetrievalReport, as_written, even_sample};
use retriever::{Fusion, RetrieveError};
use serde::Serialize;
use serde_json::Value;

use crate::app::KnowledgeBase;
use crate::config::Config;

/// Why a collection was not measured, or a question not added.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// There is nothing to ask.
    #[error("the collection has no evaluation questions")]
    NoQuestions,
    /// A question is not fit for a set.
    #[error("{field}: {message}")]
    Invalid {
        /// The field that it is about.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The figures cannot be written as JSON.
    #[error("the report cannot be written: {0}")]
    Report(#[from] serde_json::Error),
    /// The collection or the turn is not there, or SQL does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A search failed.
    #[error(transparent)]
    Retrieval(#[from] RetrieveError),
}

/// The settings that retrieval depends on, as kept with a run.
#[derive(Debug, Clone, Serialize)]
pub struct RunSettings {
    version: &'static str,
    embedder: String,
    reranker: String,
    vectors: &'static str,
    chunk_tokens: usize,
    overlap_tokens: usize,
    fusion: Fusion,
    dense_share: f64,
    evidence_threshold: f64,
    passages: usize,
}

/// What was measured, and under which settings.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The settings in effect.
    pub settings: RunSettings,
    /// The figures.
    pub report: RetrievalReport,
}

/// Asks the collection's questions; of each kind at most `limit`. Calls `on_progress` after each with the number of
/// those done.
pub async fn measure(
    knowledge: &KnowledgeBase,
    config: &Config,
    (workspace, collection): (WorkspaceId, CollectionId),
    limit: Option<usize>,
    on_progress: impl FnMut(usize),
) -> Result<Measured, EvaluationError> {
    let db = &knowledge.db;
    let scope = db.scope(workspace, &[collection], Filter::default()).await?;
    let set = db.eval_questions(workspace, collection).await?;
    if set.is_empty() {
        return Err(EvaluationError::NoQuestions);
    }
    let questions = set.into_iter().map(|stored| JudgedQuestion::from(stored.question)).collect();
    let questions = sampled(questions, limit);
    let documents = db.document_sources(workspace, collection).await?.len();
    let passages = config.chat.passages;
    let measurement = Measurement { scope: &scope, documents, questions: &questions, passages };
    let report = eval::run(&knowledge.retriever, &measurement, on_progress).await?;
    let settings = RunSettings::in_effect(knowledge, config, report.decision.threshold);
    Ok(Measured { settings, report })
}

/// Asks all of the collection's questions, and keeps what came of it.
pub async fn run(
    knowledge: &KnowledgeBase,
    config: &Config,
    (workspace, collection): (WorkspaceId, CollectionId),
    on_progress: impl FnMut(usize),
) -> Result<EvalRun, EvaluationError> {
    let measured = measure(knowledge, config, (workspace, collection), None, on_progress).await?;
    let (settings, report) = (as_json(&measured.settings)?, as_json(&measured.report)?);
    Ok(knowledge.db.add_eval_run(workspace, collection, &settings, &report).await?)
}

/// An even sample of each kind of question, the same one every time.
pub fn sampled(questions: Vec<JudgedQuestion>, limit: Option<usize>) -> Vec<JudgedQuestion> {
    let Some(limit) = limit else { return questions };
    let (answerable, unanswerable) = questions.into_iter().partition(JudgedQuestion::is_answerable);
    let mut sampled = even_sample(answerable, limit);
    sampled.extend(even_sample(unanswerable, limit));
    sampled
}

fn as_json(value: &impl Serialize) -> Result<Value, EvaluationError> {
    Ok(serde_json::to_value(value)?)
}

impl RunSettings {
    fn in_effect(knowledge: &KnowledgeBase, config: &Config, evidence_threshold: f64) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            embedder: knowledge.index.current().embedder.space().model.clone(),
            reranker: config.reranker.model.clone(),
            vectors: if config.vectors.url.is_empty() { "embedded" } else { "qdrant" },
            chunk_tokens: config.ingest.chunk_tokens,
            overlap_tokens: config.ingest.overlap_tokens,
            fusion: knowledge.retriever.options().fusion,
            dense_share: as_written(knowledge.retriever.options().dense_share),
            evidence_threshold,
            passages: config.chat.passages,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::EvalQuestion;

    use super::*;

    fn question(text: &str, expected: &[&str]) -> JudgedQuestion {
        JudgedQuestion::from(EvalQuestion {
            question: text.to_owned(),
            history: vec!["정규직의 연차는 며칠인가요?".to_owned()],
            expected: expected.iter().map(|source| (*source).to_owned()).collect(),
            answer: None,
        })
    }

    #[test]
    fn a_sample_holds_both_kinds() {
        let all: Vec<JudgedQuestion> =
            (0..12).map(|n| question(&n.to_string(), if n % 3 == 0 { &[] } else { &["a.md"] })).collect();
        let texts = |limit| -> Vec<String> {
            sampled(all.clone(), limit).into_iter().map(|question| question.question).collect()
        };
        assert_eq!(texts(Some(2)), ["1", "7", "0", "6"]);
        assert_eq!(texts(None).len(), 12);
    }
}
