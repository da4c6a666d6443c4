//! Questions asked the whole way, here or of a server, and their answers counted.

use std::collections::HashMap;

use anyhow::Result;
use chat::eval::{Answered, Tally};
use chat::{Ask, Chat};
use db::Database;
use domain::{ChunkId, CollectionId, ConversationId, Filter, Language};
use futures::{StreamExt, stream};
use retriever::eval::JudgedQuestion;

use super::place::There;
use crate::app::WORKSPACE;
use crate::cli::ask::{self, Answer};
use crate::cli::progress;
use crate::cli::remote::NewTurn;

/// Who is asked.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// This process, about one collection.
    Here {
        /// Where conversations are begun.
        db: &'a Database,
        /// Who answers.
        chat: &'a Chat,
        /// What is asked about.
        collection: CollectionId,
    },
    /// A server.
    There(&'a There),
}

/// Asks every question, `parallel` at a time. Gives the answers counted, and how many questions got none; which ones, and
/// why, is said on standard error.
pub(super) async fn ask_all(
    asked: Asked<'_>,
    questions: &[JudgedQuestion],
    parallel: usize,
) -> (Tally, usize) {
    let bar = progress::bar(questions.len() as u64, "answers");
    let mut answers = stream::iter(questions)
        .map(async |question| (question, asked.about(question).await))
        .buffer_unordered(parallel);
    let (mut tally, mut failed) = (Tally::default(), 0);
    while let Some((question, answered)) = answers.next().await {
        bar.inc(1);
        match answered {
            Ok(answered) => tally.add(question, &answered),
            Err(error) => {
                failed += 1;
                progress::say(&format!("no answer: {}: {error:#}", question.question));
            }
        }
    }
    bar.finish();
    (tally, failed)
}

impl Asked<'_> {
    /// The answer to the question in a conversation of its own, in which the earlier questions were asked before it.
    async fn about(self, question: &JudgedQuestion) -> Result<Answered> {
        let conversation = match self {
            Self::Here { db, .. } => db.create_conversation(WORKSPACE).await?.id,
            Self::There(there) => there.server.begin_conversation().await?,
        };
        let answer = self.converse(conversation, question).await;
        // Nobody wants to meet the measurement's conversations in the list of their own.
        match self {
            Self::Here { db, .. } => db.delete_conversation(WORKSPACE, conversation).await?,
            Self::There(there) => there.server.delete_conversation(conversation).await?,
        }
        answer.map(answered)
    }

    async fn converse(self, conversation: ConversationId, question: &JudgedQuestion) -> Result<Answer> {
        for earlier in &question.history {
            self.ask(conversation, earlier).await?;
        }
        self.ask(conversation, &question.question).await
    }

    async fn ask(self, conversation: ConversationId, question: &str) -> Result<Answer> {
        match self {
            Self::Here { chat, collection, .. } => {
                let (question, collections) = (question.to_owned(), vec![collection]);
                let filter = Filter::default();
                let ask = Ask { workspace: WORKSPACE, conversation, question, collections, filter };
                ask::answer(chat, ask, |_| Ok(())).await
            }
            Self::There(there) => {
                let (collections, filter) = (&[there.collection], &Filter::default());
                there
                    .server
                    .ask_in(conversation, &NewTurn { question, collections, filter }, |_| Ok(()))
                    .await
            }
        }
    }
}

fn answered(answer: Answer) -> Answered {
    let sources: HashMap<ChunkId, String> =
        answer.passages.into_iter().map(|passage| (passage.chunk.id, passage.chunk.source)).collect();
    let cited = answer.facts.citations.iter().filter_map(|citation| sources.get(&citation.chunk));
    Answered {
        cited: cited.cloned().collect(),
        text: answer.answer,
        language: answer.facts.language.unwrap_or(Language::UNKNOWN),
        abstained: answer.facts.abstained,
    }
}
