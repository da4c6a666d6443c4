//! Collections: made by name, tuned by their evidence threshold, deleted with their documents.

use std::collections::HashMap;

use domain::{Collection, CollectionId, Filter, Scope, Visibility, WorkspaceId};
use sqlx::AnyConnection;

use crate::rows::{self, expect_touched, now_ms, word};
use crate::text::require;
use crate::{Database, DbError};

macro_rules! columns {
    () => {
        "id, workspace, name, visibility, evidence_threshold, created_at"
    };
}

impl Database {
    /// What a search may see: the named collections, each of which must be the workspace's, or all of it where none is
    /// named, narrowed by the filter.
    ///
    /// # Errors
    ///
    /// `NotFound` where a named collection is not the workspace's.
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

    /// The collection called `name`, made with this visibility if it is missing. One that exists keeps its own
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
        require("collection's name", name)?;
        let mut tx = self.write().await?;
        // A deleted one comes back as if it were new: its id is derived from its name.
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
        .bind(word(&visibility)?)
        .bind(now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        rows::collection(&row)
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
        rows::collection(&row.ok_or(DbError::NotFound("collection"))?)
    }

    /// All collections of the workspace, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
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
        .map(rows::collection)
        .collect()
    }

    /// Sets the evidence from which questions to the collection are answered; `None` takes the service's default again.
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
            return Err(DbError::Rejected("an evidence threshold lies between 0 and 1".to_owned()));
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
        let collection = rows::collection(&row.ok_or(DbError::NotFound("collection"))?)?;
        tx.commit().await?;
        Ok(collection)
    }

    /// The evidence thresholds of those collections of the workspace that have one of their own.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
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
        let own = rows.iter().filter_map(|row| {
            let threshold = rows::optional_real(row, "evidence_threshold").transpose()?;
            Some(rows::parsed(row, "id").and_then(|id| Ok((id, threshold?))))
        });
        own.collect()
    }

    /// Deletes a collection, its documents, its evaluation set, and the jobs that add to it. Their chunks vanish
    /// from every answer at once; the vectors themselves are then in [`stale_versions`](Database::stale_versions).
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn delete_collection(&self, workspace: WorkspaceId, id: CollectionId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        lock_collection(&mut tx, workspace, id).await?;
        let now = now_ms();
        sqlx::query("UPDATE collections SET deleted_at = $2, evidence_threshold = NULL WHERE id = $1")
            .bind(id.to_string())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE documents SET deleted_at = $2, updated_at = $2 WHERE collection = $1 AND deleted_at IS NULL",
        )
        .bind(id.to_string())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE versions SET state = 'superseded' WHERE state <> 'superseded' \
             AND document IN (SELECT id FROM documents WHERE collection = $1)",
        )
        .bind(id.to_string())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE jobs SET state = 'cancelled', lease_until = NULL, progress = NULL, updated_at = $2 \
             WHERE collection = $1 AND state IN ('queued', 'running')",
        )
        .bind(id.to_string())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        for sql in [
            "DELETE FROM eval_questions WHERE collection = $1",
            "DELETE FROM eval_runs WHERE collection = $1",
            "DELETE FROM web_pages WHERE collection = $1",
        ] {
            sqlx::query(sql).bind(id.to_string()).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Holds the collection as it is until the transaction ends. Writing a value over itself is the one row lock that both
/// dialects have.
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
    expect_touched(&locked, "collection")
}
