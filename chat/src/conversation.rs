//! The way of a question to its stored answer.
//!
//! [`Chat::ask`] returns once the question is stored. A task of its own then writes the answer, so that a reader who
//! goes away stops the generator but never the bookkeeping: what was written is kept and marked as interrupted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Database, FinishedAnswer};
use domain::{
    Analyzer, Citation, CollectionId, ConversationId, Filter, FinishReason, GenerateError, GenerationEvent,
    GenerationRequest, Generator, Language, Passage, Role, Sampling, Scope, SparseVector, Turn, TurnId,
    TurnState, Usage, WorkspaceId,
};
use futures::StreamExt;
use retriever::{Query, Retriever};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::cite::{self, CitationFilter};
use crate::prompt::{self, PromptParts};
use crate::{ChatError, abstain, extract};

/// What the conversation stands on.
pub struct ChatParts {
    /// SQL.
    pub db: Database,
    /// Finds passages.
    pub retriever: Arc<Retriever>,
    /// The same analyzer that the retriever has.
    pub analyzer: Arc<dyn Analyzer>,
    /// Writes answers.
    pub generator: Arc<dyn Generator>,
    /// Limits and sampling.
    pub options: ChatOptions,
}

/// Limits and sampling of answers.
#[derive(Debug, Clone)]
pub struct ChatOptions {
    /// Most passages in a prompt.
    pub passages: usize,
    /// Most tokens of an answer.
    pub answer_tokens: usize,
    /// Most characters of a question.
    pub question_characters: usize,
    /// Longest time from question to last token.
    pub deadline: Duration,
    /// How the generator chooses tokens.
    pub sampling: Sampling,
}

/// A question to a conversation.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The chat it belongs to.
    pub conversation: ConversationId,
    /// What is asked.
    pub question: String,
    /// The collections to search; empty means all of the workspace.
    pub collections: Vec<CollectionId>,
    /// What the search is narrowed to within them.
    pub filter: Filter,
}

/// What a reader is told while an answer is written. `Done` or `Failed` comes last, unless the reader leaves.
#[derive(Debug)]
pub enum AnswerEvent {
    /// Waiting for the generator; this many are ahead.
    Queued {
        /// Requests ahead.
        position: usize,
    },
    /// The passages that the answer may cite: `[1]` is the first.
    Sources(Vec<Passage>),
    /// More text.
    Delta(String),
    /// The answer is stored.
    Done(Box<CompletedAnswer>),
    /// The answer was cut off; what there is of it is stored.
    Failed(ChatError),
}

/// An answer as stored, and what it took.
#[derive(Debug)]
pub struct CompletedAnswer {
    /// The stored turn.
    pub turn: Turn,
    /// Tokens.
    pub usage: Usage,
    /// Milliseconds by stage.
    pub timings_ms: BTreeMap<String, f64>,
}

/// Answers questions. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    parts: Arc<ChatParts>,
    answering: TaskTracker,
}

/// Events that may wait for a slow reader before the generator waits with them.
const EVENTS_AHEAD: usize = 64;
/// How often the text so far is stored: what a crash can take of an answer.
const SAVE_EVERY: Duration = Duration::from_millis(500);

impl Chat {
    /// A conversation over these parts.
    pub fn new(parts: ChatParts) -> Self {
        Self { parts: Arc::new(parts), answering: TaskTracker::new() }
    }

    /// The generator in use.
    pub fn generator(&self) -> &dyn Generator {
        self.parts.generator.as_ref()
    }

    /// Stores the question, then answers it. An error here means that nothing was stored.
    pub async fn ask(&self, ask: Ask) -> Result<ReceiverStream<AnswerEvent>, ChatError> {
        if self.answering.is_closed() {
            return Err(ChatError::ShuttingDown);
        }
        let question = self.checked_question(&ask.question)?;
        let db = &self.parts.db;
        let scope = db.scope(ask.workspace, &ask.collections, ask.filter).await?;
        db.conversation(ask.workspace, ask.conversation).await?;
        let history = db.turns(ask.workspace, ask.conversation).await?;
        let language = self.parts.analyzer.language(&question);
        db.add_question(ask.workspace, ask.conversation, &question, language).await?;
        let turn = db.begin_answer(ask.workspace, ask.conversation, language).await?;

        let (events, reader) = mpsc::channel(EVENTS_AHEAD);
        let answering = Answering {
            parts: self.parts.clone(),
            workspace: ask.workspace,
            turn: turn.id,
            events,
            started: Instant::now(),
            language,
            draft: Draft::default(),
        };
        self.answering.spawn(answering.run(question, scope, history));
        Ok(ReceiverStream::new(reader))
    }

    /// Takes no more questions, and returns when every answer that is being written is stored.
    pub async fn drain(&self) {
        self.answering.close();
        self.answering.wait().await;
    }

    fn checked_question(&self, question: &str) -> Result<String, ChatError> {
        let limit = self.parts.options.question_characters;
        let length = question.chars().count();
        if length > limit {
            return Err(ChatError::QuestionTooLong { length, limit });
        }
        // Control characters cannot be typed, and PostgreSQL stores no NUL.
        let question: String = question
            .chars()
            .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
            .collect();
        match question.trim() {
            "" => Err(ChatError::QuestionEmpty),
            trimmed => Ok(trimmed.to_owned()),
        }
    }
}

/// What there is of an answer.
#[derive(Default)]
struct Draft {
    content: String,
    abstained: bool,
    passages: Vec<Passage>,
    citations: Vec<Citation>,
    usage: Usage,
    timings_ms: BTreeMap<String, f64>,
}

/// One answer being written.
struct Answering {
    parts: Arc<ChatParts>,
    workspace: WorkspaceId,
    turn: TurnId,
    events: mpsc::Sender<AnswerEvent>,
    started: Instant,
    language: Language,
    draft: Draft,
}

/// Why an answer has no ordinary end.
enum Cut {
    ReaderGone,
    Failed(ChatError),
}

impl<E: Into<ChatError>> From<E> for Cut {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Answering {
    async fn run(mut self, question: String, scope: Scope, history: Vec<Turn>) {
        let outcome = self.answer(&question, scope, &history).await;
        let (state, finish_reason, failure) = match outcome {
            Ok(finish_reason) => (TurnState::Complete, finish_reason, None),
            Err(Cut::ReaderGone) => (TurnState::Interrupted, FinishReason::Cancelled, None),
            Err(Cut::Failed(error)) => (TurnState::Interrupted, FinishReason::Error, Some(error)),
        };
        self.mark("total");
        let stored = self.store(state, finish_reason).await;
        let last = match (failure, stored) {
            (Some(error), _) => {
                warn!(turn = %self.turn, %error, "the answer was cut off");
                AnswerEvent::Failed(error)
            }
            (None, Err(error)) => {
                warn!(turn = %self.turn, %error, "the answer could not be stored");
                AnswerEvent::Failed(error.into())
            }
            (None, Ok(turn)) => {
                info!(turn = %self.turn, ?finish_reason, ?self.draft.timings_ms, "answered");
                let Draft { usage, timings_ms, .. } = self.draft;
                AnswerEvent::Done(Box::new(CompletedAnswer { turn, usage, timings_ms }))
            }
        };
        // A reader who has left needs no last word.
        let _ = self.events.send(last).await;
    }

    async fn answer(&mut self, question: &str, scope: Scope, history: &[Turn]) -> Result<FinishReason, Cut> {
        let asked = history.iter().filter(|turn| turn.role == Role::User);
        let query = Query {
            text: question.to_owned(),
            earlier: asked.map(|turn| turn.content.clone()).collect(),
            scope,
            limit: self.parts.options.passages,
        };
        let retrieved = self.parts.retriever.retrieve(&query).await?;
        for (stage, milliseconds) in retrieved.timings_ms {
            self.draft.timings_ms.insert(format!("retrieve_{stage}"), milliseconds);
        }
        self.mark("retrieved");
        if !retrieved.evidence.sufficient || retrieved.passages.is_empty() {
            return self.abstain().await;
        }
        self.draft.passages = retrieved.passages;
        if !self.parts.generator.coverage().covers(self.language) {
            return self.extract(&retrieved.terms).await;
        }
        self.generate(question, history).await
    }

    async fn abstain(&mut self) -> Result<FinishReason, Cut> {
        self.draft.abstained = true;
        self.draft.passages.clear();
        self.tell(AnswerEvent::Sources(Vec::new())).await?;
        self.say(abstain::sentence(self.language).to_owned()).await?;
        Ok(FinishReason::Abstained)
    }

    async fn extract(&mut self, asked: &SparseVector) -> Result<FinishReason, Cut> {
        let answer =
            extract::answer(asked, self.language, &self.draft.passages, self.parts.analyzer.as_ref());
        if answer.is_empty() {
            return self.abstain().await;
        }
        self.tell(AnswerEvent::Sources(self.draft.passages.clone())).await?;
        self.say(answer).await?;
        self.draft.citations = cite::check(&self.draft.content, &self.draft.passages);
        Ok(FinishReason::Extractive)
    }

    async fn generate(&mut self, question: &str, history: &[Turn]) -> Result<FinishReason, Cut> {
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
        self.tell(AnswerEvent::Sources(self.draft.passages.clone())).await?;
        let finish_reason = self.stream(request, generator.as_ref()).await?;
        self.settle_citations().await?;
        Ok(finish_reason)
    }

    async fn stream(
        &mut self,
        request: GenerationRequest,
        generator: &dyn Generator,
    ) -> Result<FinishReason, Cut> {
        let events = self.events.clone();
        let mut filter = CitationFilter::new(self.draft.passages.len());
        let mut saved_at = Instant::now();
        let mut stream = generator.generate(request).await?;
        loop {
            let event = tokio::select! {
                // The stream is dropped on the way out, which frees the generator within one step.
                () = events.closed() => return Err(Cut::ReaderGone),
                event = stream.next() => event,
            };
            match event {
                Some(Ok(GenerationEvent::Queued { position })) => {
                    self.tell(AnswerEvent::Queued { position }).await?;
                }
                Some(Ok(GenerationEvent::Delta(text))) => {
                    if self.draft.content.is_empty() {
                        self.mark("first_token");
                    }
                    self.say(filter.push(&text)).await?;
                    if saved_at.elapsed() >= SAVE_EVERY {
                        self.parts
                            .db
                            .save_answer_so_far(self.workspace, self.turn, &self.draft.content)
                            .await?;
                        saved_at = Instant::now();
                    }
                }
                Some(Ok(GenerationEvent::Done { finish_reason, usage })) => {
                    self.draft.usage = usage;
                    self.say(filter.finish()).await?;
                    return Ok(finish_reason);
                }
                Some(Err(error)) => return Err(error.into()),
                None => {
                    return Err(GenerateError::Failed("the generator ended without a word".to_owned()).into());
                }
            }
        }
    }

    /// Checks the citations of the finished text, and adds what its own words point at where the model named none of
    /// it: small models leave numbers out, or name the passage beside the right one.
    async fn settle_citations(&mut self) -> Result<(), Cut> {
        if abstain::is_declining(&self.draft.content) {
            self.draft.abstained = true;
            return Ok(());
        }
        let parts = self.parts.clone();
        let supporting = cite::attribute(&self.draft.content, &self.draft.passages, parts.analyzer.as_ref());
        let cited = cite::check(&self.draft.content, &self.draft.passages);
        if !supporting.iter().any(|number| cited.iter().any(|citation| citation.number == *number)) {
            let markers: String = supporting.iter().map(|number| format!(" [{number}]")).collect();
            self.say(markers).await?;
        }
        self.draft.citations = cite::check(&self.draft.content, &self.draft.passages);
        Ok(())
    }

    /// Adds to the answer, here and at the reader.
    async fn say(&mut self, text: String) -> Result<(), Cut> {
        if text.is_empty() {
            return Ok(());
        }
        self.draft.content.push_str(&text);
        self.tell(AnswerEvent::Delta(text)).await
    }

    async fn tell(&self, event: AnswerEvent) -> Result<(), Cut> {
        self.events.send(event).await.map_err(|_| Cut::ReaderGone)
    }

    fn mark(&mut self, stage: &str) {
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
