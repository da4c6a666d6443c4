//! Deletes the texts of an erased document from every table, in one transaction.
//!
//! The rows of its versions stay, empty, until the vector index holds none of their points.

use domain::{CollectionId, DocumentId};
use sqlx::AnyConnection;

use crate::decode;
use crate::encode;
use crate::erasure::quotes::erase_quotes;
use crate::erasure::released_originals::release_original;
use crate::error::DbError;

/// Stands for the hash of an erased version; no SHA-256 is equal to it.
pub(crate) const ERASED_HASH: &str = "erased";

/// The message of a job whose document was deleted.
const ERASED_MESSAGE: &str = "the document was deleted";

/// An erasure with what its statements need.
struct Erased {
    document: DocumentId,
    collection: CollectionId,
    source: String,
    erased_at_ms: i64,
    moved_to: Option<DocumentId>,
    last_number: u32,
}

/// Deletes the texts of `document` if its erasure is not finished. Doing it again changes nothing.
pub(crate) async fn erase_rows(connection: &mut AnyConnection, document: DocumentId) -> Result<(), DbError> {
    // Locks the document, and with it the states of its versions, until the transaction ends.
    sqlx::query("UPDATE documents SET id = id WHERE id = $1")
        .bind(document.to_string())
        .execute(&mut *connection)
        .await?;
    let Some(erased) = erased(connection, document).await? else { return Ok(()) };
    release_originals(connection, &erased).await?;
    erase_versions(connection, &erased).await?;
    erase_quotes(connection, document, erased.erased_at_ms, erased.moved_to).await?;
    if erased.moved_to.is_none() {
        erase_jobs(connection, &erased).await?;
        erase_evaluation(connection, &erased).await?;
        sqlx::query("DELETE FROM web_pages WHERE collection = $1 AND url = $2")
            .bind(erased.collection.to_string())
            .bind(erased.source.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn erased(connection: &mut AnyConnection, document: DocumentId) -> Result<Option<Erased>, DbError> {
    let row = sqlx::query(
        "SELECT d.collection, d.source, e.erased_at, e.moved_to, e.last_number FROM erasures e \
         JOIN documents d ON d.id = e.document WHERE e.document = $1 AND e.done = 0",
    )
    .bind(document.to_string())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Erased {
        document,
        collection: decode::id(&row, "collection")?,
        source: decode::text(&row, "source")?,
        erased_at_ms: decode::time(&row, "erased_at")?.as_millisecond(),
        moved_to: decode::optional_id(&row, "moved_to")?,
        last_number: decode::number(&row, "last_number")?,
    }))
}

/// Releases the originals of the versions, of jobs that ended without one, and of the archives that the document was in.
async fn release_originals(connection: &mut AnyConnection, erased: &Erased) -> Result<(), DbError> {
    let rows = sqlx::query(
        "SELECT content_hash FROM versions WHERE document = $1 AND number <= $2 AND content_hash <> $3 \
         UNION SELECT j.content_hash FROM jobs j \
         WHERE j.collection = $4 AND j.source = $5 AND j.created_at <= $6 AND j.state NOT IN ('queued', 'running') \
         UNION SELECT a.content_hash FROM jobs j JOIN jobs a ON a.id = j.parent \
         WHERE j.collection = $4 AND j.source = $5 AND j.created_at <= $6",
    )
    .bind(erased.document.to_string())
    .bind(encode::integer(erased.last_number))
    .bind(ERASED_HASH)
    .bind(erased.collection.to_string())
    .bind(erased.source.as_str())
    .bind(erased.erased_at_ms)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        release_original(connection, &decode::text(row, "content_hash")?).await?;
    }
    Ok(())
}

async fn erase_versions(connection: &mut AnyConnection, erased: &Erased) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE versions SET state = 'superseded', title = '', text = '', page_starts = '[]', tags = '[]', \
         content_hash = $3, chunks_removed = 0 WHERE document = $1 AND number <= $2 AND content_hash <> $3",
    )
    .bind(erased.document.to_string())
    .bind(encode::integer(erased.last_number))
    .bind(ERASED_HASH)
    .execute(connection)
    .await?;
    Ok(())
}

/// Cancels the jobs of the document that have not ended, and deletes what the others say about it.
async fn erase_jobs(connection: &mut AnyConnection, erased: &Erased) -> Result<(), DbError> {
    for statement in [
        "UPDATE jobs SET state = 'cancelled', lease_until = NULL, progress = NULL, updated_at = $3 \
         WHERE collection = $1 AND source = $2 AND created_at <= $3 AND state IN ('queued', 'running')",
        "UPDATE jobs SET tags = NULL, error_message = CASE WHEN error_message IS NULL THEN NULL ELSE $4 END \
         WHERE collection = $1 AND source = $2 AND created_at <= $3",
    ] {
        let mut update = sqlx::query(statement)
            .bind(erased.collection.to_string())
            .bind(erased.source.as_str())
            .bind(erased.erased_at_ms);
        if statement.contains("$4") {
            update = update.bind(ERASED_MESSAGE);
        }
        update.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes expected answers, which may quote the document. The questions stay, with the names of the sources that should
/// answer them.
async fn erase_evaluation(connection: &mut AnyConnection, erased: &Erased) -> Result<(), DbError> {
    let rows = sqlx::query(
        "SELECT id, expected FROM eval_questions WHERE collection = $1 AND answer IS NOT NULL AND created_at <= $2",
    )
    .bind(erased.collection.to_string())
    .bind(erased.erased_at_ms)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        if decode::json::<Vec<String>>(row, "expected")?.contains(&erased.source) {
            sqlx::query("UPDATE eval_questions SET answer = NULL WHERE id = $1")
                .bind(decode::text(row, "id")?)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
