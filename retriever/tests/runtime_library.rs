//! Tests that a missing or wrong ONNX Runtime is an error, never a panic. It has a process of its own, because the first
//! library that loads is used by the whole process.

#[allow(dead_code, unreachable_pub, reason = "shared by several test programs")]
mod kit;

use std::path::PathBuf;

use retriever::embed::OnnxFiles;

#[test]
fn a_wrong_library_is_unusable_and_the_right_one_still_loads_after_it() {
    let nowhere = PathBuf::from("/nonexistent");
    let mut files = kit::files().unwrap_or(OnnxFiles {
        model: nowhere.clone(),
        tokenizer: nowhere.clone(),
        config: nowhere.clone(),
        special_tokens_map: nowhere.clone(),
        tokenizer_config: nowhere.clone(),
        runtime_library: nowhere.clone(),
    });
    let right = std::mem::replace(&mut files.runtime_library, nowhere);
    assert!(kit::load_error(&files, kit::profile()).contains("/nonexistent"));

    let dir = tempfile::tempdir().unwrap();
    files.runtime_library = dir.path().join("libonnxruntime.so");
    std::fs::write(&files.runtime_library, "this is no library").unwrap();
    assert!(kit::load_error(&files, kit::profile()).starts_with("ONNX Runtime:"));

    if kit::files().is_some() {
        files.runtime_library = right;
        assert!(retriever::embed::FastEmbedder::load(&files, kit::profile()).is_ok());
    }
}
