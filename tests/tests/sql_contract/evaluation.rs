//! Evaluation sets, what they measured, and the thresholds that are set by them.

use db::{Database, DbError, MAX_EVAL_QUESTIONS, NewEvalQuestion};
use domain::{Collection, EvalQuestion, EvalQuestionId, TurnId, Visibility};
use serde_json::json;

use crate::{HOME, NEIGHBOUR, handbook, over_both_dialects};

over_both_dialects!(
    a_set_from_first_to_last,
    a_set_has_a_bound,
    runs_are_kept_newest_first,
    a_collection_has_its_own_threshold,
    a_deleted_collection_leaves_no_evaluation,
    sets_of_workspaces_never_meet,
);

fn question(text: &str, expected: &[&str]) -> NewEvalQuestion {
    let question = EvalQuestion {
        question: text.to_owned(),
        history: Vec::new(),
        expected: expected.iter().map(|source| (*source).to_owned()).collect(),
        answer: None,
    };
    NewEvalQuestion { question, turn: None }
}

async fn add(database: &Database, collection: &Collection, new: &[NewEvalQuestion]) {
    database.add_eval_questions(HOME, collection.id, new).await.expect("added");
}

async fn texts(database: &Database, collection: &Collection) -> Vec<String> {
    let set = database.eval_questions(HOME, collection.id).await.expect("listed");
    set.into_iter().map(|stored| stored.question.question).collect()
}

async fn a_set_from_first_to_last(database: &Database) {
    let collection = handbook(database).await;
    assert_eq!(database.eval_questions(HOME, collection.id).await, Ok(Vec::new()));
    let turn = TurnId::new();
    let mut korean = question("연차는 며칠인가요? '\"\\ 🏖️", &["규정/휴가.md"]);
    korean.question.answer = Some("15일".to_owned());
    korean.turn = Some(turn);
    let mut follow_up = question("계약직은요?", &[]);
    follow_up.question.history = vec!["첫 질문".to_owned(), "연차는 며칠인가요?".to_owned()];
    add(
        database,
        &collection,
        &[korean.clone(), follow_up.clone(), question("z", &[]), question("a", &["a.md"])],
    )
    .await;
    assert_eq!(texts(database, &collection).await, [&korean.question.question, "계약직은요?", "z", "a"]);
    let set = database.eval_questions(HOME, collection.id).await.expect("listed");
    assert_eq!((&set[0].question, set[0].turn), (&korean.question, Some(turn)));
    assert_eq!((&set[1].question, set[1].turn), (&follow_up.question, None));
    assert_eq!(set[1].id, EvalQuestionId::derive(collection.id, &follow_up.question.history, "계약직은요?"));

    // Added again: corrected in its place. After another history it is another question.
    let corrected = question(&korean.question.question, &["휴가.md"]);
    add(database, &collection, &[corrected, question("계약직은요?", &["계약직.md"])]).await;
    let set = database.eval_questions(HOME, collection.id).await.expect("listed");
    assert_eq!(set.len(), 5);
    assert_eq!(
        (set[0].question.expected.as_slice(), set[0].turn),
        (["휴가.md".to_owned()].as_slice(), Some(turn))
    );
    assert_eq!(set[0].question.answer, None);
    assert_eq!(set[4].question.expected, ["계약직.md"]);

    database.remove_eval_question(HOME, collection.id, set[1].id).await.expect("removed");
    let none = Err(DbError::NotFound("evaluation question"));
    assert_eq!(database.remove_eval_question(HOME, collection.id, set[1].id).await, none);
    assert_eq!(texts(database, &collection).await.len(), 4);
    let other = database.ensure_collection(HOME, "faq", Visibility::Private).await.expect("made");
    assert_eq!(database.remove_eval_question(HOME, other.id, set[0].id).await, none, "of another set");
    assert_eq!(database.eval_questions(HOME, other.id).await, Ok(Vec::new()));
    database.clear_eval_questions(HOME, collection.id).await.expect("emptied");
    assert_eq!(database.eval_questions(HOME, collection.id).await, Ok(Vec::new()));
}

async fn a_set_has_a_bound(database: &Database) {
    let collection = handbook(database).await;
    let many: Vec<NewEvalQuestion> =
        (0..MAX_EVAL_QUESTIONS).map(|number| question(&number.to_string(), &[])).collect();
    add(database, &collection, &many).await;
    add(database, &collection, &[question("7", &["a.md"])]).await;
    let refused = database.add_eval_questions(HOME, collection.id, &[question("more", &[])]).await;
    assert!(matches!(refused, Err(DbError::Rejected(_))), "{refused:?}");
    assert_eq!(texts(database, &collection).await.len(), MAX_EVAL_QUESTIONS, "all or none");

    let bad = [question("", &[]), question("a\0b", &[]), question("a", &["\0"])];
    for bad in bad {
        let refused = database.add_eval_questions(HOME, collection.id, &[bad]).await;
        assert!(matches!(refused, Err(DbError::Rejected(_))), "{refused:?}");
    }
}

async fn runs_are_kept_newest_first(database: &Database) {
    let collection = handbook(database).await;
    let mut runs = Vec::new();
    for recall in [0.5, 0.75, 1.0] {
        let settings = json!({ "embedder": "all-minilm-l6-v2", "evidence_threshold": 0.44, "이름": null });
        let report = json!({ "systems": { "hybrid": { "recall@1": recall } } });
        let run = database.add_eval_run(HOME, collection.id, &settings, &report).await.expect("stored");
        assert_eq!((&run.settings, &run.report), (&settings, &report));
        runs.insert(0, run);
    }
    assert_eq!(database.eval_runs(HOME, collection.id, 10).await.as_ref(), Ok(&runs));
    runs.truncate(1);
    assert_eq!(database.eval_runs(HOME, collection.id, 1).await, Ok(runs));
}

async fn a_collection_has_its_own_threshold(database: &Database) {
    let made = handbook(database).await;
    database.ensure_collection(HOME, "faq", Visibility::Public).await.expect("another");
    assert_eq!(made.evidence_threshold, None);
    assert!(database.evidence_thresholds(HOME).await.expect("read").is_empty());
    for threshold in [0.0, 0.37, 1.0] {
        let set = database.set_evidence_threshold(HOME, made.id, Some(threshold)).await.expect("set");
        assert_eq!(set, Collection { evidence_threshold: Some(threshold), ..made.clone() });
        assert_eq!(database.collection(HOME, made.id).await, Ok(set));
        let own = database.evidence_thresholds(HOME).await.expect("read");
        assert_eq!(own.into_iter().collect::<Vec<_>>(), [(made.id, threshold)]);
    }
    assert_eq!(handbook(database).await.evidence_threshold, Some(1.0), "naming it again changes nothing");
    for bad in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
        let refused = database.set_evidence_threshold(HOME, made.id, Some(bad)).await;
        assert!(matches!(refused, Err(DbError::Rejected(_))), "{bad}: {refused:?}");
    }
    assert_eq!(database.set_evidence_threshold(HOME, made.id, None).await, Ok(made));
    assert!(database.evidence_thresholds(HOME).await.expect("read").is_empty());
}

async fn a_deleted_collection_leaves_no_evaluation(database: &Database) {
    let collection = handbook(database).await;
    add(database, &collection, &[question("How many days?", &["leave.md"])]).await;
    database.add_eval_run(HOME, collection.id, &json!({}), &json!({})).await.expect("stored");
    database.set_evidence_threshold(HOME, collection.id, Some(0.9)).await.expect("set");
    database.delete_collection(HOME, collection.id).await.expect("deleted");

    assert!(database.evidence_thresholds(HOME).await.expect("read").is_empty());
    let none = DbError::NotFound("collection");
    let added = database.add_eval_questions(HOME, collection.id, &[question("Still?", &[])]).await;
    assert_eq!(added.as_ref(), Err(&none));
    assert_eq!(database.add_eval_run(HOME, collection.id, &json!({}), &json!({})).await.as_ref(), Err(&none));
    assert_eq!(database.set_evidence_threshold(HOME, collection.id, None).await.as_ref(), Err(&none));
    let back = handbook(database).await;
    assert_eq!((back.id, back.evidence_threshold), (collection.id, None));
    assert_eq!(database.eval_questions(HOME, back.id).await, Ok(Vec::new()));
    assert_eq!(database.eval_runs(HOME, back.id, 10).await, Ok(Vec::new()));
}

async fn sets_of_workspaces_never_meet(database: &Database) {
    database.ensure_workspace(NEIGHBOUR, "neighbour").await.expect("a second workspace");
    let ours = handbook(database).await;
    add(database, &ours, &[question("How many days?", &["leave.md"])]).await;
    database.set_evidence_threshold(HOME, ours.id, Some(0.9)).await.expect("set");
    database.add_eval_run(HOME, ours.id, &json!({}), &json!({})).await.expect("stored");
    let id = database.eval_questions(HOME, ours.id).await.expect("listed")[0].id;

    let none = DbError::NotFound("collection");
    assert_eq!(database.eval_questions(NEIGHBOUR, ours.id).await, Ok(Vec::new()));
    assert_eq!(database.eval_runs(NEIGHBOUR, ours.id, 10).await, Ok(Vec::new()));
    let added = database.add_eval_questions(NEIGHBOUR, ours.id, &[question("And we?", &[])]).await;
    assert_eq!(added.as_ref(), Err(&none));
    assert_eq!(database.add_eval_run(NEIGHBOUR, ours.id, &json!({}), &json!({})).await.as_ref(), Err(&none));
    assert_eq!(database.set_evidence_threshold(NEIGHBOUR, ours.id, None).await.as_ref(), Err(&none));
    let removed = database.remove_eval_question(NEIGHBOUR, ours.id, id).await;
    assert_eq!(removed, Err(DbError::NotFound("evaluation question")));
    database.clear_eval_questions(NEIGHBOUR, ours.id).await.expect("nothing to empty");
    assert!(database.evidence_thresholds(NEIGHBOUR).await.expect("read").is_empty());
    assert_eq!(database.eval_questions(HOME, ours.id).await.expect("untouched").len(), 1);
}
