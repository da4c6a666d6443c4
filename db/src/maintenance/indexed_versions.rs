//! Tracks which versions are in the index being built, so that a build can be interrupted at any point and resumed.
//!
//! A version's row is inserted before its first chunk is written, and its number of chunks is set after the last one. So a
//! row without a number may have chunks in the index, and no chunk is in the index without a row.

use domain::{Document, DocumentId, IndexId, VersionId};
use sqlx::AnyConnection;

use crate::database::Database;
use crate::documents::documents::{after_or_first, decode_document, select_document};
use crate::documents::versions::{StaleVersion, decode_stale_version};
use crate::error::DbError;
use crate::{decode, encode};

/// Progress of a build, over all workspaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildProgress {
    /// Number of live versions that are complete in the index.
    pub indexed: u64,
    /// Number of live versions.
    pub documents: u64,
    /// Number of chunks of the complete ones.
    pub chunks: u64,
}

impl Database {
    /// At most `limit` documents, of all workspaces, whose live version is not complete in the index, by id, those after
    /// `after`.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn unindexed_documents(
        &self,
        index: IndexId,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<Document>, DbError> {
        sqlx::query(concat!(
            select_document!(),
            "LEFT JOIN indexed_versions i ON i.version = v.id AND i.index_id = $1 AND i.chunk_count IS NOT NULL \
             WHERE v.id IS NOT NULL AND i.version IS NULL AND d.id > $2 ORDER BY d.id LIMIT $3"
        ))
        .bind(index.to_string())
        .bind(after_or_first(after))
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_document)
        .collect()
    }

    /// The progress of the build of the index.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn build_progress(&self, index: IndexId) -> Result<BuildProgress, DbError> {
        // In PostgreSQL a sum of BIGINT is a NUMERIC, which the driver for both dialects does not decode.
        let row = sqlx::query(
            "SELECT COUNT(*) AS documents, COUNT(i.chunk_count) AS indexed, \
             CAST(COALESCE(SUM(i.chunk_count), 0) AS BIGINT) AS chunks \
             FROM versions v LEFT JOIN indexed_versions i ON i.version = v.id AND i.index_id = $1 \
             WHERE v.state = 'live'",
        )
        .bind(index.to_string())
        .fetch_one(&self.reads)
        .await?;
        Ok(BuildProgress {
            indexed: decode::number(&row, "indexed")?,
            documents: decode::number(&row, "documents")?,
            chunks: decode::number(&row, "chunks")?,
        })
    }

    /// Records that chunks of the version are about to be written to the index.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such index or version.
    pub async fn begin_indexing(&self, index: IndexId, version: VersionId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO indexed_versions (index_id, version) VALUES ($1, $2) \
             ON CONFLICT (index_id, version) DO UPDATE SET chunk_count = NULL",
        )
        .bind(index.to_string())
        .bind(version.to_string())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Records that all chunks of the version are in the index.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when it was not begun.
    pub async fn finish_indexing(
        &self,
        index: IndexId,
        version: VersionId,
        chunk_count: u32,
    ) -> Result<(), DbError> {
        let update =
            sqlx::query("UPDATE indexed_versions SET chunk_count = $3 WHERE index_id = $1 AND version = $2")
                .bind(index.to_string())
                .bind(version.to_string())
                .bind(encode::integer(chunk_count));
        self.change(update, "version in the index").await
    }

    /// At most `limit` versions that may have chunks in the index but are no longer live.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn leftover_versions(&self, index: IndexId, limit: u32) -> Result<Vec<StaleVersion>, DbError> {
        sqlx::query(
            "SELECT v.workspace, v.document, v.id FROM indexed_versions i JOIN versions v ON v.id = i.version \
             WHERE i.index_id = $1 AND v.state <> 'live' ORDER BY v.id LIMIT $2",
        )
        .bind(index.to_string())
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_stale_version)
        .collect()
    }

    /// Records that the index holds no chunk of the version any more.
    ///
    /// # Errors
    ///
    /// Connection errors only; an absent version is no error.
    pub async fn delete_indexed_version(&self, index: IndexId, version: VersionId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM indexed_versions WHERE index_id = $1 AND version = $2")
            .bind(index.to_string())
            .bind(version.to_string())
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// Whether every live version is complete in the index.
pub(crate) async fn is_complete(connection: &mut AnyConnection, index: IndexId) -> Result<bool, DbError> {
    let missing = sqlx::query(
        "SELECT v.id FROM versions v WHERE v.state = 'live' AND NOT EXISTS (SELECT 1 FROM indexed_versions i \
         WHERE i.index_id = $1 AND i.version = v.id AND i.chunk_count IS NOT NULL) LIMIT 1",
    )
    .bind(index.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(missing.is_none())
}

/// Whether the index may hold chunks of a version that is not live.
pub(crate) async fn has_leftovers(connection: &mut AnyConnection, index: IndexId) -> Result<bool, DbError> {
    let leftover = sqlx::query(
        "SELECT v.id FROM indexed_versions i JOIN versions v ON v.id = i.version \
         WHERE i.index_id = $1 AND v.state <> 'live' LIMIT 1",
    )
    .bind(index.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(leftover.is_some())
}
