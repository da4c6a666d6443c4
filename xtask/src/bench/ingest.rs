//! `cargo xtask bench ingest --python PYTHON FOLDER…`: measures `daedap ingest` and `plain_python.py`, from files to a store.
//!
//! PYTHON is the interpreter of an environment with the packages of `requirements.txt`. Both sides use the same model
//! file, start with an empty store on the same disk, and leave the time to load the model out.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use super::comparison::Comparison;
use super::report::{Report, Section};
use super::run_program::{number, printed_json, release_binary};
use crate::models;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A Python that has the packages of xtask/src/bench/requirements.txt
    #[arg(long)]
    python: PathBuf,
    /// Number of rounds
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Folders that hold Markdown files only
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

const SCRIPT: &str = "xtask/src/bench/plain_python.py";
const EMBEDDER: &str = "all-minilm-l6-v2";
const SECTION: Section = Section { bench: "ingest", subject: "folder", peer: "plain Python" };

/// One configuration of fastembed in the Python pipeline.
struct PythonSetup {
    /// Options of the script.
    options: &'static [&'static str],
    /// Label of the throughput row.
    speed: &'static str,
    /// Label of the duration row.
    time: &'static str,
}

/// The defaults, and the fastest of the batch sizes, thread counts and process counts that were tried.
const PYTHON_SETUPS: [PythonSetup; 2] = [
    PythonSetup { options: &[], speed: "speed, its defaults", time: "time, its defaults" },
    PythonSetup {
        options: &["--batch-size", "1", "--threads", "0"],
        speed: "speed, tuned",
        time: "time, tuned",
    },
];

/// Figures of one ingested folder.
struct IngestFigures {
    files: f64,
    chunks: f64,
    seconds: f64,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let daedap = release_binary()?;
    let models = models::pull(&daedap, false)?;
    let bench = Bench { daedap: &daedap, python: &arguments.python, models: &models };
    let mut report = Report::new(SECTION);
    for round in 1..=arguments.rounds {
        for folder in &arguments.folders {
            let name =
                folder.file_name().context("the path of a folder must end in a name")?.to_string_lossy();
            for comparison in bench.compare(folder)? {
                let Comparison { what, unit, daedap, peer } = &comparison;
                println!("round {round}, {name}, {what}: daedap {daedap:.2}, Python {peer:.2} {unit}");
                report.add(&name, comparison);
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
    /// Runs daedap once, then Python in each setup.
    fn compare(&self, folder: &Path) -> Result<Vec<Comparison>> {
        let ours = self.daedap(folder)?;
        let mut comparisons = Vec::new();
        for PythonSetup { options, speed, time } in PYTHON_SETUPS {
            let theirs = self.plain_python(folder, options)?;
            ensure!(
                ours.files == theirs.files,
                "{}: daedap ingested {} files, Python {}",
                folder.display(),
                ours.files,
                theirs.files
            );
            if comparisons.is_empty() {
                let what = "cut into";
                comparisons.push(Comparison {
                    what,
                    unit: "chunks",
                    daedap: ours.chunks,
                    peer: theirs.chunks,
                });
            }
            comparisons.push(Comparison {
                what: time,
                unit: "s",
                daedap: ours.seconds,
                peer: theirs.seconds,
            });
            let (daedap, peer) = (ours.chunks / ours.seconds, theirs.chunks / theirs.seconds);
            comparisons.push(Comparison { what: speed, unit: "chunks/s", daedap, peer });
        }
        Ok(comparisons)
    }

    fn daedap(&self, folder: &Path) -> Result<IngestFigures> {
        let data = tempfile::tempdir().context("cannot create a temporary folder")?;
        let mut command = Command::new(self.daedap);
        command.arg("ingest").arg(folder).args(["--json", "--data-dir"]).arg(data.path());
        command.env("DAEDAP_MODELS_DIR", self.models);
        IngestFigures::read(&printed_json(&mut command)?, "added")
    }

    fn plain_python(&self, folder: &Path, options: &[&str]) -> Result<IngestFigures> {
        let mut command = Command::new(self.python);
        command.arg(SCRIPT).arg(folder).arg("--model").arg(self.models.join(EMBEDDER)).args(options);
        IngestFigures::read(&printed_json(&mut command)?, "files")
    }
}

impl IngestFigures {
    /// Reads the JSON that one side printed; `files_key` is its key for the number of files.
    fn read(printed: &Value, files_key: &str) -> Result<Self> {
        Ok(Self {
            files: number(printed, files_key)?,
            chunks: number(printed, "chunks")?,
            seconds: number(printed, "seconds")?,
        })
    }
}
