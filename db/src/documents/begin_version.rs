//! Begins a version of a document: creates or revives the document, and inserts or resumes its pending version.
//!
//! Lock order, so that transactions never deadlock: collection, document, versions. The database itself ensures that a
//! document has at most one live and one pending version (partial unique indexes).

use domain::{CollectionId, Document, DocumentId, Language, PageStart, Version, VersionId, WorkspaceId};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::documents::collections::lock_collection;
use crate::documents::documents::live_document;
use crate::documents::versions::{columns, decode_version};
use crate::error::DbError;
use crate::stored_text::{reject_nul, require_text};
use crate::{decode, encode};

/// The content of a version to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// The document's source; with the collection it identifies the document.
    pub source: String,
    /// The document's title.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// Language of the text.
    pub language: Language,
    /// The extracted text, Markdown, NFC, without NUL.
    pub text: String,
    /// Where pages begin in the text.
    pub page_starts: Vec<PageStart>,
    /// The document's tags, as `domain::normalize_tags` returns them.
    pub tags: Vec<String>,
    /// When the source was last changed, if known; else the version is dated now.
    pub dated_at: Option<Timestamp>,
    /// Begin a version even if the live one has the same hash and the same tags.
    pub force: bool,
}

/// The result of beginning a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BegunVersion {
    /// The live version has the same hash and the same tags; there is nothing to do.
    Unchanged(Document),
    /// The version to embed and publish. Beginning it again after a crash returns the same one.
    Pending(Version),
}

impl Database {
    /// Begins a version of the document at `new.source`, which is created if it is new and revived if it was deleted.
    /// No search finds the version until [`publish_version`](Database::publish_version). There is at most one pending
    /// version: one with the same hash is resumed with the new title, text and tags; any other is superseded.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such collection, [`DbError::Rejected`] for an empty source or hash and for a
    /// NUL in any text.
    pub async fn begin_version(&self, new: NewVersion) -> Result<BegunVersion, DbError> {
        require_text("source", &new.source)?;
        reject_nul("title", &new.title)?;
        require_text("content hash", &new.content_hash)?;
        reject_nul("text", &new.text)?;
        let document = DocumentId::derive(new.collection, &new.source);
        let mut tx = self.write().await?;
        lock_collection(&mut tx, new.workspace, new.collection).await?;
        insert_or_lock_document(&mut tx, document, &new).await?;

        let current = live_document(&mut tx, new.workspace, document).await?;
        let unchanged = current.live_version.is_some()
            && current.content_hash == new.content_hash
            && current.tags == new.tags
            && !new.force;
        let kept_hash = if unchanged { None } else { Some(new.content_hash.as_str()) };
        supersede_pending(&mut tx, document, kept_hash).await?;
        let begun = if unchanged {
            BegunVersion::Unchanged(current)
        } else if let Some(resumed) = resume_pending(&mut tx, document, &new).await? {
            BegunVersion::Pending(resumed)
        } else {
            BegunVersion::Pending(insert_version(&mut tx, document, &new).await?)
        };
        tx.commit().await?;
        Ok(begun)
    }
}

/// Inserts the document, or revives and locks the existing one until the transaction ends.
async fn insert_or_lock_document(
    connection: &mut AnyConnection,
    id: DocumentId,
    new: &NewVersion,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO documents (id, workspace, collection, source, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO UPDATE SET deleted_at = NULL",
    )
    .bind(id.to_string())
    .bind(new.workspace.to_string())
    .bind(new.collection.to_string())
    .bind(new.source.as_str())
    .bind(encode::now_ms())
    .execute(connection)
    .await?;
    Ok(())
}

/// Supersedes the pending version of the document, unless its hash is `kept`.
async fn supersede_pending(
    connection: &mut AnyConnection,
    document: DocumentId,
    kept: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE versions SET state = 'superseded' WHERE document = $1 AND state = 'pending' AND content_hash <> $2",
    )
    .bind(document.to_string())
    .bind(kept.unwrap_or_default())
    .execute(connection)
    .await?;
    Ok(())
}

/// Updates the pending version with the new content: the parser or the tags may have changed since it was begun.
async fn resume_pending(
    connection: &mut AnyConnection,
    document: DocumentId,
    new: &NewVersion,
) -> Result<Option<Version>, DbError> {
    let row: Option<AnyRow> = sqlx::query(concat!(
        "UPDATE versions SET title = $2, language = $3, text = $4, page_starts = $5, tags = $6, dated_at = $7 ",
        "WHERE document = $1 AND state = 'pending' RETURNING ",
        columns!()
    ))
    .bind(document.to_string())
    .bind(new.title.as_str())
    .bind(encode::word(&new.language)?)
    .bind(new.text.as_str())
    .bind(serde_json::to_string(&new.page_starts)?)
    .bind(serde_json::to_string(&new.tags)?)
    .bind(dated_ms(new))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(decode_version).transpose()
}

async fn insert_version(
    connection: &mut AnyConnection,
    document: DocumentId,
    new: &NewVersion,
) -> Result<Version, DbError> {
    // Numbers go on after a deletion, so that no id is used twice.
    let row = sqlx::query(
        "SELECT MAX(n.number) AS last FROM (SELECT COALESCE(MAX(v.number), 0) AS number FROM versions v \
         WHERE v.document = $1 UNION ALL SELECT e.last_number FROM erasures e WHERE e.document = $1) AS n",
    )
    .bind(document.to_string())
    .fetch_one(&mut *connection)
    .await?;
    let number = decode::number::<u32>(&row, "last")? + 1;
    let row = sqlx::query(concat!(
        "INSERT INTO versions (id, workspace, document, number, title, language, content_hash, state, page_starts, tags, ",
        "dated_at, created_at, text) VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $10, $11, $12) RETURNING ",
        columns!()
    ))
    .bind(VersionId::derive(document, number).to_string())
    .bind(new.workspace.to_string())
    .bind(document.to_string())
    .bind(encode::integer(number))
    .bind(new.title.as_str())
    .bind(encode::word(&new.language)?)
    .bind(new.content_hash.as_str())
    .bind(serde_json::to_string(&new.page_starts)?)
    .bind(serde_json::to_string(&new.tags)?)
    .bind(dated_ms(new))
    .bind(encode::now_ms())
    .bind(new.text.as_str())
    .fetch_one(connection)
    .await?;
    decode_version(&row)
}

fn dated_ms(new: &NewVersion) -> i64 {
    new.dated_at.map_or_else(encode::now_ms, |date| date.as_millisecond())
}
