//! Creates, reads, tunes and deletes collections.

use std::collections::HashMap;

use domain::{Collection, CollectionId, DocumentId, Filter, Scope, Visibility, WorkspaceId};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::{Database, require_affected};
use crate::erasure::erasures::{MarkErased, Tombstone, mark_erased};
use crate::error::DbError;
use crate::stored_text::require_text;
use crate::{decode, encode};

macro_rules! columns {
    () => {
        "id, workspace, name, visibility, evidence_threshold, created_at"
    };
}

impl Database {
    /// The scope of a search: the named collections, or all collections of the workspace if none is named, with a filter.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when a named collection is not in the workspace.
    pub async fn scope(
        &self,
        workspace: WorkspaceId,
        named: &[CollectionId],
        filter: Filter,
    ) -> Result<Scope, DbError> {
        let mut collections = named.to_vec();
        if named.is_empty() {
            collections =
                self.collections(workspace).await?.into_iter().map(|collection| collection.id).collect();
        }
        for &collection in named {
            self.collection(workspace, collection).await?;
        }
        Ok(Scope { workspace, collections, filter })
    }

    /// The collection called `name`, created with this visibility if it is missing. An existing one keeps its
    /// visibility: naming a private collection never makes it public.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for an empty name or one with a NUL, [`DbError::NotFound`] for an unknown workspace.
    pub async fn ensure_collection(
        &self,
        workspace: WorkspaceId,
        name: &str,
        visibility: Visibility,
    ) -> Result<Collection, DbError> {
        require_text("collection's name", name)?;
        let mut tx = self.write().await?;
        // A deleted collection is revived as if it were new: its id is derived from its name.
        let row = sqlx::query(concat!(
            "INSERT INTO collections (id, workspace, name, visibility, created_at) VALUES ($1, $2, $3, $4, $5) ",
            "ON CONFLICT (id) DO UPDATE SET deleted_at = NULL, ",
            "visibility = CASE WHEN collections.deleted_at IS NULL THEN collections.visibility ELSE excluded.visibility END, ",
            "created_at = CASE WHEN collections.deleted_at IS NULL THEN collections.created_at ELSE excluded.created_at END ",
            "RETURNING ", columns!()
        ))
        .bind(CollectionId::derive(workspace, name).to_string())
        .bind(workspace.to_string())
        .bind(name)
        .bind(encode::word(&visibility)?)
        .bind(encode::now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        decode_collection(&row)
    }

    /// One collection.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn collection(&self, workspace: WorkspaceId, id: CollectionId) -> Result<Collection, DbError> {
        let row = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM collections WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL"
        ))
        .bind(workspace.to_string())
        .bind(id.to_string())
        .fetch_optional(&self.reads)
        .await?;
        decode_collection(&row.ok_or(DbError::NotFound("collection"))?)
    }

    /// All collections of the workspace, oldest first.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn collections(&self, workspace: WorkspaceId) -> Result<Vec<Collection>, DbError> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM collections WHERE workspace = $1 AND deleted_at IS NULL ORDER BY created_at, id"
        ))
        .bind(workspace.to_string())
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_collection)
        .collect()
    }

    /// Sets the evidence from which questions to the collection are answered; `None` restores the service's default.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, [`DbError::Rejected`] outside 0 to 1.
    pub async fn set_evidence_threshold(
        &self,
        workspace: WorkspaceId,
        id: CollectionId,
        threshold: Option<f64>,
    ) -> Result<Collection, DbError> {
        if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
            return Err(DbError::Rejected("an evidence threshold must be between 0 and 1".to_owned()));
        }
        let mut tx = self.write().await?;
        let row = sqlx::query(concat!(
            "UPDATE collections SET evidence_threshold = $3 ",
            "WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL RETURNING ",
            columns!()
        ))
        .bind(workspace.to_string())
        .bind(id.to_string())
        .bind(threshold)
        .fetch_optional(&mut *tx)
        .await?;
        let collection = decode_collection(&row.ok_or(DbError::NotFound("collection"))?)?;
        tx.commit().await?;
        Ok(collection)
    }

    /// The evidence thresholds of those collections of the workspace that have one of their own.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn evidence_thresholds(
        &self,
        workspace: WorkspaceId,
    ) -> Result<HashMap<CollectionId, f64>, DbError> {
        let rows = sqlx::query(
            "SELECT id, evidence_threshold FROM collections \
             WHERE workspace = $1 AND evidence_threshold IS NOT NULL AND deleted_at IS NULL",
        )
        .bind(workspace.to_string())
        .fetch_all(&self.reads)
        .await?;
        let mut thresholds = HashMap::with_capacity(rows.len());
        for row in &rows {
            if let Some(threshold) = decode::optional_real(row, "evidence_threshold")? {
                thresholds.insert(decode::id(row, "id")?, threshold);
            }
        }
        Ok(thresholds)
    }

    /// Deletes a collection, its documents and its evaluation set, and cancels the jobs that add to it. From then on no
    /// search finds their chunks; [`unfinished_erasures`](Database::unfinished_erasures) lists the documents of which texts,
    /// points and originals are still to be removed.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn delete_collection(
        &self,
        workspace: WorkspaceId,
        id: CollectionId,
    ) -> Result<Vec<Tombstone>, DbError> {
        let mut tx = self.write().await?;
        lock_collection(&mut tx, workspace, id).await?;
        let now = encode::now_ms();
        sqlx::query("UPDATE collections SET deleted_at = $2, evidence_threshold = NULL WHERE id = $1")
            .bind(id.to_string())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let documents = delete_documents_in(&mut tx, id, now).await?;
        cancel_jobs_into(&mut tx, id, now).await?;
        for delete in [
            "DELETE FROM eval_questions WHERE collection = $1",
            "DELETE FROM eval_runs WHERE collection = $1",
            "DELETE FROM web_pages WHERE collection = $1",
        ] {
            sqlx::query(delete).bind(id.to_string()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        let erased_at = Timestamp::from_millisecond(now).unwrap_or_default();
        Ok(documents.into_iter().map(|document| Tombstone { workspace, document, erased_at }).collect())
    }
}

/// Locks the collection until the transaction ends. Writing a value over itself is the one row lock that both dialects
/// have.
pub(crate) async fn lock_collection(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    id: CollectionId,
) -> Result<(), DbError> {
    let locked =
        sqlx::query("UPDATE collections SET id = id WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL")
            .bind(workspace.to_string())
            .bind(id.to_string())
            .execute(connection)
            .await?;
    require_affected(&locked, "collection")
}

/// Deletes the documents of a collection, and returns them.
async fn delete_documents_in(
    connection: &mut AnyConnection,
    collection: CollectionId,
    now: i64,
) -> Result<Vec<DocumentId>, DbError> {
    let documents = mark_erased(connection, MarkErased::Collection(collection), now).await?;
    sqlx::query(
        "UPDATE documents SET deleted_at = $2, updated_at = $2 WHERE collection = $1 AND deleted_at IS NULL",
    )
    .bind(collection.to_string())
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE versions SET state = 'superseded' WHERE state <> 'superseded' \
         AND document IN (SELECT id FROM documents WHERE collection = $1)",
    )
    .bind(collection.to_string())
    .execute(connection)
    .await?;
    Ok(documents)
}

async fn cancel_jobs_into(
    connection: &mut AnyConnection,
    collection: CollectionId,
    now: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', lease_until = NULL, progress = NULL, updated_at = $2 \
         WHERE collection = $1 AND state IN ('queued', 'running')",
    )
    .bind(collection.to_string())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

fn decode_collection(row: &AnyRow) -> Result<Collection, DbError> {
    Ok(Collection {
        id: decode::id(row, "id")?,
        workspace: decode::id(row, "workspace")?,
        name: decode::text(row, "name")?,
        visibility: decode::word(row, "visibility")?,
        evidence_threshold: decode::optional_real(row, "evidence_threshold")?,
        created_at: decode::time(row, "created_at")?,
    })
}
