//! The built `daedap` binary: where it is, and the surroundings it runs in.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::environment;

/// How to run `daedap` on one data directory; every command of one test is made from the same value.
#[derive(Debug, Clone)]
pub struct Daedap {
    data_dir: PathBuf,
    models_dir: Option<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Daedap {
    /// On the data directory `data_dir`, without any model.
    pub fn on(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            models_dir: None,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Takes models from the folder `dir`, as [`environment::require_models`] gives it, and generates with `model` (a
    /// catalog id or a GGUF file).
    #[must_use]
    pub fn with_model(mut self, dir: &Path, model: &str) -> Self {
        self.models_dir = Some(dir.to_owned());
        self.argument("--model").argument(model)
    }

    /// Adds one argument behind those of every command.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets one environment variable, for example `DAEDAP_DATABASE_URL`.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What the owner's requests to a server carry; empty where none has run.
    pub fn owner_token(&self) -> String {
        let token = std::fs::read_to_string(self.data_dir.join("owner.token")).unwrap_or_default();
        token.trim().to_owned()
    }

    /// `daedap ARGUMENTS…`, not yet started; killed when its handle is dropped.
    ///
    /// # Panics
    ///
    /// When the binary has not been built.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = environment::build_folder().join("daedap");
        assert!(
            program.is_file(),
            "{} is not there: run `cargo xtask test`, or `cargo build --workspace` first",
            program.display()
        );
        let mut command = Command::new(program);
        // Settings of whoever runs the tests must not change what they see.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("DAEDAP_")) {
                command.env_remove(name);
            }
        }
        if let Some(models_dir) = &self.models_dir {
            command.env("DAEDAP_MODELS_DIR", models_dir);
        }
        command.env("DAEDAP_DATA_DIR", &self.data_dir);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(arguments).args(&self.arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs `daedap ARGUMENTS…` to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.expect("the binary starts")
    }
}
