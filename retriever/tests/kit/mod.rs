//! What the suites of this room share: the small real embedder, where the machine has it.

use std::io::Write;
use std::path::PathBuf;

use domain::{EmbedError, EmbeddingSpace, Language, LanguageCoverage};
use retriever::embed::{EmbedderFiles, EmbedderProfile, FastEmbedder, Pooling};

/// The files of the English test embedder; `None`, said loudly, without them. Under CI they must be there.
pub fn files() -> Option<EmbedderFiles> {
    let Some(models) = std::env::var_os("DAEDAP_TEST_MODELS").map(PathBuf::from) else {
        assert!(std::env::var_os("CI").is_none(), "DAEDAP_TEST_MODELS is not set");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not `eprintln!`: the harness swallows what a passing test prints. A closed stream leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: DAEDAP_TEST_MODELS is not set");
        return None;
    };
    let model = models.join("all-minilm-l6-v2");
    Some(EmbedderFiles {
        model: model.join("model.onnx"),
        tokenizer: model.join("tokenizer.json"),
        config: model.join("config.json"),
        special_tokens_map: model.join("special_tokens_map.json"),
        tokenizer_config: model.join("tokenizer_config.json"),
        runtime_library: models.join("onnxruntime-1.32-linux-x64/libonnxruntime.so"),
    })
}

/// What is known of it.
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

/// The embedder, where its files are.
pub fn embedder() -> Option<FastEmbedder> {
    Some(FastEmbedder::load(files()?, profile()).expect("the test embedder loads"))
}

/// What loading says that must fail.
pub fn load_error(files: EmbedderFiles, profile: EmbedderProfile) -> String {
    match FastEmbedder::load(files, profile) {
        Err(EmbedError::Unusable(reason)) => reason,
        Err(other) => panic!("not unusable: {other}"),
        Ok(_) => panic!("it must not load"),
    }
}
