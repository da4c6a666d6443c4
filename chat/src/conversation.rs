//! Takes questions to a conversation: stores each one, then starts the task that writes its answer.

use std::sync::Arc;
use std::time::Instant;

use domain::{CollectionId, ConversationId, Filter, Generator, WorkspaceId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;

use crate::answering::{Answering, Draft};
use crate::error::ChatError;
use crate::events::AnswerEvent;
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
}

/// Maximum number of events buffered for a slow reader; then the generator waits as well.
const MAX_BUFFERED_EVENTS: usize = 64;

impl Chat {
    /// Creates a service for conversations from its parts.
    pub fn new(parts: ChatParts) -> Self {
        Self { parts: Arc::new(parts), answering: TaskTracker::new() }
    }

    /// The generator in use.
    pub fn generator(&self) -> &dyn Generator {
        self.parts.generator.as_ref()
    }

    /// Stores the question, then starts to answer it. An error here means that nothing was stored.
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

        let (events, reader) = mpsc::channel(MAX_BUFFERED_EVENTS);
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

    /// Refuses further questions, and returns when every answer in progress is stored.
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
