//! `cargo xtask bench engine --peer FOLDER`: measures the engine and llama.cpp on the same model files.
//!
//! llama.cpp is not built here: FOLDER holds its `llama-bench` and `llama-server`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use super::comparison::Comparison;
use super::crowd::{Crowd, CrowdFigures};
use super::llama_server::LlamaServer;
use super::report::{Report, Section};
use super::run_program::{number, printed_json, release_binary};
use crate::models;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder that holds llama.cpp's `llama-bench` and `llama-server`
    #[arg(long)]
    peer: PathBuf,
    /// Number of rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Compute threads of both programs
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// Ids of the measured models. Only the first is measured under the crowd.
const MODELS: [&str; 2] = ["qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"];
/// Generated tokens where decoding is measured.
const DECODED_TOKENS: usize = 48;
const SECTION: Section = Section { bench: "engine", subject: "model", peer: "llama.cpp" };

/// Sixteen questions with their passages, and one long text.
const CROWD: Crowd = Crowd { chats: 16, prompt_tokens: 600, generate: 64, arriving: 2000 };

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let daedap = release_binary()?;
    let folder = models::pull(&daedap, true)?;
    let mut report = Report::new(SECTION);
    for round in 1..=arguments.rounds {
        for (at, model) in MODELS.into_iter().enumerate() {
            let file = folder.join(model).join("model.gguf");
            let bench =
                Bench { daedap: &daedap, peer: &arguments.peer, file: &file, threads: arguments.threads };
            let mut comparisons = bench.single_requests()?;
            if at == 0 {
                comparisons.extend(bench.crowd()?);
            }
            for comparison in comparisons {
                let Comparison { what, unit, daedap, peer } = &comparison;
                println!("round {round}, {model}, {what}: daedap {daedap:.2}, llama.cpp {peer:.2} {unit}");
                report.add(model, comparison);
            }
        }
    }
    report.write(
        &format!("cargo xtask bench engine --peer FOLDER --threads {}", arguments.threads),
        arguments.rounds,
    )
}

/// One model file and the programs that run it.
struct Bench<'a> {
    daedap: &'a Path,
    peer: &'a Path,
    file: &'a Path,
    threads: usize,
}

impl Bench<'_> {
    /// Measures one request at a time.
    fn single_requests(&self) -> Result<Vec<Comparison>> {
        let mut comparisons = Vec::new();
        for (prompt, what) in [(512, "prefill of 512 tokens"), (2000, "prefill of 2,000 tokens")] {
            let ours = self.daedap(&[("prompt-tokens", prompt), ("generate", 1)])?;
            let theirs = self.llama_bench(&[("-p", prompt), ("-n", 0)])?;
            let daedap = number(&ours, "prefill_tokens_per_s")?;
            comparisons.push(Comparison { what, unit: "tokens/s", daedap, peer: theirs.tokens_per_s });
            if prompt == 2000 {
                let gigabytes = number(&ours, "peak_rss_bytes")? / 1e9;
                let what = "peak memory, 2,000 tokens";
                comparisons.push(Comparison {
                    what,
                    unit: "GB",
                    daedap: gigabytes,
                    peer: theirs.peak_rss_bytes / 1e9,
                });
            }
        }
        for (depth, what) in [(512, "decode after 512 tokens"), (2000, "decode after 2,000 tokens")] {
            let ours =
                self.daedap(&[("prompt-tokens", 1), ("generate", DECODED_TOKENS), ("depth", depth)])?;
            let theirs = self.llama_bench(&[("-p", 0), ("-n", DECODED_TOKENS), ("-d", depth)])?;
            let daedap = number(&ours, "decode_tokens_per_s")?;
            comparisons.push(Comparison { what, unit: "tokens/s", daedap, peer: theirs.tokens_per_s });
        }
        Ok(comparisons)
    }

    /// Measures many requests at once.
    fn crowd(&self) -> Result<[Comparison; 2]> {
        let Crowd { chats, prompt_tokens, generate, arriving } = CROWD;
        let ours = self.daedap(&[
            ("parallel", chats),
            ("prompt-tokens", prompt_tokens),
            ("generate", generate),
            ("arriving", arriving),
        ])?;
        let gap = ours.get("gap_ms").context("no `gap_ms` in the JSON output")?;
        let ours = CrowdFigures {
            tokens_per_s: number(&ours, "total_tokens_per_s")?,
            gap_p99_ms: number(gap, "p99")?,
        };
        let theirs = LlamaServer::start(self.peer, self.file, self.threads, &CROWD)?.serve(&CROWD)?;
        Ok([
            Comparison {
                what: "16 chats of 600 + 64 tokens and one prompt of 2,000",
                unit: "tokens/s",
                daedap: ours.tokens_per_s,
                peer: theirs.tokens_per_s,
            },
            Comparison {
                what: "p99 between two tokens of a chat during the prefill of the 2,000",
                unit: "ms",
                daedap: ours.gap_p99_ms,
                peer: theirs.gap_p99_ms,
            },
        ])
    }

    fn daedap(&self, options: &[(&str, usize)]) -> Result<Value> {
        let mut command = Command::new(self.daedap);
        command.args(["bench", "llm", "--json", "--model"]).arg(self.file);
        command.args(["--threads", &self.threads.to_string()]);
        for (option, value) in options {
            command.args([format!("--{option}"), value.to_string()]);
        }
        printed_json(&mut command)
    }

    fn llama_bench(&self, options: &[(&str, usize)]) -> Result<LlamaBench> {
        let mut command = Command::new(self.peer.join("llama-bench"));
        command.args(["-r", "1", "-o", "json", "-t", &self.threads.to_string(), "-m"]).arg(self.file);
        for (option, value) in options {
            command.args([option, value.to_string().as_str()]);
        }
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("cannot run llama-bench")?;
        let mut peak_rss_bytes = f64::NAN;
        // Its output fits into the pipe's buffer, so it never blocks on us.
        while child.try_wait()?.is_none() {
            peak_rss_bytes = peak_rss(child.id()).unwrap_or(peak_rss_bytes);
            std::thread::sleep(Duration::from_millis(50));
        }
        let output = child.wait_with_output()?;
        let rows: Value = serde_json::from_slice(&output.stdout).context("llama-bench printed no JSON")?;
        let row = rows.as_array().and_then(|rows| rows.last()).context("llama-bench printed no results")?;
        Ok(LlamaBench { tokens_per_s: number(row, "avg_ts")?, peak_rss_bytes })
    }
}

/// Results of one `llama-bench` run.
struct LlamaBench {
    tokens_per_s: f64,
    /// NaN where the system does not report it.
    peak_rss_bytes: f64,
}

/// The peak resident memory of a running process, as Linux counts it.
fn peak_rss(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kibibytes| kibibytes * 1024.0)
}
