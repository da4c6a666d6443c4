//! Makes chunks for unit tests.

use domain::{Chunk, ChunkId, CollectionId, DocumentId, Language, VersionId, WorkspaceId};

/// The chunk at `position` of a document with this source and English text.
pub(crate) fn chunk(source: &str, position: u32, text: &str) -> Chunk {
    let workspace = WorkspaceId::DEFAULT;
    let collection = CollectionId::derive(workspace, "c");
    let document = DocumentId::derive(collection, source);
    let version = VersionId::derive(document, 1);
    Chunk {
        id: ChunkId::derive(version, position),
        workspace,
        collection,
        document,
        version,
        position,
        title: String::new(),
        source: source.to_owned(),
        heading_path: Vec::new(),
        page: None,
        language: Language::ENGLISH,
        tags: Vec::new(),
        dated_at: jiff::Timestamp::UNIX_EPOCH,
        text: text.to_owned(),
    }
}
