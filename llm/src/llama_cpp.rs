//! Models held to llama.cpp: real ones to the same tokens for the same texts and messages, and to the same greedy answers;
//! the tests' tiny ones, one of each family, to the same logits.
//!
//! `real.json` has what llama.cpp's server (commit 0c1e570) gave on a processor with AVX-512: `/apply-template` and
//! `/tokenize` for five conversations and for texts that tokenizers disagree about, `/completion` with temperature 0
//! for up to 64 tokens of each answer. Absent: text in NFD, which llama.cpp takes as it is, and Qwen2's own tokenizer,
//! like ours, composes first. `tiny.json` has the logarithms of the probabilities that it gave to all tokens after 41.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use domain::{Message, Role};
use serde::Deserialize;

use crate::borrowed::Borrowed;
use crate::cache::{BLOCK_TOKENS, BlockId};
use crate::decoder::{Decoder, Part};
use crate::engine::chat_template;
use crate::engine::tests::models_of_all_families;
use crate::gguf::Gguf;
use crate::model::Plan;
use crate::processor::Processor;
use crate::template::Piece;
use crate::tiny::TinyModel;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;

#[derive(Deserialize)]
struct Recorded {
    conversations: Vec<Conversation>,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Conversation {
    messages: Vec<(Role, String)>,
    prompt: Vec<u32>,
    answer: Vec<u32>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    tokens: Vec<u32>,
}

/// The model's file and what was recorded of it; `None`, loudly, where the file is not at hand.
fn model(id: &str) -> Option<(Gguf, Recorded)> {
    let folder = std::env::var_os("DAEDAP_TEST_MODELS").map(PathBuf::from);
    let file = folder.map(|folder| folder.join(id).join("model.gguf")).filter(|file| file.is_file());
    let Some(file) = file else {
        // Not `eprintln!`: the harness swallows what a passing test prints.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED comparison with llama.cpp: {id} is not in DAEDAP_TEST_MODELS"
        );
        return None;
    };
    let mut recorded: HashMap<String, Recorded> =
        serde_json::from_str(include_str!("llama_cpp/real.json")).expect("sound JSON");
    Some((Gguf::open(&file).expect("a sound file"), recorded.remove(id).expect("it was recorded")))
}

fn assert_same_tokens(gguf: &Gguf, recorded: &Recorded) {
    let vocabulary = Vocabulary::read(gguf).expect("a sound file");
    let tokenizer = Tokenizer::new(gguf, &vocabulary).expect("a known tokenizer");
    for Text { text, tokens } in &recorded.texts {
        let ids = tokenizer.encode(&[Piece::Text(text.into())]).expect("encoded");
        assert_eq!(&ids, tokens, "{text:?}");
    }
    let template = chat_template(gguf, &vocabulary).expect("a sound template");
    for Conversation { messages, prompt, .. } in &recorded.conversations {
        let message = |(role, content): &(Role, String)| Message { role: *role, content: content.clone() };
        let messages: Vec<Message> = messages.iter().map(message).collect();
        let ids = tokenizer.encode(&template.render(&messages).expect("rendered")).expect("encoded");
        assert_eq!(&ids, prompt, "{messages:?}");
    }
}

/// At each place of its answers llama.cpp's token is our likeliest, or hardly less likely. Said of the whole answer and
/// not of its beginning: behind a near tie two engines write different texts, and nothing could be compared. `near_tie`
/// is how far below the likeliest token llama.cpp's may lie.
fn assert_same_answers(gguf: &Gguf, recorded: &Recorded, near_tie: f32) {
    let vocabulary = Vocabulary::read(gguf).expect("a sound file");
    let Ok(Plan::Decoder(shape)) = Plan::read(gguf, vocabulary.len()) else {
        panic!("the decoder has its family")
    };
    let decoder = Decoder::load(Processor::start(), gguf, shape, vocabulary.len()).expect("a sound model");
    for Conversation { prompt, answer, .. } in &recorded.conversations {
        let tokens: Vec<u32> = prompt.iter().chain(answer).copied().collect();
        let blocks: Vec<_> = (0..tokens.len().div_ceil(BLOCK_TOKENS) as u32).map(BlockId).collect();
        let mut store = decoder.store(blocks.len());
        let part = Part { tokens: &tokens, position: 0, blocks: &blocks, logits: answer.len() + 1 };
        let logits = decoder.forward(&mut store, &[part]).expect("computed");
        for (place, (logits, token)) in logits.iter().zip(answer).enumerate() {
            let (likeliest, highest) = likeliest(logits);
            let behind = highest - logits[*token as usize];
            assert!(
                behind <= near_tie,
                "token {place}: {likeliest}, not {token}, which lies {behind} behind"
            );
        }
    }
}

fn likeliest(logits: &[f32]) -> (u32, f32) {
    let pairs = logits.iter().copied().zip(0..);
    let (logit, token) = pairs.max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are tokens");
    (token, logit)
}

/// Activations of one byte move this small model's logits by 0.25 (root mean square) from what plain floats give.
#[test]
fn smollm2_reads_and_writes_as_llama_cpp_does() {
    let Some((gguf, recorded)) = model("smollm2-135m-instruct") else { return };
    assert_same_tokens(&gguf, &recorded);
    assert_same_answers(&gguf, &recorded, 0.5);
}

#[test]
fn qwen2_5_coder_reads_and_writes_as_llama_cpp_does() {
    let Some((gguf, recorded)) = model("qwen2.5-coder-1.5b-instruct") else { return };
    assert_same_tokens(&gguf, &recorded);
    assert_same_answers(&gguf, &recorded, 0.15);
}

/// The logits of a tiny model after the last of `tokens`.
fn tiny_logits(model: &TinyModel, tokens: &[u32]) -> Vec<f32> {
    let gguf = Gguf::open(model.file().path()).expect("a sound file");
    let vocabulary = Vocabulary::read(&gguf).expect("a sound file").len();
    let blocks: Vec<_> = (0..tokens.len().div_ceil(BLOCK_TOKENS) as u32).map(BlockId).collect();
    let part = Part { tokens, position: 0, blocks: &blocks, logits: 1 };
    let logits = match Plan::read(&gguf, vocabulary).expect("a known family") {
        Plan::Decoder(shape) => {
            let decoder = Decoder::load(Processor::start(), &gguf, shape, vocabulary).expect("a sound model");
            decoder.forward(&mut decoder.store(blocks.len()), &[part])
        }
        Plan::Borrowed(family, context_tokens) => {
            let mut model = Borrowed::load(gguf, family, context_tokens, vocabulary).expect("a sound model");
            model.forward(&part)
        }
    };
    logits.expect("computed").remove(0)
}

#[test]
fn every_family_computes_what_llama_cpp_does() {
    let recorded: HashMap<String, Vec<f32>> =
        serde_json::from_str(include_str!("llama_cpp/tiny.json")).expect("sound JSON");
    let tokens: Vec<u32> = (0..41).map(|n| (n * n * 7 + 3 * n) % 256).collect();
    let mut compared = 0;
    for model in models_of_all_families() {
        let (_, family) =
            model.metadata.iter().find(|(key, _)| key == "general.architecture").expect("named");
        let family = family.to_string().expect("a text");
        // Logits and logarithms of probabilities are apart by a number that is the same for all tokens.
        let centred = |numbers: &[f32]| {
            let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
            numbers.iter().map(|number| f64::from(number - mean)).collect::<Vec<f64>>()
        };
        let (ours, theirs) = (centred(&tiny_logits(&model, &tokens)), centred(&recorded[family]));
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cosine = product(&ours, &theirs) / (product(&ours, &ours) * product(&theirs, &theirs)).sqrt();
        assert!(cosine > 0.999, "{family}: {cosine}");
        compared += 1;
    }
    assert_eq!(compared, recorded.len());
}
