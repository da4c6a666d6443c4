//! Evaluation: the questions that a collection is measured with, and the measurements.

mod figures;
mod questions;
mod runs;

pub use figures::{
    Answerable, CurvePoint, DecisionReport, LatencyMs, RetrievalReport, SystemReport, Systems, Unanswerable,
};
pub use questions::{
    EvalQuestion, ImportedQuestions, NewQuestion, QuestionImport, QuestionList, StoredQuestion,
};
pub use runs::{EvalRun, Fusion, Measured, RunList, RunQuery, RunSettings};
