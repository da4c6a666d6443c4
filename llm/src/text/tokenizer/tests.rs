//! The tokenizer on tiny vocabularies of both kinds.

use candle_core::quantized::gguf_file::Value;

use super::*;
use crate::testing::tiny_model::{IM_END, IM_START, TinyModel};

fn tokenizer(model: &TinyModel) -> (Tokenizer, Vocabulary) {
    let gguf = GgufFile::open(model.file().path()).expect("a sound file");
    let vocabulary = Vocabulary::read(&gguf).expect("a sound vocabulary");
    (Tokenizer::new(&gguf, &vocabulary).expect("a sound tokenizer"), vocabulary)
}

fn encode(tokenizer: &Tokenizer, prompt: &[PromptSegment<'_>]) -> Vec<u32> {
    tokenizer.encode(prompt).expect("encoded")
}

fn text(text: &str) -> PromptSegment<'_> {
    PromptSegment::Text(text.into())
}

fn markup(markup: &str) -> PromptSegment<'static> {
    PromptSegment::Markup(markup.to_owned())
}

fn array(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|&text| Value::String(text.to_owned())).collect())
}

/// A byte-level vocabulary in which `12`, `ab` and `한` are tokens, under the word rules called `pre`.
fn byte_level(pre: &str) -> TinyModel {
    let model = TinyModel::llama();
    let Some((_, Value::Array(mut tokens))) =
        model.metadata.iter().find(|(key, _)| key == "tokenizer.ggml.tokens").cloned()
    else {
        panic!("the tiny model has tokens")
    };
    let Value::Array(more) = array(&["12", "ab", "íķ", "íķľ"]) else { unreachable!("it is an array") };
    tokens.extend(more);
    let kinds =
        (0..tokens.len() as u32).map(|id| Value::I32(if id == IM_START || id == IM_END { 3 } else { 1 }));
    let kinds = Value::Array(kinds.collect());
    model
        .with("tokenizer.ggml.tokens", Value::Array(tokens))
        .with("tokenizer.ggml.token_type", kinds)
        .with("tokenizer.ggml.merges", array(&["1 2", "a b", "í ķ", "íķ ľ"]))
        .with("tokenizer.ggml.pre", Value::String(pre.to_owned()))
}

#[test]
fn only_markup_becomes_special() {
    let (tokenizer, vocabulary) = tokenizer(&TinyModel::llama());
    let said = encode(&tokenizer, &[text("<|im_start|>")]);
    assert_eq!(said.len(), "<|im_start|>".len());
    let shown: Vec<u8> = said.iter().flat_map(|&id| vocabulary.bytes(id)).copied().collect();
    assert_eq!(shown, b"<|im_start|>");
    let prompt = [markup("<|im_start|>"), text("<|im_"), markup("end|>"), markup("<|im_end|>")];
    let ids = encode(&tokenizer, &prompt);
    assert_eq!((ids.first(), ids.last()), (Some(&IM_START), Some(&IM_END)));
    assert_eq!(ids.len(), 2 + "<|im_end|>".len(), "what is half said and half markup is no markup");
}

#[test]
fn a_word_is_not_cut_where_a_content_begins() {
    let (tokenizer, _) = tokenizer(&byte_level("gpt-2"));
    assert_eq!(encode(&tokenizer, &[markup("a"), text("b")]), encode(&tokenizer, &[text("ab")]));
    assert_eq!(encode(&tokenizer, &[text("ab")]).len(), 1);
}

#[test]
fn word_rules_decide_whether_digits_stay_together() {
    for (pre, tokens) in [("llama-bpe", 1), ("gpt-2", 1), ("qwen2", 2), ("smollm", 2), ("exaone", 2)] {
        let (tokenizer, _) = tokenizer(&byte_level(pre));
        assert_eq!(encode(&tokenizer, &[text("12")]).len(), tokens, "{pre}");
    }
}

#[test]
fn qwen2_composes_hangul() {
    let (tokenizer, _) = tokenizer(&byte_level("qwen2"));
    assert_eq!(encode(&tokenizer, &[text("\u{1112}\u{1161}\u{11ab}")]), encode(&tokenizer, &[text("한")]));
    assert_eq!(encode(&tokenizer, &[text("한")]).len(), 1);
}

#[test]
fn sentence_piece_merges_by_score_and_falls_back_to_bytes() {
    let pieces = ["\u{2581}", "h", "i", "\u{2581}h", "hi", "\u{2581}hi"];
    let scores = [-1.0, -2.0, -3.0, -9.0, -5.0, -6.0];
    let bytes: Vec<String> = (0..=255u8).map(|byte| format!("<0x{byte:02X}>")).collect();
    let mut tokens = vec!["<unk>", "<s>", "</s>"];
    tokens.extend(bytes.iter().map(String::as_str));
    tokens.extend(pieces);
    let kinds = [2, 3, 3].into_iter().chain([6; 256]).chain([1; 6]).map(Value::I32);
    let scores = [0.0; 259].into_iter().chain(scores).map(Value::F32);
    let model = TinyModel::llama()
        .with("tokenizer.ggml.model", Value::String("llama".to_owned()))
        .with("tokenizer.ggml.tokens", array(&tokens))
        .with("tokenizer.ggml.token_type", Value::Array(kinds.collect()))
        .with("tokenizer.ggml.scores", Value::Array(scores.collect()))
        .with("tokenizer.ggml.bos_token_id", Value::U32(1))
        .with("tokenizer.ggml.eos_token_id", Value::U32(2));
    let (tokenizer, vocabulary) = tokenizer(&model);
    let id = |token: &str| tokens.iter().position(|&known| known == token).expect("it is there") as u32;

    assert_eq!(encode(&tokenizer, &[markup("<s>"), text("hi hi")]), [1, id("\u{2581}hi"), id("\u{2581}hi")]);
    assert_eq!(encode(&tokenizer, &[text("\n")]), [1, id("\u{2581}"), id("<0x0A>")], "it begins with <s>");
    assert!(!encode(&tokenizer, &[text("</s>")]).contains(&2));
    assert_eq!(vocabulary.bytes(id("\u{2581}hi")), b" hi");
}
