//! Vector indexes: which one answers, which one is being built, which ones may go.
//!
//! An index goes `building -> live -> retired`, or straight to `retired` when it is given up. There is at most one live
//! index and one being built (partial unique indexes). Which versions are in the one being built stands in
//! `indexed_versions.rs`.

use domain::{EmbeddingSpace, IndexId};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Transaction};

use crate::indexed_versions::{has_leftovers, is_complete};
use crate::rows::{self, expect_touched, now_ms};
use crate::text::require;
use crate::{Database, DbError};

/// A vector index, whose place is named after its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorIndex {
    /// Its id.
    pub id: IndexId,
    /// What its embedder is asked for by: a catalog id, or the path of a folder.
    pub embedder: String,
    /// The space of its vectors.
    pub space: EmbeddingSpace,
}

impl Database {
    /// The index that answers; `None` until the first one is whole.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn live_index(&self) -> Result<Option<VectorIndex>, DbError> {
        Ok(self.indexes_in("live").await?.pop())
    }

    /// The index that is being built, if one is.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn building_index(&self) -> Result<Option<VectorIndex>, DbError> {
        Ok(self.indexes_in("building").await?.pop())
    }

    /// The indexes whose places can be removed.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn retired_indexes(&self) -> Result<Vec<VectorIndex>, DbError> {
        self.indexes_in("retired").await
    }

    async fn indexes_in(&self, state: &str) -> Result<Vec<VectorIndex>, DbError> {
        let rows = sqlx::query("SELECT id, embedder, space FROM vector_indexes WHERE state = $1 ORDER BY id")
            .bind(state)
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(vector_index).collect()
    }

    /// Begins an index. Its place is made after this, so that no place is ever without its row.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] while another one is being built, [`DbError::Rejected`] for an empty name of the embedder.
    pub async fn begin_index(&self, embedder: &str, space: &EmbeddingSpace) -> Result<VectorIndex, DbError> {
        require("embedder", embedder)?;
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "INSERT INTO vector_indexes (id, embedder, space, state, created_at) \
             VALUES ($1, $2, $3, 'building', $4) RETURNING id, embedder, space",
        )
        .bind(IndexId::new().to_string())
        .bind(embedder)
        .bind(serde_json::to_string(space)?)
        .bind(now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        vector_index(&row)
    }

    /// Gives up an index that is being built.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no such index is being built.
    pub async fn give_up_index(&self, id: IndexId) -> Result<(), DbError> {
        let give_up =
            sqlx::query("UPDATE vector_indexes SET state = 'retired' WHERE id = $1 AND state = 'building'")
                .bind(id.to_string());
        self.change(give_up, "index that is being built").await
    }

    /// Forgets a retired index whose place is removed.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no retired index has this id.
    pub async fn forget_index(&self, id: IndexId) -> Result<(), DbError> {
        let forget = sqlx::query("DELETE FROM vector_indexes WHERE id = $1 AND state = 'retired'")
            .bind(id.to_string());
        self.change(forget, "retired index").await
    }

    /// Makes the index that is being built the one that answers, and retires the one before: one transaction, in which
    /// the documents' numbers of chunks become those of the new index. Changes nothing and says `false` while a live
    /// version is missing in it, or it holds chunks of one that is not live. Nobody may publish a version meanwhile.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no such index is being built.
    pub async fn switch_index(&self, id: IndexId) -> Result<bool, DbError> {
        let mut tx = self.write().await?;
        lock_building(&mut tx, id).await?;
        if !is_complete(&mut tx, id).await? || has_leftovers(&mut tx, id).await? {
            return Ok(false);
        }
        for statement in [
            "UPDATE versions SET chunk_count = (SELECT i.chunk_count FROM indexed_versions i \
             WHERE i.index_id = $1 AND i.version = versions.id) WHERE state = 'live'",
            "DELETE FROM indexed_versions WHERE index_id = $1",
            "UPDATE vector_indexes SET state = 'retired' WHERE state = 'live' AND id <> $1",
            "UPDATE vector_indexes SET state = 'live' WHERE id = $1",
        ] {
            sqlx::query(statement).bind(id.to_string()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Holds the index until the transaction ends.
async fn lock_building(tx: &mut Transaction<'static, Any>, id: IndexId) -> Result<(), DbError> {
    let connection: &mut AnyConnection = tx;
    let held = sqlx::query("UPDATE vector_indexes SET id = id WHERE id = $1 AND state = 'building'")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    expect_touched(&held, "index that is being built")
}

pub(crate) fn vector_index(row: &AnyRow) -> Result<VectorIndex, DbError> {
    Ok(VectorIndex {
        id: rows::parsed(row, "id")?,
        embedder: rows::text(row, "embedder")?,
        space: rows::json(row, "space")?,
    })
}
