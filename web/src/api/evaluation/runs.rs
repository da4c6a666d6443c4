//! Measurements of a collection, and the settings that they were made with.

use domain::EvalRunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::evaluation::figures::RetrievalReport;

/// How to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Whether the result is stored, for later ones to be compared with.
    #[serde(default = "yes")]
    #[param(default = true)]
    pub keep: bool,
    /// Maximum number of questions of each kind; only with `keep=false`, because a part does not compare with the whole.
    #[param(minimum = 1)]
    pub limit: Option<usize>,
}

fn yes() -> bool {
    true
}

/// A stored measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvalRun {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: EvalRunId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The settings in effect, as the server of that time stored them; today's are a `RunSettings`.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// The figures, as the server of that time stored them; today's are a `RetrievalReport`.
    #[schema(value_type = Object)]
    pub report: Value,
}

/// A collection's stored measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// The measurements, newest first; at most 100.
    pub runs: Vec<EvalRun>,
}

/// A measurement that is not stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// The settings in effect.
    pub settings: RunSettings,
    /// The figures.
    pub report: RetrievalReport,
}

/// The settings that retrieval depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSettings {
    /// The server's version.
    pub version: String,
    /// The embedder.
    pub embedder: String,
    /// The reranker; empty without one.
    pub reranker: String,
    /// The vector store: `embedded` or `qdrant`.
    pub vectors: String,
    /// Tokens of a chunk.
    pub chunk_tokens: usize,
    /// Tokens that a chunk shares with the one before it.
    pub overlap_tokens: usize,
    /// How two rankings become one.
    pub fusion: Fusion,
    /// Weight of the dense ranking, 0 to 1.
    pub dense_share: f64,
    /// Evidence from which on a question is answered.
    pub evidence_threshold: f64,
    /// Passages that an answer is written from.
    pub passages: usize,
}

/// How two rankings become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// By a weighted sum of scores.
    Convex,
    /// By a weighted sum of reciprocal ranks.
    ReciprocalRank,
}

impl From<db::EvalRun> for EvalRun {
    fn from(run: db::EvalRun) -> Self {
        let db::EvalRun { id, created_at, settings, report } = run;
        Self { id, created_at, settings, report }
    }
}

impl From<service::evaluation::Measured> for Measured {
    fn from(measured: service::evaluation::Measured) -> Self {
        Self { settings: measured.settings.into(), report: measured.report.into() }
    }
}

impl From<service::evaluation::RunSettings> for RunSettings {
    fn from(settings: service::evaluation::RunSettings) -> Self {
        Self {
            version: settings.version.to_owned(),
            embedder: settings.embedder,
            reranker: settings.reranker,
            vectors: settings.vectors.to_owned(),
            chunk_tokens: settings.chunk_tokens,
            overlap_tokens: settings.overlap_tokens,
            fusion: settings.fusion.into(),
            dense_share: settings.dense_share,
            evidence_threshold: settings.evidence_threshold,
            passages: settings.passages,
        }
    }
}

impl From<retriever::Fusion> for Fusion {
    fn from(fusion: retriever::Fusion) -> Self {
        match fusion {
            retriever::Fusion::Convex => Self::Convex,
            retriever::Fusion::ReciprocalRank => Self::ReciprocalRank,
        }
    }
}
