//! Takes questions to a conversation: reserves the generator, stores the question with the beginning of its answer, then
//! starts the task that writes the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{BegunExchange, DbError};
use domain::{CollectionId, ConversationId, Filter, Generator, Language, TurnId, WorkspaceId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answering::{Answering, Draft};
use crate::error::ChatError;
use crate::events::AnswerEvent;
use crate::interim_saves::InterimSaves;
use crate::live_answers::LiveAnswers;
use crate::parts::ChatParts;

/// A question to a conversation.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// The question's text.
    pub question: String,
    /// The collections to search; empty means all collections of the workspace.
    pub collections: Vec<CollectionId>,
    /// The filter within them.
    pub filter: Filter,
}

/// Answers questions. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    parts: Arc<ChatParts>,
    answering: TaskTracker,
    stopping: CancellationToken,
    live: LiveAnswers,
}

/// Maximum number of events buffered for a slow reader; then the generator waits as well.
const MAX_BUFFERED_EVENTS: usize = 64;

/// How long a question waits for the answer before it: the answer may end within moments, or its reader may have left, which
/// is not always noticed before the next question comes.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);
/// How long it waits for an answer whose reader is known to have left.
const ENDING_TIMEOUT: Duration = Duration::from_secs(3);
const BUSY_POLL: Duration = Duration::from_millis(50);

/// An answer in progress that nobody has saved for this long is abandoned, if this process does not write it.
const MAX_SILENCE: Duration = Duration::from_secs(300);

impl Chat {
    /// Creates a service for conversations from its parts.
    pub fn new(parts: ChatParts) -> Self {
        Self {
            parts: Arc::new(parts),
            answering: TaskTracker::new(),
            stopping: CancellationToken::new(),
            live: LiveAnswers::default(),
        }
    }

    /// The generator in use.
    pub fn generator(&self) -> &dyn Generator {
        self.parts.generator.as_ref()
    }

    /// Stores the question and starts to answer it. An error here means that nothing was stored.
    pub async fn ask(&self, ask: Ask) -> Result<ReceiverStream<AnswerEvent>, ChatError> {
        if self.answering.is_closed() {
            return Err(ChatError::ShuttingDown);
        }
        // In a task of its own: a caller who gives up must not leave a question without somebody who answers it.
        let chat = self.clone();
        let begun = self.answering.spawn(async move { chat.begin(ask).await }).await;
        begun.unwrap_or(Err(ChatError::Panicked))
    }

    async fn begin(&self, ask: Ask) -> Result<ReceiverStream<AnswerEvent>, ChatError> {
        let started = Instant::now();
        let question = self.checked_question(&ask.question)?;
        let ticket = self.parts.generator.reserve()?;
        let db = &self.parts.db;
        let scope = db.scope(ask.workspace, &ask.collections, ask.filter.clone()).await?;
        let language = self.parts.analyzer.language(&question);
        let turn = self.begin_exchange(&ask, &question, language).await?;

        let (events, reader) = mpsc::channel(MAX_BUFFERED_EVENTS);
        let answering = Answering {
            parts: self.parts.clone(),
            workspace: ask.workspace,
            turn,
            started,
            language,
            draft: Draft::default(),
            ticket: Some(ticket),
            saves: InterimSaves::start(db.clone(), ask.workspace, turn),
            stopping: self.stopping.clone(),
            live: self.live.add(ask.conversation, turn, &events),
            events,
        };
        self.answering.spawn(answering.run(question, scope, ask.conversation));
        Ok(ReceiverStream::new(reader))
    }

    /// Stores the question, and returns the turn of its answer.
    async fn begin_exchange(
        &self,
        ask: &Ask,
        question: &str,
        language: Language,
    ) -> Result<TurnId, ChatError> {
        let Ask { workspace, conversation, .. } = *ask;
        let started = Instant::now();
        loop {
            let begun = self.parts.db.begin_exchange(workspace, conversation, question, language).await?;
            match begun {
                BegunExchange::Begun { answer, .. } => return Ok(answer.id),
                BegunExchange::Busy => {}
            }
            let is_ending = self.live.is_ending(conversation);
            if started.elapsed() > if is_ending { ENDING_TIMEOUT } else { BUSY_TIMEOUT } {
                return Err(ChatError::ConversationBusy);
            }
            tokio::time::sleep(BUSY_POLL).await;
        }
    }

    /// Marks answers in progress that nobody writes any more as interrupted, and returns their number.
    pub async fn interrupt_abandoned_answers(&self) -> Result<u64, DbError> {
        self.parts.db.interrupt_abandoned_answers(MAX_SILENCE, &self.live.turns()).await
    }

    /// Refuses further questions, and returns when every answer in progress is stored, or cannot be.
    pub async fn drain(&self) {
        self.answering.close();
        self.stopping.cancel();
        self.answering.wait().await;
    }

    fn checked_question(&self, question: &str) -> Result<String, ChatError> {
        let limit = self.parts.options.question_characters;
        let length = question.chars().count();
        if length > limit {
            return Err(ChatError::QuestionTooLong { length, limit });
        }
        // Nobody types control characters, and PostgreSQL cannot store NUL.
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
