//! Tests retrieval on real parts: SQLite, the embedded store, the English test embedder, the analyzer.

#![allow(clippy::unwrap_used)] // In a test it is the report.

#[allow(dead_code, unreachable_pub, reason = "shared by several test programs")]
#[path = "../kit/mod.rs"]
mod kit;
mod knowledge_base;
mod reranking;

use domain::{DocumentId, Filter, Visibility};

use knowledge_base::{KnowledgeBase, WORKSPACE, texts};

const LEAVE: &str = "Every employee has 15 days of annual leave. Unused days expire in March.";
const PUMP: &str = "The pump starts when the green button is pressed for two seconds.";
const REFUND: &str = "Refunds are paid within ten days to the card that was charged.";

#[tokio::test]
async fn only_live_versions_are_found() {
    let Some(base) = KnowledgeBase::open().await else { return };
    base.publish("leave.md", &["Annual leave is 12 days."]).await;
    base.publish("leave.md", &[LEAVE]).await;
    base.write("leave.md", &["Annual leave will be 20 days, says a version that is not finished."]).await;
    base.publish("old.md", &["Annual leave was 10 days once."]).await;
    base.db.delete_document(WORKSPACE, DocumentId::derive(base.collection, "old.md")).await.unwrap();
    assert_eq!(base.ask("How many days of annual leave?").await, [LEAVE]);
}

#[tokio::test]
async fn superseded_chunks_do_not_crowd_out_live_ones() {
    let Some(base) = KnowledgeBase::open().await else { return };
    let stale: Vec<String> = (0..150).map(|number| format!("관리비 납부 안내 {number}")).collect();
    base.publish("fees.md", &stale.iter().map(String::as_str).collect::<Vec<_>>()).await;
    base.publish("fees.md", &["다른 이야기와 함께 관리비 이야기도 조금 적혀 있는 긴 글이다."]).await;
    assert_eq!(base.ask("관리비 납부 안내").await.len(), 1);
}

#[tokio::test]
async fn copies_of_a_text_are_one_passage() {
    let Some(base) = KnowledgeBase::open().await else { return };
    for copy in 0..6 {
        base.publish(&format!("copy-{copy}.md"), &[&format!("{REFUND}{}", " ".repeat(copy))]).await;
    }
    base.publish("pump.md", &[PUMP]).await;
    let found = base.ask("When are refunds paid?").await;
    assert_eq!(found.iter().filter(|text| text.contains("Refunds")).count(), 1, "{found:?}");
    assert!(found.contains(&PUMP.to_owned()));
}

#[tokio::test]
async fn korean_is_found_by_terms_where_the_embedder_does_not_know_it() {
    let Some(base) = KnowledgeBase::open().await else { return };
    base.publish("휴가.md", &["연차 휴가는 입사 1년 뒤 15일이 주어진다."]).await;
    base.publish("예약.md", &["회의실은 사내망에서 예약한다."]).await;
    base.publish("pump.md", &[PUMP]).await;
    let retrieved = base.ask_for("연차휴가는 며칠인가요?", 5).await;
    assert_eq!(retrieved.language, domain::Language::KOREAN);
    assert_eq!(retrieved.passages[0].chunk.source, "휴가.md");
    assert!(retrieved.passages.iter().all(|passage| passage.dense_score.is_none()));
    assert!(retrieved.evidence.sufficient, "{:?}", retrieved.evidence);
}

#[tokio::test]
async fn evidence_is_enough_for_what_is_there_and_not_for_what_is_not() {
    let Some(base) = KnowledgeBase::open().await else { return };
    base.publish("leave.md", &[LEAVE]).await;
    base.publish("pump.md", &[PUMP]).await;
    base.publish("refund.md", &[REFUND]).await;
    base.publish("환불.md", &["환불은 결제한 카드로 열흘 안에 이루어진다."]).await;
    for question in
        ["How many days of annual leave do I have?", "How do I start the pump?", "환불은 언제 되나요?"]
    {
        let evidence = base.ask_for(question, 5).await.evidence;
        assert!(evidence.sufficient, "{question}: {evidence:?}");
    }
    for question in
        ["Who won the world cup in 2018?", "What will the weather be tomorrow?", "내일 날씨는 어떤가요?"]
    {
        let evidence = base.ask_for(question, 5).await.evidence;
        assert!(!evidence.sufficient, "{question}: {evidence:?}");
    }
}

#[tokio::test]
async fn the_best_passages_collection_says_what_evidence_is_enough() {
    let Some(mut base) = KnowledgeBase::open().await else { return };
    base.publish("leave.md", &[LEAVE]).await;
    let strict = base.db.ensure_collection(WORKSPACE, "strict", Visibility::Private).await.unwrap().id;
    let lenient = std::mem::replace(&mut base.collection, strict);
    base.publish("pump.md", &[PUMP]).await;
    base.db.set_evidence_threshold(WORKSPACE, strict, Some(1.0)).await.unwrap();
    let sufficient =
        async |question: &str| base.ask_in(vec![lenient, strict], question, 5).await.evidence.sufficient;
    assert!(sufficient("How many days of annual leave do I have?").await);
    assert!(!sufficient("How do I start the pump?").await);
    base.db.set_evidence_threshold(WORKSPACE, strict, None).await.unwrap();
    assert!(sufficient("How do I start the pump?").await);
}

#[tokio::test]
async fn questions_of_any_size_are_answered() {
    let Some(base) = KnowledgeBase::open().await else { return };
    base.publish("leave.md", &[LEAVE]).await;
    let long = "annual leave and ".repeat(6_000);
    assert_eq!(base.ask(&long).await, [LEAVE]);
    for empty in ["", " ", "???", "\u{0}"] {
        let retrieved = base.ask_for(empty, 5).await;
        assert!(!retrieved.evidence.sufficient, "{empty:?}: {:?}", retrieved.evidence);
    }
    assert!(base.ask_for("annual leave", 0).await.passages.is_empty());
}

#[tokio::test]
async fn a_filter_changes_what_is_found_and_not_how_much_it_says() {
    let Some(base) = KnowledgeBase::open().await else { return };
    for (source, text) in [("leave.md", LEAVE), ("pump.md", PUMP), ("refund.md", REFUND)] {
        base.publish(source, &[text]).await;
    }
    let within =
        |source| Filter { documents: vec![DocumentId::derive(base.collection, source)], ..Filter::default() };
    // "green" stands in another document than the answer, which must not make it rarer than it is.
    let question = "How many days of annual leave does every employee in a green coat have?";
    let everywhere = base.ask_for(question, 5).await;
    let narrowed = base.ask_within(within("leave.md"), question, 5).await;
    assert_eq!(texts(&everywhere)[0], LEAVE);
    assert_eq!(texts(&narrowed), [LEAVE]);
    assert_eq!(narrowed.evidence, everywhere.evidence);
    let elsewhere = base.ask_within(within("refund.md"), question, 5).await;
    assert_eq!(texts(&elsewhere), [REFUND]);
    assert!(!elsewhere.evidence.sufficient, "{:?}", elsewhere.evidence);
}

#[tokio::test]
async fn every_spelling_of_a_question_finds_the_same() {
    let Some(base) = KnowledgeBase::open().await else { return };
    base.publish("휴가.md", &["연차 휴가는 입사 1년 뒤 15일이 주어진다.", "병가는 진단서와 함께 신청한다."])
        .await;
    base.publish("leave.md", &[LEAVE, REFUND]).await;
    base.publish("pump.md", &[PUMP]).await;
    for (plain, spellings) in [
        (
            "연차 휴가는 며칠인가요?",
            vec![
                "\u{110b}\u{1167}\u{11ab}\u{110e}\u{1161} \u{1112}\u{1172}\u{1100}\u{1161}는 며칠인가요?",
                "연\u{200b}차 휴\u{2060}가는 며칠인가요？",
                "\u{feff}연차\u{3000}휴가는 며칠인가요?",
            ],
        ),
        (
            "When must the pump button be pressed?",
            vec![
                "Ｗｈｅｎ ｍｕｓｔ ｔｈｅ ｐｕｍｐ ｂｕｔｔｏｎ ｂｅ ｐｒｅｓｓｅｄ？",
                "When must the pu\u{ad}mp but\u{200d}ton be pressed?",
                "When must the pum\u{440} butt\u{43e}n be \u{440}ressed?",
            ],
        ),
    ] {
        let expected = base.ask_for(plain, 5).await;
        for spelling in spellings {
            let found = base.ask_for(spelling, 5).await;
            assert_eq!(found.passages, expected.passages, "{spelling}");
            assert_eq!(found.evidence, expected.evidence, "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_follow_up_is_searched_with_the_questions_before_it() {
    let Some(base) = KnowledgeBase::open().await else { return };
    let dismissal = "정규직을 해고하려면 한 달 전에 알린다.";
    let contractors = "계약직의 연차는 한 달에 하루씩 생긴다.";
    let equipment = "계약직에게는 노트북을 빌려준다.";
    base.publish("a.md", &[dismissal, "정규직의 연차는 15일이다."]).await;
    base.publish("b.md", &[equipment, contractors]).await;
    let found = base.ask_after(&["정규직의 연차는 며칠인가요?"], "계약직은요?").await;
    assert!(found[0].contains(contractors), "{found:?}");
    // A new subject is not held back by the old one.
    let found =
        base.ask_after(&["계약직의 연차는 며칠인가요?"], "정규직을 해고하려면 언제 알려야 하나요?").await;
    assert!(found[0].contains(dismissal), "{found:?}");
}
