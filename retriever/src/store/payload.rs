//! A chunk as payload and back, and the fields that searches filter on. The same JSON in every store.

use domain::{Chunk, Scope, Selection, VectorStoreError};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Fields with an index, the tenant's first. They are those of [`Chunk`] with the same names.
pub(super) const INDEXED_FIELDS: [&str; 4] = ["workspace", "collection", "document", "version"];

/// The field whose values keep tenants apart.
pub(super) const TENANT_FIELD: &str = "workspace";

/// One condition: the field holds one of the values.
pub(super) struct Condition {
    pub(super) field: &'static str,
    pub(super) any_of: Vec<String>,
}

impl Condition {
    fn equal(field: &'static str, id: Uuid) -> Self {
        Self { field, any_of: vec![id.to_string()] }
    }
}

/// What a search may see, as conditions that must all hold.
pub(super) fn of_scope(scope: &Scope) -> Vec<Condition> {
    let collections = scope.collections.iter().map(ToString::to_string).collect();
    vec![
        Condition::equal(TENANT_FIELD, scope.workspace.0),
        Condition { field: "collection", any_of: collections },
    ]
}

/// What a count or removal is about, as conditions that must all hold.
pub(super) fn of_selection(selection: Selection) -> Vec<Condition> {
    let (workspace, narrower) = match selection {
        Selection::Version(workspace, id) => (workspace, Some(Condition::equal("version", id.0))),
        Selection::Document(workspace, id) => (workspace, Some(Condition::equal("document", id.0))),
        Selection::Collection(workspace, id) => (workspace, Some(Condition::equal("collection", id.0))),
        Selection::Workspace(workspace) => (workspace, None),
    };
    std::iter::once(Condition::equal(TENANT_FIELD, workspace.0)).chain(narrower).collect()
}

/// The payload of a chunk.
pub(super) fn of_chunk(chunk: &Chunk) -> Result<Map<String, Value>, VectorStoreError> {
    match serde_json::to_value(chunk) {
        Ok(Value::Object(payload)) => Ok(payload),
        Ok(other) => Err(VectorStoreError::Failed(format!("a chunk became {other} instead of an object"))),
        Err(error) => Err(VectorStoreError::Failed(format!("a chunk cannot be written: {error}"))),
    }
}

/// The chunk of a payload.
pub(super) fn to_chunk(payload: Map<String, Value>) -> Result<Chunk, VectorStoreError> {
    serde_json::from_value(Value::Object(payload)).map_err(|error| {
        VectorStoreError::Failed(format!(
            "the index holds a chunk that cannot be read ({error}); run `daedap reindex` to build it again"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ChunkId, CollectionId, DocumentId, Language, VersionId, WorkspaceId};

    fn chunk() -> Chunk {
        let workspace = WorkspaceId::DEFAULT;
        let collection = CollectionId::derive(workspace, "handbook");
        let document = DocumentId::derive(collection, "휴가.md");
        let version = VersionId::derive(document, 1);
        Chunk {
            id: ChunkId::derive(version, 0),
            workspace,
            collection,
            document,
            version,
            position: 0,
            title: "휴가".to_owned(),
            source: "휴가.md".to_owned(),
            heading_path: vec!["인사".to_owned(), "연차".to_owned()],
            page: Some(3),
            language: Language::KOREAN,
            text: "연차는 15일입니다.".to_owned(),
        }
    }

    #[test]
    fn a_chunk_comes_back_as_it_was() {
        let payload = of_chunk(&chunk()).unwrap();
        for field in INDEXED_FIELDS {
            assert!(payload[field].is_string(), "{field}");
        }
        assert_eq!(to_chunk(payload).unwrap(), chunk());
    }

    #[test]
    fn a_payload_of_something_else_is_an_error_that_names_the_way_out() {
        let error = to_chunk(Map::from_iter([("text".to_owned(), "x".into())])).unwrap_err();
        assert!(error.to_string().contains("daedap reindex"), "{error}");
    }

    #[test]
    fn every_condition_carries_the_tenant() {
        let (workspace, document) = (WorkspaceId::DEFAULT, chunk().document);
        let conditions = of_selection(Selection::Document(workspace, document));
        let fields: Vec<&str> = conditions.iter().map(|condition| condition.field).collect();
        assert_eq!(fields, [TENANT_FIELD, "document"]);
        assert_eq!(of_selection(Selection::Workspace(workspace)).len(), 1);
    }
}
