//! Wiring: settings in, rooms out. The only place that knows which backend stands behind which port.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chat::generator::{LocalGenerator, OpenAiGenerator, OpenAiOptions};
use chat::{Chat, ChatOptions, ChatParts};
use db::Database;
use domain::{
    Analyzer, Embedder, EmbeddingSpace, Generator, Language, LanguageCoverage, Sampling, VectorStore, WorkspaceId,
};
use ingest::{ChunkOptions, Pipeline, PipelineParts};
use llm::{Engine, EngineOptions};
use models::{Catalog, Entry, InstalledModel, Store};
use retriever::analyze::BigramAnalyzer;
use retriever::embed::{EmbedderFiles, EmbedderProfile, FastEmbedder};
use retriever::store::embedded::EmbeddedStore;
use retriever::store::qdrant::{QdrantOptions, QdrantStore};
use retriever::{RetrievalOptions, Retriever, RetrieverParts};
use tokio::sync::Notify;

use crate::config::Config;
use crate::originals::Originals;

/// Everything that finds and stores passages; what `ingest` and `search` need.
#[derive(Clone)]
pub struct KnowledgeBase {
    /// SQL.
    pub db: Database,
    /// Lexical analysis, the same for documents and questions.
    pub analyzer: Arc<dyn Analyzer>,
    /// Dense vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Documents in.
    pub pipeline: Pipeline,
    /// Passages out.
    pub retriever: Arc<Retriever>,
    /// Source bytes.
    pub originals: Originals,
}

/// A knowledge base that answers: what a server and `ask` need.
#[derive(Clone)]
pub struct App {
    /// The settings it was made from.
    pub config: Arc<Config>,
    /// Where passages are.
    pub knowledge: KnowledgeBase,
    /// What writes answers from them.
    pub chat: Chat,
    /// The local engine, where there is one; stopped at the end.
    pub engine: Option<Engine>,
    /// Rung when a job was queued.
    pub job_queued: Arc<Notify>,
}

impl KnowledgeBase {
    /// Opens the stores and loads the embedder.
    pub async fn open(config: &Config, models: &ModelFiles) -> Result<Self> {
        let db = Database::open(&database_url(config)).await.context("the database cannot be opened")?;
        let embedder = models.load_embedder(config).await?;
        let vectors = open_vectors(config, embedder.space()).await?;
        let embedder: Arc<dyn Embedder> = Arc::new(embedder);
        let analyzer: Arc<dyn Analyzer> = Arc::new(BigramAnalyzer::new());
        let pipeline = Pipeline::new(PipelineParts {
            db: db.clone(),
            vectors: vectors.clone(),
            embedder: embedder.clone(),
            analyzer: analyzer.clone(),
            chunking: ChunkOptions {
                target_tokens: config.ingest.chunk_tokens,
                overlap_tokens: config.ingest.overlap_tokens,
            },
        });
        let retriever = Arc::new(Retriever::new(RetrieverParts {
            db: db.clone(),
            vectors,
            embedder: embedder.clone(),
            analyzer: analyzer.clone(),
            options: RetrievalOptions::default(),
        }));
        let originals = Originals::open(config.data_dir.join("originals")).context("originals/ cannot be made")?;
        Ok(Self { db, analyzer, embedder, pipeline, retriever, originals })
    }
}

impl App {
    /// Opens everything. What a process that died left half done is put in order first.
    pub async fn open(config: Config, models: &ModelFiles) -> Result<Self> {
        let knowledge = KnowledgeBase::open(&config, models).await?;
        let cut_off = knowledge.db.interrupt_unfinished_answers().await?;
        let requeued = knowledge.db.requeue_running_jobs().await?;
        let swept = knowledge.pipeline.sweep().await?;
        if cut_off + requeued + swept > 0 {
            tracing::info!(cut_off, requeued, swept, "put in order what the last process left");
        }
        let (generator, engine) = open_generator(&config, models).await?;
        let chat = Chat::new(ChatParts {
            db: knowledge.db.clone(),
            retriever: knowledge.retriever.clone(),
            analyzer: knowledge.analyzer.clone(),
            generator,
            options: chat_options(&config),
        });
        Ok(Self { config: Arc::new(config), knowledge, chat, engine, job_queued: Arc::new(Notify::new()) })
    }

    /// Ends what runs, answers first.
    pub async fn close(&self) {
        self.chat.drain().await;
        if let Some(engine) = &self.engine {
            engine.shutdown();
        }
        self.knowledge.db.close().await;
    }
}

/// The model files that settings ask for, found on disk.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    runtime: InstalledModel,
    embedder: (Entry, InstalledModel),
    /// `None` where no model runs in this process.
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

/// The catalog id of the ONNX Runtime library.
pub const RUNTIME_ID: &str = "onnxruntime-1.32-linux-x64";

impl ModelFiles {
    /// The files of the runtime and the embedder, and of `generator` where one is named. Touches no network.
    pub fn find(config: &Config, generator: Option<&str>) -> Result<Self> {
        let catalog = Catalog::builtin();
        let store = Store::new(config.models_dir.clone(), models::SourceOptions::from_env());
        let installed = |id: &str| -> Result<(Entry, InstalledModel)> {
            let entry = catalog.entry(id)?;
            let Some(model) = store.installed(entry) else {
                bail!("the model {id} is not on this machine; run `daedap models pull {id}`, or `daedap start`");
            };
            Ok((entry.clone(), model))
        };
        let generator = match generator {
            None => None,
            Some(path) if is_path(path) => Some(GeneratorFile::of_path(path)),
            Some(id) => {
                let (entry, model) = installed(id)?;
                Some(GeneratorFile {
                    path: model.file("model.gguf")?.to_owned(),
                    name: entry.id.clone(),
                    coverage: coverage(&entry.languages),
                })
            }
        };
        Ok(Self { runtime: installed(RUNTIME_ID)?.1, embedder: installed(&config.embedder.model)?, generator })
    }

    async fn load_embedder(&self, config: &Config) -> Result<FastEmbedder> {
        let (entry, model) = &self.embedder;
        let facts = entry.embedder.as_ref().with_context(|| format!("{} is no embedder", entry.id))?;
        let files = EmbedderFiles {
            model: model.file("model.onnx")?.to_owned(),
            tokenizer: model.file("tokenizer.json")?.to_owned(),
            config: model.file("config.json")?.to_owned(),
            special_tokens_map: model.file("special_tokens_map.json")?.to_owned(),
            tokenizer_config: model.file("tokenizer_config.json")?.to_owned(),
            runtime_library: self.runtime.file("libonnxruntime.so")?.to_owned(),
        };
        let profile = EmbedderProfile {
            space: EmbeddingSpace {
                model: entry.id.clone(),
                dimensions: facts.dimensions,
                query_prefix: facts.query_prefix.clone(),
                passage_prefix: facts.passage_prefix.clone(),
            },
            coverage: coverage(&entry.languages),
            max_tokens: facts.max_tokens,
            pooling: facts.pooling,
            threads: threads(config.embedder.threads),
        };
        tokio::task::spawn_blocking(move || FastEmbedder::load(files, profile))
            .await?
            .context("the embedder cannot be loaded")
    }
}

impl GeneratorFile {
    fn of_path(path: &str) -> Self {
        let name = Path::new(path).file_stem().map_or_else(|| path.to_owned(), |stem| stem.to_string_lossy().into_owned());
        Self { path: PathBuf::from(path), name, coverage: LanguageCoverage::Any }
    }
}

/// Whether `--model` means a file rather than a catalog id.
pub fn is_path(model: &str) -> bool {
    model.contains(['/', '\\']) || Path::new(model).extension().is_some_and(|extension| extension == "gguf")
}

fn coverage(languages: &[Language]) -> LanguageCoverage {
    if languages.is_empty() { LanguageCoverage::Any } else { LanguageCoverage::Only(languages.to_vec()) }
}

fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

fn database_url(config: &Config) -> String {
    if config.database_url.is_empty() {
        format!("sqlite://{}", config.data_dir.join("daedap.db").display())
    } else {
        config.database_url.clone()
    }
}

async fn open_vectors(config: &Config, space: &EmbeddingSpace) -> Result<Arc<dyn VectorStore>> {
    let vectors = &config.vectors;
    if vectors.url.is_empty() {
        let (dir, space) = (config.data_dir.join("vectors"), space.clone());
        let store = tokio::task::spawn_blocking(move || EmbeddedStore::open(&dir, &space)).await??;
        return Ok(Arc::new(store));
    }
    let options = QdrantOptions {
        url: vectors.url.clone(),
        api_key: (!vectors.api_key.is_empty()).then(|| vectors.api_key.clone()),
        collection: vectors.collection.clone(),
    };
    Ok(Arc::new(QdrantStore::connect(options, space).await?))
}

async fn open_generator(config: &Config, models: &ModelFiles) -> Result<(Arc<dyn Generator>, Option<Engine>)> {
    let settings = &config.generator;
    if !settings.url.is_empty() {
        let generator = OpenAiGenerator::new(OpenAiOptions {
            base_url: settings.url.clone(),
            api_key: (!settings.api_key.is_empty()).then(|| settings.api_key.clone()),
            model: config.model.clone(),
            context_tokens: if settings.context_tokens == 0 { 8_192 } else { settings.context_tokens },
            idle_timeout: Duration::from_secs(60),
        })?;
        return Ok((Arc::new(generator), None));
    }
    let file = models.generator.clone().context("no language model was named")?;
    let options = EngineOptions {
        threads: threads(settings.threads),
        context_tokens: (settings.context_tokens > 0).then_some(settings.context_tokens),
        queue_length: settings.queue_length,
    };
    let path = file.path.clone();
    let engine = tokio::task::spawn_blocking(move || Engine::load(&path, options))
        .await?
        .with_context(|| format!("the model {} cannot be loaded", file.path.display()))?;
    Ok((Arc::new(LocalGenerator::new(engine.clone(), file.name, file.coverage)), Some(engine)))
}

fn chat_options(config: &Config) -> ChatOptions {
    let chat = &config.chat;
    ChatOptions {
        passages: chat.passages,
        answer_tokens: chat.answer_tokens,
        question_characters: chat.question_characters,
        deadline: Duration::from_secs(chat.deadline_seconds),
        sampling: Sampling {
            temperature: chat.temperature,
            top_p: chat.top_p,
            min_p: chat.min_p,
            repeat_penalty: chat.repeat_penalty,
            seed: None,
        },
    }
}

/// The tenant of a process that serves one.
pub const WORKSPACE: WorkspaceId = WorkspaceId::DEFAULT;
