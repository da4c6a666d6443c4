//! Compares models with llama.cpp: real ones by the tokens of texts and messages, and by greedy answers; the tests'
//! tiny ones, one of each family, by logits.
//!
//! `real.json` has what llama.cpp's server (commit 0c1e570) returned on a CPU with AVX-512: `/apply-template` and
//! `/tokenize` for five conversations and for texts that tokenizers disagree about, `/completion` with temperature 0
//! for up to 64 tokens of each answer. It does not contain text in NFD, which llama.cpp takes as it is, and which
//! Qwen2's own tokenizer, like ours, composes first. `tiny.json` has the log probabilities of all tokens after 41.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use domain::{Message, Role};
use serde::Deserialize;

use crate::compute::backend::CpuBackend;
use crate::kv_cache::blocks::{BLOCK_TOKENS, BlockId};
use crate::model::architecture::Architecture;
use crate::model::batch::SequenceTokens;
use crate::model::candle_models::CandleModel;
use crate::model::decoder::Decoder;
use crate::model::gguf::file::GgufFile;
use crate::testing::tiny_candle_model::models_of_all_families;
use crate::testing::tiny_model::TinyModel;
use crate::text::chat_template::ChatTemplate;
use crate::text::prompt::PromptSegment;
use crate::text::tokenizer::Tokenizer;
use crate::text::vocabulary::Vocabulary;

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

/// The model's file and what llama.cpp returned for it; `None`, with a message, if the file is not installed.
fn model(id: &str) -> Option<(GgufFile, Recorded)> {
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
    Some((GgufFile::open(&file).expect("a sound file"), recorded.remove(id).expect("it was recorded")))
}

fn assert_same_tokens(gguf: &GgufFile, recorded: &Recorded) {
    let vocabulary = Vocabulary::read(gguf).expect("a sound file");
    let tokenizer = Tokenizer::new(gguf, &vocabulary).expect("a known tokenizer");
    for Text { text, tokens } in &recorded.texts {
        let ids = tokenizer.encode(&[PromptSegment::Text(text.into())]).expect("encoded");
        assert_eq!(&ids, tokens, "{text:?}");
    }
    let template = ChatTemplate::read(gguf, &vocabulary).expect("a sound template");
    for Conversation { messages, prompt, .. } in &recorded.conversations {
        let message = |(role, content): &(Role, String)| Message { role: *role, content: content.clone() };
        let messages: Vec<Message> = messages.iter().map(message).collect();
        let ids = tokenizer.encode(&template.render(&messages).expect("rendered")).expect("encoded");
        assert_eq!(&ids, prompt, "{messages:?}");
    }
}

/// At each position of its answers llama.cpp's token is our likeliest, or nearly as likely: at most `near_tie` below.
/// Each position follows llama.cpp's own answer, because after a near tie two engines write different texts, which
/// cannot be compared.
fn assert_same_answers(gguf: &GgufFile, recorded: &Recorded, near_tie: f32) {
    let vocabulary = Vocabulary::read(gguf).expect("a sound file");
    let Ok(Architecture::Decoder(config)) = Architecture::read(gguf, vocabulary.len()) else {
        panic!("the decoder has its family")
    };
    let decoder = Decoder::load(CpuBackend::start(), gguf, config, vocabulary.len()).expect("a sound model");
    for Conversation { prompt, answer, .. } in &recorded.conversations {
        let tokens: Vec<u32> = prompt.iter().chain(answer).copied().collect();
        let blocks: Vec<_> = (0..tokens.len().div_ceil(BLOCK_TOKENS) as u32).map(BlockId).collect();
        let mut kv = decoder.new_kv_blocks(blocks.len());
        let sequence =
            SequenceTokens { tokens: &tokens, position: 0, blocks: &blocks, logits: answer.len() + 1 };
        let logits = decoder.forward(&mut kv, &[sequence]).expect("computed");
        for (position, (logits, token)) in logits.iter().zip(answer).enumerate() {
            let (likeliest, highest) = likeliest(logits);
            let behind = highest - logits[*token as usize];
            assert!(
                behind <= near_tie,
                "token {position}: {likeliest}, not {token}, which lies {behind} behind"
            );
        }
    }
}

fn likeliest(logits: &[f32]) -> (u32, f32) {
    let pairs = logits.iter().copied().zip(0..);
    let (logit, token) = pairs.max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are tokens");
    (token, logit)
}

/// Quantized activations move this small model's logits by 0.25 (root mean square) from those of plain floats.
#[test]
fn smollm2_tokenizes_and_answers_as_llama_cpp_does() {
    let Some((gguf, recorded)) = model("smollm2-135m-instruct") else { return };
    assert_same_tokens(&gguf, &recorded);
    assert_same_answers(&gguf, &recorded, 0.5);
}

#[test]
fn qwen2_5_coder_tokenizes_and_answers_as_llama_cpp_does() {
    let Some((gguf, recorded)) = model("qwen2.5-coder-1.5b-instruct") else { return };
    assert_same_tokens(&gguf, &recorded);
    assert_same_answers(&gguf, &recorded, 0.15);
}

/// The logits of a tiny model after the last of `tokens`.
fn tiny_logits(model: &TinyModel, tokens: &[u32]) -> Vec<f32> {
    let gguf = GgufFile::open(model.file().path()).expect("a sound file");
    let vocabulary = Vocabulary::read(&gguf).expect("a sound file").len();
    let blocks: Vec<_> = (0..tokens.len().div_ceil(BLOCK_TOKENS) as u32).map(BlockId).collect();
    let sequence = SequenceTokens { tokens, position: 0, blocks: &blocks, logits: 1 };
    let logits = match Architecture::read(&gguf, vocabulary).expect("a known family") {
        Architecture::Decoder(config) => {
            let decoder =
                Decoder::load(CpuBackend::start(), &gguf, config, vocabulary).expect("a sound model");
            decoder.forward(&mut decoder.new_kv_blocks(blocks.len()), &[sequence])
        }
        Architecture::Candle(config) => {
            let mut model = CandleModel::load(gguf, config, vocabulary).expect("a sound model");
            model.forward(&sequence)
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
        // Logits and log probabilities differ by a number that is the same for all tokens.
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
