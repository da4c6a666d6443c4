//! Marks documents as erased, lists unfinished erasures, and repeats those that the database does not know.

use domain::{CollectionId, DocumentId, WorkspaceId};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::erasure::erase_rows::erase_rows;
use crate::error::DbError;
use crate::{decode, encode};

/// The deletion of a document, as it is also kept outside of the database: ids and times only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The document.
    pub document: DocumentId,
    /// When it was deleted, to the millisecond.
    pub erased_at: Timestamp,
}

/// An erasure that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The document.
    pub document: DocumentId,
    /// Versions up to this number are erased.
    pub last_number: u32,
}

/// Which documents to mark.
pub(crate) enum MarkErased {
    /// One that is deleted; with the document that goes on in its place if it was renamed.
    Document { document: DocumentId, moved_to: Option<DocumentId> },
    /// Those of a collection that are not deleted yet.
    Collection(CollectionId),
}

/// Inserts the rows that an erasure begins with, and returns their documents. The caller deletes these in the same
/// transaction.
pub(crate) async fn mark_erased(
    connection: &mut AnyConnection,
    marked: MarkErased,
    erased_at_ms: i64,
) -> Result<Vec<DocumentId>, DbError> {
    let (condition, id, moved_to) = match marked {
        MarkErased::Document { document, moved_to } => ("d.id = $1", document.to_string(), moved_to),
        MarkErased::Collection(collection) => {
            ("d.collection = $1 AND d.deleted_at IS NULL", collection.to_string(), None)
        }
    };
    let sql = format!(
        "INSERT INTO erasures (document, workspace, erased_at, moved_to, last_number, done) \
         SELECT d.id, d.workspace, $2, $3, \
         COALESCE((SELECT MAX(v.number) FROM versions v WHERE v.document = d.id), 0), 0 FROM documents d WHERE {condition} \
         ON CONFLICT (document) DO UPDATE SET erased_at = excluded.erased_at, moved_to = excluded.moved_to, done = 0, \
         last_number = CASE WHEN excluded.last_number > erasures.last_number THEN excluded.last_number \
         ELSE erasures.last_number END RETURNING document"
    );
    // Safe: every part is a constant of this function.
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .bind(erased_at_ms)
        .bind(moved_to.map(|document| document.to_string()))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| decode::id(row, "document")).collect()
}

impl Database {
    /// At most `limit` erasures of all workspaces that are not finished, by document, those after `after`.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn unfinished_erasures(
        &self,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<Erasure>, DbError> {
        let rows = sqlx::query(
            "SELECT workspace, document, last_number FROM erasures WHERE done = 0 AND document > $1 \
             ORDER BY document LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(decode_erasure).collect()
    }

    /// When a document was deleted; `None` if that is not known.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn erased_at(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
    ) -> Result<Option<Timestamp>, DbError> {
        let row = sqlx::query("SELECT erased_at FROM erasures WHERE workspace = $1 AND document = $2")
            .bind(workspace.to_string())
            .bind(document.to_string())
            .fetch_optional(&self.reads)
            .await?;
        row.as_ref().map(|row| decode::time(row, "erased_at")).transpose()
    }

    /// When the last document was deleted.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn last_erased_at(&self) -> Result<Option<Timestamp>, DbError> {
        let row = sqlx::query("SELECT MAX(erased_at) AS last FROM erasures").fetch_one(&self.reads).await?;
        decode::optional_time(&row, "last")
    }

    /// The erasure of a document, if it is not finished.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn unfinished_erasure(&self, document: DocumentId) -> Result<Option<Erasure>, DbError> {
        let row = sqlx::query(
            "SELECT workspace, document, last_number FROM erasures WHERE document = $1 AND done = 0",
        )
        .bind(document.to_string())
        .fetch_optional(&self.reads)
        .await?;
        row.as_ref().map(decode_erasure).transpose()
    }

    /// Deletes the texts of an erased document. Doing it again changes nothing.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn erase_rows(&self, document: DocumentId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        erase_rows(&mut tx, document).await?;
        Ok(tx.commit().await?)
    }

    /// Records that nothing is left of an erased document. A later erasure of the same document is not touched.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn finish_erasure(&self, erasure: Erasure) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE erasures SET done = 1 WHERE document = $1 AND last_number = $2")
            .bind(erasure.document.to_string())
            .bind(encode::integer(erasure.last_number))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The tombstones of all deleted documents, of all workspaces. A document that was renamed has none: its content is
    /// still wanted.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn tombstones(&self) -> Result<Vec<Tombstone>, DbError> {
        let rows = sqlx::query(
            "SELECT workspace, document, erased_at FROM erasures WHERE moved_to IS NULL ORDER BY erased_at, document",
        )
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Tombstone {
                    workspace: decode::id(row, "workspace")?,
                    document: decode::id(row, "document")?,
                    erased_at: decode::time(row, "erased_at")?,
                })
            })
            .collect()
    }

    /// Deletes the documents of tombstones that the database does not know, because it was restored from an older backup.
    /// Returns their number.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn replay_tombstones(&self, tombstones: &[Tombstone]) -> Result<u64, DbError> {
        let mut replayed = 0;
        for tombstone in tombstones {
            let mut tx = self.write().await?;
            if replay(&mut tx, tombstone).await? {
                erase_rows(&mut tx, tombstone.document).await?;
                replayed += 1;
            }
            tx.commit().await?;
        }
        Ok(replayed)
    }
}

/// Marks the document of a tombstone, unless this or a later erasure of it is known. Returns whether it did. A document
/// that does not exist is only noted: if it is ingested from now on, that is not what was deleted.
async fn replay(connection: &mut AnyConnection, tombstone: &Tombstone) -> Result<bool, DbError> {
    let erased_at = tombstone.erased_at.as_millisecond();
    let document = tombstone.document.to_string();
    let known = sqlx::query("SELECT document FROM erasures WHERE document = $1 AND erased_at >= $2")
        .bind(document.as_str())
        .bind(erased_at)
        .fetch_optional(&mut *connection)
        .await?;
    if known.is_some() {
        return Ok(false);
    }
    let deleted = sqlx::query(
        "UPDATE documents SET deleted_at = COALESCE(deleted_at, $3) WHERE workspace = $1 AND id = $2",
    )
    .bind(tombstone.workspace.to_string())
    .bind(document.as_str())
    .bind(erased_at)
    .execute(&mut *connection)
    .await?;
    if deleted.rows_affected() > 0 {
        let marked = MarkErased::Document { document: tombstone.document, moved_to: None };
        mark_erased(connection, marked, erased_at).await?;
        return Ok(true);
    }
    sqlx::query(
        "INSERT INTO erasures (document, workspace, erased_at, last_number, done) \
         SELECT $1, w.id, $3, 0, 1 FROM workspaces w WHERE w.id = $2 \
         ON CONFLICT (document) DO UPDATE SET erased_at = excluded.erased_at",
    )
    .bind(document)
    .bind(tombstone.workspace.to_string())
    .bind(erased_at)
    .execute(connection)
    .await?;
    Ok(false)
}

fn decode_erasure(row: &AnyRow) -> Result<Erasure, DbError> {
    Ok(Erasure {
        workspace: decode::id(row, "workspace")?,
        document: decode::id(row, "document")?,
        last_number: decode::number(row, "last_number")?,
    })
}
