//! What a data directory holds, read from SQL and from the vector store, to be compared with another one.

use std::path::Path;

use db::Database;
use domain::{ChunkPoint, Selection, SparseVector, VectorStore, WorkspaceId};
use retriever::store::embedded::EmbeddedStore;

/// More than any test stores.
const MANY: usize = 100_000;

/// Documents with their chunks, in the order of sources and positions. Ids are left out: they tell how often a document
/// was taken in, which may differ.
#[derive(Debug, PartialEq)]
pub(crate) struct Holdings {
    /// Source and number of chunks of each document that answers, by SQL's word.
    pub(crate) documents: Vec<(String, u32)>,
    /// What the vector store has, whatever SQL says.
    pub(crate) chunks: Vec<HeldChunk>,
}

/// A chunk as it is found.
#[derive(Debug, PartialEq)]
pub(crate) struct HeldChunk {
    source: String,
    position: u32,
    heading_path: Vec<String>,
    text: String,
    is_embedded: bool,
    terms: SparseVector,
}

impl From<ChunkPoint> for HeldChunk {
    fn from(point: ChunkPoint) -> Self {
        let ChunkPoint { chunk, dense, sparse } = point;
        Self {
            source: chunk.source,
            position: chunk.position,
            heading_path: chunk.heading_path,
            text: chunk.text,
            is_embedded: dense.is_some(),
            terms: sparse,
        }
    }
}

/// What the data directory of a process that has ended holds.
///
/// # Panics
///
/// When it cannot be opened, and when a document has not exactly the chunks that SQL says it has.
pub(crate) async fn holdings(data_dir: &Path) -> Holdings {
    let url = db::sqlite_url(&data_dir.join("daedap.db")).expect("a path that is a URL");
    let db = Database::open(&url).await.expect("the database opens");
    let live = db.live_index().await.expect("the database answers").expect("an index answers");
    let dir = data_dir.join("vectors").join(live.id.to_string());
    let store = EmbeddedStore::open(&dir, &live.space).expect("the vector store opens");
    let mut documents = Vec::new();
    let stored = db.live_documents_after(WorkspaceId::DEFAULT, None, MANY as u32).await;
    for document in stored.expect("the database answers") {
        let live = document.live_version.expect("a listed document has a live version");
        let points = store.count(Selection::Version(WorkspaceId::DEFAULT, live)).await;
        let points = points.expect("the store answers");
        assert_eq!(points, u64::from(document.chunk_count), "{} has chunks missing", document.source);
        documents.push((document.source, document.chunk_count));
    }
    documents.sort();
    let points = store.points(Selection::Workspace(WorkspaceId::DEFAULT), None, MANY).await;
    let mut chunks: Vec<HeldChunk> =
        points.expect("the store answers").into_iter().map(HeldChunk::from).collect();
    chunks.sort_by(|a, b| (&a.source, a.position).cmp(&(&b.source, b.position)));
    db.close().await;
    Holdings { documents, chunks }
}

impl Holdings {
    /// That the vector store has the chunks of the documents that answer, and nothing else.
    ///
    /// # Panics
    ///
    /// When it has not.
    pub(crate) fn assert_nothing_else(&self) {
        let counted: usize = self.documents.iter().map(|(_, chunks)| *chunks as usize).sum();
        assert_eq!(self.chunks.len(), counted, "the vector store holds what no document has");
    }
}
