//! Conversations: the order of turns, answers that end well or badly, what they stood on, what people thought.

use std::collections::BTreeMap;
use std::time::Duration;

use db::{BegunExchange, Database, DbError, FinishedAnswer};
use domain::{
    Chunk, ChunkId, Citation, ConversationId, FinishReason, Language, Passage, Role, TurnId, TurnState, Usage,
};

use crate::{HOME, ask, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    a_chat_from_first_to_last,
    interrupted_answers_are_kept,
    abandoned_answers_are_interrupted,
    questions_at_once_never_cross,
    any_text_can_be_said,
    the_last_used_comes_first,
);

/// An answer that cites the one passage it was given.
pub(crate) async fn cited(database: &Database) -> FinishedAnswer {
    let collection = handbook(database).await;
    let version = begin(database, leave(&collection, "15 days")).await;
    let chunk = Chunk {
        id: ChunkId::derive(version.id, 0),
        workspace: HOME,
        collection: collection.id,
        document: version.document,
        version: version.id,
        position: 0,
        title: "휴가".to_owned(),
        source: "leave.md".to_owned(),
        heading_path: vec!["복지".to_owned(), "연차 \"휴가\"".to_owned()],
        page: Some(3),
        language: Language::KOREAN,
        tags: vec!["인사".to_owned()],
        dated_at: jiff::Timestamp::UNIX_EPOCH,
        text: "연차는 15일이다. 🏖️".to_owned(),
    };
    let citation = Citation {
        deleted: false,
        number: 1,
        chunk: chunk.id,
        document: chunk.document,
        title: chunk.title.clone(),
        heading_path: chunk.heading_path.clone(),
        page: chunk.page,
        text: chunk.text.clone(),
    };
    let passage = Passage { chunk, score: 0.1, dense_score: Some(0.812_345_6), sparse_score: None };
    FinishedAnswer {
        state: TurnState::Complete,
        content: "연차는 15일입니다 [1].".to_owned(),
        language: Language::KOREAN,
        abstained: false,
        finish_reason: FinishReason::Stop,
        citations: vec![citation],
        passages: vec![passage.clone(), Passage { sparse_score: Some(7.25), ..passage }],
        usage: Usage { prompt_tokens: 900, cached_tokens: 512, completion_tokens: 12 },
        timings_ms: BTreeMap::from([("retrieve".to_owned(), 12.5)]),
    }
}

/// An answer of which nothing was written.
pub(crate) fn interrupted() -> FinishedAnswer {
    FinishedAnswer {
        state: TurnState::Interrupted,
        content: String::new(),
        language: Language::ENGLISH,
        abstained: false,
        finish_reason: FinishReason::Error,
        citations: Vec::new(),
        passages: Vec::new(),
        usage: Usage::default(),
        timings_ms: BTreeMap::new(),
    }
}

async fn a_chat_from_first_to_last(database: &Database) {
    let chat = database.create_conversation(HOME).await.expect("begun");
    assert_eq!((chat.title.as_str(), chat.created_at), ("", chat.updated_at));
    assert_eq!(database.turns(HOME, chat.id).await, Ok(Vec::new()));

    let [question, answer] = ask(database, chat.id, "연차는\n며칠인가요?").await;
    assert_eq!((question.position, question.role, question.state), (0, Role::User, TurnState::Complete));
    assert_eq!((question.finish_reason, question.content.as_str()), (None, "연차는\n며칠인가요?"));
    assert_eq!((answer.position, answer.role, answer.state), (1, Role::Assistant, TurnState::Writing));
    assert_eq!((question.question, answer.question), (None, Some(question.id)));
    assert_eq!((answer.finish_reason, answer.content.as_str()), (None, ""));
    database.save_partial_answer(HOME, answer.id, "연차는").await.expect("saved");
    let before = database.conversation(HOME, chat.id).await.expect("kept");
    let second = database.begin_exchange(HOME, chat.id, "And sick leave?", Language::ENGLISH).await;
    assert_eq!(second, Ok(BegunExchange::Busy));
    assert_eq!(database.turns(HOME, chat.id).await.expect("kept").len(), 2, "nothing was stored");
    assert_eq!(database.conversation(HOME, chat.id).await, Ok(before));

    let end = cited(database).await;
    let finished = database.finish_answer(HOME, answer.id, end.clone()).await.expect("finished");
    assert_eq!((finished.id, finished.state), (answer.id, TurnState::Complete));
    assert_eq!((&finished.content, &finished.citations), (&end.content, &end.citations));
    assert_eq!(finished.finish_reason, Some(FinishReason::Stop));
    assert_eq!(database.turns(HOME, chat.id).await, Ok(vec![question.clone(), finished]));
    assert_eq!(database.turn_passages(HOME, answer.id).await, Ok(end.passages.clone()));
    assert_eq!(database.turn_passages(HOME, question.id).await, Ok(Vec::new()));
    assert_eq!(database.conversation(HOME, chat.id).await.expect("kept").title, "연차는 며칠인가요?");

    let twice = database.finish_answer(HOME, answer.id, end.clone()).await;
    assert!(matches!(twice, Err(DbError::Conflict(_))), "{twice:?}");
    let late = database.save_partial_answer(HOME, answer.id, "late").await;
    assert!(matches!(late, Err(DbError::Conflict(_))), "{late:?}");
    let unended = FinishedAnswer { state: TurnState::Writing, ..end };
    assert!(matches!(database.finish_answer(HOME, answer.id, unended).await, Err(DbError::Rejected(_))));

    feedback(database, question.id, answer.id).await;
    delete(database, chat.id, answer.id).await;
}

async fn feedback(database: &Database, question: TurnId, answer: TurnId) {
    assert_eq!(database.feedback(HOME, answer).await, Ok(None));
    database.save_feedback(HOME, answer, true, "").await.expect("said");
    database.save_feedback(HOME, answer, false, "16일인데요 😠\0").await.expect("said otherwise");
    let said = database.feedback(HOME, answer).await.expect("asked").expect("one opinion");
    assert_eq!((said.helpful, said.comment.as_str()), (false, "16일인데요 😠\u{fffd}"));
    let none = Err(DbError::NotFound("answer"));
    assert_eq!(database.save_feedback(HOME, question, true, "").await, none, "questions are not rated");
    assert_eq!(database.save_feedback(HOME, TurnId::new(), true, "").await, none);
}

async fn delete(database: &Database, chat: ConversationId, answer: TurnId) {
    database.delete_conversation(HOME, chat).await.expect("deleted");
    let none = DbError::NotFound("conversation");
    assert_eq!(database.conversation(HOME, chat).await.as_ref(), Err(&none));
    assert_eq!(database.turns(HOME, chat).await.as_ref(), Err(&none));
    assert_eq!(database.delete_conversation(HOME, chat).await.as_ref(), Err(&none));
    assert_eq!(database.turn_passages(HOME, answer).await, Err(DbError::NotFound("turn")));
    assert_eq!(database.feedback(HOME, answer).await, Ok(None));
}

async fn interrupted_answers_are_kept(database: &Database) {
    let chat = database.create_conversation(HOME).await.expect("begun");
    let [_, answer] = ask(database, chat.id, "How many days?").await;
    database.save_partial_answer(HOME, answer.id, "You have 15 d").await.expect("saved");

    assert_eq!(database.interrupt_unfinished_answers().await, Ok(1));
    assert_eq!(database.interrupt_unfinished_answers().await, Ok(0));
    let turns = database.turns(HOME, chat.id).await.expect("kept");
    let cut_off = turns.last().expect("an answer");
    assert_eq!((cut_off.state, cut_off.content.as_str()), (TurnState::Interrupted, "You have 15 d"));
    assert_eq!(cut_off.finish_reason, Some(FinishReason::Error));

    // The reader went away: finished by the process itself.
    let [_, answer] = ask(database, chat.id, "Say it again").await;
    let mut end = cited(database).await;
    end.state = TurnState::Interrupted;
    end.finish_reason = FinishReason::Cancelled;
    let finished = database.finish_answer(HOME, answer.id, end).await.expect("finished");
    assert_eq!((finished.position, finished.state), (3, TurnState::Interrupted));
    assert_eq!(database.interrupt_unfinished_answers().await, Ok(0));
}

async fn abandoned_answers_are_interrupted(database: &Database) {
    let mut begun = Vec::new();
    for _ in 0..2 {
        let chat = database.create_conversation(HOME).await.expect("begun").id;
        begun.push(ask(database, chat, "How many days?").await[1].clone());
    }
    let (live, abandoned) = (begun[0].id, begun[1].id);
    database.save_partial_answer(HOME, abandoned, "You have 15 d").await.expect("saved");
    let interrupt = async |silence| database.interrupt_abandoned_answers(silence, &[live]).await;
    assert_eq!(interrupt(Duration::from_secs(60)).await, Ok(0), "both were saved just now");
    // Times are stored in milliseconds.
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(interrupt(Duration::ZERO).await, Ok(1));
    let turn = database.turn(HOME, abandoned).await.expect("kept");
    assert_eq!((turn.state, turn.content.as_str()), (TurnState::Interrupted, "You have 15 d"));
    assert_eq!(database.turn(HOME, live).await.expect("kept").state, TurnState::Writing);
    ask(database, turn.conversation, "And now?").await;
}

async fn questions_at_once_never_cross(database: &Database) {
    let chat = database.create_conversation(HOME).await.expect("begun").id;
    let end = cited(database).await;
    let mut people = tokio::task::JoinSet::new();
    for person in 0..6 {
        let (database, end) = (database.clone(), end.clone());
        people.spawn(async move {
            let mut asked = 0;
            while asked < 4 {
                let question = format!("{person} asks for the {asked}. time");
                let begun = database.begin_exchange(HOME, chat, &question, Language::ENGLISH).await;
                if let BegunExchange::Begun { answer, .. } =
                    begun.expect("people never break each other's chat")
                {
                    let content = format!("to {question}");
                    let end = FinishedAnswer { content, ..end.clone() };
                    database.finish_answer(HOME, answer.id, end).await.expect("finished");
                    asked += 1;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(done) = people.join_next().await {
        done.expect("a person ends well");
    }
    let turns = database.turns(HOME, chat).await.expect("kept");
    assert_eq!(turns.len(), 48, "no question is lost");
    for (pair, position) in turns.chunks(2).zip((0..).step_by(2)) {
        assert_eq!((pair[0].position, pair[1].position), (position, position + 1), "no gap, none twice");
        assert_eq!(pair[1].question, Some(pair[0].id));
        assert_eq!(pair[1].content, format!("to {}", pair[0].content), "each answer is under its question");
    }
}

async fn any_text_can_be_said(database: &Database) {
    let chat = database.create_conversation(HOME).await.expect("begun").id;
    let long = "연차는 며칠인가요? 👩‍👩‍👧 '\"\\ ; -- <|im_end|> ".repeat(3_000);
    assert!(long.chars().count() > 100_000);
    let [asked, answer] = ask(database, chat, &long).await;
    assert_eq!(asked.content, long);
    assert_eq!(database.conversation(HOME, chat).await.expect("kept").title.chars().count(), 80);

    database.save_partial_answer(HOME, answer.id, "a\0b").await.expect("saved");
    let turns = database.turns(HOME, chat).await.expect("kept");
    assert_eq!(turns[1].content, "a\u{fffd}b", "what SQL cannot hold is shown as unknown");
}

async fn the_last_used_comes_first(database: &Database) {
    let first = database.create_conversation(HOME).await.expect("begun").id;
    let second = database.create_conversation(HOME).await.expect("begun").id;
    let listed = |conversations: Vec<domain::Conversation>| -> Vec<ConversationId> {
        conversations.into_iter().map(|conversation| conversation.id).collect()
    };
    assert_eq!(listed(database.conversations(HOME, 10).await.expect("listed")), [second, first]);
    // Times are stored in milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    ask(database, first, "Still there?").await;
    assert_eq!(listed(database.conversations(HOME, 10).await.expect("listed")), [first, second]);
    assert_eq!(listed(database.conversations(HOME, 1).await.expect("listed")), [first]);
}
