//! Knows which answers this process is writing, so that all others in that state can be told to be abandoned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{ConversationId, TurnId};
use tokio::sync::mpsc::{Sender, WeakSender};

use crate::events::AnswerEvent;

/// The answers that are being written; clones share them.
#[derive(Clone, Default)]
pub(crate) struct LiveAnswers(Arc<Mutex<HashMap<TurnId, Live>>>);

struct Live {
    conversation: ConversationId,
    /// Weak, because a reader waits until the last sender is gone.
    events: WeakSender<AnswerEvent>,
}

/// One of the answers, from its beginning until it is stored or given up.
pub(crate) struct LiveAnswer {
    answers: LiveAnswers,
    turn: TurnId,
}

impl LiveAnswers {
    /// Adds an answer whose events go to the other end of `events`.
    pub(crate) fn add(
        &self,
        conversation: ConversationId,
        turn: TurnId,
        events: &Sender<AnswerEvent>,
    ) -> LiveAnswer {
        self.lock().insert(turn, Live { conversation, events: events.downgrade() });
        LiveAnswer { answers: self.clone(), turn }
    }

    /// All of them.
    pub(crate) fn turns(&self) -> Vec<TurnId> {
        self.lock().keys().copied().collect()
    }

    /// Whether an answer of the conversation is about to end because nobody reads it any more.
    pub(crate) fn is_ending(&self, conversation: ConversationId) -> bool {
        let has_left = |live: &Live| live.events.upgrade().is_none_or(|events| events.is_closed());
        self.lock().values().any(|live| live.conversation == conversation && has_left(live))
    }

    /// A poisoned lock is harmless: every change is one call on the map.
    fn lock(&self) -> MutexGuard<'_, HashMap<TurnId, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveAnswer {
    fn drop(&mut self) {
        self.answers.lock().remove(&self.turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_live_until_it_is_dropped_and_ends_without_its_reader() {
        let (answers, conversation, turn) = (LiveAnswers::default(), ConversationId::new(), TurnId::new());
        let (events, reader) = tokio::sync::mpsc::channel(1);
        let answer = answers.add(conversation, turn, &events);
        assert_eq!(answers.turns(), [turn]);
        assert!(!answers.is_ending(conversation));
        drop(reader);
        assert!(answers.is_ending(conversation) && !answers.is_ending(ConversationId::new()));
        drop(answer);
        assert!(answers.turns().is_empty() && !answers.is_ending(conversation));
    }
}
