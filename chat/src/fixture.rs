//! Makes passages for unit tests.

use domain::{Chunk, ChunkId, CollectionId, DocumentId, Language, Passage, VersionId, WorkspaceId};

/// A passage of the document `title` with this Korean text.
pub(crate) fn passage(title: &str, text: &str) -> Passage {
    let collection = CollectionId::derive(WorkspaceId::DEFAULT, "docs");
    let document = DocumentId::derive(collection, title);
    let version = VersionId::derive(document, 1);
    let chunk = Chunk {
        id: ChunkId::derive(version, 0),
        workspace: WorkspaceId::DEFAULT,
        collection,
        document,
        version,
        position: 0,
        title: title.to_owned(),
        source: format!("{title}.md"),
        heading_path: vec![title.to_owned()],
        page: None,
        language: Language::KOREAN,
        tags: Vec::new(),
        dated_at: jiff::Timestamp::UNIX_EPOCH,
        text: text.to_owned(),
    };
    Passage { chunk, score: 1.0, dense_score: None, sparse_score: Some(1.0) }
}
