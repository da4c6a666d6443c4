//! The questions that a collection is measured with.

use domain::{EvalQuestionId, TurnId};
use serde::{Deserialize, Serialize};
use service::evaluation::question::GivenQuestion;
use utoipa::ToSchema;

/// A question, and the documents that hold its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvalQuestion {
    /// The question.
    pub question: String,
    /// Earlier questions of the same conversation, oldest first.
    #[serde(default)]
    pub history: Vec<String>,
    /// Sources of the documents that hold the answer, or the ends of their paths. Empty: no document holds it.
    #[serde(default)]
    pub expected: Vec<String>,
    /// A correct answer, to compare with.
    #[serde(default)]
    pub answer: Option<String>,
}

/// A question of a collection's set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredQuestion {
    /// Follows from the collection, the history and the question.
    #[schema(value_type = Uuid)]
    pub id: EvalQuestionId,
    /// The question.
    pub question: String,
    /// Earlier questions of the same conversation, oldest first.
    pub history: Vec<String>,
    /// Sources of the documents that hold the answer, or the ends of their paths. Empty: no document holds it.
    pub expected: Vec<String>,
    /// A correct answer, to compare with.
    #[schema(required = true)]
    pub answer: Option<String>,
    /// The turn that it was made from.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub turn: Option<TurnId>,
}

/// A collection's set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuestionList {
    /// The questions, in the order in which they were added.
    pub questions: Vec<StoredQuestion>,
}

/// A question to add. With a `turn`, what is left out is taken from the conversation around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuestion {
    /// A question or an answer of a conversation.
    #[schema(value_type = Option<Uuid>)]
    pub turn: Option<TurnId>,
    /// The question; without a `turn` it must be given.
    pub question: Option<String>,
    /// Earlier questions of the same conversation, oldest first; at most 50.
    pub history: Option<Vec<String>>,
    /// Sources of the documents that hold the answer, or the ends of their paths; at most 100.
    pub expected: Option<Vec<String>>,
    /// A correct answer, to compare with.
    pub answer: Option<String>,
    /// Whether the turn's answer is correct, and kept to compare with.
    #[serde(default)]
    pub keep_answer: bool,
}

/// Questions to add, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionImport {
    /// The questions.
    pub questions: Vec<EvalQuestion>,
}

/// How many questions were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedQuestions {
    /// Number of questions, those that were in the set before included.
    pub added: usize,
}

impl From<EvalQuestion> for domain::EvalQuestion {
    fn from(question: EvalQuestion) -> Self {
        let EvalQuestion { question, history, expected, answer } = question;
        Self { question, history, expected, answer }
    }
}

impl From<domain::EvalQuestion> for EvalQuestion {
    fn from(question: domain::EvalQuestion) -> Self {
        let domain::EvalQuestion { question, history, expected, answer } = question;
        Self { question, history, expected, answer }
    }
}

impl From<StoredQuestion> for domain::EvalQuestion {
    fn from(stored: StoredQuestion) -> Self {
        let StoredQuestion { id: _, question, history, expected, answer, turn: _ } = stored;
        Self { question, history, expected, answer }
    }
}

impl From<db::StoredEvalQuestion> for StoredQuestion {
    fn from(stored: db::StoredEvalQuestion) -> Self {
        let db::StoredEvalQuestion { id, question, turn } = stored;
        let domain::EvalQuestion { question, history, expected, answer } = question;
        Self { id, question, history, expected, answer, turn }
    }
}

impl From<NewQuestion> for GivenQuestion {
    fn from(new: NewQuestion) -> Self {
        let NewQuestion { turn, question, history, expected, answer, keep_answer } = new;
        Self { turn, question, history, expected, answer, keep_answer }
    }
}
