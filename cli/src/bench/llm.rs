//! `daedap bench llm`: how fast a model reads and writes on this machine.

use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::Table;
use llm::bench::{Load, Speed, measure};
use llm::{Engine, EngineOptions};
use serde::Serialize;

use super::peak_rss_bytes;
use crate::app::engine_options;
use crate::cli::{Globals, Outcome, models, print_json};
use crate::config::Config;
use crate::model_files::{self, GeneratorFile};

/// `daedap bench llm`'s own arguments: under which load.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Arguments {
    /// Tokens that each request reads
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    prompt_tokens: u32,
    /// Tokens that each request writes
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    generate: u32,
    /// Tokens that each conversation has before, known from an earlier request
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    depth: u32,
    /// Requests at the same time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    parallel: u32,
    /// Tokens of one more request, which comes when all others write; the time between tokens is then measured as long as it is read
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    arriving: u32,
    /// Threads to compute with; 0 for one per core
    #[arg(long)]
    pub(super) threads: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Report {
    model: String,
    threads: usize,
    prompt_tokens: u32,
    depth: u32,
    parallel: u32,
    #[serde(flatten)]
    speed: Speed,
    load_seconds: f64,
    /// `null` where the system does not tell.
    peak_rss_bytes: Option<u64>,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let model =
        models::installed_generator(&config)?.context("a server answers here; name a file: --model FILE")?;
    let path = GeneratorFile::find(&model_files::store(&config)?, &model)?.path;
    let report = tokio::task::spawn_blocking(move || measured(&path, &arguments, &config)).await??;
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

fn measured(path: &std::path::Path, arguments: &Arguments, config: &Config) -> Result<Report> {
    let load = Load {
        prompt_tokens: arguments.prompt_tokens as usize,
        generate: arguments.generate as usize,
        depth: arguments.depth as usize,
        parallel: arguments.parallel as usize,
        arriving: arguments.arriving as usize,
    };
    let options = EngineOptions { parallel: load.places(), ..engine_options(config) };
    let engine =
        Engine::load(path, options).with_context(|| format!("{} cannot be loaded", path.display()))?;
    let speed = measure(&engine, load)?;
    let profile = engine.profile();
    Ok(Report {
        model: profile.name.clone(),
        threads: profile.threads,
        prompt_tokens: arguments.prompt_tokens,
        depth: arguments.depth,
        parallel: arguments.parallel,
        speed,
        load_seconds: profile.load_seconds,
        peak_rss_bytes: peak_rss_bytes(),
    })
}

fn print_table(report: &Report) -> Result<()> {
    let Speed { prefill_tokens_per_s, decode_tokens_per_s, ttft_ms, gap_ms, total_tokens_per_s } =
        &report.speed;
    let mut table = Table::new();
    table.set_header([&report.model, ""]);
    for (what, figure) in [
        ("reads, tokens/s", format!("{prefill_tokens_per_s:.1}")),
        ("writes, tokens/s", format!("{decode_tokens_per_s:.1}")),
        ("both, tokens/s", format!("{total_tokens_per_s:.1}")),
        ("first token, ms (p50 / p99)", format!("{:.0} / {:.0}", ttft_ms.p50, ttft_ms.p99)),
        ("between tokens, ms (p50 / p99)", format!("{:.0} / {:.0}", gap_ms.p50, gap_ms.p99)),
        ("load, s", format!("{:.1}", report.load_seconds)),
        ("peak memory, MiB", report.peak_rss_bytes.map_or("?".to_owned(), |b| (b >> 20).to_string())),
    ] {
        table.add_row([what, &figure]);
    }
    writeln!(std::io::stdout(), "{table}").context("standard output is closed")?;
    Ok(())
}
