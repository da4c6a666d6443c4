//! What a document said before: its versions, without their texts, for people who look back.

use domain::{DocumentId, Version, VersionId, VersionState, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rows::{self, count};
use crate::versions::columns;
use crate::{Database, DbError};

/// A version as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastVersion {
    /// Its id.
    pub id: VersionId,
    /// From 1.
    pub number: u32,
    /// Where it stands in its life.
    pub state: VersionState,
    /// What the document was called.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// What the document was sorted by.
    pub tags: Vec<String>,
    /// When the source was last changed, where that is known; else when this version was taken in.
    pub dated_at: Timestamp,
    /// When it was begun.
    pub created_at: Timestamp,
}

impl Database {
    /// At most `limit` versions of a document, newest first, those before number `before`.
    ///
    /// # Errors
    ///
    /// Those of the connection only; an unknown document has none.
    pub async fn history(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PastVersion>, DbError> {
        sqlx::query(
            "SELECT id, number, state, title, content_hash, tags, dated_at, created_at FROM versions \
             WHERE workspace = $1 AND document = $2 AND number < $3 ORDER BY number DESC LIMIT $4",
        )
        .bind(workspace.to_string())
        .bind(document.to_string())
        .bind(before.map_or(i64::MAX, i64::from))
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(|row| {
            Ok(PastVersion {
                id: rows::parsed(row, "id")?,
                number: rows::number(row, "number")?,
                state: rows::worded(row, "state")?,
                title: rows::text(row, "title")?,
                content_hash: rows::text(row, "content_hash")?,
                tags: rows::json(row, "tags")?,
                dated_at: rows::time(row, "dated_at")?,
                created_at: rows::time(row, "created_at")?,
            })
        })
        .collect()
    }

    /// The version of a document with that number, in whatever state.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none.
    pub async fn numbered_version(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        number: u32,
    ) -> Result<Version, DbError> {
        let row = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM versions WHERE workspace = $1 AND document = $2 AND number = $3"
        ))
        .bind(workspace.to_string())
        .bind(document.to_string())
        .bind(i64::from(number))
        .fetch_optional(&self.reads)
        .await?;
        rows::version(&row.ok_or(DbError::NotFound("version"))?)
    }
}
