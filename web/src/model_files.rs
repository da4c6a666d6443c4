//! From settings to model files on this machine: what is asked for, where it lies, and what is known of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use domain::LanguageCoverage;
use models::{Catalog, Entry, InstalledModel, SourceOptions, Store};
use retriever::embed::{EmbedderFiles, EmbedderProfile, FastEmbedder, Pooling};

use crate::app::threads;
use crate::config::Config;

/// The files that a process needs, all of them present.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    runtime_library: PathBuf,
    embedder: (Entry, InstalledModel),
    generator: Option<GeneratorFile>,
}

/// A GGUF file, and what is known of it.
#[derive(Debug, Clone)]
pub struct GeneratorFile {
    /// The file.
    pub path: PathBuf,
    /// As shown to people.
    pub name: String,
    /// From the catalog; any for a file that it does not know.
    pub coverage: LanguageCoverage,
}

/// Where the settings say model files are kept.
pub fn store(config: &Config) -> Result<Store> {
    Ok(Store::new(&config.models_dir, &SourceOptions::from_env())?)
}

/// The catalog's ONNX Runtime for this machine; `None` where the settings name a library.
pub fn runtime_entry(config: &Config) -> Result<Option<&'static Entry>> {
    if !config.embedder.runtime_library.as_os_str().is_empty() {
        return Ok(None);
    }
    let entry = Catalog::builtin().runtime().context(
        "the catalog has no ONNX Runtime for this machine; install it and name its library in embedder.runtime_library",
    )?;
    Ok(Some(entry))
}

/// Whether `model` means a file rather than a catalog id.
pub fn is_path(model: &str) -> bool {
    model.contains(['/', '\\']) || Path::new(model).extension().is_some_and(|extension| extension == "gguf")
}

impl ModelFiles {
    /// The files of the runtime and the embedder, and of `generator` (a catalog id or a path) where one is named.
    /// Touches no network.
    pub fn find(config: &Config, generator: Option<&str>) -> Result<Self> {
        let store = store(config)?;
        let runtime_library = match runtime_entry(config)? {
            Some(entry) => file(&installed(&store, entry)?, "libonnxruntime.so")?,
            None => config.embedder.runtime_library.clone(),
        };
        let embedder = Catalog::builtin().entry(&config.embedder.model)?;
        let generator = generator.map(|model| GeneratorFile::find(&store, model)).transpose()?;
        Ok(Self { runtime_library, embedder: (embedder.clone(), installed(&store, embedder)?), generator })
    }

    /// The language model's file, where one was asked for.
    pub fn generator(&self) -> Option<&GeneratorFile> {
        self.generator.as_ref()
    }

    /// Loads the embedder.
    pub async fn load_embedder(&self, config: &Config) -> Result<FastEmbedder> {
        let (entry, model) = &self.embedder;
        let (Some(facts), Some(space)) = (entry.embedder(), entry.embedding_space()) else {
            bail!("{} is no embedder", entry.id);
        };
        let files = EmbedderFiles {
            model: file(model, "model.onnx")?,
            tokenizer: file(model, "tokenizer.json")?,
            config: file(model, "config.json")?,
            special_tokens_map: file(model, "special_tokens_map.json")?,
            tokenizer_config: file(model, "tokenizer_config.json")?,
            runtime_library: self.runtime_library.clone(),
        };
        let profile = EmbedderProfile {
            space,
            coverage: entry.coverage(),
            max_tokens: facts.max_tokens,
            pooling: match facts.pooling {
                models::Pooling::Mean => Pooling::Mean,
                models::Pooling::Cls => Pooling::Cls,
            },
            threads: threads(config.embedder.threads),
        };
        Ok(tokio::task::spawn_blocking(move || FastEmbedder::load(files, profile)).await??)
    }
}

impl GeneratorFile {
    /// The file of `model`, a catalog id or a path. Touches no network.
    pub fn find(store: &Store, model: &str) -> Result<Self> {
        if is_path(model) {
            return Ok(Self::of_path(model));
        }
        Self::of_entry(store, Catalog::builtin().entry(model)?)
    }

    fn of_entry(store: &Store, entry: &Entry) -> Result<Self> {
        if entry.generator().is_none() {
            bail!("{} is no language model", entry.id);
        }
        let path = file(&installed(store, entry)?, "model.gguf")?;
        Ok(Self { path, name: entry.name.clone(), coverage: entry.coverage() })
    }

    fn of_path(path: &str) -> Self {
        let path = PathBuf::from(path);
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { path, name, coverage: LanguageCoverage::Any }
    }
}

fn installed(store: &Store, entry: &Entry) -> Result<InstalledModel> {
    let id = &entry.id;
    store.installed(entry).with_context(|| {
        format!("{id} is not on this machine; `daedap models pull {id}` gets it, and so does `daedap start`")
    })
}

fn file(model: &InstalledModel, name: &str) -> Result<PathBuf> {
    Ok(model.path(name).with_context(|| format!("{} has no file {name}", model.id))?.to_owned())
}
