//! Reads and deletes documents, each through its one live version.
//!
//! A document's title, language, tags, date and number of chunks are those of its live version; nothing is stored twice,
//! so nothing can disagree. Lists omit a document whose first version is still pending. `begin_version.rs` and
//! `publish_version.rs` make versions.

use std::collections::HashMap;

use domain::{CollectionId, Document, DocumentId, Language, VersionId, WorkspaceId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::database::Database;
use crate::erasure::erase_rows::erase_rows;
use crate::erasure::erasures::{MarkErased, Tombstone, mark_erased};
use crate::error::DbError;
use crate::{decode, encode};

/// Ids per `IN (…)` list: well below the maximum number of parameters of either dialect.
const IDS_PER_STATEMENT: usize = 500;

/// Selects documents joined with their live versions, for [`decode_document`].
macro_rules! select_document {
    () => {
        "SELECT d.id, d.workspace, d.collection, d.source, d.created_at, d.updated_at, v.id AS live_version, v.title, \
         v.number, v.chunk_count, v.language, v.tags, v.dated_at, v.content_hash \
         FROM documents d LEFT JOIN versions v ON v.document = d.id AND v.state = 'live' "
    };
}
pub(crate) use select_document;

/// The parts of a document that a sync compares with a folder.
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
    /// One document. One without a live version has its source as its title.
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
        decode_document(&row.ok_or(DbError::NotFound("document"))?)
    }

    /// At most `limit` documents of the collection that have a live version, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// Connection errors only; an unknown collection is empty.
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
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_document)
        .collect()
    }

    /// At most `limit` documents of all collections of the workspace that have a live version, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// Connection errors only.
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
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_document)
        .collect()
    }

    /// Sources, hashes and tags of all documents of the collection that have a live version, by document id.
    ///
    /// # Errors
    ///
    /// Connection errors only; an unknown collection is empty.
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
                document: decode::id(row, "id")?,
                source: decode::text(row, "source")?,
                content_hash: decode::text(row, "content_hash")?,
                tags: decode::json(row, "tags")?,
            })
        })
        .collect()
    }

    /// Number of documents of the workspace that have a live version.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn count_documents(&self, workspace: WorkspaceId) -> Result<u64, DbError> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM versions WHERE workspace = $1 AND state = 'live'")
            .bind(workspace.to_string())
            .fetch_one(&self.reads)
            .await?;
        decode::number(&row, "n")
    }

    /// Deletes a document with the texts of all its versions and what answers quote of it, and cancels its jobs. No search
    /// finds it from then on, and its pending version cannot be published. Its points and originals are still to be
    /// removed: [`unfinished_erasures`](Database::unfinished_erasures) lists it until they are.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, or it was deleted.
    pub async fn delete_document(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
    ) -> Result<Tombstone, DbError> {
        self.erase_document(workspace, id, None).await
    }

    /// Deletes a document that goes on as `moved_to`, with the same content. What answers quote of it becomes a quote of
    /// that document, and its jobs stay.
    ///
    /// # Errors
    ///
    /// As with [`delete_document`](Self::delete_document).
    pub async fn delete_moved_document(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
        moved_to: DocumentId,
    ) -> Result<(), DbError> {
        self.erase_document(workspace, id, Some(moved_to)).await.map(drop)
    }

    async fn erase_document(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
        moved_to: Option<DocumentId>,
    ) -> Result<Tombstone, DbError> {
        let now = encode::now_ms();
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "UPDATE documents SET deleted_at = $3, updated_at = $3 \
             WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL RETURNING deleted_at",
        )
        .bind(workspace.to_string())
        .bind(id.to_string())
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(DbError::NotFound("document"))?;
        mark_erased(&mut tx, MarkErased::Document { document: id, moved_to }, now).await?;
        erase_rows(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Tombstone { workspace, document: id, erased_at: decode::time(&row, "deleted_at")? })
    }

    /// The live version of each of these documents; those without one, deleted or of another workspace are absent.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn live_versions(
        &self,
        workspace: WorkspaceId,
        documents: &[DocumentId],
    ) -> Result<HashMap<DocumentId, VersionId>, DbError> {
        let mut live = HashMap::with_capacity(documents.len());
        for batch in documents.chunks(IDS_PER_STATEMENT) {
            let placeholders: Vec<String> = (2..batch.len() + 2).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT document, id FROM versions WHERE workspace = $1 AND state = 'live' AND document IN ({})",
                placeholders.join(", ")
            );
            // Safe: the text consists of constants and numbers.
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(workspace.to_string());
            for document in batch {
                query = query.bind(document.to_string());
            }
            for row in query.fetch_all(&self.reads).await? {
                live.insert(decode::id(&row, "document")?, decode::id(&row, "id")?);
            }
        }
        Ok(live)
    }
}

/// Encodes the id that a page begins after; every id is greater than the empty text.
pub(crate) fn after_or_first(after: Option<DocumentId>) -> String {
    after.map(|id| id.to_string()).unwrap_or_default()
}

/// Reads a document within a transaction, deleted or not.
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
    decode_document(&row)
}

/// Decodes a row of [`select_document!`]; the live version's columns are null while there is none.
pub(crate) fn decode_document(row: &AnyRow) -> Result<Document, DbError> {
    let live_version: Option<VersionId> = decode::optional_id(row, "live_version")?;
    let source = decode::text(row, "source")?;
    let live = live_version.is_some();
    let created_at = decode::time(row, "created_at")?;
    Ok(Document {
        id: decode::id(row, "id")?,
        workspace: decode::id(row, "workspace")?,
        collection: decode::id(row, "collection")?,
        title: if live { decode::text(row, "title")? } else { source.clone() },
        source,
        live_version,
        version_number: if live { decode::number(row, "number")? } else { 0 },
        chunk_count: if live { decode::number(row, "chunk_count")? } else { 0 },
        language: if live { decode::word(row, "language")? } else { Language::UNKNOWN },
        tags: if live { decode::json(row, "tags")? } else { Vec::new() },
        dated_at: if live { decode::time(row, "dated_at")? } else { created_at },
        content_hash: if live { decode::text(row, "content_hash")? } else { String::new() },
        created_at,
        updated_at: decode::time(row, "updated_at")?,
    })
}
