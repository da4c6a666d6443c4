//! Wiring: settings in, rooms out. The only place that knows which backend stands behind which port.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chat::generator::{LocalGenerator, OpenAiGenerator, OpenAiOptions};
use chat::{Chat, ChatOptions, ChatParts};
use db::Database;
use domain::{Analyzer, Embedder, EmbeddingSpace, Generator, Sampling, VectorStore, WorkspaceId};
use ingest::{ChunkOptions, Pipeline, PipelineParts};
use llm::{Engine, EngineOptions};
use retriever::analyze::BigramAnalyzer;
use retriever::store::embedded::EmbeddedStore;
use retriever::store::qdrant::{QdrantOptions, QdrantStore};
use retriever::{RetrievalOptions, Retriever, RetrieverParts};
use tokio::sync::{Mutex, Notify};

use crate::config::Config;
use crate::model_files::ModelFiles;
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
    pub engine: Option<Arc<Engine>>,
    /// Rung when a job was queued.
    pub job_queued: Arc<Notify>,
    /// Held while a collection is measured.
    pub evaluating: Arc<Mutex<()>>,
}

/// Whether the vector store is taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vectors {
    AsTheyAre,
    Emptied,
}

/// A file in the data directory that stands from the emptying of the vectors to the end of a reindex.
const REINDEX_MARK: &str = "reindex.unfinished";

impl KnowledgeBase {
    /// Opens the stores and loads the embedder.
    pub async fn open(config: &Config, models: &ModelFiles) -> Result<Self> {
        if config.data_dir.join(REINDEX_MARK).exists() {
            bail!(
                "a reindex was cut off, so documents are missing from the vectors; run `daedap reindex` again"
            );
        }
        Self::assemble(config, models, Vectors::AsTheyAre).await
    }

    /// The same with an empty vector store, of whatever embedding space it was before. Until
    /// [`KnowledgeBase::reindexed`] is called, [`KnowledgeBase::open`] refuses the data directory.
    pub async fn open_for_reindex(config: &Config, models: &ModelFiles) -> Result<Self> {
        let mark = config.data_dir.join(REINDEX_MARK);
        File::create(&mark)
            .and_then(|file| file.sync_all())
            .context("the data directory cannot be written")?;
        Self::assemble(config, models, Vectors::Emptied).await
    }

    /// Says that the vectors are whole again.
    pub fn reindexed(config: &Config) -> Result<()> {
        std::fs::remove_file(config.data_dir.join(REINDEX_MARK))
            .context("the data directory cannot be written")
    }

    async fn assemble(config: &Config, models: &ModelFiles, vectors: Vectors) -> Result<Self> {
        let db = open_database(config).await?;
        let embedder = models.load_embedder(config).await?;
        let vectors = open_vectors(config, embedder.space(), vectors).await?;
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
        let originals =
            Originals::open(config.data_dir.join("originals")).context("originals/ cannot be made")?;
        Ok(Self { db, analyzer, embedder, pipeline, retriever, originals })
    }
}

impl App {
    /// Opens everything.
    pub async fn open(config: Config, models: &ModelFiles) -> Result<Self> {
        let knowledge = KnowledgeBase::open(&config, models).await?;
        let (generator, engine) = open_generator(&config, models).await?;
        let chat = Chat::new(ChatParts {
            db: knowledge.db.clone(),
            retriever: knowledge.retriever.clone(),
            analyzer: knowledge.analyzer.clone(),
            generator,
            options: chat_options(&config),
        });
        Ok(Self {
            config: Arc::new(config),
            knowledge,
            chat,
            engine,
            job_queued: Arc::default(),
            evaluating: Arc::default(),
        })
    }

    /// Puts in order what a server that died left half done. For the one server of a database, before it serves.
    pub async fn recover(&self) -> Result<()> {
        let db = &self.knowledge.db;
        let cut_off = db.interrupt_unfinished_answers().await?;
        let requeued = db.requeue_running_jobs().await?;
        let swept = self.knowledge.pipeline.sweep().await?;
        if cut_off + requeued + swept > 0 {
            tracing::info!(cut_off, requeued, swept, "put in order what the last server left");
        }
        Ok(())
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

/// What a setting of threads means: 0 is one per core.
pub(crate) fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Opens SQL alone, for commands that search nothing.
pub(crate) async fn open_database(config: &Config) -> Result<Database> {
    Database::open(&database_url(config)?).await.context("the database cannot be opened")
}

fn database_url(config: &Config) -> Result<String> {
    if config.database_url.is_empty() {
        Ok(db::sqlite_url(&config.data_dir.join("daedap.db"))?)
    } else {
        Ok(config.database_url.clone())
    }
}

async fn open_vectors(
    config: &Config,
    space: &EmbeddingSpace,
    state: Vectors,
) -> Result<Arc<dyn VectorStore>> {
    let vectors = &config.vectors;
    if vectors.url.is_empty() {
        let (dir, space) = (config.data_dir.join("vectors"), space.clone());
        let store = tokio::task::spawn_blocking(move || match state {
            Vectors::AsTheyAre => EmbeddedStore::open(&dir, &space),
            Vectors::Emptied => EmbeddedStore::recreate(&dir, &space),
        })
        .await??;
        return Ok(Arc::new(store));
    }
    let options = QdrantOptions {
        url: vectors.url.clone(),
        api_key: (!vectors.api_key.is_empty()).then(|| vectors.api_key.clone()),
        collection: vectors.collection.clone(),
    };
    Ok(match state {
        Vectors::AsTheyAre => Arc::new(QdrantStore::connect(options, space).await?),
        Vectors::Emptied => Arc::new(QdrantStore::recreate(options, space).await?),
    })
}

async fn open_generator(
    config: &Config,
    models: &ModelFiles,
) -> Result<(Arc<dyn Generator>, Option<Arc<Engine>>)> {
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
    let file = models.generator().context("no language model was named")?;
    let options = engine_options(config);
    let path = file.path.clone();
    let engine = tokio::task::spawn_blocking(move || Engine::load(&path, options))
        .await?
        .with_context(|| format!("the model {} cannot be loaded", file.path.display()))?;
    let engine = Arc::new(engine);
    Ok((
        Arc::new(LocalGenerator::new(engine.clone(), file.name.clone(), file.coverage.clone())),
        Some(engine),
    ))
}

/// How the settings want a local model to run.
pub(crate) fn engine_options(config: &Config) -> EngineOptions {
    let settings = &config.generator;
    EngineOptions {
        threads: threads(settings.threads),
        context_tokens: (settings.context_tokens > 0).then_some(settings.context_tokens),
        parallel: settings.parallel,
        queue_length: settings.queue_length,
        cache_bytes: settings.cache_mib << 20,
    }
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
