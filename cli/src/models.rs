//! `daedap models`: what there is, getting it, checking it; and which language model a command runs.

use std::io::Write;

use anyhow::{Result, bail};
use clap::Subcommand;
use comfy_table::Table;
use indicatif::HumanBytes;
use models::{
    Bars, Catalog, Choice, Entry, Kind, Reachability, Store, Surroundings, available_memory_bytes,
    choose_generator,
};
use serde::Serialize;

use super::{Globals, Outcome, print_json, progress};
use crate::config::Config;
use crate::model_files::{FIRST_EMBEDDER, is_folder, is_path, runtime_entry, store};

/// What can be done with model files.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Every model of the catalog, and which are on this machine
    List,
    /// Download models by their ids (without any: what `start` would)
    Pull {
        /// Catalog ids
        ids: Vec<String>,
    },
    /// Hash the files of installed models and compare
    Verify {
        /// Catalog ids; without any, all that are installed
        ids: Vec<String>,
    },
}

/// The word for "pick one".
const AUTO: &str = "auto";

#[derive(Serialize)]
struct ListedModel<'a> {
    id: &'a str,
    name: &'a str,
    kind: &'static str,
    languages: Vec<&'a str>,
    licence: &'a str,
    bytes: u64,
    ram_bytes: u64,
    /// Whether several answers are written at once; `null` for what writes none.
    batched: Option<bool>,
    installed: bool,
}

#[derive(Serialize)]
struct CheckedModel<'a> {
    id: &'a str,
    /// `null`: as it should be.
    error: Option<String>,
}

pub(super) async fn run(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::List => list(&store(&config)?, globals.json),
        Command::Pull { ids } if ids.is_empty() => {
            let embedder = match config.embedder.model.as_str() {
                "" => FIRST_EMBEDDER,
                set => set,
            };
            obtain(&config, embedder).await?;
            Ok(Outcome::Done)
        }
        Command::Pull { ids } => pull(&store(&config)?, &ids).await,
        Command::Verify { ids } => verify(&store(&config)?, &ids, globals.json).await,
    }
}

/// The language model that the settings mean, among those on this machine; `None` where a server generates.
pub(super) fn installed_generator(config: &Config) -> Result<Option<String>> {
    if !config.generator.url.is_empty() {
        return Ok(None);
    }
    if config.model != AUTO {
        return Ok(Some(config.model.clone()));
    }
    let nowhere = Reachability { hugging_face: false, pypi: false };
    match choose(&store(config)?, nowhere) {
        Ok(choice) => Ok(Some(choice.entry.id.clone())),
        Err(_) => bail!("there is no language model on this machine yet; `daedap start` gets one"),
    }
}

/// Gets every model that the settings mean and that is not here, and the embedder called `embedder`; returns the
/// language model as [`installed_generator`] does.
pub(super) async fn obtain(config: &Config, embedder: &str) -> Result<Option<String>> {
    let store = store(config)?;
    let generator = match installed_generator(config) {
        Ok(generator) => generator,
        Err(_) => Some(choose_and_say(&store).await?),
    };
    let catalog = Catalog::builtin();
    let mut needed: Vec<&Entry> = runtime_entry(config)?.into_iter().collect();
    if !is_folder(embedder) {
        needed.push(catalog.entry(embedder)?);
    }
    if let Some(id) = generator.as_deref().filter(|id| !is_path(id)) {
        needed.push(catalog.entry(id)?);
    }
    for entry in needed {
        store.ensure(entry, &Bars::new()).await?;
    }
    Ok(generator)
}

async fn choose_and_say(store: &Store) -> Result<String> {
    let reachable = store.probe(Catalog::builtin()).await;
    let choice = choose(store, reachable)?;
    progress::say(&choice.reason);
    progress::say("another one: `daedap models list`, then `daedap start --model ID`");
    Ok(choice.entry.id.clone())
}

fn choose(store: &Store, reachable: Reachability) -> Result<Choice<'static>> {
    let catalog = Catalog::builtin();
    let installed: Vec<&str> = catalog
        .entries()
        .iter()
        .filter(|entry| store.installed(entry).is_some())
        .map(|entry| entry.id.as_str())
        .collect();
    // A system that does not say how much is free is trusted to have enough.
    let free_memory_bytes = available_memory_bytes().unwrap_or(u64::MAX);
    Ok(choose_generator(catalog, &Surroundings { free_memory_bytes, reachable, installed: &installed })?)
}

fn list(store: &Store, json: bool) -> Result<Outcome> {
    let models: Vec<ListedModel<'_>> =
        Catalog::builtin().entries().iter().map(|entry| listed(store, entry)).collect();
    if json {
        print_json(&serde_json::json!({ "models": models }))?;
        return Ok(Outcome::Done);
    }
    let mut table = Table::new();
    table.set_header(["id", "kind", "languages", "size", "memory", "licence", "answers", "here"]);
    for model in models {
        table.add_row([
            model.id.to_owned(),
            model.kind.to_owned(),
            shortened(&model.languages),
            HumanBytes(model.bytes).to_string(),
            HumanBytes(model.ram_bytes).to_string(),
            model.licence.to_owned(),
            match model.batched {
                Some(true) => "many at once",
                Some(false) => "one at a time",
                None => "",
            }
            .to_owned(),
            if model.installed { "yes" } else { "" }.to_owned(),
        ]);
    }
    writeln!(std::io::stdout(), "{table}")?;
    Ok(Outcome::Done)
}

/// The first languages; a multilingual embedder has a hundred.
fn shortened(languages: &[&str]) -> String {
    const SHOWN: usize = 6;
    match languages.len().checked_sub(SHOWN) {
        None | Some(0) => languages.join(" "),
        Some(more) => format!("{} and {more} more", languages[..SHOWN].join(" ")),
    }
}

fn listed<'a>(store: &Store, entry: &'a Entry) -> ListedModel<'a> {
    ListedModel {
        id: &entry.id,
        name: &entry.name,
        kind: match entry.kind {
            Kind::Runtime(_) => "runtime",
            Kind::Embedder(_) => "embedder",
            Kind::Generator(_) => "generator",
        },
        languages: entry.languages.iter().map(|language| language.code()).collect(),
        licence: &entry.license,
        bytes: entry.size(),
        ram_bytes: entry.ram_bytes,
        batched: matches!(entry.kind, Kind::Generator(_))
            .then(|| llm::Support::of(&entry.architecture) == Some(llm::Support::Batched)),
        installed: store.installed(entry).is_some(),
    }
}

async fn pull(store: &Store, ids: &[String]) -> Result<Outcome> {
    // All names are checked before the first byte is downloaded.
    let entries = ids.iter().map(|id| Catalog::builtin().entry(id)).collect::<Result<Vec<_>, _>>()?;
    for entry in entries {
        store.ensure(entry, &Bars::new()).await?;
        progress::say(&format!("{}: {}", entry.id, store.dir().join(&entry.id).display()));
    }
    Ok(Outcome::Done)
}

async fn verify(store: &Store, ids: &[String], json: bool) -> Result<Outcome> {
    let catalog = Catalog::builtin();
    let entries: Vec<&Entry> = if ids.is_empty() {
        catalog.entries().iter().filter(|entry| store.installed(entry).is_some()).collect()
    } else {
        ids.iter().map(|id| catalog.entry(id)).collect::<Result<_, _>>()?
    };
    let mut checked = Vec::with_capacity(entries.len());
    for entry in entries {
        let error = store.verify(entry).await.err().map(|error| error.to_string());
        checked.push(CheckedModel { id: &entry.id, error });
    }
    let outcome =
        if checked.iter().all(|model| model.error.is_none()) { Outcome::Done } else { Outcome::SomeFailed };
    if json {
        print_json(&serde_json::json!({ "models": checked }))?;
        return Ok(outcome);
    }
    let mut out = std::io::stdout().lock();
    for model in checked {
        writeln!(out, "{}: {}", model.id, model.error.as_deref().unwrap_or("as it should be"))?;
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use models::RUNNABLE_ARCHITECTURES;

    #[test]
    fn the_engine_runs_what_the_catalog_may_list() {
        for architecture in RUNNABLE_ARCHITECTURES {
            assert!(llm::Support::of(architecture).is_some(), "{architecture}");
        }
        assert_eq!(llm::Support::of("mamba"), None);
    }
}
