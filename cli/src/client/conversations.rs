//! Searches, and questions with their streamed answers.

use anyhow::{Result, bail};
use domain::ConversationId;
use futures::StreamExt;
use reqwest::Method;
use web::api::conversations::{AnswerEvent, Conversation, DoneEvent, NewTurn};
use web::api::search::{Passage, SearchRequest, SearchResponse};

use super::connection::{Client, error_text};
use crate::messages::message;

/// A complete answer.
pub(crate) struct Answer {
    /// What the answer may cite.
    pub(crate) passages: Vec<Passage>,
    /// The answer itself.
    pub(crate) done: DoneEvent,
}

impl Client {
    /// The passages that a query retrieves.
    pub(crate) async fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        self.post("/search", request).await
    }

    /// Starts a conversation.
    pub(crate) async fn create_conversation(&self) -> Result<ConversationId> {
        let created: Conversation = self.receive(self.request(Method::POST, "/conversations")).await?;
        Ok(created.id)
    }

    /// Deletes a conversation.
    pub(crate) async fn delete_conversation(&self, id: ConversationId) -> Result<()> {
        self.delete(&format!("/conversations/{id}")).await
    }

    /// Asks in a conversation. Calls `on_text` with the answer's text as it arrives.
    pub(crate) async fn ask(
        &self,
        id: ConversationId,
        turn: &NewTurn,
        mut on_text: impl FnMut(&str) -> Result<()>,
    ) -> Result<Answer> {
        let request = self.request(Method::POST, &format!("/conversations/{id}/turns")).json(turn);
        let mut events = self.events(request, "cli-answer-cut-off").await?;
        let mut passages = Vec::new();
        while let Some(event) = events.next().await {
            match event? {
                AnswerEvent::Queued(_) => {}
                AnswerEvent::Sources(sources) => passages = sources.0,
                AnswerEvent::Delta(delta) => on_text(&delta.text)?,
                AnswerEvent::Done(done) => return Ok(Answer { passages, done }),
                AnswerEvent::Error(error) => bail!(error_text(&error.message, &error.code)),
            }
        }
        bail!(message!("cli-answer-cut-off"))
    }
}
