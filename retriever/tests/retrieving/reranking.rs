//! Tests reranking: what it changes, and what it never changes.

use std::time::Duration;

use retriever::Reranker;
use retriever::embed::{CrossEncoder, OnnxFiles, RerankError};
use tokio::time::timeout;

use crate::kit;
use crate::knowledge_base::{KnowledgeBase, texts};

const QUESTION: &str = "What does the pump do when the button is pressed?";

/// The best hit of the searches: short, and about nothing else.
const TERSE: &str = "Pump button: the button of the pump.";

/// Contains the question's words among many others, so that the searches rank it lower.
const WORDY: &str = "Whoever asks what the machine in the cellar does may read this: in the long winter nights, \
    while the kettle sings and the cat is asleep on the stove, water comes from the pump when somebody has pressed \
    the button, and that is all there is to say of it until the spring.";

const ELSEWHERE: [&str; 2] = [
    "Flowers are pressed between the pages of a book.",
    "A letter was pressed into her hand at the station.",
];

/// A knowledge base with those texts and the cross-encoder that counts common words.
async fn base() -> Option<(KnowledgeBase, CrossEncoder)> {
    let base = KnowledgeBase::open().await?;
    for (number, text) in [TERSE, WORDY].into_iter().chain(ELSEWHERE).enumerate() {
        base.publish(&format!("{number}.md"), &[text]).await;
    }
    Some((base, kit::cross_encoder()?))
}

fn reranker(cross_encoder: CrossEncoder, candidates: usize, deadline: Duration) -> Reranker {
    Reranker { cross_encoder, candidates, deadline }
}

const PATIENT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_better_answer_goes_first_and_evidence_stays() {
    let Some((base, cross_encoder)) = base().await else { return };
    let found = base.ask_for(QUESTION, 4).await;
    assert_eq!(texts(&found)[..2], [TERSE, WORDY]);
    assert!(!found.timings_ms.contains_key("rerank"));

    let reranked = base.ask_reranked(reranker(cross_encoder, 20, PATIENT), QUESTION, 4).await;
    assert_eq!(texts(&reranked)[..2], [WORDY, TERSE]);
    assert_eq!(reranked.evidence, found.evidence);
    assert!(reranked.timings_ms["rerank"] > 0.0);
    let scores: Vec<f32> = reranked.passages.iter().map(|passage| passage.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().all(|score| (0.0..=1.0).contains(score)));
    for passage in &reranked.passages {
        let before = found.passages.iter().find(|before| before.chunk == passage.chunk).unwrap();
        assert_eq!((passage.dense_score, passage.sparse_score), (before.dense_score, before.sparse_score));
    }
}

#[tokio::test]
async fn candidates_that_are_not_scored_stay_behind_in_their_order() {
    let Some((base, cross_encoder)) = base().await else { return };
    let found = texts(&base.ask_for(QUESTION, 4).await);
    let reranked = base.ask_reranked(reranker(cross_encoder, 2, PATIENT), QUESTION, 4).await;
    let second_look: Vec<&str> = [1, 0, 2, 3].map(|at: usize| found[at].as_str()).to_vec();
    assert_eq!(texts(&reranked), second_look);
    assert!(reranked.passages[2].score < reranked.passages[1].score);
    assert!(reranked.passages[3].score < reranked.passages[2].score);
}

#[tokio::test]
async fn a_late_reranker_changes_nothing() {
    let Some((base, cross_encoder)) = base().await else { return };
    // Takes longer to score than a timer without any time needs to fire.
    base.publish("long.md", &[&"pump button pressed ".repeat(50_000)]).await;
    let found = base.ask_for(QUESTION, 4).await;
    let late = base.ask_reranked(reranker(cross_encoder, 20, Duration::ZERO), QUESTION, 4).await;
    assert_eq!(late.passages, found.passages);
    assert_eq!(late.evidence, found.evidence);
    assert!(late.timings_ms.contains_key("rerank"), "the time that was waited is reported");
}

#[tokio::test]
async fn pairs_without_a_waiting_caller_are_not_scored() {
    let Some(cross_encoder) = kit::cross_encoder() else { return };
    let hours = vec![WORDY.to_owned(); 50_000];
    assert!(timeout(Duration::from_millis(1), cross_encoder.score(QUESTION, hours)).await.is_err());
    let next = timeout(Duration::from_secs(5), cross_encoder.score(QUESTION, vec![TERSE.to_owned()])).await;
    assert_eq!(next.expect("the next question is served at once").unwrap().len(), 1);
}

#[tokio::test]
async fn texts_of_any_size_and_with_special_tokens_are_scored() {
    let Some(cross_encoder) = kit::cross_encoder() else { return };
    let score = async |question: &str, passage: &str| {
        cross_encoder.score(question, vec![passage.to_owned()]).await.unwrap()[0]
    };
    assert_eq!(score("red pump", "a pump").await, 1.0);
    assert_eq!(score("red pump", &"pump ".repeat(20_000)).await, 1.0);
    assert!(score(&"pump ".repeat(20_000), "a pump").await > 100.0);
    assert_eq!(score("", "").await, 0.0);
    assert_eq!(score("[SEP] pump", "[SEP] [PAD] pump").await, 4.0, "a special token is four tokens of text");
    assert!(cross_encoder.score("pump", Vec::new()).await.unwrap().is_empty());
}

#[test]
fn damaged_and_foreign_models_are_unusable() {
    let Some(files) = kit::cross_encoder_files() else { return };
    let dir = tempfile::tempdir().unwrap();
    let error = |files: &OnnxFiles| match CrossEncoder::load(files, kit::CROSS_ENCODER_OPTIONS) {
        Err(RerankError::Unusable(reason)) => reason.to_string(),
        Err(other) => panic!("not unusable: {other:?}"),
        Ok(_) => panic!("it must not load"),
    };
    let with_model = |name: &str, bytes: &[u8]| {
        let model = dir.path().join(name);
        std::fs::write(&model, bytes).unwrap();
        error(&OnnxFiles { model, ..files.clone() })
    };
    let model = std::fs::read(&files.model).unwrap();
    assert!(with_model("half.onnx", &model[..model.len() / 2]).contains("half.onnx"));
    assert!(with_model("empty.onnx", b"").contains("empty.onnx"));
    let renamed = replaced(&model, b"logits", b"vector");
    assert!(with_model("embedder.onnx", &renamed).contains("logits"));
    let flat = replaced(&model, b"keepdims\x18\x01", b"keepdims\x18\x00");
    assert!(with_model("flat.onnx", &flat).contains("flat.onnx"));
    let bytes = std::fs::read(kit::files().unwrap().model).unwrap();
    assert!(with_model("minilm.onnx", &bytes).contains("logits"));

    let with_file = |change: fn(&mut OnnxFiles) -> &mut std::path::PathBuf, text: &str| {
        let mut files = files.clone();
        let path = dir.path().join(change(&mut files).file_name().unwrap());
        std::fs::write(&path, text).unwrap();
        *change(&mut files) = path;
        error(&files)
    };
    with_file(|files| &mut files.tokenizer, "{}");
    assert!(with_file(|files| &mut files.tokenizer_config, "{}").contains("model_max_length"));
    let absent = OnnxFiles { config: dir.path().join("absent.json"), ..files.clone() };
    assert!(error(&absent).contains("absent.json"));
}

/// `bytes` with every `from` replaced by `to`, which has the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut times = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            times += 1;
        }
    }
    assert!(times > 0, "{} is in the file", String::from_utf8_lossy(from));
    bytes
}
