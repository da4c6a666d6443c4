//! Finds the installed model files that the settings mean, and loads embedders and rerankers from them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::{Embedder, EmbeddingSpace, LanguageCoverage};
use models::{
    Catalog, Choice, ChooseError, Constraints, EmbedderFacts, EmbedderFolder, Entry, InstalledModel,
    Reachability, SourceOptions, Store, available_memory_bytes, choose_generator,
};
use retriever::Reranker;
use retriever::embed::{
    CrossEncoder, CrossEncoderOptions, EmbedderProfile, FastEmbedder, OnnxFiles, Pooling,
};

use crate::config::{Config, RerankerConfig};

/// The embedder of the first index where the settings name none.
pub const FIRST_EMBEDDER: &str = "all-minilm-l6-v2";

/// The setting of `model` that leaves the choice to daedap.
const AUTO: &str = "auto";

/// Finds models by name; nothing is looked up before it is needed.
#[derive(Clone)]
pub struct ModelFiles {
    store: Arc<Store>,
    /// `None` means the catalog's.
    runtime_library: Option<PathBuf>,
    embedder_threads: usize,
}

/// An installed embedder, not loaded yet.
#[derive(Debug, Clone)]
pub struct EmbedderModel {
    /// Its name: a catalog id, or the absolute path of a folder.
    pub name: String,
    files: OnnxFiles,
    profile: EmbedderProfile,
}

/// A GGUF file with its name and languages.
#[derive(Debug, Clone)]
pub struct GeneratorFile {
    /// The file.
    pub path: PathBuf,
    /// As shown to people.
    pub name: String,
    /// From the catalog; any language for a file that is not in it.
    pub coverage: LanguageCoverage,
}

/// The folder that the settings keep model files in.
pub fn store(config: &Config) -> Result<Store> {
    Ok(Store::new(&config.models_dir, &SourceOptions::from_env())?)
}

/// The catalog's ONNX Runtime for this machine; `None` where the settings name a library.
pub fn runtime_entry(config: &Config) -> Result<Option<&'static Entry>> {
    if !config.embedder.runtime_library.as_os_str().is_empty() {
        return Ok(None);
    }
    catalog_runtime().map(Some)
}

fn catalog_runtime() -> Result<&'static Entry> {
    Catalog::builtin().runtime().context(
        "the catalog has no ONNX Runtime for this machine; install it and set embedder.runtime_library to its library",
    )
}

/// The language model that the settings name, as a catalog id or a path; `None` where the choice is daedap's.
pub fn named_generator(config: &Config) -> Option<&str> {
    Some(config.model.as_str()).filter(|model| *model != AUTO)
}

/// The best language model for this machine among those installed.
pub fn choose_installed(store: &Store) -> Option<&'static Entry> {
    let nowhere = Reachability { hugging_face: false, pypi: false };
    choose(store, nowhere).ok().map(|choice| choice.entry)
}

/// The best language model for this machine among those installed and those that can be downloaded.
pub fn choose(store: &Store, reachable: Reachability) -> Result<Choice<'static>, ChooseError> {
    let catalog = Catalog::builtin();
    let installed: Vec<&str> = catalog
        .entries()
        .iter()
        .filter(|entry| store.installed(entry).is_some())
        .map(|entry| entry.id.as_str())
        .collect();
    // A system that does not report its free memory is assumed to have enough.
    let free_memory_bytes = available_memory_bytes().unwrap_or(u64::MAX);
    choose_generator(catalog, &Constraints { free_memory_bytes, reachable, installed: &installed })
}

/// Number of threads that a setting means: 0 is one per core.
pub(crate) fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// The name of an embedder: a catalog id as it is, the path of a folder made absolute.
pub fn embedder_name(asked: &str) -> Result<String> {
    if !is_folder(asked) {
        return Ok(asked.to_owned());
    }
    let path = std::path::absolute(asked).with_context(|| format!("`{asked}` is not a path"))?;
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
    /// The models that `config` means. Touches no network.
    pub fn new(config: &Config) -> Result<Self> {
        let set = &config.embedder.runtime_library;
        Ok(Self {
            store: Arc::new(store(config)?),
            runtime_library: (!set.as_os_str().is_empty()).then(|| set.clone()),
            embedder_threads: threads(config.embedder.threads),
        })
    }

    /// The language model that `config` means: a file, a catalog id, or the best one installed.
    pub fn generator(&self, config: &Config) -> Result<GeneratorFile> {
        if config.model != AUTO {
            return GeneratorFile::find(&self.store, &config.model);
        }
        match choose_installed(&self.store) {
            Some(entry) => GeneratorFile::of_entry(&self.store, entry),
            None => bail!("no language model is installed; `daedap start` gets one"),
        }
    }

    fn runtime_library(&self) -> Result<PathBuf> {
        match &self.runtime_library {
            Some(library) => Ok(library.clone()),
            None => file(&installed(&self.store, catalog_runtime()?)?, "libonnxruntime.so"),
        }
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
            bail!("`{}` is not an embedder", entry.id);
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
            cross_encoder: loaded
                .with_context(|| format!("cannot load the reranker `{}`", settings.model))?,
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
            runtime_library: self.runtime_library()?,
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
    /// The space of its vectors.
    pub fn space(&self) -> &EmbeddingSpace {
        &self.profile.space
    }

    /// Loads it.
    pub async fn load(self) -> Result<Arc<dyn Embedder>> {
        let Self { name, files, profile } = self;
        let loaded = tokio::task::spawn_blocking(move || FastEmbedder::load(&files, profile)).await?;
        Ok(Arc::new(loaded.with_context(|| format!("cannot load the embedder `{name}`"))?))
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
            bail!("`{}` is not a language model", entry.id);
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
        format!("`{id}` is not installed; `daedap models pull {id}` gets it, and so does `daedap start`")
    })
}

fn file(model: &InstalledModel, name: &str) -> Result<PathBuf> {
    Ok(model.path(name).with_context(|| format!("`{}` has no file `{name}`", model.id))?.to_owned())
}
