//! Downloads the models that tests and benches use, with `daedap models pull`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Small enough for every run: the embedder with its runtime, and a generator of 98 MB.
const TEST_MODELS: [&str; 3] = ["onnxruntime-1.32-linux-x64", "all-minilm-l6-v2", "smollm2-135m-instruct"];
/// 1.1 GB: the end-to-end test on whole books needs its answer quality.
const LARGE_MODEL: &str = "qwen2.5-coder-1.5b-instruct";

/// Downloads missing models into the user's models folder and returns that folder.
pub(crate) fn pull(daedap: &Path, with_large: bool) -> Result<PathBuf> {
    let folder = folder()?;
    let status = Command::new(daedap)
        .args(["models", "pull"])
        .args(TEST_MODELS)
        .args(with_large.then_some(LARGE_MODEL))
        .env("DAEDAP_MODELS_DIR", &folder)
        .status()
        .with_context(|| format!("cannot run {}", daedap.display()))?;
    ensure!(status.success(), "`daedap models pull` exited with {status}");
    Ok(folder)
}

/// `DAEDAP_MODELS_DIR`, or the product's default folder, so that models are downloaded once for both.
fn folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("DAEDAP_MODELS_DIR") {
        return Ok(std::path::absolute(folder)?);
    }
    let directories = directories::ProjectDirs::from("", "", "daedap")
        .context("no home folder to keep models in; set `DAEDAP_MODELS_DIR`")?;
    Ok(directories.cache_dir().join("models"))
}
