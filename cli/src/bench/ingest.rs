//! `daedap bench ingest`: measures by format how fast documents are parsed, embedded and stored.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use domain::{CollectionId, IngestStage, Visibility};
use ingest::{FoundFile, IngestError, IngestItem, Pipeline, walk};
use serde::Serialize;
use service::config::Config;
use service::{App, WORKSPACE};

use super::memory::peak_rss_bytes;
use crate::eval::scratch;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    /// By file extension.
    formats: BTreeMap<String, Figures>,
    /// `null` where the system does not report it. Without the child processes that parse.
    peak_rss_bytes: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct Figures {
    documents: u64,
    failed: u64,
    bytes: u64,
    chunks: u64,
    reading_seconds: f64,
    storing_seconds: f64,
}

pub(super) async fn run(settings: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let (_folder, settings) = scratch::settings(settings)?;
    let app = App::open(settings).await?;
    let pipeline = Pipeline::new(&app.knowledge().await?.ingest);
    let collection = app.db.ensure_collection(WORKSPACE, "bench", Visibility::Private).await?.id;
    let mut report = Report::default();
    for path in &arguments.paths {
        let found = walk(path)?;
        let bar = progress::bar(found.files.len() as u64, message!("cli-documents"));
        for file in &found.files {
            let figures = report.formats.entry(format_of(&file.source)).or_default();
            figures.measure(&pipeline, collection, file).await?;
            bar.inc(1);
        }
        bar.finish();
    }
    report.peak_rss_bytes = peak_rss_bytes();
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

impl Figures {
    async fn measure(
        &mut self,
        pipeline: &Pipeline,
        collection: CollectionId,
        file: &FoundFile,
    ) -> Result<(), IngestError> {
        let bytes = file.read()?;
        let length = bytes.len() as u64;
        let item = IngestItem {
            workspace: WORKSPACE,
            collection,
            source: file.source.clone(),
            bytes: bytes.into(),
            tags: None,
            dated_at: None,
            force: true,
        };
        let begun = Instant::now();
        let mut read = None;
        let on_stage = &mut |stage| {
            if matches!(stage, IngestStage::Embedding { .. }) {
                read.get_or_insert_with(|| begun.elapsed());
            }
            ControlFlow::Continue(())
        };
        let ingested = pipeline.ingest_in_stages(item, on_stage).await;
        let (took, read): (Duration, Option<Duration>) = (begun.elapsed(), read);
        match ingested {
            Ok(ingested) => {
                let read = read.unwrap_or(took);
                self.documents += 1;
                self.bytes += length;
                self.chunks += u64::from(ingested.chunks);
                self.reading_seconds += read.as_secs_f64();
                self.storing_seconds += (took - read).as_secs_f64();
            }
            Err(error) if error.concerns_every_document() => return Err(error),
            Err(_) => self.failed += 1,
        }
        Ok(())
    }
}

fn format_of(source: &str) -> String {
    let name = source.rsplit('/').next().unwrap_or(source);
    name.rsplit_once('.').map_or_else(|| "none".to_owned(), |(_, extension)| extension.to_ascii_lowercase())
}

fn print_table(report: &Report) -> Result<()> {
    let mut table = Table::new();
    table.set_header([
        message!("cli-column-format"),
        message!("cli-column-documents"),
        message!("cli-column-failed"),
        "MB".to_owned(),
        message!("cli-column-chunks"),
        message!("cli-column-parsed-per-second"),
        message!("cli-column-stored-per-second"),
    ]);
    let rate = |count: u64, seconds: f64| {
        if seconds > 0.0 { format!("{:.1}", count as f64 / seconds) } else { String::new() }
    };
    for (format, figures) in &report.formats {
        table.add_row([
            format.clone(),
            figures.documents.to_string(),
            figures.failed.to_string(),
            format!("{:.2}", figures.bytes as f64 / 1e6),
            figures.chunks.to_string(),
            rate(figures.documents, figures.reading_seconds),
            rate(figures.chunks, figures.storing_seconds),
        ]);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    if let Some(bytes) = report.peak_rss_bytes {
        writeln!(out, "{}", message!("cli-bench-parser-excluded", mebibytes = bytes >> 20))?;
    }
    Ok(())
}
