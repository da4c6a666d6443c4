//! Wiring: settings in, rooms out. The only place that knows which backend stands behind which port.

pub mod backup;
pub mod doctor;
pub mod indexes;
pub mod reindexing;
pub mod restore;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::StatusCode;
use chat::generator::{LocalGenerator, OpenAiGenerator, OpenAiOptions};
use chat::{Chat, ChatOptions, ChatParts};
use db::Database;
use domain::{Analyzer, Generator, Index, LiveIndex, Sampling, WorkspaceId};
use ingest::{Apart, Build, ChunkOptions, Fetcher, Originals, Pipeline, PipelineParts};
use llm::{Engine, EngineOptions};
use retriever::analyze::BigramAnalyzer;
use retriever::{Reranker, RetrievalOptions, Retriever, RetrieverParts};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::config::Config;
use crate::error::ApiError;
use crate::installation;
use crate::model_files::ModelFiles;
use indexes::Indexes;
use reindexing::Reindexing;

/// Everything that finds and stores passages; what `ingest` and `search` need.
#[derive(Clone)]
pub struct KnowledgeBase {
    /// SQL.
    pub db: Database,
    /// Lexical analysis, the same for documents and questions.
    pub analyzer: Arc<dyn Analyzer>,
    /// The index that answers, with its embedder.
    pub index: Arc<LiveIndex>,
    /// It and others: where they are, how one is begun.
    pub indexes: Indexes,
    /// Documents in.
    pub pipeline: Pipeline,
    /// Passages out.
    pub retriever: Arc<Retriever>,
    /// Source bytes.
    pub originals: Originals,
    /// Pages of the Web.
    pub fetcher: Fetcher,
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
    /// Rung when a job was queued, went on or ended.
    pub jobs_changed: watch::Sender<()>,
    /// Held while a collection is measured.
    pub evaluating: Arc<Mutex<()>>,
    /// Held while a backup is written or the doctor looks.
    pub caring: Arc<Mutex<()>>,
    /// The rebuild of the index, where one goes on.
    pub reindexing: Arc<Reindexing>,
}

impl KnowledgeBase {
    /// Opens the stores and loads the embedder, and the reranker where one is set.
    pub async fn open(config: &Config, models: &ModelFiles) -> Result<Self> {
        let db = open_database(config).await?;
        let indexes = Indexes::new(db.clone(), config, models.clone())?;
        let index = indexes.open_live().await?;
        let reranker = models.reranker(&config.reranker).await?;
        Self::assemble(config, db, indexes, index, reranker)
    }

    /// The same around an index that is being built, for a process that does nothing else: the one that answers
    /// elsewhere is not opened, and may be damaged.
    pub async fn open_to_build(
        config: &Config,
        models: ModelFiles,
        embedder: Option<&str>,
    ) -> Result<(Self, Build)> {
        let db = open_database(config).await?;
        let indexes = Indexes::new(db.clone(), config, models)?;
        let build = indexes.begin_build(embedder, None).await?;
        Ok((Self::assemble(config, db, indexes, build.index.clone(), None)?, build))
    }

    fn assemble(
        config: &Config,
        db: Database,
        indexes: Indexes,
        index: Arc<Index>,
        reranker: Option<Reranker>,
    ) -> Result<Self> {
        let index = Arc::new(LiveIndex::new(index));
        let analyzer: Arc<dyn Analyzer> = Arc::new(BigramAnalyzer::new());
        let originals = open_originals(config)?;
        let pipeline = Pipeline::new(PipelineParts {
            db: db.clone(),
            index: index.clone(),
            analyzer: analyzer.clone(),
            originals: originals.clone(),
            parser: Arc::new(Apart::new(this_program()?)),
            chunking: ChunkOptions {
                target_tokens: config.ingest.chunk_tokens,
                overlap_tokens: config.ingest.overlap_tokens,
            },
        });
        let retriever = Arc::new(Retriever::new(RetrieverParts {
            db: db.clone(),
            index: index.clone(),
            analyzer: analyzer.clone(),
            reranker,
            options: RetrievalOptions {
                fusion: config.retrieval.fusion,
                dense_share: config.retrieval.dense_share,
                evidence_threshold: config.retrieval.evidence_threshold,
            },
        }));
        let fetcher = Fetcher::new(config.web.allowed_hosts.clone(), config.ingest.document_bytes);
        Ok(Self { db, analyzer, index, indexes, pipeline, retriever, originals, fetcher })
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
            jobs_changed: watch::Sender::new(()),
            evaluating: Arc::default(),
            caring: Arc::default(),
            reindexing: Arc::default(),
        })
    }

    /// Puts in order what a server that died left half done. For the one server of a database, before it serves.
    pub async fn recover(&self) -> Result<()> {
        let db = &self.knowledge.db;
        let cut_off = db.interrupt_unfinished_answers().await?;
        let requeued = db.requeue_running_jobs().await?;
        let swept = self.knowledge.pipeline.sweep().await?;
        if let Err(error) = self.knowledge.indexes.remove_retired().await {
            tracing::warn!(error = format!("{error:#}"), "an old index is left for the next start");
        }
        if cut_off + requeued + swept > 0 {
            tracing::info!(cut_off, requeued, swept, "put in order what the last server left");
        }
        Ok(())
    }

    /// The right to look through everything: one at a time, because each reads all there is.
    pub fn take_care(&self) -> Result<OwnedMutexGuard<()>, ApiError> {
        self.caring.clone().try_lock_owned().map_err(|_| {
            let message = "a backup is being written, or the doctor is looking; try again when that is done";
            ApiError::new(StatusCode::CONFLICT, "care_running", message)
        })
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

/// What to run to run this program once more, also when its file was replaced in the meantime.
fn this_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().context("the program's own file cannot be found")
}

/// What a setting of threads means: 0 is one per core.
pub(crate) fn threads(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Opens SQL alone, for commands that search nothing. Only what belongs to the data directory is opened.
pub(crate) async fn open_database(config: &Config) -> Result<Database> {
    let copies = config.data_dir.join("backups");
    let db = Database::open_with_copies(&database_url(config)?, Some(&copies)).await;
    let db = db.context("the database cannot be opened")?;
    installation::check(&config.data_dir, &db).await?;
    Ok(db)
}

/// Opens the place of source bytes alone.
pub(crate) fn open_originals(config: &Config) -> Result<Originals> {
    Ok(match config.originals_url.as_str() {
        "" => Originals::in_folder(&config.data_dir.join("originals"))?,
        address => Originals::in_bucket(address)?,
    })
}

fn database_url(config: &Config) -> Result<String> {
    if config.database_url.is_empty() {
        Ok(db::sqlite_url(&config.data_dir.join("daedap.db"))?)
    } else {
        Ok(config.database_url.clone())
    }
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
