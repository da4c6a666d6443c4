//! Writes one answer: retrieves, abstains or generates, checks citations, and stores the result.
//!
//! The answer is written by a task of its own: a reader who leaves stops the generator but not the bookkeeping, so the
//! partial text is stored and marked as interrupted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::FinishedAnswer;
use domain::{
    Citation, FinishReason, GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Language,
    Passage, Role, Scope, SparseVector, Turn, TurnId, TurnState, Usage, WorkspaceId, with_causes,
};
use futures::StreamExt;
use retriever::Query;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::cite::{self, CitationFilter};
use crate::error::ChatError;
use crate::events::{AnswerEvent, CompletedAnswer};
use crate::parts::ChatParts;
use crate::prompt::{self, PromptParts};
use crate::{abstain, extract};

/// How often the partial text is stored: the maximum that a crash loses of an answer.
const SAVE_INTERVAL: Duration = Duration::from_millis(500);

/// The answer so far.
#[derive(Default)]
pub(crate) struct Draft {
    content: String,
    abstained: bool,
    passages: Vec<Passage>,
    citations: Vec<Citation>,
    usage: Usage,
    timings_ms: BTreeMap<String, f64>,
}

/// The task that writes one answer.
pub(crate) struct Answering {
    pub(crate) parts: Arc<ChatParts>,
    pub(crate) workspace: WorkspaceId,
    pub(crate) turn: TurnId,
    pub(crate) events: mpsc::Sender<AnswerEvent>,
    pub(crate) started: Instant,
    /// Language of the question, and so of the answer.
    pub(crate) language: Language,
    pub(crate) draft: Draft,
}

/// Why an answer was interrupted.
enum Interruption {
    ReaderLeft,
    Failed(ChatError),
}

impl<E: Into<ChatError>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Answering {
    /// Writes and stores the answer, and sends the last event.
    pub(crate) async fn run(mut self, question: String, scope: Scope, history: Vec<Turn>) {
        let outcome = self.answer(&question, scope, &history).await;
        let (state, finish_reason, failure) = match outcome {
            Ok(finish_reason) => (TurnState::Complete, finish_reason, None),
            Err(Interruption::ReaderLeft) => (TurnState::Interrupted, FinishReason::Cancelled, None),
            Err(Interruption::Failed(error)) => (TurnState::Interrupted, FinishReason::Error, Some(error)),
        };
        self.record_time("total");
        let stored = self.store(state, finish_reason).await;
        let last = match (failure, stored) {
            (Some(error), _) => {
                warn!(turn = %self.turn, error = with_causes(&error), "the answer was interrupted");
                AnswerEvent::Failed(error)
            }
            (None, Err(error)) => {
                warn!(turn = %self.turn, error = with_causes(&error), "the answer could not be stored");
                AnswerEvent::Failed(error.into())
            }
            (None, Ok(turn)) => {
                info!(turn = %self.turn, ?finish_reason, ?self.draft.timings_ms, "answered");
                let Draft { usage, timings_ms, .. } = self.draft;
                AnswerEvent::Done(Box::new(CompletedAnswer { turn, usage, timings_ms }))
            }
        };
        // The reader may have left.
        let _ = self.events.send(last).await;
    }

    async fn answer(
        &mut self,
        question: &str,
        scope: Scope,
        history: &[Turn],
    ) -> Result<FinishReason, Interruption> {
        let earlier = history.iter().filter(|turn| turn.role == Role::User);
        let query = Query {
            text: question.to_owned(),
            earlier: earlier.map(|turn| turn.content.clone()).collect(),
            scope,
            limit: self.parts.options.passages,
        };
        let retrieved = self.parts.retriever.retrieve(&query).await?;
        for (stage, milliseconds) in retrieved.timings_ms {
            self.draft.timings_ms.insert(format!("retrieve_{stage}"), milliseconds);
        }
        self.record_time("retrieved");
        if !retrieved.evidence.sufficient || retrieved.passages.is_empty() {
            return self.abstain().await;
        }
        self.draft.passages = retrieved.passages;
        if !self.parts.generator.coverage().covers(self.language) {
            return self.extract(&retrieved.terms).await;
        }
        self.generate(question, history).await
    }

    async fn abstain(&mut self) -> Result<FinishReason, Interruption> {
        self.draft.abstained = true;
        self.draft.passages.clear();
        self.send(AnswerEvent::Sources(Vec::new())).await?;
        self.append(abstain::sentence(self.language).to_owned()).await?;
        Ok(FinishReason::Abstained)
    }

    async fn extract(&mut self, query_terms: &SparseVector) -> Result<FinishReason, Interruption> {
        let answer =
            extract::answer(query_terms, self.language, &self.draft.passages, self.parts.analyzer.as_ref());
        if answer.is_empty() {
            return self.abstain().await;
        }
        self.send(AnswerEvent::Sources(self.draft.passages.clone())).await?;
        self.append(answer).await?;
        self.draft.citations = cite::check(&self.draft.content, &self.draft.passages);
        Ok(FinishReason::Extractive)
    }

    async fn generate(&mut self, question: &str, history: &[Turn]) -> Result<FinishReason, Interruption> {
        let generator = self.parts.generator.clone();
        let options = &self.parts.options;
        let prompt = prompt::build(
            PromptParts {
                question,
                language: self.language,
                passages: &self.draft.passages,
                history,
                budget_tokens: generator.context_tokens().saturating_sub(options.answer_tokens),
            },
            generator.as_ref(),
        )?;
        let request = GenerationRequest {
            messages: prompt.messages,
            sampling: options.sampling.clone(),
            max_tokens: options.answer_tokens,
            stop: Vec::new(),
            deadline: options.deadline,
        };
        self.draft.passages.truncate(prompt.passages);
        self.send(AnswerEvent::Sources(self.draft.passages.clone())).await?;
        let stream = generator.generate(request).await?;
        let finish_reason = self.receive(stream).await?;
        self.complete_citations().await?;
        Ok(finish_reason)
    }

    /// Receives the generated text until the generator is done.
    async fn receive(&mut self, mut stream: GenerationStream) -> Result<FinishReason, Interruption> {
        let events = self.events.clone();
        let mut filter = CitationFilter::new(self.draft.passages.len());
        let mut saved_at = Instant::now();
        loop {
            let event = tokio::select! {
                // Returning drops the stream, which frees the generator within one step.
                () = events.closed() => return Err(Interruption::ReaderLeft),
                event = stream.next() => event,
            };
            let Some(event) = event else {
                let reason = "the generator ended its stream without a finish reason";
                return Err(GenerateError::Failed(reason.into()).into());
            };
            match event? {
                GenerationEvent::Queued { position } => {
                    self.send(AnswerEvent::Queued { position }).await?;
                }
                GenerationEvent::Delta(text) => {
                    if self.draft.content.is_empty() {
                        self.record_time("first_token");
                    }
                    self.append(filter.push(&text)).await?;
                    if saved_at.elapsed() >= SAVE_INTERVAL {
                        self.save_draft().await?;
                        saved_at = Instant::now();
                    }
                }
                GenerationEvent::Done { finish_reason, usage } => {
                    self.draft.usage = usage;
                    self.append(filter.finish()).await?;
                    return Ok(finish_reason);
                }
            }
        }
    }

    async fn save_draft(&self) -> Result<(), db::DbError> {
        self.parts.db.save_partial_answer(self.workspace, self.turn, &self.draft.content).await
    }

    /// Checks the citations of the finished text. If the model cited none of the passages that its words come from, adds
    /// those: small models omit citations, or cite the passage next to the right one.
    async fn complete_citations(&mut self) -> Result<(), Interruption> {
        if abstain::is_declining(&self.draft.content) {
            self.draft.abstained = true;
            return Ok(());
        }
        let parts = self.parts.clone();
        let supporting = cite::attribute(&self.draft.content, &self.draft.passages, parts.analyzer.as_ref());
        let cited = cite::check(&self.draft.content, &self.draft.passages);
        if !supporting.iter().any(|number| cited.iter().any(|citation| citation.number == *number)) {
            let markers: String = supporting.iter().map(|number| format!(" [{number}]")).collect();
            self.append(markers).await?;
        }
        self.draft.citations = cite::check(&self.draft.content, &self.draft.passages);
        Ok(())
    }

    /// Appends text to the draft and sends it to the reader.
    async fn append(&mut self, text: String) -> Result<(), Interruption> {
        if text.is_empty() {
            return Ok(());
        }
        self.draft.content.push_str(&text);
        self.send(AnswerEvent::Delta(text)).await
    }

    async fn send(&self, event: AnswerEvent) -> Result<(), Interruption> {
        self.events.send(event).await.map_err(|_| Interruption::ReaderLeft)
    }

    fn record_time(&mut self, stage: &str) {
        self.draft.timings_ms.insert(stage.to_owned(), self.started.elapsed().as_secs_f64() * 1_000.0);
    }

    async fn store(&mut self, state: TurnState, finish_reason: FinishReason) -> Result<Turn, db::DbError> {
        let draft = &self.draft;
        let answer = FinishedAnswer {
            state,
            content: draft.content.clone(),
            language: self.language,
            abstained: draft.abstained,
            finish_reason,
            citations: draft.citations.clone(),
            passages: draft.passages.clone(),
            usage: draft.usage,
            timings_ms: draft.timings_ms.clone(),
        };
        self.parts.db.finish_answer(self.workspace, self.turn, answer).await
    }
}
