//! Writes one answer: retrieves, abstains or generates, checks citations, and stores the result.
//!
//! The answer is written by a task of its own: a reader who leaves stops the generator but not the bookkeeping, so the
//! partial text is stored and marked as interrupted. However the task ends, the turn does not stay in progress.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::FinishedAnswer;
use domain::{
    Citation, ConversationId, FinishReason, GenerateError, GenerationEvent, GenerationRequest,
    GenerationStream, Language, Passage, Role, Scope, SparseVector, Ticket, Turn, TurnId, TurnState, Usage,
    WorkspaceId, with_causes,
};
use futures::{FutureExt, StreamExt};
use retriever::{Query, Retrieved};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::cite::{self, CitationFilter};
use crate::error::ChatError;
use crate::events::{AnswerEvent, CompletedAnswer};
use crate::interim_saves::InterimSaves;
use crate::last_save::LastSave;
use crate::live_answers::LiveAnswer;
use crate::parts::ChatParts;
use crate::prompt::{self, PromptParts};
use crate::{abstain, extract};

/// A reader who takes nothing for this long is gone: its connection is open, and nobody is at the other end.
const READER_TIMEOUT: Duration = Duration::from_secs(30);

/// A reader who waits for an error is told it after this, stored or not.
const STORE_BEFORE_TELLING: Duration = Duration::from_secs(2);

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
    /// The right to the generator; handed on to it.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) saves: InterimSaves,
    /// Cancelled when the process shuts down.
    pub(crate) stopping: CancellationToken,
    /// Kept until the answer is stored.
    pub(crate) live: LiveAnswer,
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
    pub(crate) async fn run(mut self, question: String, scope: Scope, conversation: ConversationId) {
        let answered = AssertUnwindSafe(self.answer(&question, scope, conversation)).catch_unwind().await;
        let outcome = answered.unwrap_or(Err(Interruption::Failed(ChatError::Panicked)));
        // Who asks again after the last event must find room.
        self.ticket = None;
        self.record_time("total");
        match outcome {
            Ok(finish_reason) => self.end(TurnState::Complete, finish_reason).await,
            Err(Interruption::ReaderLeft) => self.end(TurnState::Interrupted, FinishReason::Cancelled).await,
            Err(Interruption::Failed(error)) => self.fail(error).await,
        }
    }

    /// Stores the answer, then tells the reader.
    async fn end(self, state: TurnState, finish_reason: FinishReason) {
        let (save, ending) = self.into_last_save(state, finish_reason);
        let stored = match save.attempt().await {
            Err(error) => save.retry(error).await,
            stored => stored,
        };
        let last = match stored {
            Ok(turn) => {
                info!(turn = %turn.id, ?finish_reason, timings_ms = ?save.answer.timings_ms, "answered");
                let FinishedAnswer { usage, timings_ms, .. } = save.answer;
                AnswerEvent::Done(Box::new(CompletedAnswer { turn, usage, timings_ms }))
            }
            Err(error) => {
                error!(turn = %save.turn, error = with_causes(&error), "the answer could not be stored");
                AnswerEvent::Failed(error.into())
            }
        };
        ending.send(last).await;
    }

    /// Stores what there is, and tells the reader why there is no more. A reader does not wait for a database that is gone.
    async fn fail(self, failure: ChatError) {
        warn!(turn = %self.turn, error = with_causes(&failure), "the answer was interrupted");
        let (save, ending) = self.into_last_save(TurnState::Interrupted, FinishReason::Error);
        let mut attempt = Box::pin(save.attempt());
        let in_time = tokio::time::timeout(STORE_BEFORE_TELLING, &mut attempt).await;
        let live = ending.send(AnswerEvent::Failed(failure)).await;
        let stored = match in_time {
            Ok(stored) => stored,
            Err(_) => attempt.await,
        };
        if let Err(error) = stored
            && let Err(error) = save.retry(error).await
        {
            error!(turn = %save.turn, error = with_causes(&error), "the partial answer could not be stored");
        }
        drop(live);
    }

    async fn answer(
        &mut self,
        question: &str,
        scope: Scope,
        conversation: ConversationId,
    ) -> Result<FinishReason, Interruption> {
        let mut history = self.in_time(self.parts.db.turns(self.workspace, conversation)).await?;
        // The last two turns are the question and this answer: nothing is added while it is being written.
        history.truncate(history.len().saturating_sub(2));
        let retrieved = self.retrieve(question, scope, &history).await?;
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
        self.generate(question, &history).await
    }

    async fn retrieve(
        &self,
        question: &str,
        scope: Scope,
        history: &[Turn],
    ) -> Result<Retrieved, Interruption> {
        let earlier = history.iter().filter(|turn| turn.role == Role::User);
        let query = Query {
            text: question.to_owned(),
            earlier: earlier.map(|turn| turn.content.clone()).collect(),
            scope,
            limit: self.parts.options.passages,
        };
        self.in_time(self.parts.retriever.retrieve(&query)).await
    }

    /// Waits for `work` until the deadline, or until the reader leaves.
    async fn in_time<T, E: Into<ChatError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Interruption> {
        tokio::select! {
            () = self.events.closed() => Err(Interruption::ReaderLeft),
            done = tokio::time::timeout(self.remaining(), work) => {
                done.map_err(|_| GenerateError::DeadlineExceeded)?.map_err(Interruption::from)
            }
        }
    }

    /// The time left until the deadline.
    fn remaining(&self) -> Duration {
        self.parts.options.deadline.saturating_sub(self.started.elapsed())
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
            deadline: self.remaining(),
        };
        self.draft.passages.truncate(prompt.passages);
        self.send(AnswerEvent::Sources(self.draft.passages.clone())).await?;
        let ticket = match self.ticket.take() {
            Some(ticket) => ticket,
            None => generator.reserve()?,
        };
        let stream = generator.generate(request, ticket).await?;
        let finish_reason = self.receive(stream).await?;
        self.complete_citations().await?;
        Ok(finish_reason)
    }

    /// Receives the generated text until the generator is done.
    async fn receive(&mut self, mut stream: GenerationStream) -> Result<FinishReason, Interruption> {
        let events = self.events.clone();
        let mut filter = CitationFilter::new(self.draft.passages.len());
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
                }
                GenerationEvent::Done { finish_reason, usage } => {
                    self.draft.usage = usage;
                    self.append(filter.finish()).await?;
                    return Ok(finish_reason);
                }
            }
        }
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
        self.saves.push(&text);
        self.send(AnswerEvent::Delta(text)).await
    }

    async fn send(&self, event: AnswerEvent) -> Result<(), Interruption> {
        self.events.send_timeout(event, READER_TIMEOUT).await.map_err(|_| Interruption::ReaderLeft)
    }

    fn record_time(&mut self, stage: &str) {
        self.draft.timings_ms.insert(stage.to_owned(), self.started.elapsed().as_secs_f64() * 1_000.0);
    }

    /// Ends the writing: what is to be stored, and whom to tell.
    fn into_last_save(self, state: TurnState, finish_reason: FinishReason) -> (LastSave, Ending) {
        let Self { parts, workspace, turn, events, language, draft, stopping, live, .. } = self;
        let answer = FinishedAnswer {
            state,
            content: draft.content,
            language,
            abstained: draft.abstained,
            finish_reason,
            citations: draft.citations,
            passages: draft.passages,
            usage: draft.usage,
            timings_ms: draft.timings_ms,
        };
        let save = LastSave { db: parts.db.clone(), workspace, turn, answer, stopping };
        (save, Ending { events, live })
    }
}

/// The end of an answer.
struct Ending {
    events: mpsc::Sender<AnswerEvent>,
    live: LiveAnswer,
}

impl Ending {
    /// Sends the last event, and closes the stream.
    async fn send(self, last: AnswerEvent) -> LiveAnswer {
        // The reader may have left.
        let _ = self.events.send_timeout(last, READER_TIMEOUT).await;
        self.live
    }
}
