//! Converts chunks to payloads and back, and scopes to conditions on their fields. The JSON is the same in every store.

use std::fmt::Display;

use domain::{Cause, Chunk, Filter, Scope, Selection, VectorStoreError};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Indexed fields with words or lists of words, the tenant's first; each is the field of [`Chunk`] with the same name.
pub(super) const INDEXED_WORDS: [&str; 6] =
    ["workspace", "collection", "document", "version", "tags", "language"];

/// The indexed field with a number: the chunk's date, in milliseconds since the epoch.
pub(super) const DATE_FIELD: &str = "dated_at";

/// The field that separates tenants.
pub(super) const TENANT_FIELD: &str = "workspace";

/// One condition on a field.
#[derive(Debug, PartialEq)]
pub(super) enum Condition {
    /// The field has one of the words.
    AnyOf(&'static str, Vec<String>),
    /// The field's number is at least `from` and below `until`.
    Between { field: &'static str, from: Option<f64>, until: Option<f64> },
}

impl Condition {
    fn equal(field: &'static str, id: Uuid) -> Self {
        Self::AnyOf(field, vec![id.to_string()])
    }

    fn any_of<T: Display>(field: &'static str, values: &[T]) -> Self {
        Self::AnyOf(field, values.iter().map(ToString::to_string).collect())
    }
}

/// The scope of a search, as conditions that must all hold. A filter only adds conditions.
pub(super) fn of_scope(scope: &Scope) -> Vec<Condition> {
    let Filter { documents, tags, languages, from, until } = &scope.filter;
    let mut conditions = vec![
        Condition::equal(TENANT_FIELD, scope.workspace.0),
        Condition::any_of("collection", &scope.collections),
    ];
    let filters = [
        (!documents.is_empty()).then(|| Condition::any_of("document", documents)),
        (!tags.is_empty()).then(|| Condition::any_of("tags", tags)),
        (!languages.is_empty()).then(|| Condition::any_of("language", languages)),
        (from.is_some() || until.is_some()).then(|| Condition::Between {
            field: DATE_FIELD,
            from: from.map(first_ms),
            until: until.map(first_ms),
        }),
    ];
    conditions.extend(filters.into_iter().flatten());
    conditions
}

/// The first whole millisecond that is not before `time`. Stores compare numbers as floats, which represent it exactly.
fn first_ms(time: Timestamp) -> f64 {
    let ms = time.as_millisecond();
    let is_before = Timestamp::from_millisecond(ms).is_ok_and(|whole| whole < time);
    (ms + i64::from(is_before)) as f64
}

/// The selection of a count or removal, as conditions that must all hold.
pub(super) fn of_selection(selection: Selection) -> Vec<Condition> {
    let (workspace, conditions) = match selection {
        Selection::Version(workspace, id) => (workspace, vec![Condition::equal("version", id.0)]),
        Selection::VersionFrom(workspace, id, position) => {
            let from = Some(f64::from(position));
            let positions = Condition::Between { field: "position", from, until: None };
            (workspace, vec![Condition::equal("version", id.0), positions])
        }
        Selection::Document(workspace, id) => (workspace, vec![Condition::equal("document", id.0)]),
        Selection::Collection(workspace, id) => (workspace, vec![Condition::equal("collection", id.0)]),
        Selection::Workspace(workspace) => (workspace, Vec::new()),
    };
    std::iter::once(Condition::equal(TENANT_FIELD, workspace.0)).chain(conditions).collect()
}

/// The payload of a chunk.
pub(super) fn of_chunk(chunk: &Chunk) -> Result<Map<String, Value>, VectorStoreError> {
    match serde_json::to_value(chunk) {
        Ok(Value::Object(mut payload)) => {
            // Every store supports ranges on numbers only.
            payload.insert(DATE_FIELD.to_owned(), chunk.dated_at.as_millisecond().into());
            Ok(payload)
        }
        Ok(other) => {
            let reason = format!("a chunk was serialized as {other} instead of an object");
            Err(VectorStoreError::Failed(reason.into()))
        }
        Err(error) => Err(VectorStoreError::Failed(Cause::with_context("cannot serialize a chunk", error))),
    }
}

/// The chunk of a payload.
pub(super) fn to_chunk(mut payload: Map<String, Value>) -> Result<Chunk, VectorStoreError> {
    if let Some(date) = payload.get_mut(DATE_FIELD)
        && let Some(Ok(time)) = date.as_i64().map(Timestamp::from_millisecond)
    {
        *date = time.to_string().into();
    }
    serde_json::from_value(Value::Object(payload)).map_err(|error| {
        let context =
            format!("cannot read a chunk of the vector index ({error}); run `daedap reindex` to rebuild it");
        VectorStoreError::Failed(Cause::with_context(context, error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use domain::{Language, WorkspaceId, with_causes};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn chunk() -> Chunk {
        Chunk {
            title: "휴가".to_owned(),
            heading_path: vec!["인사".to_owned(), "연차".to_owned()],
            page: Some(3),
            language: Language::KOREAN,
            tags: vec!["인사".to_owned()],
            dated_at: time("2026-03-01T09:00:00.25Z"),
            ..fixture::chunk("휴가.md", 0, "연차는 15일입니다.")
        }
    }

    #[test]
    fn a_chunk_comes_back_as_it_was() {
        let payload = of_chunk(&chunk()).unwrap();
        for field in INDEXED_WORDS {
            assert!(payload[field].is_string() || payload[field].is_array(), "{field}");
        }
        assert_eq!(payload[DATE_FIELD], 1_772_355_600_250_i64);
        assert_eq!(to_chunk(payload).unwrap(), chunk());
    }

    #[test]
    fn a_payload_of_something_else_is_an_error_that_names_the_repair() {
        let mut of_format_1 = of_chunk(&chunk()).unwrap();
        of_format_1.retain(|field, _| !["tags", DATE_FIELD].contains(&field.as_str()));
        for payload in [Map::from_iter([("text".to_owned(), "x".into())]), of_format_1] {
            let error = with_causes(&to_chunk(payload).unwrap_err());
            assert!(error.contains("daedap reindex"), "{error}");
        }
    }

    #[test]
    fn every_condition_carries_the_tenant() {
        let (workspace, document) = (WorkspaceId::DEFAULT, chunk().document);
        let conditions = of_selection(Selection::Document(workspace, document));
        let document_alone = Condition::equal("document", document.0);
        assert_eq!(conditions, [Condition::equal(TENANT_FIELD, workspace.0), document_alone]);
        assert_eq!(of_selection(Selection::Workspace(workspace)).len(), 1);
    }

    #[test]
    fn a_filter_only_adds_conditions() {
        let Chunk { workspace, collection, document, .. } = chunk();
        let scope = Scope { workspace, collections: vec![collection], filter: Filter::default() };
        let unfiltered = of_scope(&scope);
        assert_eq!(unfiltered.len(), 2);
        let filter = Filter {
            documents: vec![document],
            tags: vec!["인사".to_owned(), "휴가".to_owned()],
            languages: vec![Language::KOREAN],
            from: Some(time("2026-03-01T09:00:00.25Z")),
            until: Some(time("1969-12-31T23:59:59.9995Z")),
        };
        let filtered = of_scope(&Scope { filter, ..scope });
        assert_eq!(filtered[..2], unfiltered);
        let bounds = Condition::Between {
            field: DATE_FIELD,
            from: Some(1_772_355_600_250.0),
            // Half a millisecond before the epoch: what is dated in milliseconds and before that is before 0.
            until: Some(0.0),
        };
        assert_eq!(
            filtered[2..],
            [
                Condition::any_of("document", &[document]),
                Condition::any_of("tags", &["인사", "휴가"]),
                Condition::any_of("language", &["ko"]),
                bounds,
            ]
        );
    }
}
