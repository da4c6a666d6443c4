//! Makes an evaluation question from what a caller gives or from a turn of a conversation, and checks it.

use std::collections::HashMap;

use db::{Database, NewEvalQuestion};
use domain::{ChunkId, CollectionId, EvalQuestion, MAX_SOURCE_BYTES, Role, Turn, TurnId, WorkspaceId};

use super::error::{EvaluationError, Violation};

/// Maximum number of earlier questions; a search uses the last ones.
const MAX_HISTORY: usize = 50;
const MAX_EXPECTED: usize = 100;
const MAX_ANSWER_CHARACTERS: usize = 40_000;

/// A question to be added. What is not given is taken from the `turn`, if there is one.
#[derive(Debug, Default)]
pub struct GivenQuestion {
    /// A turn of the exchange to take what is not given from.
    pub turn: Option<TurnId>,
    /// The question.
    pub question: Option<String>,
    /// Earlier questions of its conversation.
    pub history: Option<Vec<String>>,
    /// Sources of the documents that hold the answer; empty where none does.
    pub expected: Option<Vec<String>>,
    /// The expected answer.
    pub answer: Option<String>,
    /// Whether the turn's answer is correct, and kept as the expected one.
    pub keep_answer: bool,
}

impl GivenQuestion {
    /// The question for the set of `collection`, not yet checked.
    pub async fn complete(
        self,
        db: &Database,
        workspace: WorkspaceId,
        collection: CollectionId,
    ) -> Result<NewEvalQuestion, EvaluationError> {
        let Some(turn) = self.turn else {
            let question = self.question.ok_or_else(|| invalid("question", Violation::Missing))?;
            let question = EvalQuestion {
                question,
                history: self.history.unwrap_or_default(),
                expected: self.expected.unwrap_or_default(),
                answer: self.answer,
            };
            return Ok(NewEvalQuestion { question, turn: None });
        };
        let exchange = Exchange::around(db, workspace, turn).await?;
        let expected = match self.expected {
            Some(expected) => expected,
            None => exchange.cited(db, workspace, collection).await?,
        };
        let kept = exchange.answer.filter(|_| self.keep_answer).map(|answer| answer.content);
        let question = EvalQuestion {
            question: self.question.unwrap_or(exchange.question.content),
            history: self.history.unwrap_or(exchange.earlier),
            expected,
            answer: self.answer.or(kept),
        };
        Ok(NewEvalQuestion { question, turn: Some(turn) })
    }
}

/// A question of a conversation with its answer.
struct Exchange {
    question: Turn,
    earlier: Vec<String>,
    answer: Option<Turn>,
}

impl Exchange {
    /// The exchange that `turn`, a question or an answer, is part of.
    async fn around(db: &Database, workspace: WorkspaceId, turn: TurnId) -> Result<Self, EvaluationError> {
        let turn = db.turn(workspace, turn).await?;
        let asked_at = if turn.role == Role::User { turn.position } else { turn.position.saturating_sub(1) };
        let turns = db.turns(workspace, turn.conversation).await?;
        let (mut earlier, mut question, mut answer) = (Vec::new(), turn, None);
        for turn in turns {
            match turn.role {
                Role::User if turn.position < asked_at => earlier.push(turn.content),
                Role::User if turn.position == asked_at => question = turn,
                Role::Assistant if turn.position == asked_at + 1 => answer = Some(turn),
                _ => {}
            }
        }
        earlier.drain(..earlier.len().saturating_sub(MAX_HISTORY));
        Ok(Self { question, earlier, answer })
    }

    /// Sources of the documents of `collection` that the answer cites; none where it declined. An answer that neither
    /// cites nor declines does not tell which documents are expected.
    async fn cited(
        &self,
        db: &Database,
        workspace: WorkspaceId,
        collection: CollectionId,
    ) -> Result<Vec<String>, EvaluationError> {
        let unknown = || invalid("expected", Violation::NoCitedDocument);
        let answer = self.answer.as_ref().ok_or_else(unknown)?;
        if answer.abstained {
            return Ok(Vec::new());
        }
        let passages = db.turn_passages(workspace, answer.id).await?;
        let own = passages.into_iter().filter(|passage| passage.chunk.collection == collection);
        let sources: HashMap<ChunkId, String> =
            own.map(|passage| (passage.chunk.id, passage.chunk.source)).collect();
        let mut cited = Vec::new();
        for source in answer.citations.iter().filter_map(|citation| sources.get(&citation.chunk)) {
            if !cited.contains(source) {
                cited.push(source.clone());
            }
        }
        if cited.is_empty() { Err(unknown()) } else { Ok(cited) }
    }
}

/// The question with its texts trimmed, if all of them are within their limits.
pub fn checked(question: EvalQuestion, question_characters: usize) -> Result<EvalQuestion, EvaluationError> {
    let EvalQuestion { question, history, expected, answer } = question;
    if history.len() > MAX_HISTORY {
        return Err(invalid("history", Violation::Entries { max: MAX_HISTORY }));
    }
    if expected.len() > MAX_EXPECTED {
        return Err(invalid("expected", Violation::Entries { max: MAX_EXPECTED }));
    }
    let asked = |field, text: String| checked_text(field, &text, question_characters);
    let source = |text: String| match checked_text("expected", &text, MAX_SOURCE_BYTES) {
        Ok(source) if source.len() > MAX_SOURCE_BYTES || source.chars().any(char::is_control) => {
            Err(invalid("expected", Violation::Line { max_bytes: MAX_SOURCE_BYTES }))
        }
        other => other,
    };
    Ok(EvalQuestion {
        question: asked("question", question)?,
        history: history.into_iter().map(|text| asked("history", text)).collect::<Result<_, _>>()?,
        expected: expected.into_iter().map(source).collect::<Result<_, _>>()?,
        answer: answer.map(|text| checked_text("answer", &text, MAX_ANSWER_CHARACTERS)).transpose()?,
    })
}

fn checked_text(field: &'static str, text: &str, max: usize) -> Result<String, EvaluationError> {
    let text = text.trim();
    let is_typed = |character: char| !character.is_control() || matches!(character, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().count() > max || !text.chars().all(is_typed) {
        return Err(invalid(field, Violation::Characters { max }));
    }
    Ok(text.to_owned())
}

fn invalid(field: &'static str, violation: Violation) -> EvaluationError {
    EvaluationError::Invalid { field, violation }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> EvalQuestion {
        EvalQuestion {
            question: " 연차는\n며칠인가요? ".to_owned(),
            history: vec!["첫 질문 ".to_owned()],
            expected: vec!["규정/휴가.md".to_owned()],
            answer: Some("15일".to_owned()),
        }
    }

    fn field_of(question: EvalQuestion) -> &'static str {
        match checked(question, 40) {
            Err(EvaluationError::Invalid { field, .. }) => field,
            other => panic!("it is fit: {other:?}"),
        }
    }

    #[test]
    fn every_text_is_trimmed_and_bounded() {
        let fit = checked(question(), 40).unwrap();
        assert_eq!((fit.question.as_str(), fit.history[0].as_str()), ("연차는\n며칠인가요?", "첫 질문"));
        for (field, bad) in [
            ("question", EvalQuestion { question: " ".to_owned(), ..question() }),
            ("question", EvalQuestion { question: "가".repeat(41), ..question() }),
            ("question", EvalQuestion { question: "a\0b".to_owned(), ..question() }),
            ("history", EvalQuestion { history: vec!["?".to_owned(); 51], ..question() }),
            ("history", EvalQuestion { history: vec!["가".repeat(41)], ..question() }),
            ("expected", EvalQuestion { expected: vec!["a.md".to_owned(); 101], ..question() }),
            ("expected", EvalQuestion { expected: vec![String::new()], ..question() }),
            ("expected", EvalQuestion { expected: vec!["a\nb.md".to_owned()], ..question() }),
            ("expected", EvalQuestion { expected: vec!["가".repeat(2_000)], ..question() }),
            ("answer", EvalQuestion { answer: Some(" ".to_owned()), ..question() }),
            ("answer", EvalQuestion { answer: Some("가".repeat(40_001)), ..question() }),
        ] {
            assert_eq!(field_of(bad), field);
        }
    }
}
