//! Versions of documents: begun, published, superseded, swept.
//!
//! A flip is two state changes in one transaction and cannot be half done. Lock order, so that transactions never wait in
//! a circle: collection, document, versions. The database itself holds that a document has at most one live and one
//! pending version (partial unique indexes).

use domain::{
    CollectionId, Document, DocumentId, Language, PageStart, Version, VersionId, VersionState, WorkspaceId,
};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::collections::lock_collection;
use crate::documents::live_document;
use crate::rows::{self, count, now_ms, word};
use crate::text::{refuse_nul, require};
use crate::{Database, DbError};

macro_rules! columns {
    () => {
        "id, document, number, title, content_hash, tags, dated_at, state, text, page_starts"
    };
}

pub(crate) use columns;

/// A content to be made live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// Where it came from; with the collection it decides which document this is a version of.
    pub source: String,
    /// What people call it.
    pub title: String,
    /// SHA-256 of the source bytes, lower-case hexadecimal.
    pub content_hash: String,
    /// Language of the text.
    pub language: Language,
    /// The extracted text, Markdown, NFC, without NUL.
    pub text: String,
    /// Where pages begin in the text.
    pub page_starts: Vec<PageStart>,
    /// What the document is sorted by, in the form in which tags are compared.
    pub tags: Vec<String>,
    /// When the source was last changed, where that is known; else the version is dated now.
    pub dated_at: Option<Timestamp>,
    /// Make a version even when the live one has the same hash and the same tags.
    pub force: bool,
}

/// What became of a [`NewVersion`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BegunVersion {
    /// The live version has this hash and these tags already; there is nothing to do.
    Unchanged(Document),
    /// Embed this one and publish it. After a crash the same one comes again.
    Pending(Version),
}

/// A version whose chunks may still be in the vector store, though they can never be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleVersion {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The document it was a version of.
    pub document: DocumentId,
    /// The version.
    pub version: VersionId,
}

impl Database {
    /// Begins a version of the document at `new.source`, which is made if it is new and brought back if it was deleted.
    /// Nobody sees the version until [`publish_version`](Database::publish_version). There is at most one pending
    /// version: one with the same hash is taken up again, with what is given now; any other is superseded.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] without such a collection, [`DbError::Rejected`] for an empty source or hash, and for a NUL in any text.
    pub async fn begin_version(&self, new: NewVersion) -> Result<BegunVersion, DbError> {
        require("source", &new.source)?;
        refuse_nul("title", &new.title)?;
        require("content hash", &new.content_hash)?;
        refuse_nul("text", &new.text)?;
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

    /// Makes a pending version the one that answers, and supersedes the one before. Doing it again is no error; it only
    /// sets the number of chunks, which a change of chunking alters.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the version is superseded: a later one was begun, or the document was deleted. Its
    /// chunks are then listed by [`stale_versions`](Database::stale_versions) again, however often they were removed.
    pub async fn publish_version(
        &self,
        workspace: WorkspaceId,
        version: VersionId,
        chunk_count: u32,
    ) -> Result<Document, DbError> {
        let mut tx = self.write().await?;
        let document = lock_document_of(&mut tx, workspace, version).await?;
        let row = sqlx::query("SELECT state FROM versions WHERE id = $1")
            .bind(version.to_string())
            .fetch_one(&mut *tx)
            .await?;
        let state = rows::worded::<VersionState>(&row, "state")?;
        if state == VersionState::Superseded {
            sqlx::query("UPDATE versions SET chunks_removed = 0 WHERE id = $1")
                .bind(version.to_string())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            return Err(DbError::Conflict(
                "a later version of the document was begun, or it was deleted".to_owned(),
            ));
        }
        if state == VersionState::Pending {
            supersede_live(&mut tx, document).await?;
        }
        sqlx::query("UPDATE versions SET state = 'live', chunk_count = $2 WHERE id = $1")
            .bind(version.to_string())
            .bind(count(chunk_count))
            .execute(&mut *tx)
            .await?;
        let published = live_document(&mut tx, workspace, document).await?;
        tx.commit().await?;
        Ok(published)
    }

    /// Supersedes the version of the document that is being made, if there is one.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn abandon_version(&self, workspace: WorkspaceId, document: DocumentId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "UPDATE versions SET state = 'superseded' WHERE workspace = $1 AND document = $2 AND state = 'pending'",
        )
        .bind(workspace.to_string())
        .bind(document.to_string())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// One version with its text, in whatever state.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn version(&self, workspace: WorkspaceId, id: VersionId) -> Result<Version, DbError> {
        let row =
            sqlx::query(concat!("SELECT ", columns!(), " FROM versions WHERE workspace = $1 AND id = $2"))
                .bind(workspace.to_string())
                .bind(id.to_string())
                .fetch_optional(&self.reads)
                .await?;
        rows::version(&row.ok_or(DbError::NotFound("version"))?)
    }

    /// At most `limit` superseded versions, of all workspaces, whose chunks are not known to be removed from the vector store.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn stale_versions(&self, limit: u32) -> Result<Vec<StaleVersion>, DbError> {
        sqlx::query(
            "SELECT workspace, document, id FROM versions WHERE state = 'superseded' AND chunks_removed = 0 \
             ORDER BY id LIMIT $1",
        )
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(stale_version)
        .collect()
    }

    /// Notes that the chunks of a superseded version are removed from the vector store. Its text stays, as history.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no superseded version has this id.
    pub async fn forget_chunks(&self, version: VersionId) -> Result<(), DbError> {
        let note =
            sqlx::query("UPDATE versions SET chunks_removed = 1 WHERE id = $1 AND state = 'superseded'")
                .bind(version.to_string());
        self.change(note, "superseded version").await
    }
}

pub(crate) fn stale_version(row: &AnyRow) -> Result<StaleVersion, DbError> {
    Ok(StaleVersion {
        workspace: rows::parsed(row, "workspace")?,
        document: rows::parsed(row, "document")?,
        version: rows::parsed(row, "id")?,
    })
}

/// Makes the document, or holds the one there is (not deleted any more) until the transaction ends.
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
    .bind(now_ms())
    .execute(connection)
    .await?;
    Ok(())
}

/// Supersedes what is being made of the document, except a version with the hash `kept`.
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

/// The pending version, with what is given now: the parser or the tags may have changed since it was begun.
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
    .bind(word(&new.language)?)
    .bind(new.text.as_str())
    .bind(serde_json::to_string(&new.page_starts)?)
    .bind(serde_json::to_string(&new.tags)?)
    .bind(dated_ms(new))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(rows::version).transpose()
}

async fn insert_version(
    connection: &mut AnyConnection,
    document: DocumentId,
    new: &NewVersion,
) -> Result<Version, DbError> {
    let row = sqlx::query("SELECT COALESCE(MAX(number), 0) AS last FROM versions WHERE document = $1")
        .bind(document.to_string())
        .fetch_one(&mut *connection)
        .await?;
    let number = rows::number::<u32>(&row, "last")? + 1;
    let row = sqlx::query(concat!(
        "INSERT INTO versions (id, workspace, document, number, title, language, content_hash, state, page_starts, tags, ",
        "dated_at, created_at, text) VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $10, $11, $12) RETURNING ",
        columns!()
    ))
    .bind(VersionId::derive(document, number).to_string())
    .bind(new.workspace.to_string())
    .bind(document.to_string())
    .bind(count(number))
    .bind(new.title.as_str())
    .bind(word(&new.language)?)
    .bind(new.content_hash.as_str())
    .bind(serde_json::to_string(&new.page_starts)?)
    .bind(serde_json::to_string(&new.tags)?)
    .bind(dated_ms(new))
    .bind(now_ms())
    .bind(new.text.as_str())
    .fetch_one(connection)
    .await?;
    rows::version(&row)
}

fn dated_ms(new: &NewVersion) -> i64 {
    new.dated_at.map_or_else(now_ms, |date| date.as_millisecond())
}

/// Holds the version's document until the transaction ends, and with it the states of all its versions.
async fn lock_document_of(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    version: VersionId,
) -> Result<DocumentId, DbError> {
    let row = sqlx::query(
        "UPDATE documents SET id = id WHERE workspace = $1 \
         AND id = (SELECT document FROM versions WHERE workspace = $1 AND id = $2) RETURNING id",
    )
    .bind(workspace.to_string())
    .bind(version.to_string())
    .fetch_optional(connection)
    .await?;
    rows::parsed(&row.ok_or(DbError::NotFound("version"))?, "id")
}

/// Takes the document's live version out of service, if it has one, and dates the change.
async fn supersede_live(connection: &mut AnyConnection, document: DocumentId) -> Result<(), DbError> {
    sqlx::query("UPDATE versions SET state = 'superseded' WHERE document = $1 AND state = 'live'")
        .bind(document.to_string())
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE documents SET updated_at = $2 WHERE id = $1")
        .bind(document.to_string())
        .bind(now_ms())
        .execute(connection)
        .await?;
    Ok(())
}
