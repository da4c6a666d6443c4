//! Reads the earlier versions of a document: lists them without their texts, and finds one by its number.

use domain::{DocumentId, Version, VersionId, VersionState, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::documents::versions::{columns, decode_version};
use crate::error::DbError;
use crate::{decode, encode};

/// A version without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSummary {
    /// Its id.
    pub id: VersionId,
    /// From 1.
    pub number: u32,
    /// Its state.
    pub state: VersionState,
    /// The document's title.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// The document's tags.
    pub tags: Vec<String>,
    /// When the source was last changed, if known; else when this version was ingested.
    pub dated_at: Timestamp,
    /// When it was begun.
    pub created_at: Timestamp,
}

impl Database {
    /// At most `limit` versions of a document, newest first, those before number `before`.
    ///
    /// # Errors
    ///
    /// Connection errors only; an unknown document has none.
    pub async fn version_history(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<VersionSummary>, DbError> {
        sqlx::query(
            "SELECT id, number, state, title, content_hash, tags, dated_at, created_at FROM versions \
             WHERE workspace = $1 AND document = $2 AND number < $3 AND content_hash <> 'erased' ORDER BY number DESC LIMIT $4",
        )
        .bind(workspace.to_string())
        .bind(document.to_string())
        .bind(before.map_or(i64::MAX, i64::from))
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(|row| {
            Ok(VersionSummary {
                id: decode::id(row, "id")?,
                number: decode::number(row, "number")?,
                state: decode::word(row, "state")?,
                title: decode::text(row, "title")?,
                content_hash: decode::text(row, "content_hash")?,
                tags: decode::json(row, "tags")?,
                dated_at: decode::time(row, "dated_at")?,
                created_at: decode::time(row, "created_at")?,
            })
        })
        .collect()
    }

    /// The version of a document with that number, in any state.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none.
    pub async fn version_by_number(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        number: u32,
    ) -> Result<Version, DbError> {
        let row = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM versions WHERE workspace = $1 AND document = $2 AND number = $3 AND content_hash <> 'erased'"
        ))
        .bind(workspace.to_string())
        .bind(document.to_string())
        .bind(i64::from(number))
        .fetch_optional(&self.reads)
        .await?;
        decode_version(&row.ok_or(DbError::NotFound("version"))?)
    }
}
