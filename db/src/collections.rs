//! Collections: made by name, deleted with their documents.

use domain::{Collection, CollectionId, Filter, Scope, Visibility, WorkspaceId};
use sqlx::AnyConnection;

use crate::rows::{self, now_ms, word};
use crate::text::require;
use crate::{Database, DbError};

macro_rules! columns {
    () => {
        "id, workspace, name, visibility, created_at"
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

    /// Deletes a collection, its documents, and the jobs that wait to add to it. Their chunks vanish from every answer
    /// at once; the vectors themselves are then in [`stale_versions`](Database::stale_versions).
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn delete_collection(&self, workspace: WorkspaceId, id: CollectionId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        lock_collection(&mut tx, workspace, id).await?;
        let now = now_ms();
        sqlx::query("UPDATE collections SET deleted_at = $2 WHERE id = $1")
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
            "UPDATE jobs SET state = 'cancelled', updated_at = $2 WHERE collection = $1 AND state = 'queued'",
        )
        .bind(id.to_string())
        .bind(now)
        .execute(&mut *tx)
        .await?;
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
    if locked.rows_affected() == 0 { Err(DbError::NotFound("collection")) } else { Ok(()) }
}
