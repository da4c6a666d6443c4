//! Documents as their readers see them: through the one live version.
//!
//! What a document *is* (title, language, tags, date, number of chunks) is read from its live version; nothing is copied, so nothing
//! can disagree. A document whose first version is still being made is in no list. How versions change is in
//! `versions.rs`.

use std::collections::HashMap;

use domain::{CollectionId, Document, DocumentId, VersionId, WorkspaceId};
use sqlx::AnyConnection;
use sqlx::AssertSqlSafe;

use crate::rows::{self, count, expect_touched, now_ms};
use crate::{Database, DbError};

/// Ids per `IN (…)` list: well under the parameters that either dialect takes.
const IDS_PER_STATEMENT: usize = 500;

/// A document with its live version beside it, if it has one.
macro_rules! select_document {
    () => {
        "SELECT d.id, d.workspace, d.collection, d.source, d.created_at, d.updated_at, v.id AS live_version, v.title, \
         v.number, v.chunk_count, v.language, v.tags, v.dated_at, v.content_hash \
         FROM documents d LEFT JOIN versions v ON v.document = d.id AND v.state = 'live' "
    };
}
pub(crate) use select_document;

/// What a folder is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSource {
    /// The document.
    pub document: DocumentId,
    /// Where it came from.
    pub source: String,
    /// SHA-256 of its live version's source bytes.
    pub content_hash: String,
    /// Its live version's tags.
    pub tags: Vec<String>,
}

impl Database {
    /// One document, also one that has no live version yet; until then its source stands for its title.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, or it was deleted.
    pub async fn document(&self, workspace: WorkspaceId, id: DocumentId) -> Result<Document, DbError> {
        let row = sqlx::query(concat!(
            select_document!(),
            "WHERE d.workspace = $1 AND d.id = $2 AND d.deleted_at IS NULL"
        ))
        .bind(workspace.to_string())
        .bind(id.to_string())
        .fetch_optional(&self.reads)
        .await?;
        rows::document(&row.ok_or(DbError::NotFound("document"))?)
    }

    /// At most `limit` documents of the collection that have a live version, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// Those of the connection only; an unknown collection is empty.
    pub async fn documents(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<Document>, DbError> {
        sqlx::query(concat!(
            select_document!(),
            "WHERE d.workspace = $1 AND d.collection = $2 AND d.id > $3 AND v.id IS NOT NULL ORDER BY d.id LIMIT $4"
        ))
        .bind(workspace.to_string())
        .bind(collection.to_string())
        .bind(after_or_first(after))
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(rows::document)
        .collect()
    }

    /// At most `limit` documents of all collections of the workspace that have a live version, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn live_documents_after(
        &self,
        workspace: WorkspaceId,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<Document>, DbError> {
        sqlx::query(concat!(
            select_document!(),
            "WHERE d.workspace = $1 AND d.id > $2 AND v.id IS NOT NULL ORDER BY d.id LIMIT $3"
        ))
        .bind(workspace.to_string())
        .bind(after_or_first(after))
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(rows::document)
        .collect()
    }

    /// Sources, hashes and tags of all documents of the collection that have a live version, by document id.
    ///
    /// # Errors
    ///
    /// Those of the connection only; an unknown collection is empty.
    pub async fn document_sources(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
    ) -> Result<Vec<DocumentSource>, DbError> {
        sqlx::query(
            "SELECT d.id, d.source, v.content_hash, v.tags FROM documents d \
             JOIN versions v ON v.document = d.id AND v.state = 'live' \
             WHERE d.workspace = $1 AND d.collection = $2 ORDER BY d.id",
        )
        .bind(workspace.to_string())
        .bind(collection.to_string())
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(|row| {
            Ok(DocumentSource {
                document: rows::parsed(row, "id")?,
                source: rows::text(row, "source")?,
                content_hash: rows::text(row, "content_hash")?,
                tags: rows::json(row, "tags")?,
            })
        })
        .collect()
    }

    /// Number of documents of the workspace that have a live version.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn count_documents(&self, workspace: WorkspaceId) -> Result<u64, DbError> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM versions WHERE workspace = $1 AND state = 'live'")
            .bind(workspace.to_string())
            .fetch_one(&self.reads)
            .await?;
        rows::number(&row, "n")
    }

    /// Deletes a document: it vanishes from every answer at once, and a version of it that is being made can no longer be
    /// published. Its versions stay as history until something else removes them.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, or it was deleted before.
    pub async fn delete_document(&self, workspace: WorkspaceId, id: DocumentId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query(
            "UPDATE documents SET deleted_at = $3, updated_at = $3 \
             WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL",
        )
        .bind(workspace.to_string())
        .bind(id.to_string())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        expect_touched(&deleted, "document")?;
        sqlx::query("UPDATE versions SET state = 'superseded' WHERE document = $1 AND state <> 'superseded'")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The live version of each of these documents; those without one, deleted or of another workspace are absent.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn live_versions(
        &self,
        workspace: WorkspaceId,
        documents: &[DocumentId],
    ) -> Result<HashMap<DocumentId, VersionId>, DbError> {
        let mut live = HashMap::with_capacity(documents.len());
        for some in documents.chunks(IDS_PER_STATEMENT) {
            let places: Vec<String> = (2..some.len() + 2).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT document, id FROM versions WHERE workspace = $1 AND state = 'live' AND document IN ({})",
                places.join(", ")
            );
            // Safe: the text is made of numbers alone.
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(workspace.to_string());
            for document in some {
                query = query.bind(document.to_string());
            }
            for row in query.fetch_all(&self.reads).await? {
                live.insert(rows::parsed(&row, "document")?, rows::parsed(&row, "id")?);
            }
        }
        Ok(live)
    }
}

/// The smallest id that a page may begin after; every id is greater than the empty text.
pub(crate) fn after_or_first(after: Option<DocumentId>) -> String {
    after.map(|id| id.to_string()).unwrap_or_default()
}

/// The document within a transaction, deleted or not.
pub(crate) async fn live_document(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    id: DocumentId,
) -> Result<Document, DbError> {
    let row = sqlx::query(concat!(select_document!(), "WHERE d.workspace = $1 AND d.id = $2"))
        .bind(workspace.to_string())
        .bind(id.to_string())
        .fetch_one(connection)
        .await?;
    rows::document(&row)
}
