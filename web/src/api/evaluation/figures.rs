//! The figures of a measurement: retrieval, and the decision to answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How well questions are served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RetrievalReport {
    /// Number of documents searched.
    pub documents: usize,
    /// Number of questions that some document answers; the figures of `systems` are means over them.
    pub queries: usize,
    /// Figures by ranking.
    pub systems: Systems,
    /// Which questions are answered, and which declined.
    pub decision: DecisionReport,
}

/// Figures by ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Systems {
    /// By embeddings alone; all 0 where the embedder does not cover the language.
    pub dense: SystemReport,
    /// By BM25 alone.
    pub sparse: SystemReport,
    /// By both, fused, and reranked where there is a reranker: what answers are written from.
    pub hybrid: SystemReport,
}

/// Figures of one ranking, each the mean over questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemReport {
    /// Share of the relevant documents that are first.
    #[serde(rename = "recall@1")]
    pub recall_at_1: f64,
    /// Share of the relevant documents among the first five.
    #[serde(rename = "recall@5")]
    pub recall_at_5: f64,
    /// Share of the relevant documents among the first ten.
    #[serde(rename = "recall@10")]
    pub recall_at_10: f64,
    /// Reciprocal rank of the first relevant document, 0 beyond ten.
    #[serde(rename = "mrr@10")]
    pub mrr_at_10: f64,
    /// Normalized discounted cumulative gain of the first ten.
    #[serde(rename = "ndcg@10")]
    pub ndcg_at_10: f64,
    /// From the question to its ranking.
    pub latency_ms: LatencyMs,
}

/// Percentiles of latency in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LatencyMs {
    /// Half of the questions took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

/// Which questions are answered, and which would be at other thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionReport {
    /// Questions that some document answers.
    pub answerable: Answerable,
    /// Questions that no document answers.
    pub unanswerable: Unanswerable,
    /// The threshold in effect.
    pub threshold: f64,
    /// The same shares at other thresholds.
    pub curve: Vec<CurvePoint>,
}

/// Questions that some document answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answerable {
    /// How many.
    pub n: usize,
    /// Share of them that was declined.
    pub declined: f64,
}

/// Questions that no document answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Unanswerable {
    /// How many.
    pub n: usize,
    /// Share of them that was answered.
    pub answered: f64,
}

/// What a threshold would do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CurvePoint {
    /// Evidence from which on questions would be answered.
    pub threshold: f64,
    /// Share of the answerable questions that it would decline.
    pub declined: f64,
    /// Share of the unanswerable questions that it would answer.
    pub answered: f64,
}

impl From<retriever::eval::RetrievalReport> for RetrievalReport {
    fn from(report: retriever::eval::RetrievalReport) -> Self {
        let retriever::eval::Systems { dense, sparse, hybrid } = report.systems;
        Self {
            documents: report.documents,
            queries: report.queries,
            systems: Systems { dense: dense.into(), sparse: sparse.into(), hybrid: hybrid.into() },
            decision: report.decision.into(),
        }
    }
}

impl From<retriever::eval::SystemReport> for SystemReport {
    fn from(report: retriever::eval::SystemReport) -> Self {
        let retriever::eval::LatencyMs { p50, p99 } = report.latency_ms;
        Self {
            recall_at_1: report.recall_at_1,
            recall_at_5: report.recall_at_5,
            recall_at_10: report.recall_at_10,
            mrr_at_10: report.mrr_at_10,
            ndcg_at_10: report.ndcg_at_10,
            latency_ms: LatencyMs { p50, p99 },
        }
    }
}

impl From<retriever::eval::DecisionReport> for DecisionReport {
    fn from(report: retriever::eval::DecisionReport) -> Self {
        let retriever::eval::DecisionReport { answerable, unanswerable, threshold, curve } = report;
        let point = |point: retriever::eval::CurvePoint| {
            let retriever::eval::CurvePoint { threshold, declined, answered } = point;
            CurvePoint { threshold, declined, answered }
        };
        Self {
            answerable: Answerable { n: answerable.n, declined: answerable.declined },
            unanswerable: Unanswerable { n: unanswerable.n, answered: unanswerable.answered },
            threshold,
            curve: curve.into_iter().map(point).collect(),
        }
    }
}

impl From<DecisionReport> for retriever::eval::DecisionReport {
    fn from(report: DecisionReport) -> Self {
        let DecisionReport { answerable, unanswerable, threshold, curve } = report;
        let point = |point: CurvePoint| {
            let CurvePoint { threshold, declined, answered } = point;
            retriever::eval::CurvePoint { threshold, declined, answered }
        };
        Self {
            answerable: retriever::eval::Answerable { n: answerable.n, declined: answerable.declined },
            unanswerable: retriever::eval::Unanswerable {
                n: unanswerable.n,
                answered: unanswerable.answered,
            },
            threshold,
            curve: curve.into_iter().map(point).collect(),
        }
    }
}
