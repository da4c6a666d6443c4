//! Wires what finds and stores passages: the live index, ingestion into it, the retriever over it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use db::Database;
use domain::{Analyzer, Index, LiveIndex};
use ingest::{Build, ChunkOptions, IngestContext, IngestParts, Originals};
use parse::{SandboxOptions, Sandboxed};
use retriever::analyze::BigramAnalyzer;
use retriever::{Reranker, RetrievalOptions, Retriever, RetrieverParts};

use crate::config::{Config, SandboxPolicy};
use crate::indexes::Indexes;
use crate::model_files::ModelFiles;
use crate::stores::tombstone_file;

/// Everything that finds and stores passages.
#[derive(Clone)]
pub struct KnowledgeBase {
    /// SQL.
    pub db: Database,
    /// Source bytes.
    pub originals: Originals,
    /// All vector indexes of the installation.
    pub indexes: Indexes,
    /// Lexical analysis, the same for documents and questions.
    pub analyzer: Arc<dyn Analyzer>,
    /// The index that answers, with its embedder.
    pub index: Arc<LiveIndex>,
    /// Documents in.
    pub ingest: IngestContext,
    /// Passages out.
    pub retriever: Arc<Retriever>,
}

/// What a knowledge base is opened from.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) db: Database,
    pub(crate) originals: Originals,
    pub(crate) indexes: Indexes,
}

impl KnowledgeBase {
    /// Opens the live index, its embedder, and the reranker where the settings name one.
    pub(crate) async fn open(config: &Config, models: &ModelFiles, stores: Stores) -> Result<Self> {
        let index = stores.indexes.open_live().await?;
        let reranker = models.reranker(&config.reranker).await?;
        Self::assemble(config, stores, index, reranker)
    }

    /// Opens around an index that is being built, for a process that does nothing else. The live index is not opened: it
    /// may be damaged.
    pub(crate) async fn open_to_build(
        config: &Config,
        stores: Stores,
        embedder: Option<&str>,
    ) -> Result<(Self, Build)> {
        let build = stores.indexes.begin_build(embedder, None).await?;
        Ok((Self::assemble(config, stores, build.index.clone(), None)?, build))
    }

    fn assemble(
        config: &Config,
        stores: Stores,
        index: Arc<Index>,
        reranker: Option<Reranker>,
    ) -> Result<Self> {
        let Stores { db, originals, indexes } = stores;
        let index = Arc::new(LiveIndex::new(index));
        let analyzer: Arc<dyn Analyzer> = Arc::new(BigramAnalyzer::new());
        let parser = Arc::new(Sandboxed::new(SandboxOptions {
            program: this_program()?,
            children: config.ingest.workers,
            is_confinement_required: config.ingest.sandbox == SandboxPolicy::Required,
        }));
        let ingest = IngestContext::new(IngestParts {
            db: db.clone(),
            index: index.clone(),
            analyzer: analyzer.clone(),
            originals: originals.clone(),
            parser: parser.clone(),
            pages: parser,
            chunking: ChunkOptions {
                target_tokens: config.ingest.chunk_tokens,
                overlap_tokens: config.ingest.overlap_tokens,
            },
            tombstones: tombstone_file(config),
            keep_versions: config.ingest.keep_versions,
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
                parallel: config.retrieval.parallel,
                queue_length: config.retrieval.queue_length,
            },
        }));
        Ok(Self { db, originals, indexes, analyzer, index, ingest, retriever })
    }
}

/// The program to run for parsing in a child process: this one, even when its file was replaced in the meantime.
fn this_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().context("cannot find the program's own file")
}
