//! Measures a collection with its own evaluation questions, which are asked the way conversations ask them.

use db::EvalRun;
use domain::{CollectionId, Filter, WorkspaceId};
use retriever::Fusion;
use retriever::eval::{self, JudgedQuestion, Measurement, RetrievalReport, round_threshold};
use serde::Serialize;
use serde_json::Value;

use super::error::EvaluationError;
use super::sample::sampled;
use crate::config::Config;
use crate::knowledge::KnowledgeBase;

/// The settings that retrieval depends on, as kept with a run.
#[derive(Debug, Clone, Serialize)]
pub struct RunSettings {
    /// The release of daedap.
    pub version: &'static str,
    /// The embedder of the live index.
    pub embedder: String,
    /// The reranker; empty without one.
    pub reranker: String,
    /// Where vectors are: `embedded` or `qdrant`.
    pub vectors: &'static str,
    /// Target size of a chunk in tokens.
    pub chunk_tokens: usize,
    /// Tokens that neighbouring chunks share.
    pub overlap_tokens: usize,
    /// How dense and sparse results are fused.
    pub fusion: Fusion,
    /// Weight of the dense results, 0 to 1.
    pub dense_share: f64,
    /// Least evidence that is answered, 0 to 1.
    pub evidence_threshold: f64,
    /// Number of passages given to the model.
    pub passages: usize,
}

/// A measurement and the settings that it was made with.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The settings in effect.
    pub settings: RunSettings,
    /// The figures.
    pub report: RetrievalReport,
}

/// Asks the collection's questions, at most `limit` of each kind. Calls `on_progress` after each with the number of
/// questions done.
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
    let report = eval::measure(&knowledge.retriever, &measurement, on_progress).await?;
    let settings = RunSettings::in_effect(knowledge, config, report.decision.threshold);
    Ok(Measured { settings, report })
}

/// Asks all of the collection's questions, and stores the result.
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
            dense_share: round_threshold(knowledge.retriever.options().dense_share),
            evidence_threshold,
            passages: config.chat.passages,
        }
    }
}
