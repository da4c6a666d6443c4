//! From settings to model files on this machine: what is asked for, where it lies, and what is known of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::{Embedder, EmbeddingSpace, LanguageCoverage};
use models::{Catalog, EmbedderFacts, EmbedderFolder, Entry, InstalledModel, SourceOptions, Store};
use retriever::Reranker;
use retriever::embed::{
    CrossEncoder, CrossEncoderOptions, EmbedderProfile, FastEmbedder, OnnxFiles, Pooling,
};

use crate::app::threads;
use crate::config::{Config, RerankerConfig};

/// The embedder of the first index, where the settings name none.
pub const FIRST_EMBEDDER: &str = "all-minilm-l6-v2";

/// Where a process finds models: the runtime and the language model are there, embedders are looked for by name.
#[derive(Clone)]
pub struct ModelFiles {
    store: Arc<Store>,
    runtime_library: PathBuf,
    embedder_threads: usize,
    generator: Option<GeneratorFile>,
}

/// An embedder whose files are on this machine, not loaded yet.
#[derive(Debug, Clone)]
pub struct EmbedderModel {
    /// What it is asked for by: a catalog id, or the absolute path of a folder.
    pub name: String,
    files: OnnxFiles,
    profile: EmbedderProfile,
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

/// What an embedder is known by: a catalog id as it is, the path of a folder made absolute.
pub fn embedder_name(asked: &str) -> Result<String> {
    if !is_folder(asked) {
        return Ok(asked.to_owned());
    }
    let path = std::path::absolute(asked).with_context(|| format!("{asked} is no path"))?;
    Ok(path.to_string_lossy().into_owned())
}

/// Whether `embedder` means a folder rather than a catalog id.
pub fn is_folder(embedder: &str) -> bool {
    embedder.contains(['/', '\\'])
}

/// Whether `model` means a file rather than a catalog id.
pub fn is_path(model: &str) -> bool {
    model.contains(['/', '\\']) || Path::new(model).extension().is_some_and(|extension| extension == "gguf")
}

impl ModelFiles {
    /// The files of the runtime, and of `generator` (a catalog id or a path) where one is named. Touches no network.
    pub fn find(config: &Config, generator: Option<&str>) -> Result<Self> {
        let store = store(config)?;
        let runtime_library = match runtime_entry(config)? {
            Some(entry) => file(&installed(&store, entry)?, "libonnxruntime.so")?,
            None => config.embedder.runtime_library.clone(),
        };
        let generator = generator.map(|model| GeneratorFile::find(&store, model)).transpose()?;
        let store = Arc::new(store);
        Ok(Self { store, runtime_library, embedder_threads: threads(config.embedder.threads), generator })
    }

    /// The language model's file, where one was asked for.
    pub fn generator(&self) -> Option<&GeneratorFile> {
        self.generator.as_ref()
    }

    /// The embedder called `name`, a catalog id or the path of a folder. Blocks: a folder's model is hashed.
    pub fn embedder(&self, name: &str) -> Result<EmbedderModel> {
        let name = embedder_name(name)?;
        if is_folder(&name) {
            let folder = EmbedderFolder::read(Path::new(&name))?;
            let files = self.onnx_files(|file| Ok(folder.file(file)))?;
            let profile = self.profile(folder.space, folder.coverage, &folder.facts);
            return Ok(EmbedderModel { name, files, profile });
        }
        let entry = Catalog::builtin().entry(&name)?;
        let (Some(facts), Some(space)) = (entry.embedder(), entry.embedding_space()) else {
            bail!("{} is no embedder", entry.id);
        };
        let model = installed(&self.store, entry)?;
        let files = self.onnx_files(|name| file(&model, name))?;
        Ok(EmbedderModel { name, files, profile: self.profile(space, entry.coverage(), facts) })
    }

    /// The reranker that the settings name, loaded; `None` where they name none.
    pub async fn reranker(&self, settings: &RerankerConfig) -> Result<Option<Reranker>> {
        if settings.model.is_empty() {
            return Ok(None);
        }
        let folder = Path::new(&settings.model);
        let files = self.onnx_files(|file| Ok(folder.join(file)))?;
        let options = CrossEncoderOptions { max_tokens: settings.max_tokens, threads: self.embedder_threads };
        let loaded = tokio::task::spawn_blocking(move || CrossEncoder::load(&files, options)).await?;
        Ok(Some(Reranker {
            cross_encoder: loaded.with_context(|| format!("the reranker {}", settings.model))?,
            candidates: settings.candidates,
            deadline: Duration::from_millis(settings.deadline_ms.into()),
        }))
    }

    fn onnx_files(&self, path: impl Fn(&str) -> Result<PathBuf>) -> Result<OnnxFiles> {
        Ok(OnnxFiles {
            model: path("model.onnx")?,
            tokenizer: path("tokenizer.json")?,
            config: path("config.json")?,
            special_tokens_map: path("special_tokens_map.json")?,
            tokenizer_config: path("tokenizer_config.json")?,
            runtime_library: self.runtime_library.clone(),
        })
    }

    fn profile(
        &self,
        space: EmbeddingSpace,
        coverage: LanguageCoverage,
        facts: &EmbedderFacts,
    ) -> EmbedderProfile {
        EmbedderProfile {
            space,
            coverage,
            max_tokens: facts.max_tokens,
            pooling: match facts.pooling {
                models::Pooling::Mean => Pooling::Mean,
                models::Pooling::Cls => Pooling::Cls,
            },
            threads: self.embedder_threads,
        }
    }
}

impl EmbedderModel {
    /// Where its vectors live.
    pub fn space(&self) -> &EmbeddingSpace {
        &self.profile.space
    }

    /// Loads it.
    pub async fn load(self) -> Result<Arc<dyn Embedder>> {
        let Self { name, files, profile } = self;
        let loaded = tokio::task::spawn_blocking(move || FastEmbedder::load(&files, profile)).await?;
        Ok(Arc::new(loaded.with_context(|| format!("the embedder {name}"))?))
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
