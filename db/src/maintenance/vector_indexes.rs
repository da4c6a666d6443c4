//! Tracks vector indexes: the live one, the one being built, and the retired ones.
//!
//! An index goes `building -> live -> retired`, or straight to `retired` when its build is abandoned. There is at most one
//! live index and one being built (partial unique indexes). `indexed_versions.rs` tracks which versions are in the one
//! being built.

use domain::{EmbeddingSpace, IndexId};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Transaction};

use crate::database::{Database, require_affected};
use crate::error::DbError;
use crate::maintenance::indexed_versions::{has_leftovers, is_complete};
use crate::stored_text::require_text;
use crate::{decode, encode};

/// A vector index; its folder or Qdrant collection is named after its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorIndex {
    /// Its id.
    pub id: IndexId,
    /// Its embedder: a catalog id, or the path of a folder.
    pub embedder: String,
    /// The space of its vectors.
    pub space: EmbeddingSpace,
}

impl Database {
    /// The index that serves queries; `None` until the first one is complete.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn live_index(&self) -> Result<Option<VectorIndex>, DbError> {
        Ok(self.indexes_in("live").await?.pop())
    }

    /// The index being built, if there is one.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn building_index(&self) -> Result<Option<VectorIndex>, DbError> {
        Ok(self.indexes_in("building").await?.pop())
    }

    /// The indexes whose storage can be deleted.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn retired_indexes(&self) -> Result<Vec<VectorIndex>, DbError> {
        self.indexes_in("retired").await
    }

    async fn indexes_in(&self, state: &str) -> Result<Vec<VectorIndex>, DbError> {
        let rows = sqlx::query("SELECT id, embedder, space FROM vector_indexes WHERE state = $1 ORDER BY id")
            .bind(state)
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(decode_vector_index).collect()
    }

    /// Begins an index. Its storage is created after this, so that no storage is ever without its row.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] while another one is being built, [`DbError::Rejected`] for an empty embedder.
    pub async fn begin_index(&self, embedder: &str, space: &EmbeddingSpace) -> Result<VectorIndex, DbError> {
        require_text("embedder", embedder)?;
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "INSERT INTO vector_indexes (id, embedder, space, state, created_at) \
             VALUES ($1, $2, $3, 'building', $4) RETURNING id, embedder, space",
        )
        .bind(IndexId::new().to_string())
        .bind(embedder)
        .bind(serde_json::to_string(space)?)
        .bind(encode::now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        decode_vector_index(&row)
    }

    /// Abandons the build of an index.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no such index is being built.
    pub async fn abandon_index(&self, id: IndexId) -> Result<(), DbError> {
        let abandon =
            sqlx::query("UPDATE vector_indexes SET state = 'retired' WHERE id = $1 AND state = 'building'")
                .bind(id.to_string());
        self.change(abandon, "index being built").await
    }

    /// Deletes the row of a retired index after its storage is deleted.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no retired index has this id.
    pub async fn delete_retired_index(&self, id: IndexId) -> Result<(), DbError> {
        let delete = sqlx::query("DELETE FROM vector_indexes WHERE id = $1 AND state = 'retired'")
            .bind(id.to_string());
        self.change(delete, "retired index").await
    }

    /// Makes the index being built live and retires the previous one, in one transaction, which also sets the documents'
    /// numbers of chunks to those of the new index. Returns `false` and changes nothing while the new index lacks a live
    /// version, or holds chunks of one that is not live. No version may be published meanwhile.
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

/// Locks the index until the transaction ends.
async fn lock_building(tx: &mut Transaction<'static, Any>, id: IndexId) -> Result<(), DbError> {
    let connection: &mut AnyConnection = tx;
    let locked = sqlx::query("UPDATE vector_indexes SET id = id WHERE id = $1 AND state = 'building'")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    require_affected(&locked, "index being built")
}

pub(crate) fn decode_vector_index(row: &AnyRow) -> Result<VectorIndex, DbError> {
    Ok(VectorIndex {
        id: decode::id(row, "id")?,
        embedder: decode::text(row, "embedder")?,
        space: decode::json(row, "space")?,
    })
}
