//! Reads versions of documents, and tracks which superseded ones still have chunks in the vector store.

use domain::{DocumentId, Version, VersionId, WorkspaceId};
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::error::DbError;
use crate::{decode, encode};

/// Columns of a version, for [`decode_version`].
macro_rules! columns {
    () => {
        "id, document, number, title, content_hash, tags, dated_at, state, text, page_starts"
    };
}

pub(crate) use columns;

/// A version whose chunks may still be in the vector store, although no search finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleVersion {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its document.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
}

impl Database {
    /// One version with its text, in any state.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn version(&self, workspace: WorkspaceId, id: VersionId) -> Result<Version, DbError> {
        let row =
            sqlx::query(concat!("SELECT ", columns!(), " FROM versions WHERE workspace = $1 AND id = $2"))
                .bind(workspace.to_string())
                .bind(id.to_string())
                .fetch_optional(&self.reads)
                .await?;
        decode_version(&row.ok_or(DbError::NotFound("version"))?)
    }

    /// At most `limit` superseded versions, of all workspaces, whose chunks may still be in the vector
    /// store.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn stale_versions(&self, limit: u32) -> Result<Vec<StaleVersion>, DbError> {
        sqlx::query(
            "SELECT workspace, document, id FROM versions WHERE state = 'superseded' AND chunks_removed = 0 \
             ORDER BY id LIMIT $1",
        )
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_stale_version)
        .collect()
    }

    /// Records that the chunks of a superseded version were removed from the vector store. Its text stays, as history.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no superseded version has this id.
    pub async fn mark_chunks_removed(&self, version: VersionId) -> Result<(), DbError> {
        let update =
            sqlx::query("UPDATE versions SET chunks_removed = 1 WHERE id = $1 AND state = 'superseded'")
                .bind(version.to_string());
        self.change(update, "superseded version").await
    }
}

pub(crate) fn decode_stale_version(row: &AnyRow) -> Result<StaleVersion, DbError> {
    Ok(StaleVersion {
        workspace: decode::id(row, "workspace")?,
        document: decode::id(row, "document")?,
        version: decode::id(row, "id")?,
    })
}

pub(crate) fn decode_version(row: &AnyRow) -> Result<Version, DbError> {
    Ok(Version {
        id: decode::id(row, "id")?,
        document: decode::id(row, "document")?,
        number: decode::number(row, "number")?,
        title: decode::text(row, "title")?,
        content_hash: decode::text(row, "content_hash")?,
        tags: decode::json(row, "tags")?,
        dated_at: decode::time(row, "dated_at")?,
        state: decode::word(row, "state")?,
        text: decode::text(row, "text")?,
        page_starts: decode::json(row, "page_starts")?,
    })
}
