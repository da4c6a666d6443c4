//! Asks questions over the API, each in a conversation of its own, and counts the answers.

use std::collections::HashMap;

use anyhow::Result;
use chat::eval::{Answered, Tally};
use domain::{ChunkId, CollectionId, ConversationId};
use futures::{StreamExt, stream};
use retriever::eval::JudgedQuestion;
use web::api::conversations::NewTurn;
use web::api::filter::FilterRequest;

use crate::client::{Answer, Client};
use crate::messages::message;
use crate::progress;

/// Asks questions about one collection.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) collection: CollectionId,
    /// Number of questions asked at the same time.
    pub(super) parallel: usize,
}

impl Asking<'_> {
    /// Asks every question. Returns the answers counted, and the number of questions without an answer, which are
    /// reported on standard error.
    pub(super) async fn ask_all(&self, questions: &[JudgedQuestion]) -> (Tally, usize) {
        let bar = progress::bar(questions.len() as u64, message!("cli-answers"));
        let mut answers = stream::iter(questions)
            .map(async |question| (question, self.ask_about(question).await))
            .buffer_unordered(self.parallel);
        let (mut tally, mut failed) = (Tally::default(), 0);
        while let Some((question, answered)) = answers.next().await {
            bar.inc(1);
            match answered {
                Ok(answered) => tally.add(question, &answered),
                Err(error) => {
                    failed += 1;
                    let reason = format!("{error:#}");
                    progress::say(&message!(
                        "cli-eval-no-answer",
                        question = &question.question,
                        reason = reason,
                    ));
                }
            }
        }
        bar.finish();
        (tally, failed)
    }

    /// The answer to the question after the earlier questions of its conversation.
    async fn ask_about(&self, question: &JudgedQuestion) -> Result<Answered> {
        let conversation = self.client.create_conversation().await?;
        let answer = self.converse(conversation, question).await;
        // A measurement's conversations must not stay in the list of a person's own.
        self.client.delete_conversation(conversation).await?;
        answer.map(answered)
    }

    async fn converse(&self, conversation: ConversationId, question: &JudgedQuestion) -> Result<Answer> {
        for earlier in &question.history {
            self.ask(conversation, earlier).await?;
        }
        self.ask(conversation, &question.question).await
    }

    async fn ask(&self, conversation: ConversationId, question: &str) -> Result<Answer> {
        let turn = NewTurn {
            question: question.to_owned(),
            collections: vec![self.collection],
            filter: FilterRequest::default(),
        };
        self.client.ask(conversation, &turn, |_| Ok(())).await
    }
}

fn answered(Answer { passages, done }: Answer) -> Answered {
    let sources: HashMap<ChunkId, String> =
        passages.into_iter().map(|passage| (passage.id, passage.source)).collect();
    let cited = done.citations.iter().filter_map(|citation| sources.get(&citation.chunk));
    Answered {
        cited: cited.cloned().collect(),
        text: done.content,
        language: done.language,
        abstained: done.abstained,
    }
}
