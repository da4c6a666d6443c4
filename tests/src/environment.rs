//! What this machine offers the tests, as `cargo xtask test` found it, and the one rule for what is missing.
//!
//! The rule: a test that lacks a part says so and returns. Under `CI` it fails instead, except for parts that are not
//! part of every CI (a Qdrant server, the large model, the books and question sets beside the checkout).

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Chromium and the driver that steers it.
#[derive(Debug, Clone)]
pub struct Chromium {
    /// The browser's program.
    pub browser: PathBuf,
    /// The program `chromedriver`.
    pub driver: PathBuf,
}

/// Whether a missing part may be missing under CI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    FailsUnderCi,
    IsSkipped,
}

/// The folder of test models, with one folder for each of the catalog ids `ids`; `None`, said loudly, without them.
///
/// # Panics
///
/// Under CI, when a model is missing.
pub fn require_models(ids: &[&str]) -> Option<PathBuf> {
    let folder = PathBuf::from(require("DAEDAP_TEST_MODELS", Missing::FailsUnderCi)?);
    for id in ids {
        if !folder.join(id).is_dir() {
            say_missing(&format!("{} has no {id}", folder.display()), Missing::FailsUnderCi);
            return None;
        }
    }
    Some(folder)
}

/// The model folder with the large model in it, where someone asked for the long tests.
pub fn require_large_model() -> Option<PathBuf> {
    require("DAEDAP_TEST_LARGE_MODEL", Missing::IsSkipped)?;
    require_models(&["qwen2.5-coder-1.5b-instruct"])
}

/// The URL of the PostgreSQL server that was started for the tests.
///
/// # Panics
///
/// Under CI, when there is none.
pub fn require_postgres() -> Option<String> {
    require("DAEDAP_TEST_POSTGRES_URL", Missing::FailsUnderCi)?.into_string().ok()
}

/// The URL of a Qdrant server.
pub fn require_qdrant() -> Option<String> {
    require("DAEDAP_TEST_QDRANT_URL", Missing::IsSkipped)?.into_string().ok()
}

/// A browser that can be driven.
///
/// # Panics
///
/// Under CI, when there is none.
pub fn require_chromium() -> Option<Chromium> {
    let browser = require("DAEDAP_TEST_CHROMIUM", Missing::FailsUnderCi)?.into();
    let driver = require("DAEDAP_TEST_CHROMEDRIVER", Missing::FailsUnderCi)?.into();
    Some(Chromium { browser, driver })
}

/// The program that tests the server against the document of its API.
///
/// # Panics
///
/// Under CI, when there is none.
pub fn require_schemathesis() -> Option<PathBuf> {
    require("DAEDAP_TEST_SCHEMATHESIS", Missing::FailsUnderCi).map(PathBuf::from)
}

/// A file or folder of the books and question sets, which lie beside the checkout in `shared/data`.
pub fn require_shared_data(path: &str) -> Option<PathBuf> {
    let wanted = workspace_root().join("../shared/data").join(path);
    match wanted.canonicalize() {
        Ok(found) => Some(found),
        Err(error) => {
            say_missing(&format!("{}: {error}", wanted.display()), Missing::IsSkipped);
            None
        }
    }
}

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package folder lies in the workspace")
}

/// The folder that cargo builds into; test programs are in `deps` below it.
///
/// # Panics
///
/// When called from something that cargo has not built.
pub fn build_folder() -> PathBuf {
    let program = std::env::current_exe().expect("a test program knows its own path");
    let deps = program.parent().expect("a program lies in a folder");
    deps.parent().expect("cargo puts test programs two folders deep").to_owned()
}

fn require(variable: &str, missing: Missing) -> Option<OsString> {
    let value = std::env::var_os(variable).filter(|value| !value.is_empty());
    if value.is_none() {
        say_missing(&format!("{variable} is not set"), missing);
    }
    value
}

fn say_missing(reason: &str, missing: Missing) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let fails = missing == Missing::FailsUnderCi && std::env::var_os("CI").is_some();
    assert!(!fails, "{reason}; under CI a missing part is a failure");
    // Not `eprintln!`: the test harness swallows what a passing test prints, and a skipped test passes.
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}
