//! Defines the report on answers: the figures of answered, declined and cited questions.

use domain::Language;
use retriever::eval::{CurvePoint, DecisionReport};
use serde::Serialize;

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The text, with the numbers of its citations.
    pub text: String,
    /// Its language.
    pub language: Language,
    /// Whether it declines: the documents do not hold the answer.
    pub abstained: bool,
    /// Sources of the cited documents.
    pub cited: Vec<String>,
}

/// The report of `daedap eval answers`. Shares are 0 to 1; figures that need a model's answers are `None` without them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswersReport {
    /// Questions that some document answers.
    pub answerable: AnswerableReport,
    /// Questions that no document answers.
    pub unanswerable: UnanswerableReport,
    /// Share of the answerable questions whose answer cites a document that holds the answer.
    pub cited_right_document: Option<f64>,
    /// The evidence threshold in effect.
    pub threshold: f64,
    /// The decision by evidence at other thresholds.
    pub curve: Vec<CurvePoint>,
}

/// Questions that some document answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerableReport {
    /// Number of questions.
    pub n: usize,
    /// Of the questions with a known answer, the share whose answer matches exactly; see
    /// [`overlap`](crate::eval::overlap).
    pub exact_match: Option<f64>,
    /// Mean F1 of the questions with a known answer; see [`overlap`](crate::eval::overlap).
    pub f1: Option<f64>,
    /// Share of declined questions.
    pub declined: f64,
}

/// Questions that no document answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnanswerableReport {
    /// Number of questions.
    pub n: usize,
    /// Share of declined questions.
    pub declined: f64,
}

impl From<DecisionReport> for AnswersReport {
    /// The report by evidence alone, without answers.
    fn from(decision: DecisionReport) -> Self {
        let DecisionReport { answerable, unanswerable, threshold, curve } = decision;
        Self {
            answerable: AnswerableReport {
                n: answerable.n,
                exact_match: None,
                f1: None,
                declined: answerable.declined,
            },
            unanswerable: UnanswerableReport {
                n: unanswerable.n,
                declined: if unanswerable.n == 0 { 0.0 } else { 1.0 - unanswerable.answered },
            },
            cited_right_document: None,
            threshold,
            curve,
        }
    }
}
