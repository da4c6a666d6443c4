//! Evaluates retrieval: whether the right documents are found, and whether the right questions are answered.
//!
//! The caller has ingested the documents, each under its source. A question is asked as a conversation asks it
//! ([`Retriever::retrieve`](crate::Retriever::retrieve)); the latency of `hybrid` and the decision are measured on that.

mod dataset;
mod decision;
mod gains;
mod measure;
mod metrics;
mod sample;

pub use dataset::{Dataset, DatasetError, EvalDocument, JudgedQuestion, read_questions};
pub use decision::{Answerable, CurvePoint, DecisionReport, Unanswerable, round_threshold};
pub use measure::{Measurement, RetrievalReport, Systems, measure};
pub use metrics::{LatencyMs, SystemReport};
pub use sample::even_sample;
