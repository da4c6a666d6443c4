//! Tests the embedder with a real model: its vectors, unusable models, and the priority of questions.

#[allow(dead_code, unreachable_pub, reason = "shared by several test programs")]
mod kit;

use std::sync::Arc;

use domain::Embedder;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn vectors_have_length_one_and_are_near_for_similar_meanings() {
    let Some(embedder) = kit::embedder() else { return };
    let texts = [
        "A lease is a contract for renting.",
        "Rent agreements bind both sides.",
        "The pump has a red button.",
    ];
    let vectors = embedder.embed_passages(texts.map(str::to_owned).to_vec()).await.unwrap();
    for vector in &vectors {
        assert_eq!(vector.len(), 384);
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
    }
    let question = embedder.embed_query("What is a lease?").await.unwrap();
    let near = vectors.iter().map(|vector| cosine(&question, vector)).collect::<Vec<_>>();
    assert!(near[0] > near[1] && near[1] > near[2], "{near:?}");
}

#[tokio::test]
async fn a_text_has_the_same_vector_whatever_is_embedded_with_it() {
    let Some(embedder) = kit::embedder() else { return };
    let long = "words that go on and on ".repeat(60);
    let alone = embedder.embed_passages(vec!["a short text".to_owned()]).await.unwrap();
    let beside = embedder.embed_passages(vec![long, "a short text".to_owned()]).await.unwrap();
    assert_eq!(alone[0], beside[1]);
    assert!(embedder.embed_passages(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_text_is_truncated_on_the_right() {
    let Some(embedder) = kit::embedder() else { return };
    let beginning = "pump ".repeat(embedder.max_tokens());
    let whole = format!("{beginning}{}", "valve ".repeat(20_000));
    assert_eq!(embedder.embed_query(&beginning).await.unwrap(), embedder.embed_query(&whole).await.unwrap());
}

#[tokio::test]
async fn tokens_are_counted_without_limit_and_special_tokens() {
    let Some(embedder) = kit::embedder() else { return };
    assert_eq!(embedder.count_tokens("hello world"), 2);
    assert_eq!(embedder.count_tokens(&"hello ".repeat(5_000)), 5_000);
    assert_eq!(embedder.count_tokens(""), 0);
}

#[tokio::test]
async fn a_question_does_not_wait_for_a_whole_ingest() {
    let Some(embedder) = kit::embedder() else { return };
    let embedder = Arc::new(embedder);
    let passages = vec!["a passage of some length about pumps and valves ".repeat(25); 200];
    let ingest = tokio::spawn({
        let embedder = Arc::clone(&embedder);
        async move { embedder.embed_passages(passages).await }
    });
    tokio::task::yield_now().await;
    embedder.embed_query("where is the red button?").await.unwrap();
    assert!(!ingest.is_finished(), "the question came last");
    ingest.abort();
    assert!(ingest.await.unwrap_err().is_cancelled());
    // Cancelled work is not computed: the next question is served at once.
    embedder.embed_query("and the green one?").await.unwrap();
}

#[test]
fn damaged_and_foreign_models_are_unusable() {
    let Some(files) = kit::files() else { return };
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let model = std::fs::read(&files.model).unwrap();

    let mut damaged = files.clone();
    damaged.model = write("half.onnx", &model[..model.len() / 2]);
    assert!(kit::load_error(&damaged, kit::profile()).contains("half.onnx"));
    damaged.model = write("empty.onnx", b"");
    assert!(kit::load_error(&damaged, kit::profile()).contains("empty.onnx"));

    let mut foreign = files.clone();
    foreign.tokenizer = write("tokenizer.json", b"{}");
    assert!(kit::load_error(&foreign, kit::profile()).contains("tokenizer.json"));

    let mut profile = kit::profile();
    profile.space.dimensions = 768;
    assert!(kit::load_error(&files, profile).contains("384"));
}
