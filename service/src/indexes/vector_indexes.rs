//! Opens, creates and removes the vector indexes of an installation.
//!
//! SQL says which index is live and which one is being built. The location of an index follows from its id: the folder
//! `vectors/ID` of the data directory, or the Qdrant collection `NAME-ID`. It is created after the index's row and removed
//! before it, so no location is ever without a row.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use db::{Database, DbError, VectorIndex};
use domain::{Cause, Embedder, EmbeddingSpace, Index, IndexId, LiveIndex, VectorStore, VectorStoreError};
use ingest::{Build, Finding};
use retriever::store::embedded::EmbeddedStore;
use retriever::store::qdrant::{QdrantOptions, QdrantStore};

use crate::config::{Config, VectorsConfig};
use crate::model_files::{EmbedderModel, FIRST_EMBEDDER, ModelFiles, embedder_name};
use crate::workspace::WORKSPACE;

/// How long a store that this process is closing may keep its lock.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the lock is tried meanwhile.
const RETRY_EVERY: Duration = Duration::from_millis(100);

/// The indexes of one installation.
#[derive(Clone)]
pub struct Indexes {
    db: Database,
    models: ModelFiles,
    folder: PathBuf,
    vectors: VectorsConfig,
    /// `embedder.model` of the settings; empty where the live index decides.
    embedder: String,
}

/// Why no index can be built with an embedder.
#[derive(Debug, thiserror::Error)]
pub enum EmbedderError {
    /// It is unknown, not installed, or not an embedder.
    #[error("{0}")]
    Unknown(Cause),
    /// The database does not say which one is in use.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Why orphaned folders cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum OrphanError {
    /// The folder of indexes cannot be read.
    #[error(transparent)]
    Disk(#[from] std::io::Error),
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The name of the embedder that a process with these settings uses on this database.
pub async fn embedder_in_use(config: &Config, db: &Database) -> Result<String> {
    if !config.embedder.model.is_empty() {
        return embedder_name(&config.embedder.model);
    }
    Ok(db.live_index().await?.map_or_else(|| FIRST_EMBEDDER.to_owned(), |live| live.embedder))
}

impl Indexes {
    /// The indexes of the installation that `config` describes.
    pub fn new(db: Database, config: &Config, models: ModelFiles) -> Result<Self> {
        let embedder = match config.embedder.model.as_str() {
            "" => String::new(),
            named => embedder_name(named)?,
        };
        let folder = config.data_dir.join("vectors");
        Ok(Self { db, models, folder, vectors: config.vectors.clone(), embedder })
    }

    /// Opens the live index, or creates the first one where there are no documents yet.
    pub async fn open_live(&self) -> Result<Arc<Index>> {
        let Some(live) = self.db.live_index().await? else {
            return self.create_first().await;
        };
        let name = if self.embedder.is_empty() { &live.embedder } else { &self.embedder };
        let model = self.model(name).await.with_context(|| {
            format!("the index needs the embedder `{name}`; set embedder.model to where it is, or run `daedap reindex --embedder ID`")
        })?;
        if *model.space() != live.space {
            bail!(
                "the index was built with the embedder `{}`, but the settings name `{name}`, or its files have changed; \
                 run `daedap reindex` to embed the documents again",
                live.embedder
            );
        }
        if !self.exists(live.id).await? {
            bail!(
                "the vector index is not in {}; run `daedap reindex` to rebuild it",
                self.location(live.id)
            );
        }
        let vectors = self.open_store(&live).await?;
        Ok(Arc::new(Index { embedder: model.load().await?, vectors }))
    }

    /// The first index comes about like every other: an empty build that is switched to.
    async fn create_first(&self) -> Result<Arc<Index>> {
        if self.db.count_documents(WORKSPACE).await? > 0 {
            bail!("there are documents but no vector index; run `daedap reindex` to build it");
        }
        let build = self.begin_build(None, None).await?;
        if !self.db.switch_index(build.id).await? {
            bail!("documents were ingested while the first index was created; try again");
        }
        Ok(build.index)
    }

    /// The name of the embedder for the next index: the requested one, else the one that the settings changed to, else
    /// that of an unfinished build, else the one in use.
    pub async fn wanted(&self, asked: Option<&str>) -> Result<String, DbError> {
        if let Some(asked) = asked {
            return Ok(asked.to_owned());
        }
        let (live, building) = (self.db.live_index().await?, self.db.building_index().await?);
        let set = Some(&self.embedder).filter(|set| !set.is_empty());
        let changed = set.filter(|set| live.as_ref().is_none_or(|live| live.embedder != **set));
        Ok(changed
            .or(building.as_ref().map(|building| &building.embedder))
            .or(live.as_ref().map(|live| &live.embedder))
            .map_or_else(|| FIRST_EMBEDDER.to_owned(), Clone::clone))
    }

    /// The name of the embedder that [`Indexes::wanted`] gives, if it is installed.
    pub async fn installed(&self, asked: Option<&str>) -> Result<String, EmbedderError> {
        let unknown = |error: anyhow::Error| EmbedderError::Unknown(error.into());
        let asked = asked.map(embedder_name).transpose().map_err(unknown)?;
        let wanted = self.wanted(asked.as_deref()).await?;
        Ok(self.model(&wanted).await.map_err(unknown)?.name)
    }

    async fn model(&self, name: &str) -> Result<EmbedderModel> {
        let (models, name) = (self.models.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || models.embedder(&name)).await?
    }

    /// Begins to build an index with the embedder [`Indexes::wanted`], or resumes an unfinished build with it. Any other
    /// unfinished build is dropped. The embedder of `live` serves both where it is the same.
    pub async fn begin_build(&self, asked: Option<&str>, live: Option<&LiveIndex>) -> Result<Build> {
        let model = self.model(&self.wanted(asked).await?).await?;
        let (name, space) = (model.name.clone(), model.space().clone());
        let same = live.map(|live| live.current().embedder.clone()).filter(|used| *used.space() == space);
        // Loaded before anything is written: an unusable embedder changes nothing.
        let embedder = match same {
            Some(embedder) => embedder,
            None => model.load().await?,
        };
        if let Some(build) = self.resumed(&name, &embedder).await? {
            return Ok(build);
        }
        let begun = self.db.begin_index(&name, &space).await?;
        let vectors = self.open_store(&begun).await?;
        Ok(Build { id: begun.id, index: Arc::new(Index { embedder, vectors }) })
    }

    /// The unfinished build, if it has this embedder and its store opens; otherwise it is dropped.
    async fn resumed(&self, name: &str, embedder: &Arc<dyn Embedder>) -> Result<Option<Build>> {
        let Some(found) = self.db.building_index().await? else { return Ok(None) };
        let is_same = found.embedder == name && found.space == *embedder.space();
        if is_same && self.exists(found.id).await? {
            match self.open_store(&found).await {
                Ok(vectors) => {
                    let index = Arc::new(Index { embedder: embedder.clone(), vectors });
                    return Ok(Some(Build { id: found.id, index }));
                }
                // What it holds can be built again, and there is no other repair.
                Err(VectorStoreError::Failed(reason)) => {
                    tracing::warn!(%reason, "an unfinished index is damaged; building it from the start");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.db.abandon_index(found.id).await?;
        Ok(None)
    }

    /// Removes replaced indexes. `false` while one of them is still in use.
    pub async fn remove_retired(&self) -> Result<bool> {
        let mut all = true;
        for index in self.db.retired_indexes().await? {
            match self.destroy(index.id).await {
                Ok(()) => self.db.delete_retired_index(index.id).await?,
                Err(VectorStoreError::Locked(_)) => all = false,
                Err(error) => return Err(error).context("cannot remove a retired index"),
            }
        }
        Ok(all)
    }

    /// The live index and its points, without its embedder; `None` where it is missing.
    pub async fn open_points(&self) -> Result<Option<(EmbeddingSpace, Arc<dyn VectorStore>)>> {
        let Some(live) = self.db.live_index().await? else { return Ok(None) };
        if !self.exists(live.id).await? {
            return Ok(None);
        }
        let vectors = self.open_store(&live).await?;
        Ok(Some((live.space, vectors)))
    }

    /// A finding if there are documents and their index is missing.
    pub async fn missing(&self) -> Result<Option<Finding>> {
        let location = match self.db.live_index().await? {
            Some(live) if self.exists(live.id).await? => return Ok(None),
            Some(live) => self.location(live.id),
            None if self.db.count_documents(WORKSPACE).await? == 0 => return Ok(None),
            None => "the database".to_owned(),
        };
        Ok(Some(Finding::new("index_missing", location, "the vector index of the documents is missing")))
    }

    /// Folders of indexes that no row names.
    pub async fn orphaned_folders(&self) -> Result<Vec<IndexId>, OrphanError> {
        let mut found: Vec<IndexId> = Vec::new();
        let mut entries = match tokio::fs::read_dir(&self.folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error.into()),
        };
        while let Some(entry) = entries.next_entry().await? {
            found.extend(entry.file_name().to_str().and_then(|name| name.parse::<IndexId>().ok()));
        }
        // Read after the folders: a row exists before its folder does.
        let mut named = self.db.retired_indexes().await?;
        named.extend(self.db.live_index().await?);
        named.extend(self.db.building_index().await?);
        found.retain(|id| !named.iter().any(|index| index.id == *id));
        Ok(found)
    }

    /// Removes the folder of an index.
    pub async fn remove_folder(&self, id: IndexId) -> Result<(), VectorStoreError> {
        let dir = self.dir(id);
        blocking(move || EmbeddedStore::destroy(&dir)).await
    }

    async fn destroy(&self, id: IndexId) -> Result<(), VectorStoreError> {
        // Even where the settings name a server now: the index may be older than the settings.
        self.remove_folder(id).await?;
        match self.qdrant(id) {
            Some(options) => QdrantStore::destroy(&options).await,
            None => Ok(()),
        }
    }

    async fn exists(&self, id: IndexId) -> Result<bool, VectorStoreError> {
        match self.qdrant(id) {
            Some(options) => QdrantStore::exists(&options).await,
            None => Ok(EmbeddedStore::exists(&self.dir(id))),
        }
    }

    /// Opens the store of an index, or creates it.
    async fn open_store(&self, index: &VectorIndex) -> Result<Arc<dyn VectorStore>, VectorStoreError> {
        if let Some(options) = self.qdrant(index.id) {
            return Ok(Arc::new(QdrantStore::connect(options, &index.space).await?));
        }
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        loop {
            match open_folder(self.dir(index.id), index.space.clone()).await {
                // The data directory is locked by this process, so this is a store of its own that is not closed yet.
                Err(VectorStoreError::Locked(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(RETRY_EVERY).await;
                }
                opened => return Ok(Arc::new(opened?)),
            }
        }
    }

    fn dir(&self, id: IndexId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    fn qdrant(&self, id: IndexId) -> Option<QdrantOptions> {
        let VectorsConfig { url, api_key, collection, .. } = &self.vectors;
        (!url.is_empty()).then(|| QdrantOptions {
            url: url.expose().to_owned(),
            api_key: api_key.for_client(),
            collection: format!("{collection}-{id}"),
        })
    }

    /// Where an index is, for messages.
    fn location(&self, id: IndexId) -> String {
        match self.qdrant(id) {
            Some(options) => format!("the Qdrant collection {}", options.collection),
            None => self.dir(id).display().to_string(),
        }
    }
}

async fn open_folder(dir: PathBuf, space: EmbeddingSpace) -> Result<EmbeddedStore, VectorStoreError> {
    blocking(move || EmbeddedStore::open(&dir, &space)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VectorStoreError> + Send + 'static,
) -> Result<T, VectorStoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(VectorStoreError::Failed(error.into())))
}
