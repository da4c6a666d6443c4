//! Tracks originals whose last known user is gone, and tells which of them nothing refers to.

use sqlx::{Any, AnyConnection, Transaction};

use crate::database::Database;
use crate::decode;
use crate::encode;
use crate::error::DbError;

/// An original that no row refers to. While it is held, none begins to.
pub struct UnreferencedOriginal {
    tx: Transaction<'static, Any>,
    content_hash: String,
}

/// Records that an original may be unused now.
pub(crate) async fn release_original(
    connection: &mut AnyConnection,
    content_hash: &str,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO released_originals (content_hash) VALUES ($1) ON CONFLICT (content_hash) DO NOTHING",
    )
    .bind(content_hash)
    .execute(connection)
    .await?;
    Ok(())
}

impl Database {
    /// At most `limit` originals that may be unused, by hash, those after `after`.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn released_originals(&self, after: &str, limit: u32) -> Result<Vec<String>, DbError> {
        let rows = sqlx::query(
            "SELECT content_hash FROM released_originals WHERE content_hash > $1 ORDER BY content_hash LIMIT $2",
        )
        .bind(after)
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(|row| decode::text(row, "content_hash")).collect()
    }

    /// Locks an original that nothing refers to; `None`, and it is no longer listed, if a version needs it, or a job that
    /// has not ended or can be retried. A job of an archive needs it only until its documents have jobs of their own.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn lock_unreferenced_original(
        &self,
        content_hash: &str,
    ) -> Result<Option<UnreferencedOriginal>, DbError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM released_originals WHERE content_hash = $1")
            .bind(content_hash)
            .execute(&mut *tx)
            .await?;
        let user = sqlx::query(
            "SELECT v.id FROM versions v WHERE v.content_hash = $1 UNION ALL \
             SELECT j.id FROM jobs j WHERE j.content_hash = $1 AND (j.state IN ('queued', 'running') \
             OR (j.state IN ('failed', 'cancelled') \
                 AND NOT EXISTS (SELECT 1 FROM jobs a WHERE a.id = j.parent AND a.content_hash = $1) \
                 AND NOT EXISTS (SELECT 1 FROM documents d JOIN erasures e ON e.document = d.id \
                                 WHERE d.collection = j.collection AND d.source = j.source \
                                 AND e.moved_to IS NULL AND j.created_at <= e.erased_at))) LIMIT 1",
        )
        .bind(content_hash)
        .fetch_optional(&mut *tx)
        .await?;
        if user.is_some() {
            tx.commit().await?;
            return Ok(None);
        }
        Ok(Some(UnreferencedOriginal { tx, content_hash: content_hash.to_owned() }))
    }
}

impl UnreferencedOriginal {
    /// SHA-256 of the original.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// Records that it is removed. Dropped without this, it stays listed.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn removed(self) -> Result<(), DbError> {
        Ok(self.tx.commit().await?)
    }
}
