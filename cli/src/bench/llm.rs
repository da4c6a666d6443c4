//! `daedap bench llm`: measures prefill, decoding and latency of a language model.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::Table;
use llm::bench::{Load, Speed, measure};
use llm::{Engine, EngineOptions};
use serde::Serialize;
use service::config::Config;
use service::engine_options;
use service::model_files::ModelFiles;

use super::memory::peak_rss_bytes;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line};

#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    prompt_tokens: u32,
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    generate: u32,
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    depth: u32,
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    parallel: u32,
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    arriving: u32,
    #[arg(long, value_name = "N")]
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
    /// `null` where the system does not report it.
    peak_rss_bytes: Option<u64>,
}

pub(super) async fn run(settings: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    if !settings.generator.url.is_empty() {
        bail!(message!("cli-bench-model-needed"));
    }
    let path = ModelFiles::new(&settings)?.generator(&settings)?.path;
    let report = tokio::task::spawn_blocking(move || measured(&path, &arguments, &settings)).await??;
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

fn measured(path: &Path, arguments: &Arguments, settings: &Config) -> Result<Report> {
    let load = Load {
        prompt_tokens: arguments.prompt_tokens as usize,
        generate: arguments.generate as usize,
        depth: arguments.depth as usize,
        parallel: arguments.parallel as usize,
        arriving: arguments.arriving as usize,
    };
    let options = EngineOptions { parallel: load.slots(), ..engine_options(settings) };
    let engine = Engine::load(path, options)
        .with_context(|| message!("cli-bench-load-failed", file = path.display().to_string()))?;
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
    table.set_header([report.model.as_str(), ""]);
    for (key, figure) in [
        ("cli-bench-prefill", format!("{prefill_tokens_per_s:.1}")),
        ("cli-bench-decode", format!("{decode_tokens_per_s:.1}")),
        ("cli-bench-total", format!("{total_tokens_per_s:.1}")),
        ("cli-bench-first-token", format!("{:.0} / {:.0}", ttft_ms.p50, ttft_ms.p99)),
        ("cli-bench-between-tokens", format!("{:.0} / {:.0}", gap_ms.p50, gap_ms.p99)),
        ("cli-bench-load", format!("{:.1}", report.load_seconds)),
        ("cli-bench-peak-memory", report.peak_rss_bytes.map_or("?".to_owned(), |b| (b >> 20).to_string())),
    ] {
        table.add_row([message!(key), figure]);
    }
    print_line(table)
}
