//! `cargo xtask bench ingest --python PYTHON FOLDER…`: `daedap ingest` and `plain_python.py`, from files to a store.
//!
//! PYTHON is the interpreter of an environment with the packages of `requirements.txt`. Both sides use the same model
//! file, begin with an empty store on the same disk, and count their seconds without the loading of the model.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use super::report::{Place, Report};
use super::{Pair, number, printed_json, release_binary};
use crate::models;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A Python that has the packages of xtask/src/bench/requirements.txt
    #[arg(long)]
    python: PathBuf,
    /// How often everything is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Folders of Markdown files, and of nothing else
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

const SCRIPT: &str = "xtask/src/bench/plain_python.py";
const EMBEDDER: &str = "all-minilm-l6-v2";
const PLACE: Place = Place { name: "ingest", subject: "folder", peer: "plain Python" };

/// A way to call fastembed.
struct Way {
    /// Of the script.
    options: &'static [&'static str],
    speed: &'static str,
    time: &'static str,
}

/// What it does by itself, and what was fastest of the batches, threads and numbers of processes that were tried.
const WAYS: [Way; 2] = [
    Way { options: &[], speed: "speed, its defaults", time: "time, its defaults" },
    Way { options: &["--batch-size", "1", "--threads", "0"], speed: "speed, tuned", time: "time, tuned" },
];

/// A folder taken in.
struct Taken {
    files: f64,
    chunks: f64,
    seconds: f64,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let daedap = release_binary()?;
    let models = models::pull(&daedap, false)?;
    let bench = Bench { daedap: &daedap, python: &arguments.python, models: &models };
    let mut report = Report::new(PLACE);
    for round in 1..=arguments.rounds {
        for folder in &arguments.folders {
            let name = folder.file_name().context("a folder must have a name")?.to_string_lossy();
            for pair in bench.both(folder)? {
                let Pair { what, unit, daedap, peer } = &pair;
                println!("round {round}, {name}, {what}: {daedap:.2} and {peer:.2} {unit}");
                report.add(&name, pair);
            }
        }
    }
    report.write("cargo xtask bench ingest --python PYTHON FOLDER…", arguments.rounds)
}

struct Bench<'a> {
    daedap: &'a Path,
    python: &'a Path,
    models: &'a Path,
}

impl Bench<'_> {
    /// daedap once, and Python each way right after it.
    fn both(&self, folder: &Path) -> Result<Vec<Pair>> {
        let ours = self.daedap(folder)?;
        let mut pairs = Vec::new();
        for Way { options, speed, time } in WAYS {
            let theirs = self.plain_python(folder, options)?;
            ensure!(
                ours.files == theirs.files,
                "{}: daedap read {} files and Python {}",
                folder.display(),
                ours.files,
                theirs.files
            );
            if pairs.is_empty() {
                let what = "cut into";
                pairs.push(Pair { what, unit: "chunks", daedap: ours.chunks, peer: theirs.chunks });
            }
            pairs.push(Pair { what: time, unit: "s", daedap: ours.seconds, peer: theirs.seconds });
            let (daedap, peer) = (ours.chunks / ours.seconds, theirs.chunks / theirs.seconds);
            pairs.push(Pair { what: speed, unit: "chunks/s", daedap, peer });
        }
        Ok(pairs)
    }

    fn daedap(&self, folder: &Path) -> Result<Taken> {
        let data = tempfile::tempdir().context("no temporary folder")?;
        let mut command = Command::new(self.daedap);
        command.arg("ingest").arg(folder).args(["--json", "--data-dir"]).arg(data.path());
        command.env("DAEDAP_MODELS_DIR", self.models);
        Taken::read(&printed_json(&mut command)?, "added")
    }

    fn plain_python(&self, folder: &Path, options: &[&str]) -> Result<Taken> {
        let mut command = Command::new(self.python);
        command.arg(SCRIPT).arg(folder).arg("--model").arg(self.models.join(EMBEDDER)).args(options);
        Taken::read(&printed_json(&mut command)?, "files")
    }
}

impl Taken {
    /// From what one of the two printed, which calls its files `files`.
    fn read(printed: &Value, files: &str) -> Result<Self> {
        Ok(Self {
            files: number(printed, files)?,
            chunks: number(printed, "chunks")?,
            seconds: number(printed, "seconds")?,
        })
    }
}
