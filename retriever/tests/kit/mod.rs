//! Loads the small test embedder, if it is installed, and a cross-encoder.

use std::io::Write;
use std::path::{Path, PathBuf};

use domain::{EmbedError, EmbeddingSpace, Language, LanguageCoverage};
use retriever::embed::{
    CrossEncoder, CrossEncoderOptions, EmbedderProfile, FastEmbedder, OnnxFiles, Pooling,
};

/// The files of the English test embedder; `None`, with a message, if they are not installed. Under CI they must be.
pub fn files() -> Option<OnnxFiles> {
    let Some(models) = std::env::var_os("DAEDAP_TEST_MODELS").map(PathBuf::from) else {
        assert!(std::env::var_os("CI").is_none(), "DAEDAP_TEST_MODELS is not set");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not `eprintln!`: the harness swallows the output of passing tests.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: DAEDAP_TEST_MODELS is not set");
        return None;
    };
    let model = models.join("all-minilm-l6-v2");
    Some(OnnxFiles {
        model: model.join("model.onnx"),
        tokenizer: model.join("tokenizer.json"),
        config: model.join("config.json"),
        special_tokens_map: model.join("special_tokens_map.json"),
        tokenizer_config: model.join("tokenizer_config.json"),
        runtime_library: models.join("onnxruntime-1.32-linux-x64/libonnxruntime.so"),
    })
}

/// The profile of the test embedder.
pub fn profile() -> EmbedderProfile {
    EmbedderProfile {
        space: EmbeddingSpace {
            model: "all-minilm-l6-v2".to_owned(),
            dimensions: 384,
            query_prefix: String::new(),
            passage_prefix: String::new(),
        },
        coverage: LanguageCoverage::Only(vec![Language::ENGLISH]),
        max_tokens: 256,
        pooling: Pooling::Mean,
        threads: 2,
    }
}

/// Loads the test embedder, if it is installed.
pub fn embedder() -> Option<FastEmbedder> {
    Some(FastEmbedder::load(&files()?, profile()).expect("the test embedder loads"))
}

/// The reason why loading fails, which it must.
pub fn load_error(files: &OnnxFiles, profile: EmbedderProfile) -> String {
    match FastEmbedder::load(files, profile) {
        Err(EmbedError::Unusable(reason)) => reason.to_string(),
        Err(other) => panic!("not unusable: {other:?}"),
        Ok(_) => panic!("it must not load"),
    }
}

/// The files of a cross-encoder: the tokenizer of the test embedder, and a network whose logit is the number of tokens of
/// the first text that the second contains, with repetitions in the first.
///
/// The network, `shared_words.onnx`, has no weights. It was built node by node with the helpers of Python's `onnx` (opset
/// 13, inputs `[batch, sequence]` of int64), and leaves the shape of `logits` to the runtime:
///
/// ```text
/// word    = Cast(Greater(input_ids, 103))                            ids up to 103 are special tokens
/// read    = Mul(word, Cast(attention_mask))
/// second  = Mul(read, Cast(token_type_ids))
/// first   = Sub(read, second)
/// equal   = Cast(Equal(Unsqueeze(input_ids, 2), Unsqueeze(input_ids, 1)))
/// found   = ReduceMax(Mul(equal, Unsqueeze(second, 1)), axes = [2], keepdims = 0)
/// logits  = ReduceSum(Mul(found, first), [1], keepdims = 1)
/// ```
pub fn cross_encoder_files() -> Option<OnnxFiles> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kit/shared_words.onnx");
    Some(OnnxFiles { model, ..files()? })
}

/// The options of the test cross-encoder.
pub const CROSS_ENCODER_OPTIONS: CrossEncoderOptions = CrossEncoderOptions { max_tokens: 256, threads: 1 };

/// Loads the test cross-encoder, if the test embedder is installed.
pub fn cross_encoder() -> Option<CrossEncoder> {
    let loaded = CrossEncoder::load(&cross_encoder_files()?, CROSS_ENCODER_OPTIONS);
    Some(loaded.expect("the test cross-encoder loads"))
}
